"""Many files and their hashes, written as `sha256sum` writes them, so that anybody can check them."""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from fnmatch import translate
from functools import partial
from pathlib import Path
from typing import NamedTuple

from provenline.errors import InputError
from provenline.files import atomic_path
from provenline.progress import bar

Sums = dict[str, str]  # path -> SHA-256

LONGEST = 1 << 28  # bytes of a list that is read: some two million files
_PATTERNS = ("*.cache", "*.pyc", "__pycache__", ".gitignore", ".*.tmp*")  # as .dvcignore has it
_NO_EVIDENCE = re.compile("|".join(map(translate, _PATTERNS)))
_CHUNK = 1 << 20
_PART = 64  # files per turn of a thread: a turn for each would cost more than a small file
_SHOWN = 1 << 26  # bytes from which on progress is worth a line
_LINE = re.compile(r"(\\?)([0-9a-f]{64}) [ *](.+)")
_ESCAPES = {"\\": "\\\\", "\n": "\\n", "\r": "\\r"}
_MEND = "Run `dvc repro` or `dvc pull`"


class Digest(NamedTuple):
    """What a file's bytes come to."""

    sha256: str
    size: int


def listed(folder: Path) -> list[str]:
    """Return the files under a folder, relative to it and POSIX, sorted part by part.

    What is no evidence is left out: caches, bytecode, git's lists, and what a killed stage left behind.
    Links to folders are not followed.

    >>> listed(Path("/nowhere"))
    []
    """
    found = []
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not passed_over(name)]
        inside = os.path.relpath(place, folder)
        head = "" if inside == os.curdir else f"{inside}/"
        found += [head + name for name in names if not passed_over(name)]
    return sorted(found, key=_parts)


def passed_over(name: str) -> bool:
    """Return whether a file or folder of this name is never evidence."""
    return _NO_EVIDENCE.fullmatch(name) is not None


def _parts(path: str) -> list[str]:
    return path.split("/")


def digests(files: Mapping[str, Path]) -> dict[str, Digest]:
    """Hash files in threads, in streams; says how far it is where they are large.

    Args:
        files: Name -> where it lies.

    Returns:
        Name -> hash and size in bytes; without those that are missing, no regular file (a device has no
        end) or cannot be read.
    """
    sizes = {name: size for name, path in files.items() if (size := _size(path)) is not None}
    rows = [(name, files[name]) for name in sizes]
    parts = [rows[start : start + _PART] for start in range(0, len(rows), _PART)]
    found: dict[str, Digest] = {}
    with _progress(sum(sizes.values())) as advance, ThreadPoolExecutor(_threads()) as pool:
        for part in pool.map(partial(_hash_part, advance), parts):
            found.update(part)
    return found


def _threads() -> int:
    return min(8, (os.cpu_count() or 1) + 1)  # one more than hash at a time: reading waits


@contextmanager
def _progress(total: int) -> Iterator[Callable[[int], None]]:
    """Yield what is told of bytes that are done; shown where there are so many that it takes a while."""
    if total < _SHOWN:
        yield lambda _: None
        return
    with bar() as display:
        task = display.add_task("Hashing (MiB)", total=total / _CHUNK)
        yield lambda done: display.advance(task, done / _CHUNK)


def _size(path: Path) -> int | None:
    try:
        status = path.stat()
    except (OSError, ValueError):  # a name with a zero byte is a ValueError
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else None


def _hash_part(advance: Callable[[int], None], rows: list[tuple[str, Path]]) -> dict[str, Digest]:
    found = {}
    for name, path in rows:
        digest, size = hashlib.sha256(), 0
        try:
            with path.open("rb", buffering=0) as stream:
                while chunk := stream.read(_CHUNK):
                    digest.update(chunk)
                    size += len(chunk)
                    advance(len(chunk))
        except OSError:
            continue
        found[name] = Digest(digest.hexdigest(), size)
    return found


def tree(members: Mapping[str, str]) -> str:
    """Return one SHA-256 over relative names and hashes: what ``files.sha256_tree`` gives for the folder.

    >>> tree({}) == hashlib.sha256(b"").hexdigest()
    True
    """
    digest = hashlib.sha256()
    for name in sorted(members, key=_parts):
        digest.update(f"{name}\0{members[name]}\n".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def under(sums: Mapping[str, str], folder: str) -> Sums:
    """Return the files of a list that lie under a folder, relative to it.

    >>> under({"a/b/c": "1", "a/d": "2", "ab": "3"}, "a")
    {'b/c': '1', 'd': '2'}
    """
    head = f"{folder}/"
    return {path.removeprefix(head): digest for path, digest in sums.items() if path.startswith(head)}


def to_lines(sums: Mapping[str, str]) -> Iterator[str]:
    r"""Yield the lines of ``sha256sum``; names with a line break are escaped as it escapes them.

    >>> list(to_lines({"a b": "0" * 4, "c\n": "1" * 4}))
    ['0000  a b\n', '\\1111  c\\n\n']
    """
    for path in sorted(sums, key=_parts):
        name = "".join(_ESCAPES.get(letter, letter) for letter in path)
        yield f"{'' if name == path else chr(92)}{sums[path]}  {name}\n"


def write(path: Path, sums: Mapping[str, str]) -> None:
    """Write a list that `sha256sum --check` reads, whole or not at all."""
    with (
        atomic_path(path) as temporary,
        temporary.open("w", encoding="utf-8", errors="surrogateescape", newline="\n") as stream,
    ):
        stream.writelines(to_lines(sums))


def read(path: Path) -> Sums:
    """Read a list that `write` or `sha256sum` wrote.

    Raises:
        InputError: It is missing, too long to be one, or a line is none of its lines or names a file twice.
    """
    size = _size(path)
    if size is None:
        raise InputError("file is missing", file=path, mend=_MEND)
    if size > LONGEST:
        raise InputError(f"{size} bytes are too many for a list of hashes", file=path)
    with path.open(encoding="utf-8", errors="surrogateescape", newline="\n") as stream:
        return _parsed(stream, path)


def _parsed(lines: Iterable[str], path: Path) -> Sums:
    found: Sums = {}
    for number, line in enumerate(lines, start=1):
        match = _LINE.fullmatch(line.removesuffix("\n"))
        name = _plain(match[3]) if match and match[1] else match[3] if match else ""
        if match is None or name in found:
            what = f"{name!r} is named twice" if match else "is not '<SHA-256>  <path>'"
            raise InputError(what, file=path, place=f"line {number}", mend=_MEND)
        found[name] = match[2]
    return found


def _plain(name: str) -> str:
    letters = {escaped: letter for letter, escaped in _ESCAPES.items()}
    return re.sub(r"\\[\\nr]", lambda match: letters[match[0]], name)
