"""The process that sends to MLflow what waits in the spools: `python -m glue.tracking.sending ROOT [MARK]`.

With a mark it stays beside a training: it sends what is logged as it comes, and samples the machine's load,
until it is told to end or its parent is gone. No stage waits for an answer of the tracker.
"""

from __future__ import annotations

import json
import os
import select
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TextIO

from glue.tracking import records
from glue.tracking.load import Load
from glue.tracking.records import Record
from glue.tracking.spool import SENDING, Spool, locked, spools
from glue.tracking.tracker import Tracker

REST, END = "rest", "end"  # what the parent says: no samples any more; send the rest and go
_PERIOD = 1.0  # seconds between two looks at the spools
_LONGEST = 60.0  # seconds between two tries while the tracker fails
_SECONDS = "10"  # in which a server answers a request, or does not
# What is wrong with one run alone, such as one whose experiment somebody deleted.
_ITS_OWN = {"INVALID_PARAMETER_VALUE", "BAD_REQUEST", "INVALID_STATE", "RESOURCE_DOES_NOT_EXIST"}
_PATIENCE = 20.0  # seconds in which another sender may finish


class Parent:
    """The process that started this one, and what it says."""

    def __init__(self) -> None:
        self._pid = os.getppid()
        self.resting = self.killed = False

    def gone(self, seconds: float) -> bool:
        """Return whether it said that it ends, or is gone; wait so many seconds for a word."""
        if os.getppid() != self._pid:
            self.killed = True
            return True
        if not select.select([sys.stdin], [], [], seconds)[0]:
            return False
        word = sys.stdin.readline().strip()
        self.resting = self.resting or word == REST
        self.killed = not word  # closed without a word
        return word != REST


def serve(root: Path, mark: str) -> str:
    """Send and sample until the parent ends, then send the rest; return why not, if it was not possible."""
    run = json.loads(sys.stdin.readline())
    parent, load, spool = Parent(), Load(), Spool(root, mark)
    tracker: list[Tracker] = []
    failure, pause, due = "", 0.0, 0.0
    while not parent.gone(_PERIOD):
        if not parent.resting and (values := load.sample()):
            _append(spool, records.load(values), run)
        if time.monotonic() >= due:
            failure = attempt(root, tracker)
            pause = min(max(2 * pause, 2.0), _LONGEST) if failure else 0.0
            due = time.monotonic() + pause
    if parent.killed:
        _append(spool, records.status("KILLED"), run)
    # A tracker that has just failed is not asked again while the stage waits.
    return failure if time.monotonic() < due else attempt(root, tracker, _PATIENCE)


def _append(spool: Spool, record: Record, run: Mapping[str, Any]) -> None:
    with suppress(OSError):  # a full disk is the training's to complain of
        spool.append(record, run)


def attempt(root: Path, kept: list[Tracker], patience: float = 0.0) -> str:
    """Send all that waits; return why it was not possible, or an empty text.

    Args:
        root: Folder of the spools.
        kept: Empty, or the tracker that was used before; emptied where it fails.
        patience: Seconds to wait where another process is sending: it sends this, too.
    """
    until = time.monotonic() + patience
    while spools(root):
        with locked(root, SENDING, wait=False) as mine:
            if mine:
                return _send_all(root, kept)
        if time.monotonic() >= until:
            return "another process is sending" if patience else ""
        time.sleep(_PERIOD / 4)
    return ""


def _send_all(root: Path, kept: list[Tracker]) -> str:
    """Send spool by spool; one that the tracker refuses holds up no other."""
    failure = ""
    for spool in spools(root):
        try:
            kept += [] if kept else [Tracker(root)]
            kept[0].send(spool)
        except Exception as error:  # noqa: BLE001 - whatever a tracker raises, what waits is kept
            kept.clear()
            failure = failure or " ".join(str(error).split())[:300] or type(error).__name__
            if not isinstance(error, LookupError) and getattr(error, "error_code", "") not in _ITS_OWN:
                break  # the tracker itself: the others would wait for its silence one by one
    return failure


@contextmanager
def _quiet() -> Iterator[TextIO]:
    """Let nothing but our own line reach stdout, which the parent reads."""
    out, sys.stdout = sys.stdout, sys.stderr
    try:
        yield out
    finally:
        sys.stdout = out


def main() -> None:
    """Send, and print why something still waits; then the exit status is 1."""
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", _SECONDS)
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")  # trying again is our own business
    root, mark = Path(sys.argv[1]), "".join(sys.argv[2:3])
    with suppress(OSError):
        os.nice(10)
    with _quiet() as out:
        failure = serve(root, mark) if mark else attempt(root, [], _PATIENCE)
        out.write(failure)
    sys.exit(1 if failure else 0)


if __name__ == "__main__":
    main()
