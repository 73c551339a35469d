"""Families beside YOLOv8 are fine-tuned by the same call, and what cannot be is refused in one line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import yaml

from provenline.detectors.open import open_checkpoint
from provenline.detectors.ultralytics_model import load_network, output_layout
from provenline.errors import InputError
from provenline.files import sha256_file, sha256_of
from provenline.training.families import require_trainable, trainer_of
from provenline.training.scratch import untrained
from provenline.training.train import pass_through
from tests.detectors.conftest import model_params
from tests.training.conftest import Work, params

LAYOUTS = {"yolo11n": "raw", "yolo26n": "end2end", "rtdetr": "queries"}


def small_rtdetr(folder: Path) -> str:
    """Write a description of an RT-DETR with one narrow decoder layer: the usual six take minutes here."""
    from ultralytics.nn.tasks import yaml_model_load

    description = yaml_model_load("yolov8n-rtdetr.yaml")
    width, queries, points, heads, layers, feedforward = 64, 50, 4, 4, 1, 128
    description["head"][-1][-1] = ["nc", width, queries, points, heads, layers, feedforward]
    description.pop("yaml_file")
    path = folder / "small8n-rtdetr.yaml"
    path.write_text(yaml.safe_dump(description))
    return str(path)


def test_the_trainer_follows_the_head(base, tmp_path):
    untrained("yolov8n-rtdetr.yaml", ("person",), seed=1, imgsz=64, out=tmp_path / "r.pt")
    assert trainer_of(base[0]).__name__ == "DetectionTrainer"
    assert trainer_of(tmp_path / "r.pt").__name__ == "RTDETRTrainer"


@pytest.mark.slow
@pytest.mark.parametrize("architecture", LAYOUTS)
def test_a_family_is_trained_opened_and_gone_on_with(dataset, tmp_path, architecture):
    base = tmp_path / "base.pt"
    described = small_rtdetr(tmp_path) if architecture == "rtdetr" else f"{architecture}.yaml"
    untrained(described, ("person",), seed=1, imgsz=64, out=base)
    work = Work(tmp_path, dataset, (base, sha256_file(base)))
    recipe = params(2, optimizer="AdamW", lr0=0.001, imgsz=64, warmup_epochs=1.0)

    def kill(_: int, __: dict[str, float]) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        work.train(recipe, kill)
    result, out = work.train(recipe), work.out
    assert work.seen == [2]
    unbroken = Work(tmp_path / "unbroken", dataset, (base, sha256_file(base))).train(recipe)
    assert (result["history"], result["sha256"]) == (unbroken["history"], unbroken["sha256"])
    assert [row["epoch"] for row in result["history"]] == [1, 2]
    losses = {name for name in result["history"][0] if name.startswith("train_")}
    wanted = {"train_giou_loss", "train_l1_loss"} if "rtdetr" in architecture else {"train_box_loss"}
    assert wanted <= losses
    assert result["sha256"] == sha256_file(out) != sha256_file(base)
    # The weights moved, and the file is opened like any other.
    before, after = load_network(base).state_dict(), load_network(out).state_dict()
    assert any(not before[key].equal(after[key]) for key in before)
    assert output_layout(load_network(out)) == LAYOUTS[architecture]
    detector = open_checkpoint(model_params(out), "cpu")
    assert len(detector.predict([np.full((48, 64, 3), 90, np.uint8)])) == 1


def test_a_family_that_is_not_trained_is_passed_through_or_refused(tmp_path):
    folder = tmp_path / "detector"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    with pytest.raises(InputError, match=r"a detector of transformers is judged here but not fine-tuned"):
        require_trainable("transformers", folder)
    result = pass_through(folder, tmp_path / "v0.pt", tmp_path / "peaks")
    assert result["sha256"] == sha256_of(folder) == sha256_of(tmp_path / "v0.pt")
    assert (tmp_path / "v0.pt" / "config.json").is_file()
