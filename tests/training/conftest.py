"""A world of one green rectangle per image, and an untrained network for it."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from provenline.files import sha256_file
from provenline.training.params import Augment, Recipe, Sizes, TrainParams
from provenline.training.scratch import untrained


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """Eight training and four validation images, one of them empty; returns the data set's YAML."""
    root, rng = tmp_path / "dataset", np.random.default_rng(3)
    for part, count in (("train", 8), ("val", 4)):
        (root / "images" / part).mkdir(parents=True)
        (root / "labels" / part).mkdir(parents=True)
        for index in range(count):
            name = f"{part}_{index:02d}"
            image = rng.integers(0, 90, (48, 64, 3), dtype=np.uint8)
            cv2.rectangle(image, (16 + index, 8), (40 + index, 40), (40, 220, 60), -1)
            cv2.imwrite(str(root / "images" / part / f"{name}.jpg"), image)
            box = f"0 {(28.5 + index) / 64:.6f} {24.5 / 48:.6f} {25 / 64:.6f} {33 / 48:.6f}\n"
            (root / "labels" / part / f"{name}.txt").write_text("" if index == 3 else box)
    text = "path: .\ntrain: images/train\nval: images/val\nnames: {0: person}\n"
    (root / "toy.yaml").write_text(text)
    return root / "toy.yaml"


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """An untrained YOLOv8n of one class, and its hash."""
    path = tmp_path_factory.mktemp("base") / "untrained.pt"
    untrained("yolov8n.yaml", ("person",), seed=1, imgsz=64, out=path)
    return path, sha256_file(path)


def params(epochs: int = 1, **changes: object) -> TrainParams:
    """A recipe that runs in seconds."""
    recipe = {
        "task": "detect",
        "extra": {},
        "optimizer": "SGD",
        "nbs": 64,
        "lr0": 0.01,
        "lrf": 0.1,
        "cos_lr": True,
        "momentum": 0.9,
        "weight_decay": 0.0005,
        "warmup_epochs": 0.0,
        "patience": 10,
        "freeze": 0,
        "box": 7.5,
        "cls": 0.5,
        "dfl": 1.5,
        "close_mosaic": 0,
        "seed": 0,
        "epochs": epochs,
        "batch": 4,
        "imgsz": 64,
    }
    augment = {
        **dict.fromkeys(["fliplr", "flipud", "mixup", "copy_paste", "degrees", "shear"], 0.0),
        **dict.fromkeys(["hsv_h", "hsv_s", "hsv_v", "scale", "perspective", "erasing"], 0.0),
        "translate": 0.1,
        "mosaic": 0.5,
    }
    return TrainParams(
        when="always",
        device="cpu",
        workers=0,
        cache="none",
        limit=int(str(changes.pop("limit", 0))),
        full=Sizes(epochs=50, batch=32, nbs=64),
        may_flip=(),
        recipe=Recipe.model_validate({**recipe, **changes}),
        augment=Augment.model_validate(augment),
    )
