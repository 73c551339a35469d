"""What may reach the tracker as a file: figures as text. Footage only where an allow-list names it."""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence
from pathlib import Path

_FOLDERS, _TEXT = {"metrics", "plots"}, {".json", ".csv", ".txt", ".md", ".yaml"}


def admitted(path: Path, patterns: Sequence[str]) -> Path | None:
    """Return where a file lies below the working folder if it may reach the tracker, else None.

    Pictures, video, archives and all that lies in ``data/`` may not, under whatever name, unless a pattern
    of the allow-list names them.

    Args:
        path: Below the working folder; links are followed.
        patterns: Relative to the working folder; ``*`` also stands for a ``/``.
    """
    real, here = path.resolve(), Path.cwd().resolve()
    if not real.is_file() or not real.is_relative_to(here):
        return None
    name = real.relative_to(here)
    if any(fnmatch.fnmatchcase(name.as_posix(), pattern) for pattern in patterns):
        return name
    return name if name.parts[0] in _FOLDERS and real.suffix in _TEXT and _is_text(real) else None


def named(patterns: Sequence[str]) -> list[Path]:
    """Return the files below the working folder that an allow-list names."""
    found = {path for pattern in patterns for path in Path().glob(pattern) if path.is_file()}
    return sorted(found)


def _is_text(path: Path) -> bool:
    try:
        return "\0" not in path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return False
