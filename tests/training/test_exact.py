"""A training that was killed and resumed ends with the bytes of one that was not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from provenline.files import sha256_file, sha256_tree
from tests.training.conftest import Work, params
from tests.training.injecting import Batches

MIXED = {"mosaic": 1.0, "fliplr": 0.5, "hsv_v": 0.4, "scale": 0.5, "nbs": 12, "warmup_epochs": 1.5}
# Of two batches an epoch, up to three to a step: epochs end within a step.
RECIPE = params(3, close_mosaic=1, **MIXED)


class Killed(BaseException):
    """Stands for whatever ends a process: nothing may catch it."""


def kill(*_: Any) -> Any:
    raise Killed


def killed_after(last: int) -> Any:
    """What kills a training after an epoch."""

    def on_epoch(epoch: int, _: Any) -> None:
        if epoch == last:
            kill()

    return on_epoch


def alike(one: Any, other: Any) -> bool:
    import torch

    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(alike(one[key], other[key]) for key in one)
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(alike, one, other))
    return bool(one == other)


def state(work: Work) -> Any:
    """What the last epoch would be gone on from: in FP32, where the weights are in FP16."""
    import torch

    return torch.load(work.state / "kept" / work.kept()[-1] / "state.pt", weights_only=True)


def same(one: Work, first: dict[str, Any], other: Work, second: dict[str, Any]) -> None:
    """Hold two trainings' results to be the same: weights, peaks, and every number."""
    assert alike(state(one), state(other))
    assert sha256_file(one.out) == first["sha256"] == second["sha256"] == sha256_file(other.out)
    assert sha256_tree(one.peaks) == sha256_tree(other.peaks)
    assert {**first, "measured": 0} == {**second, "measured": 0}


@pytest.fixture
def unbroken(tmp_path: Path, dataset: Path, base: tuple[Path, str]) -> Work:
    return Work(tmp_path / "unbroken", dataset, base)


def test_a_killed_training_ends_as_if_it_had_not_been(work, unbroken):
    for epoch in (1, 2):
        with pytest.raises(Killed):
            work.train(RECIPE, killed_after(epoch))
    result = work.train(RECIPE)
    assert work.seen == [3] and result["measured"]["starts"] == [1, 2, 3]
    same(work, result, unbroken, unbroken.train(RECIPE))


@pytest.mark.slow
@pytest.mark.parametrize("changes", [{}, {"nbs": 64}, {"optimizer": "AdamW", "cos_lr": False}, {"seed": 7}])
def test_killed_after_each_epoch_and_within_one(work, unbroken, monkeypatch, changes):
    recipe = params(6, close_mosaic=2, **{**MIXED, **changes})
    for epoch in range(1, 6):
        with pytest.raises(Killed):
            work.train(recipe, killed_after(epoch))
        with monkeypatch.context() as patch:
            Batches(patch).trouble[2] = kill
            with pytest.raises(Killed):
                work.train(recipe)
    result = work.train(recipe)
    assert result["measured"]["starts"] == [1, 2, 3, 4, 5, 6]
    same(work, result, unbroken, unbroken.train(recipe))


@pytest.mark.slow
@pytest.mark.parametrize("workers, cache", [(2, "none"), (2, "ram"), (0, "ram")])
def test_other_readers_and_another_memory_change_nothing(work, unbroken, monkeypatch, workers, cache):
    from ultralytics.models.yolo.detect import train

    with pytest.raises(Killed):
        work.train(RECIPE, killed_after(1))
    with monkeypatch.context() as patch:  # without a GPU, ultralytics lets no other process read
        real = train.build_dataloader
        patch.setattr(train, "build_dataloader", lambda *a, **k: real(*a, **{**k, "workers": workers}))
        result = work.train(RECIPE.model_copy(update={"cache": cache}))
    same(work, result, unbroken, unbroken.train(RECIPE))


@pytest.mark.slow
def test_patience_ends_in_the_same_epoch(work, unbroken, monkeypatch):
    from ultralytics.engine.trainer import BaseTrainer

    real = BaseTrainer.validate

    def falling(trainer: Any) -> Any:
        metrics, _ = real(trainer)
        return metrics, 0.5 - trainer.epoch / 100

    monkeypatch.setattr(BaseTrainer, "validate", falling)
    recipe = params(9, patience=3)
    for epoch in (1, 2, 3):
        with pytest.raises(Killed):
            work.train(recipe, killed_after(epoch))
    result = work.train(recipe)
    assert result["epochs"] == 4 and result["best_epoch"] == 1
    same(work, result, unbroken, unbroken.train(recipe))
