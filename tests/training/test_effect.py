"""Arguments in effect against those asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from provenline.errors import InputError
from provenline.training.effect import by_definition, differing, hyperparameters, in_effect, refuse
from tests.training.conftest import Work, params, rectangles
from tests.training.injecting import callback


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, base: Any) -> Iterator[tuple[Any, dict[str, Any]]]:
    """A trainer after the second of its two epochs, and the hyperparameters that were asked for."""
    root = tmp_path_factory.mktemp("effect")
    dataset = rectangles(root / "dataset")
    caught: list[Any] = []
    with pytest.MonkeyPatch.context() as patch:
        callback(patch, "on_model_save", caught.append)
        result = Work(root, dataset, base).train(params(2, freeze=2, lrf=0.5, hsv_h=0.1, fliplr=0.25))
    assert result["arguments"]["differences"] == {}
    trainer = caught[0]
    yield trainer, result["arguments"]["asked"]


Change = Callable[[Any, pytest.MonkeyPatch], None]


def group(name: str, value: float) -> Change:
    def change(trainer: Any, patch: pytest.MonkeyPatch) -> None:
        groups = trainer.optimizer.param_groups
        patch.setitem(next(one for one in groups if one["param_group"] == "weight"), name, value)

    return change


def own(name: str, value: Any) -> Change:
    """Change what dotted ``name`` of the trainer is."""

    def change(trainer: Any, patch: pytest.MonkeyPatch) -> None:
        *way, last = name.split(".")
        for part in way:
            trainer = getattr(trainer, part)
        patch.setattr(trainer, last, value)

    return change


def held(kind: str, place: str, value: float) -> Change:
    def change(trainer: Any, patch: pytest.MonkeyPatch) -> None:
        outer = trainer.train_loader.dataset.transforms.transforms
        flat = [*outer, *outer[0].transforms]
        patch.setattr(next(one for one in flat if type(one).__name__ == kind), place, value)

    return change


def thaw(trainer: Any, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(next(trainer.model.model[0].parameters()), "requires_grad", True)


CHANGES = [
    ("lr0", group("lr", 0.02)),
    ("lr0", own("args.lr0", 0.02)),
    ("momentum", group("momentum", 0.5)),
    ("momentum", own("args.momentum", 0.5)),
    ("weight_decay", group("weight_decay", 0.1)),
    ("optimizer", own("args.optimizer", "auto")),
    ("lrf", own("lf", lambda _: 1.0)),
    ("mosaic", held("Mosaic", "p", 0.9)),
    ("mosaic", own("args.mosaic", 0.0)),
    ("mixup", held("MixUp", "p", 0.9)),
    ("hsv_h", held("RandomHSV", "hgain", 0.2)),
    ("degrees", held("RandomPerspective", "degrees", 9.0)),
    ("box", own("args.box", 1.0)),
    ("freeze", thaw),
    ("patience", own("stopper.patience", 3)),
    ("batch", own("batch_size", 2)),
    ("imgsz", own("train_loader.dataset.imgsz", 96)),
    ("epochs", own("epochs", 9)),
    ("deterministic", own("args.deterministic", False)),
]


@pytest.mark.parametrize("name, change", CHANGES, ids=[f"{n}-{name}" for n, (name, _) in enumerate(CHANGES)])
def test_every_change_is_seen_where_it_acts(trained, monkeypatch, name, change):
    trainer, asked = trained
    assert differing(asked, in_effect(trainer, asked, asked, 2, 1)) == {}
    change(trainer, monkeypatch)
    found = differing(asked, in_effect(trainer, asked, asked, 2, 1))
    assert name in found, found
    with pytest.raises(InputError, match=f"in effect are not those asked for: .*{name} asked"):
        refuse(found, [])
    refuse(found, list(found))


def test_gathered_batches_are_compared(trained):
    trainer, asked = trained
    found = differing(asked, in_effect(trainer, asked, asked, 3, 1))
    assert found == {"nbs": {"asked": 8, "in_effect": 12}}


def test_mosaic_that_stays_open_is_seen(trained, monkeypatch):
    trainer, asked = trained
    monkeypatch.setattr(trainer.args, "close_mosaic", 2)
    asked = {**asked, "close_mosaic": 2}
    found = differing(asked, in_effect(trainer, asked, asked, 2, 1))
    assert found == {"close_mosaic": {"asked": 2, "in_effect": 0}}


def test_a_change_fails_and_is_allowed_by_name_without_training_again(work, monkeypatch):
    def change(trainer: Any) -> None:
        if trainer.epoch == 1:
            trainer.args.momentum = 0.5

    callback(monkeypatch, "on_train_epoch_end", change)
    line = r"momentum asked 0\.9, in effect 0\.5\. .*allow: \[momentum\]"
    with pytest.raises(InputError, match=line) as caught:
        work.train(params(2))
    assert "\n" not in str(caught.value)
    assert not work.out.exists() and not work.peaks.exists()
    assert work.kept() == ["epoch_00001", "epoch_00002"]
    with pytest.raises(InputError, match="momentum asked"):
        work.train(params(2))  # it is not forgotten
    work.seen.clear()
    result = work.train(params(2, allow=["momentum"]))
    assert work.seen == [] and work.out.is_file()
    pair = {"asked": 0.9, "in_effect": 0.5, "epoch": 2, "why": "allowed"}
    assert result["arguments"]["differences"] == {"momentum": pair}


def test_what_is_wrong_from_the_start_costs_no_epoch(work, monkeypatch):
    def change(trainer: Any) -> None:
        trainer.args.optimizer = "auto"

    callback(monkeypatch, "on_pretrain_routine_end", change)
    with pytest.raises(InputError, match="optimizer asked SGD, in effect auto"):
        work.train(params())
    assert work.seen == []


def test_batches_that_make_no_whole_step_are_said_at_once(work):
    with pytest.raises(InputError, match="nbs asked 8, in effect 9"):
        work.train(params(8, batch=3))
    result = work.train(params(batch=3, nbs=8, epochs=1, allow=["nbs"]))
    pair = {"asked": 8, "in_effect": 9, "epoch": 1, "why": "allowed"}
    assert result["arguments"]["differences"]["nbs"] == pair


def test_definitions():
    asked = hyperparameters(
        {"warmup_epochs": 3.0, "epochs": 2, "nbs": 64, "batch": 4, "data": "/x", "workers": 8, "freeze": (1,)}
    )
    assert "data" not in asked and "workers" not in asked and asked["freeze"] == [1]
    defined = by_definition(asked, 10)
    assert defined == {**asked, "warmup_epochs": 1.0, "nbs": 24}  # 2 epochs of 3 batches of 4
    assert by_definition({**asked, "epochs": 100}, 10)["nbs"] == 64
