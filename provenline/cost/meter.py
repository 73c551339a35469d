"""Counts a training while it runs, and keeps one from starting that would go past the ceiling."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict

from provenline.cost.estimate import Estimate, Job, estimate, reserved
from provenline.cost.ledger import Ledger, spent
from provenline.errors import InputError

Say = Callable[[str], None]
OnEpoch = Callable[[int, dict[str, float]], None]
_BEAT = 60.0  # seconds between two signs of life: so much is lost at most of one that is killed
_MEND = "Raise ceiling_usd in conf/cost/plan.yaml, run `make params`; `provenline cost` says what was spent"


class Meter:
    """One training that is being counted.

    Args:
        ledger: Where it is counted.
        job: What is trained.
        ceiling: In US dollars.
        say: Prints one line.
    """

    def __init__(self, ledger: Ledger, job: Job, ceiling: float, say: Say) -> None:
        self._ledger, self._job, self._ceiling, self._say = ledger, job, ceiling, say
        self._id, self._since, self._epochs = uuid.uuid4().hex[:16], time.monotonic(), 0
        self._known: Estimate | None = None
        self._silent, self._one = False, threading.Lock()

    def start(self) -> None:
        """Say what it will cost and write that it starts.

        Raises:
            InputError: It would go past the ceiling, or the ledger cannot be written.
        """
        try:
            with self._ledger.locked():  # two that start at once must not both take what is left
                now, entries = time.time(), self._ledger.entries()
                self._known = estimate(self._job, entries)
                used, others = spent(entries), reserved(entries, now)
                self._refuse(used + others, self._known)
                expected = None if self._known is None else round(self._known.usd, 6)
                line = {**asdict(self._job), "id": self._id, "started": round(now, 3)}
                self._ledger.write({"event": "start", **line, "estimated_usd": expected})
        except OSError as error:
            mend = (
                "Free some space, or mend its permissions: a training that cannot be counted does not start"
            )
            raise InputError(
                f"cannot be written ({error.strerror})", file=self._ledger.file, mend=mend
            ) from None
        self._say(f"cost: {_expected(self._job, self._known)}; {_used(used, others, self._ceiling)}")

    def after(self, on_epoch: OnEpoch) -> OnEpoch:
        """Return a callback that counts a finished epoch and then calls ``on_epoch``."""

        def counted(epoch: int, numbers: dict[str, float]) -> None:
            self._epochs += 1
            seconds = self._seconds()
            self._note("epoch", epochs=self._epochs, epoch_seconds=seconds)
            on_epoch(epoch, numbers)
            if self._known is None:
                self._measured(seconds)

        return counted

    def beat(self) -> None:
        """Write a sign of life."""
        self._note("beat")

    def end(self, *, finished: bool) -> None:
        """Write that it ended."""
        self._note("end", ended=True, finished=finished)

    def _measured(self, seconds: float) -> None:
        """Say what the rest will cost, now that an epoch was measured, and stop where it is too much."""
        left = self._job.asked - self._epochs
        hours = seconds / 3600 * left
        self._known = Estimate(hours, hours * self._job.usd_per_hour, 0)
        self._say(
            f"cost: by its first epoch, at most {hours:.2f} h and {self._known.usd:.2f} USD more "
            f"({left} epochs on {self._job.machine})"
        )
        self._refuse(spent(self._ledger.entries()), self._known)

    def _refuse(self, used: float, known: Estimate | None) -> None:
        more = known.usd if known else 0.0
        # Nothing is asked of a training that is over: it was killed before it was published.
        free = not self._job.usd_per_hour or not self._job.asked
        if free or (used + more <= self._ceiling and used < self._ceiling):
            return
        expected = f"{more:.2f} USD more for this training" if known else "this training's cost not known yet"
        kept = "; what was trained is kept, and goes on from there" if self._epochs else ""
        what = (
            f"past the cost ceiling: {used:.2f} USD spent, {expected}, ceiling {self._ceiling:.2f} USD{kept}"
        )
        raise InputError(what, mend=_MEND)

    def _note(self, event: str, **values: float | bool) -> None:
        try:
            with self._one:  # the time of the later line is never the lesser one
                self._ledger.add(event=event, id=self._id, seconds=self._seconds(), **values)
        except OSError as error:
            # The next line says how long it has run, so nothing is lost if that one can be written.
            if not self._silent:
                self._say(f"cost: {self._ledger.file} cannot be written ({error.strerror})")
            self._silent = True

    def _seconds(self) -> float:
        return round(time.monotonic() - self._since, 3)


@contextmanager
def metered(ledger: Ledger, job: Job, ceiling: float, say: Say, pause: float = _BEAT) -> Iterator[Meter]:
    """Count what is trained inside the block, however it ends.

    Args:
        ledger: Where it is counted.
        job: What is trained.
        ceiling: In US dollars; a job without a price is never refused.
        say: Prints one line.
        pause: Seconds between two signs of life.

    Raises:
        InputError: See ``Meter.start``; and inside the block, after the first epoch of the first training of
            its kind, where that shows that it would go past the ceiling.
    """
    meter, over = Meter(ledger, job, ceiling, say), threading.Event()
    meter.start()

    def beat() -> None:
        while not over.wait(pause):
            meter.beat()

    pulse = threading.Thread(target=beat, name="cost", daemon=True)
    pulse.start()
    finished = False
    try:
        yield meter
        finished = True
    finally:
        over.set()
        pulse.join()
        meter.end(finished=finished)


def _expected(job: Job, known: Estimate | None) -> str:
    if known is None:
        kind = f"{job.model} at {job.imgsz} on {job.machine}"
        return f"not known before its first epoch, as no training of {kind} is in the ledger yet"
    basis = "training" if known.basis == 1 else f"{known.basis} trainings"
    most = f"at most {known.hours:.2f} h and {known.usd:.2f} USD on {job.machine}"
    return f"{most}, by the last {basis} of its kind"


def _used(used: float, others: float, ceiling: float) -> str:
    running = f" and {others:.2f} USD reserved by trainings that run" if others else ""
    return f"{used:.2f} of {ceiling:.2f} USD spent{running}"
