"""One of the processes that train together: `python -m provenline.training.rank JOB.json PIPE`, see `ranks`.

All train; the first keeps epochs. What they have to say goes to the pipe of that number, a line of JSON each.
A rank ends with its standard input, in the middle of a batch too: nothing goes on behind the back of whoever
started it.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import accumulate
from pathlib import Path
from threading import Thread
from typing import Any

from provenline.detectors.quiet import quiet_ultralytics
from provenline.errors import InputError
from provenline.training.distributed import distributed
from provenline.training.effect import Trainer
from provenline.training.exact import exact
from provenline.training.failing import one_line, out_of_memory
from provenline.training.families import trainer_of
from provenline.training.keeping import Keeper
from provenline.training.running import Job, built
from provenline.training.watching import Watcher

_LONGEST = 900  # bytes of a text: a line, of four at the most, must fit into what a pipe takes at once
_PAUSE = 0.2  # seconds between two lines on progress


class Teller:
    """Says things to whoever started this process.

    Args:
        out: A pipe that all ranks write to; a line that it takes at once is not mixed with another's.
    """

    def __init__(self, out: int) -> None:
        self._out, self._done, self._since = out, 0, 0.0

    def __call__(self, **what: Any) -> None:
        """Send a line."""
        os.write(self._out, f"{json.dumps(what)}\n".encode())

    def epoch(self, epoch: int, numbers: dict[str, float]) -> None:
        """Say that an epoch is finished and kept."""
        self(epoch=epoch, numbers=numbers)

    @contextmanager
    def display(self) -> Iterator[Teller]:
        """Stand for a progress display that others show."""
        yield self

    def add_task(self, _: str, **__: Any) -> int:
        """Do nothing: the display has its task already."""
        return 0

    def update(self, _: int, **shown: Any) -> None:
        """Hand on what is shown."""
        self._done = shown.get("completed", self._done)
        self(shown={**shown, "completed": self._done})

    def advance(self, task: int) -> None:
        """Count a step; not every one is told."""
        self._done += 1
        if time.monotonic() - self._since >= _PAUSE:
            self._since = time.monotonic()
            self.update(task, completed=self._done)


def main() -> None:
    """Train; say how it went."""
    pipe = int(sys.argv[2])
    os.set_inheritable(pipe, False)
    tell = Teller(pipe)
    Thread(target=_end_with_input, daemon=True).start()
    failed = _trained(Path(sys.argv[1]), tell)
    if failed:
        tell(**failed, rank=int(os.environ["RANK"]))
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(bool(failed))  # the others may wait in the middle of what they do together


def _end_with_input() -> None:
    while os.read(0, 1):
        pass
    os.killpg(0, signal.SIGKILL)  # the processes that read images too: the group is this rank's own


def _trained(file: Path, tell: Teller) -> dict[str, Any]:
    """Train; return what went wrong, or nothing."""
    try:
        job = Job.load(file)
        quiet_ultralytics()
        with one_line(job.kept):
            try:
                _train(job, tell)
            except (RuntimeError, MemoryError, OSError) as error:
                if not out_of_memory(error):
                    raise
                return {"memory": _text(error)}
    except InputError as error:
        place = None if error.file is None else str(error.file)
        parts = {"what": error.what, "file": place, "place": error.place, "mend": error.mend}
        return {"refused": {name: part and _cut(part) for name, part in parts.items()}}
    except Exception as error:  # noqa: BLE001 - said by whoever started this process
        traceback.print_exc()
        return {"failed": _text(error)}
    return {}


def _text(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return _cut(f"{type(error).__name__}: {lines[0] if lines else 'no message'}")


def _cut(text: str) -> str:
    """Return as much of a text as there is room for, as JSON writes it."""
    ends = accumulate(len(json.dumps(one)) - 2 for one in text[:_LONGEST])
    return "".join(one for one, end in zip(text, ends, strict=False) if end <= _LONGEST)


def _train(job: Job, tell: Teller) -> None:
    from torch.distributed import destroy_process_group

    kind = distributed(exact(trainer_of(job.base)), job.devices)
    with built(kind, job) as trainer, _watching(trainer, job, tell):
        trainer.train()
    destroy_process_group()


@contextmanager
def _watching(trainer: Trainer, job: Job, tell: Teller) -> Iterator[None]:
    if int(os.environ["RANK"]):
        # Ultralytics' own waits for the first rank, whose own is another.
        trainer._handle_nan_recovery = lambda _: False
        yield
        return
    keeper = Keeper(job.kept, job.keep)
    watcher = Watcher(keeper, keeper.notes(), job.allow, tell.epoch, tell.display)
    with watcher.watching(trainer, job.asked, job.view):
        yield


if __name__ == "__main__":
    main()
