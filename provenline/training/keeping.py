"""What a killed training goes on from, and the epochs that outlive it.

Ultralytics overwrites `last.pt` in place: a kill in that moment leaves half a file. So each finished epoch
is moved to a folder of its own, which appears whole and carries the hashes of what is in it. The newest two
stay, so that one that is damaged on disk costs one epoch, and so do the peaks. What training goes on from,
three to four times the size of a checkpoint, stays for the newest two alone.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from provenline.errors import InputError
from provenline.files import atomic_path, read_json, sha256_file, write_json
from provenline.progress import notice
from provenline.training.params import Keep
from provenline.training.peaks import wanted

_LAST, _STATE, _NOTES, _SUMS = "last.pt", "state.pt", "notes.json", "sums.json"
FORMAT = 3  # of what is kept; an older state is not gone on from


@dataclass
class Notes:
    """What is known of a training after some epochs.

    Attributes:
        history: One dict per epoch: losses, validation metrics, learning rate, rounded.
        scores: One dict per epoch: what epochs are ranked by, not rounded.
        done: Whether training has ended, by its last epoch or by patience.
        in_effect: The hyperparameters as they were used.
        differences: Hyperparameter -> `asked`, `in_effect` and the `epoch` from which on they differed,
            for what differed otherwise than by definition.
        batches: Images at a time, and the `epoch` from which on: more than one where memory ran out.
        seconds: Wall time per epoch.
        starts: Epochs, from 1, that a process began with: more than one when it was resumed.
    """

    history: list[dict[str, float]] = field(default_factory=list)
    scores: list[dict[str, float]] = field(default_factory=list)
    done: bool = False
    in_effect: dict[str, Any] = field(default_factory=dict)
    differences: dict[str, dict[str, Any]] = field(default_factory=dict)
    batches: list[dict[str, int]] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)


class Keeper:
    """The finished epochs of one training.

    Args:
        folder: Where they lie. What a kill left half done there is removed.
        keep: Which epochs stay.
    """

    def __init__(self, folder: Path, keep: Keep) -> None:
        self._folder, self._keep = folder, keep
        sweep(folder)
        self._remove_damaged()

    @property
    def epochs(self) -> list[int]:
        """The epochs, from 1, whose checkpoints are there."""
        return [int(folder.name.rpartition("_")[2]) for folder in sorted(self._folder.glob("epoch_*"))]

    def checkpoint(self, epoch: int) -> Path:
        """Return where an epoch's checkpoint lies."""
        return self._of(epoch) / _LAST

    def state(self) -> Path | None:
        """Return where that lies which training goes on from; None, if no epoch was finished."""
        return self._of(self.epochs[-1]) / _STATE if self.epochs else None

    def notes(self) -> Notes:
        """Return what is known; nothing, if no epoch was finished."""
        return Notes(**read_json(self._of(self.epochs[-1]) / _NOTES)) if self.epochs else Notes()

    def keep(self, last: Path, state: Path, notes: Notes) -> None:
        """Move files and notes here as the newest finished epoch; drop what is not wanted more.

        Args:
            last: The checkpoint.
            state: What training goes on from.
            notes: Of all epochs so far.
        """
        newest = len(notes.history)
        with atomic_path(self._of(newest)) as temporary:
            temporary.mkdir(parents=True)
            shutil.move(last, temporary / _LAST)
            shutil.move(state, temporary / _STATE)
            write_json(temporary / _NOTES, vars(notes))
            write_json(temporary / _SUMS, _sums(temporary))
        stay = {newest, newest - 1, *wanted(notes.scores, self._keep)}
        for epoch in set(self.epochs) - {newest, newest - 1}:
            if epoch in stay:
                (self._of(epoch) / _STATE).unlink(missing_ok=True)
            else:
                _drop(self._of(epoch))

    def _of(self, epoch: int) -> Path:
        return self._folder / f"epoch_{epoch:05d}"

    def _remove_damaged(self) -> None:
        sound = {epoch: _sound(self._of(epoch)) for epoch in self.epochs}
        damaged = [epoch for epoch, names in sound.items() if not {_LAST, _NOTES} <= names]
        for epoch in damaged:
            _drop(self._of(epoch))
        others = []  # which are whole, but not gone on from
        while self.epochs and not self.notes().done and _STATE not in sound[self.epochs[-1]]:
            others.append(self.epochs[-1])
            _drop(self._of(self.epochs[-1]))
        if not damaged:
            damaged, others = others[:1], others[1:]
        if damaged:
            newest = max(self.epochs, default=0)
            then = (
                f"goes on after epoch {newest}" if newest else "no other can be gone on from: it starts over"
            )
            which = f"epoch {_listed(damaged)} is damaged on disk"
            dropped = f", and epoch {_listed(others)} is dropped" if others else ""
            notice(f"the interrupted training's checkpoint of {which}; {then}{dropped}")


def _listed(epochs: list[int]) -> str:
    return ", ".join(map(str, sorted(epochs)))


def _sums(folder: Path) -> dict[str, str]:
    return {name: sha256_file(folder / name) for name in (_LAST, _STATE, _NOTES) if (folder / name).exists()}


def _sound(folder: Path) -> set[str]:
    """Return the names of what is there as it was written."""
    try:
        return {name for name, _ in _sums(folder).items() & read_json(folder / _SUMS).items()}
    except (OSError, ValueError, InputError):
        return set()


def _drop(folder: Path) -> None:
    # Aside first: killed half way through, a removed folder must not look like a damaged one.
    aside = folder.with_name(f".{folder.name}.{os.getpid()}.tmp")
    folder.replace(aside)
    shutil.rmtree(aside)


def sweep(folder: Path, pattern: str = ".*.tmp*") -> None:
    """Remove what killed processes left half written in a folder that no other process uses."""
    for path in sorted(folder.glob(pattern)):
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def forget(states: Path) -> None:
    """Remove a folder of trainings' states, once nothing needs them any more."""
    sweep(states.parent, f".{states.name}.*.tmp")
    if states.is_dir():
        _drop(states)
