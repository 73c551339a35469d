"""One training in one process: what it is told, and from there to its end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from provenline.files import read_json, write_json
from provenline.training.effect import Trainer, Values
from provenline.training.exact import exact
from provenline.training.families import TrainerClass, trainer_of
from provenline.training.keeping import Keeper
from provenline.training.params import Keep
from provenline.training.view import View
from provenline.training.watching import OnEpoch, Watcher


@dataclass(frozen=True)
class Job:
    """What a training process is told.

    Attributes:
        asked: Ultralytics' arguments.
        base: Checkpoint to start from, verified.
        kept: Folder of the finished epochs.
        state: What is gone on from; None starts at the beginning.
        keep: Which of them stay.
        allow: Hyperparameters that may be in effect otherwise than asked.
        view: The data set.
        devices: As torch names them; of several, each has a process of its own.
    """

    asked: Values
    base: Path
    kept: Path
    state: Path | None
    keep: Keep
    allow: tuple[str, ...]
    view: View
    devices: tuple[str, ...]

    def save(self, file: Path) -> None:
        """Write it as JSON, for a process of its own."""
        view = {**asdict(self.view), "yaml": str(self.view.yaml.resolve())}
        places = {name: place and str(place.resolve()) for name, place in self._places().items()}
        write_json(file, {**vars(self), **places, "keep": self.keep.model_dump(), "view": view})

    @classmethod
    def load(cls, file: Path) -> Job:
        """Read what `save` wrote."""
        told = read_json(file)
        view = told["view"]
        names, train, val = (tuple(view[name]) for name in ("names", "train", "val"))
        told["view"] = View(Path(view["yaml"]), names, train, val, view["boxes"])
        told |= {name: told[name] and Path(told[name]) for name in ("base", "kept", "state")}
        told |= {name: tuple(told[name]) for name in ("allow", "devices")}
        return cls(**{**told, "keep": Keep.model_validate(told["keep"])})

    def _places(self) -> dict[str, Path | None]:
        return {"base": self.base, "kept": self.kept, "state": self.state}


def train_here(job: Job, keeper: Keeper, on_epoch: OnEpoch) -> None:
    """Train to the end in this process, from what ``keeper`` has."""
    watcher = Watcher(keeper, keeper.notes(), job.allow, on_epoch)
    kind = exact(trainer_of(job.base))
    with built(kind, job) as trainer, watcher.watching(trainer, job.asked, job.view):
        trainer.train()


@contextmanager
def built(kind: TrainerClass, job: Job) -> Iterator[Trainer]:
    """Give a trainer of an `exact` class, and let go of its loaders afterwards."""
    trainer = kind(overrides={**job.asked, "model": str(job.base.resolve())})
    trainer.goes_on_from = job.state
    # Its own last evaluation strips the checkpoints in place and tells nothing new.
    trainer.final_eval = lambda: None
    try:
        yield trainer
    finally:
        _close(trainer)


def _close(trainer: Trainer) -> None:
    for name in ("train_loader", "test_loader"):
        loader: Any = getattr(trainer, name, None)
        if hasattr(loader, "close"):
            loader.close()  # its reading processes hold memory
