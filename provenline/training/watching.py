"""What is watched while ultralytics trains: progress, numbers per epoch, arguments in effect."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

from provenline.detectors.device import cores
from provenline.errors import InputError
from provenline.progress import bar
from provenline.training.keeping import Keeper, Notes
from provenline.training.view import View

Trainer: TypeAlias = Any  # ultralytics' DetectionTrainer: no useful types
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


class Watcher:
    """Callbacks for one training.

    Attributes:
        notes: What is known so far; grows by one epoch at a time.
    """

    def __init__(
        self, keeper: Keeper, notes: Notes, epochs: int, on_epoch: Callable[[int, dict[str, float]], None]
    ) -> None:
        self.notes = notes
        self._keeper, self._epochs, self._on_epoch = keeper, epochs, on_epoch
        self._since = time.monotonic()

    @contextmanager
    def watching(self, trainer: Trainer, asked: dict[str, Any], view: View) -> Iterator[None]:
        """Show progress and keep every finished epoch inside the block."""
        with bar() as display:
            task = display.add_task("training", total=None)

            def started(trainer: Trainer) -> None:
                _all_threads(trainer)
                _all_read(trainer, view)
                if trainer.start_epoch:
                    _reseed(trainer)
                batches = len(trainer.train_loader)
                display.update(task, total=self._epochs * batches, completed=trainer.start_epoch * batches)
                self.notes.starts.append(trainer.start_epoch + 1)
                self._since = time.monotonic()

            def step(_: Trainer) -> None:
                display.advance(task)

            def saved(trainer: Trainer) -> None:
                self._saved(trainer, asked)
                display.update(task, description=self._headline())

            trainer.add_callback("on_train_start", started)
            trainer.add_callback("on_train_batch_end", step)
            trainer.add_callback("on_train_epoch_end", _finite)
            trainer.add_callback("on_model_save", saved)
            yield

    def _saved(self, trainer: Trainer, asked: dict[str, Any]) -> None:
        row = epoch_numbers(trainer)
        self.notes.history.append(row)
        if trainer.best_fitness == trainer.fitness:
            self.notes.best_epoch = trainer.epoch + 1
        self.notes.done = bool(trainer.stop)
        self.notes.in_effect = in_effect(trainer, asked)
        self.notes.seconds.append(time.monotonic() - self._since)
        self._since = time.monotonic()
        self._keeper.keep(Path(trainer.last), Path(trainer.best), self.notes)
        self._on_epoch(trainer.epoch + 1, row)

    def _headline(self) -> str:
        row = self.notes.history[-1]
        return f"epoch {row['epoch']}/{self._epochs} mAP50 {row['mAP50']:.3f}"


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


def in_effect(trainer: Trainer, asked: dict[str, Any]) -> dict[str, Any]:
    """Return the hyperparameters as they were used: read where they act, not where they were asked.

    Ultralytics changes some in silence: `optimizer=auto` sets its own learning rate, memory that runs
    out halves the batch, sizes are rounded to the stride, the warm-up leaves the last epoch alone, and
    weight decay grows or shrinks where the batch does not divide the nominal one.
    """
    values = {name: getattr(trainer.args, name, None) for name in asked if hasattr(trainer.args, name)}
    decaying = [group for group in trainer.optimizer.param_groups if group["weight_decay"]] or [{}]
    local = {"data", "device", "save_dir", "exist_ok", "task", "verbose", "resume", "model"}
    return {
        **{name: value for name, value in values.items() if name not in local},
        "optimizer": type(trainer.optimizer).__name__,
        "lr0": min(group["initial_lr"] for group in trainer.optimizer.param_groups),
        "weight_decay": round(decaying[0].get("weight_decay", 0.0), 12),
        "warmup_epochs": min(trainer.args.warmup_epochs, float(max(trainer.epochs - 1, 0))),
        "batch": trainer.batch_size,
        "epochs": trainer.epochs,
        "amp": trainer.args.amp if trainer.amp else False,
    }


def _all_threads(trainer: Trainer) -> None:
    # Ultralytics holds torch to one core less than there are when it selects the processor: on the two
    # cores of a small machine that is half of what there is.
    import torch

    if trainer.device.type == "cpu":
        torch.set_num_threads(cores())


def _reseed(trainer: Trainer) -> None:
    """Give a resumed training fresh randomness: from its seed it would see its first epochs again."""
    from ultralytics.utils.torch_utils import init_seeds

    seed = trainer.args.seed + 1_000_003 * trainer.start_epoch
    restart: Any = init_seeds
    restart(seed, deterministic=True)
    trainer.train_loader.generator.manual_seed(seed)
    trainer.train_loader.reset()


def _finite(trainer: Trainer) -> None:
    if all(math.isfinite(float(value)) for value in trainer.tloss.values()):
        return
    what = f"the loss is no number any more in epoch {trainer.epoch + 1}"
    raise InputError(what, mend="Lower lr0 in conf/recipe, or look for broken labels")


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
