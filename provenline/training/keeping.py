"""What a killed training goes on from.

Ultralytics overwrites `last.pt` in place: a kill in that moment leaves half a file. So each finished
epoch is copied to a folder of its own, which appears whole, and only then the one before is removed.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from provenline.files import atomic_path, read_json, write_json

_LAST, _BEST, _NOTES = "last.pt", "best.pt", "notes.json"


@dataclass
class Notes:
    """What is known of a training after some epochs.

    Attributes:
        history: One dict per epoch: losses, validation metrics, learning rate.
        best_epoch: The epoch, from 1, whose weights are kept.
        done: Whether training has ended, by its last epoch or by patience.
        in_effect: The hyperparameters as they were used.
        seconds: Wall time per epoch.
        starts: Epochs, from 1, that a process began with: more than one when it was resumed.
    """

    history: list[dict[str, float]] = field(default_factory=list)
    best_epoch: int = 0
    done: bool = False
    in_effect: dict[str, Any] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)


class Keeper:
    """The finished epochs of one training, in ``folder``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def last(self) -> Path:
        """Where the last finished epoch's checkpoint lies, with the optimizer."""
        return self._newest() / _LAST

    @property
    def best(self) -> Path:
        """Where the best epoch's checkpoint lies."""
        return self._newest() / _BEST

    def notes(self) -> Notes:
        """Return what is known; nothing, if no epoch was finished."""
        found = self._found()
        return Notes(**read_json(found[-1] / _NOTES)) if found else Notes()

    def keep(self, last: Path, best: Path, notes: Notes) -> None:
        """Keep copies of both checkpoints and the notes as the newest finished epoch."""
        before = self._found()
        with atomic_path(self._folder / f"epoch_{len(notes.history):05d}") as temporary:
            temporary.mkdir(parents=True)
            shutil.copyfile(last, temporary / _LAST)
            shutil.copyfile(best, temporary / _BEST)
            write_json(temporary / _NOTES, vars(notes))
        for folder in before:
            shutil.rmtree(folder)

    def restore(self, weights: Path) -> Path:
        """Lay both checkpoints where ultralytics looks for them; return the last one's path."""
        weights.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(self.best, weights / _BEST)
        return Path(shutil.copyfile(self.last, weights / _LAST))

    def _found(self) -> list[Path]:
        return sorted(self._folder.glob("epoch_*"))

    def _newest(self) -> Path:
        return self._found()[-1]
