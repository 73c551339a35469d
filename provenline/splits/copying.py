"""Pictures and their label files, copied.

Many small files are a matter of system calls, not of bytes. Threads of one interpreter wait for each
other at every call, so from some thousand frames on processes of their own do it. Links would be quicker
still, but trainers repair pictures in place.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from provenline.errors import InputError
from provenline.hands import in_processes

_PART = 256  # frames in one turn of a hand
_FEW = 4096  # up to here a process takes longer to start than to copy
_MOST_HANDS = 8


class Job(NamedTuple):
    """One frame of a dataset.

    Attributes:
        source: The stored picture, or its place in an archive.
        image: Where it goes.
        label: Where its label file goes.
        text: Of the label file.
    """

    source: str
    image: str
    label: str
    text: str


def copy(jobs: Sequence[Job]) -> Iterator[int]:
    """Copy all pictures and write their label files; yield how many more are done, now and then.

    Raises:
        InputError: A picture is missing.
    """
    parts = [jobs[start : start + _PART] for start in range(0, len(jobs), _PART)]
    few = len(jobs) <= _FEW
    missing = map(_work, parts) if few else in_processes(_work, parts, min(_MOST_HANDS, os.cpu_count() or 1))
    for part, source in zip(parts, missing, strict=True):
        _report(source)
        yield len(part)


def _report(missing: str) -> None:
    if missing:
        raise InputError("image is missing", file=missing, mend="Run `dvc repro extract` or `dvc pull`")


def _work(jobs: Sequence[Sequence[str]]) -> str:
    """Do some jobs; return the first source that is missing, else an empty string."""
    for source, image, label, text in jobs:
        try:
            _copy_file(source, image)
        except (FileNotFoundError, InputError):
            return source
        _write(label, text.encode())
    return ""


def _copy_file(source: str, target: str) -> None:
    if Path(source).parent.suffix == ".zip":
        from provenline.images import read_bytes

        data = read_bytes(source)
    else:
        with open(source, "rb", buffering=0) as stream:  # noqa: PTH123 - a call a frame counts here
            data = stream.readall()
    _write(target, data)


def _write(path: str, data: bytes) -> None:
    """Write a file with as few calls as there are: open, write, close."""
    with open(path, "wb", buffering=0) as out:  # noqa: PTH123 - see above
        rest = memoryview(data)
        while rest:
            rest = rest[out.write(rest) :]
