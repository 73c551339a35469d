"""Trouble, put into real trainings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest


class Batches:
    """What each training batch does: counted from 1 over all of a test.

    Attributes:
        images: Per step of the optimizer, how many images it gathered.
        decays: Per step, the weight decay of the weights.
        trouble: Number of the batch -> what happens in it instead of a loss.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        import torch
        from ultralytics.engine.trainer import BaseTrainer
        from ultralytics.nn.tasks import DetectionModel

        self.images: list[int] = []
        self.decays: list[float] = []
        self.trouble: dict[int, Callable[[Any], Any]] = {}
        self._count = self._gathered = 0
        loss, step, setup = DetectionModel.loss, torch.optim.SGD.step, BaseTrainer._setup_train

        def counting_loss(model: Any, batch: Any, preds: Any = None) -> Any:
            if not model.training:
                return loss(model, batch, preds)
            self._count += 1
            self._gathered += len(batch["img"])
            result = loss(model, batch, preds)
            change = self.trouble.get(self._count)
            return change(result) if change else result

        def counting_step(optimizer: Any, *args: Any, **kwargs: Any) -> Any:
            self.images.append(self._gathered)
            self.decays.append(max(group["weight_decay"] for group in optimizer.param_groups))
            self._gathered = 0
            return step(optimizer, *args, **kwargs)

        def setting_up(trainer: Any) -> None:
            self._gathered = 0
            setup(trainer)

        monkeypatch.setattr(DetectionModel, "loss", counting_loss)
        monkeypatch.setattr(torch.optim.SGD, "step", counting_step)
        monkeypatch.setattr(BaseTrainer, "_setup_train", setting_up)


def callback(monkeypatch: pytest.MonkeyPatch, event: str, change: Callable[[Any], None]) -> None:
    """Let every trainer call ``change`` at an event, before whatever provenline adds."""
    from ultralytics.utils.callbacks import base

    monkeypatch.setitem(base.default_callbacks, event, [change])
