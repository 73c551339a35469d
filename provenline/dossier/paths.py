"""Paths that somebody else wrote down."""

from __future__ import annotations

from pathlib import PurePosixPath


def is_inside(path: str) -> bool:
    r"""Return whether a path stays below the folder that it is relative to, by its spelling alone.

    >>> [is_inside(path) for path in ("a/b.txt", "../a", "a/../../b", "/etc/passwd", "", "a\0", "C:/x")]
    [True, False, False, False, False, False, True]
    """
    if not path or "\0" in path or path.startswith(("/", "~")):
        return False
    return ".." not in PurePosixPath(path).parts and PurePosixPath(path).as_posix() != "."
