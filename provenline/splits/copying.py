"""Pictures and their label files, copied: `python -m provenline.splits.copying` is one of the hands.

Many small files are a matter of system calls, not of bytes. Threads of one interpreter wait for each
other at every call, so from some thousand frames on processes of their own do it, which import nothing
heavy. Links would be quicker still, but trainers repair pictures in place.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from typing import NamedTuple

from provenline.errors import InputError

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
    if len(jobs) <= _FEW:
        for part in parts:
            _report(_work(part))
            yield len(part)
        return
    count = min(_MOST_HANDS, os.cpu_count() or 1)
    with ExitStack() as stack, ThreadPoolExecutor(count) as pool:
        idle: SimpleQueue[_Hand] = SimpleQueue()
        for _ in range(count):
            idle.put(stack.enter_context(_Hand()))
        yield from pool.map(partial(_turn, idle), parts)


def _turn(idle: SimpleQueue[_Hand], part: Sequence[Job]) -> int:
    hand = idle.get()
    try:
        _report(hand.work(part))
    finally:
        idle.put(hand)
    return len(part)


class _Hand:
    """A process that copies one part after the other, until its standard input is closed."""

    def __enter__(self) -> _Hand:
        place = os.pathsep.join([str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")])
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": place},
            start_new_session=True,  # an interrupt is for the stage; this one ends with its input
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def work(self, part: Sequence[Job]) -> str:
        """Do a part and return the first source that is missing, else an empty string."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps(part) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError(f"a copying process ended with status {self._process.wait()}")
        return str(json.loads(answer))


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


def main() -> None:
    """Take parts from standard input, a line each, and say of each what was missing."""
    for line in sys.stdin:
        sys.stdout.write(json.dumps(_work(json.loads(line))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
