"""What is watched while ultralytics trains: progress, numbers per epoch, arguments in effect."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from provenline.detectors.device import cores
from provenline.errors import InputError
from provenline.progress import bar
from provenline.training.effect import (
    Trainer,
    Values,
    by_definition,
    differing,
    hyperparameters,
    in_effect,
    refuse,
)
from provenline.training.keeping import Keeper, Notes
from provenline.training.view import View

OnEpoch = Callable[[int, dict[str, float]], None]
_NAMES = {
    "metrics/precision(B)": "precision",
    "metrics/recall(B)": "recall",
    "metrics/mAP50(B)": "mAP50",
    "metrics/mAP50-95(B)": "mAP50_95",
    # Of outlines, where they are trained.
    "metrics/precision(M)": "mask_precision",
    "metrics/recall(M)": "mask_recall",
    "metrics/mAP50(M)": "mask_mAP50",
    "metrics/mAP50-95(M)": "mask_mAP50_95",
}
_MEMORY_RETRIES = 3  # ultralytics' own, which hold in a process's first epoch alone


class Watcher:
    """Callbacks for one training.

    Args:
        keeper: Takes every finished epoch.
        notes: What is known so far; grows by one epoch at a time.
        allowed: Hyperparameters that may be in effect otherwise than asked.
        on_epoch: Called with the epoch (from 1) and its numbers.
        display: Gives the progress display.
    """

    def __init__(
        self,
        keeper: Keeper,
        notes: Notes,
        allowed: Collection[str],
        on_epoch: OnEpoch,
        display: Callable[[], AbstractContextManager[Any]] = bar,
    ) -> None:
        self._keeper, self._notes, self._allowed, self._on_epoch = keeper, notes, allowed, on_epoch
        self._display = display
        self._since, self._accumulate = time.monotonic(), 1
        self._asked, self._meant = Values(), Values()

    @contextmanager
    def watching(self, trainer: Trainer, asked: Values, view: View) -> Iterator[None]:
        """Show progress, keep every finished epoch and hold what is in effect against what was asked.

        Args:
            trainer: An `exact` trainer, which is trained inside the block.
            asked: All arguments that it was given.
            view: What it must have read.
        """
        self._asked = hyperparameters(asked)
        self._meant = by_definition(self._asked, len(view.train))
        with self._display() as display:
            task = display.add_task("training", total=None)

            def started(trainer: Trainer) -> None:
                _all_threads(trainer)
                _all_read(trainer, view)
                self._started(trainer)
                batches = len(trainer.train_loader)
                display.update(task, total=trainer.epochs * batches, completed=trainer.start_epoch * batches)

            def step(_: Trainer) -> None:
                display.advance(task)

            def saved(trainer: Trainer) -> None:
                self._saved(trainer)
                row = self._notes.history[-1]
                headline = f"epoch {row['epoch']}/{trainer.epochs} mAP50 {row.get('mAP50', 0.0):.3f}"
                display.update(task, description=headline)

            trainer.add_callback("on_train_start", started)
            trainer.add_callback("on_train_epoch_start", _raise_when_memory_runs_out)
            trainer.add_callback("on_train_batch_end", step)
            trainer.add_callback("on_train_epoch_end", _finite)
            trainer.add_callback("on_model_save", saved)
            # Its own goes back to the last checkpoint in silence or, in the first epoch, trains on.
            trainer._handle_nan_recovery = partial(_no_recovery, trainer)
            yield

    def _started(self, trainer: Trainer) -> None:
        self._accumulate = trainer.accumulate
        found = in_effect(trainer, self._asked, self._meant, self._accumulate, None)
        refuse(differing(self._meant, found), self._allowed)
        self._notes.starts.append(trainer.start_epoch + 1)
        self._since = time.monotonic()

    def _saved(self, trainer: Trainer) -> None:
        notes, epoch = self._notes, trainer.epoch + 1
        row = epoch_numbers(trainer)
        notes.history.append(row)
        notes.scores.append(scores(trainer))
        notes.done = bool(trainer.stop)
        notes.in_effect = in_effect(trainer, self._asked, self._meant, self._accumulate, trainer.epoch)
        for name, pair in differing(self._meant, notes.in_effect).items():
            notes.differences.setdefault(name, {**pair, "epoch": epoch})
        if not notes.batches or notes.batches[-1]["batch"] != trainer.batch_size:
            notes.batches.append({"epoch": epoch, "batch": trainer.batch_size})
        notes.seconds.append(time.monotonic() - self._since)
        self._since = time.monotonic()
        state = Path(trainer.wdir) / "state.pt"
        trainer.save_state(state)
        self._keeper.keep(Path(trainer.last), state, notes)
        self._on_epoch(epoch, row)
        refuse(notes.differences, self._allowed)


def scores(trainer: Trainer) -> dict[str, float]:
    """Return what epochs are ranked by, as exactly as it was measured."""
    measured = {own: float(trainer.metrics[name]) for name, own in _NAMES.items() if name in trainer.metrics}
    measured["fitness"] = float(trainer.fitness)
    return {name: value for name, value in measured.items() if math.isfinite(value)}


def epoch_numbers(trainer: Trainer) -> dict[str, float]:
    """Return the epoch (from 1), its losses, validation metrics and learning rate as plain numbers."""
    raw = {**trainer.label_loss_items(trainer.tloss), **trainer.metrics}
    numbers = {_NAMES.get(name, name.replace("/", "_")): float(value) for name, value in raw.items()}
    return {
        "epoch": trainer.epoch + 1,
        **{name: round(value, 6) for name, value in numbers.items() if math.isfinite(value)},
        "fitness": round(float(trainer.fitness), 6),
        "lr": round(float(trainer.optimizer.param_groups[0]["lr"]), 9),
    }


def _all_threads(trainer: Trainer) -> None:
    # Ultralytics holds torch to one core less than there are when it selects the processor: on the two
    # cores of a small machine that is half of what there is.
    import torch

    if trainer.device.type == "cpu" and not trainer.world_size:  # several ranks share them
        torch.set_num_threads(cores())


def _raise_when_memory_runs_out(trainer: Trainer) -> None:
    # Ultralytics would go on within the epoch, from weights that half of it has moved, and re-open mosaic.
    trainer._oom_retries = _MEMORY_RETRIES


def _finite(trainer: Trainer) -> None:
    if not all(math.isfinite(float(value)) for value in trainer.tloss.values()):
        raise _diverged("the loss", trainer.epoch + 1)


def _no_recovery(trainer: Trainer, epoch: int) -> bool:
    import torch

    weights = (value for value in trainer.ema.ema.state_dict().values() if value.is_floating_point())
    if not all(bool(torch.isfinite(value).all()) for value in weights):
        raise _diverged("a weight", epoch + 1)
    if not math.isfinite(trainer.fitness):
        raise _diverged("the fitness", epoch + 1)
    return False


def _diverged(what: str, epoch: int) -> InputError:
    kept = f"; epochs up to {epoch - 1} are kept, and gone on from" if epoch > 1 else ""
    mend = "Lower lr0 in conf/recipe, or look for broken labels"
    return InputError(f"{what} is no number any more in epoch {epoch}{kept}", mend=mend)


def _all_read(trainer: Trainer, view: View) -> None:
    """Refuse to train on less than was given: ultralytics drops what it cannot read with a warning."""
    loaders = {"train": trainer.train_loader, "val": trainer.test_loader}
    for part, wanted in (("train", view.train), ("val", view.val)):
        read = {Path(name).name for name in loaders[part].dataset.im_files}
        lost = [name for name in wanted if name not in read]
        if lost:
            mend = "Run `dvc repro extract split`, or mend the annotation"
            what = f"{len(lost)} {part} images or their labels cannot be read, the first is {lost[0]}"
            raise InputError(what, mend=mend)
