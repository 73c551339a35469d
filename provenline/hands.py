"""Work done by processes of their own: `python -m provenline.hands` is one of the hands.

Threads of one interpreter wait for each other wherever Python itself has much to do. A hand imports what
its work needs and no more, and ends with its standard input: when whoever started it is interrupted or
killed, nothing goes on behind its back.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import Any, BinaryIO, Generic, TypeVar

from provenline.errors import InputError

In = TypeVar("In")
Out = TypeVar("Out")


def in_processes(work: Callable[[In], Out], items: Sequence[In], count: int) -> Iterator[Out]:
    """Apply ``work`` to each item in ``count`` processes; yield the results in the order of the items.

    Args:
        work: A function of a module, or a `functools.partial` of one; it, the items and the results are
            pickled.
        items: What to work on; who is idle gets the next.
        count: How many processes, at least 1.

    Raises:
        InputError: A process was ended from outside.
        Exception: What ``work`` raised.
    """
    hands: list[_Hand[In, Out]] = []
    pool = ThreadPoolExecutor(count)
    try:
        idle: SimpleQueue[_Hand[In, Out]] = SimpleQueue()
        for _ in range(count):
            hands.append(_Hand(work))
            idle.put(hands[-1])
        yield from pool.map(partial(_turn, idle), items)
    finally:
        for hand in hands:
            hand.close()
        pool.shutdown(cancel_futures=True)


def _turn(idle: SimpleQueue[_Hand[In, Out]], item: In) -> Out:
    hand = idle.get()
    try:
        return hand(item)
    finally:
        idle.put(hand)


class _Hand(Generic[In, Out]):
    """A process that works on one item after the other, until its standard input is closed."""

    def __init__(self, work: Callable[[In], Out]) -> None:
        place = os.pathsep.join([str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
        self._process = subprocess.Popen(
            [sys.executable, "-m", "provenline.hands"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": place},
            start_new_session=True,  # an interrupt is for whoever started it
        )
        assert self._process.stdin is not None and self._process.stdout is not None
        self._asked: Any = self._process.stdin
        self._answers: Any = self._process.stdout
        self._ask(work)

    def __call__(self, item: In) -> Out:
        self._ask(item)
        try:
            result, raised = pickle.load(self._answers)  # noqa: S301 - our own process wrote it
        except (EOFError, pickle.UnpicklingError):  # none, or half of it
            status = self._process.wait()
            mend = "Where memory was short, set PROVENLINE_WORKERS=1, and run it again"
            what = f"a process at work was ended from outside (status {status})"
            raise InputError(what, mend=mend) from None
        if raised is not None:
            raise raised
        return result  # type: ignore[no-any-return]

    def _ask(self, what: object) -> None:
        with suppress(BrokenPipeError):  # the missing answer tells
            pickle.dump(what, self._asked)
            self._asked.flush()

    def close(self) -> None:
        """End the process, in the middle of an item too."""
        with suppress(BrokenPipeError):
            self._asked.close()
        self._process.wait()
        self._answers.close()


def main() -> None:
    """Take the work and then its items from standard input, and answer each."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever prints meanwhile does not get between the answers
    work = pickle.load(sys.stdin.buffer)  # noqa: S301 - whoever started this process wrote it
    items: SimpleQueue[Any] = SimpleQueue()
    Thread(target=_read, args=(sys.stdin.buffer, items), daemon=True).start()
    while True:
        try:
            answer: tuple[object, Exception | None] = work(items.get()), None
        except Exception as error:  # noqa: BLE001 - raised where the result is awaited
            answer = None, error
        pickle.dump(answer, answers)
        answers.flush()


def _read(stream: BinaryIO, items: SimpleQueue[Any]) -> None:
    try:
        while True:
            items.put(pickle.load(stream))  # noqa: S301 - see above
    finally:
        os._exit(0)  # in the middle of an item too: nobody waits for it any more


if __name__ == "__main__":
    main()
