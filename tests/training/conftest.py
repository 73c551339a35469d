"""A world of one green rectangle per image, and an untrained network for it."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from provenline.files import sha256_file
from provenline.training.params import TrainParams
from provenline.training.scratch import untrained
from provenline.training.train import OnEpoch, fine_tune


def rectangles(root: Path) -> Path:
    """Write eight training and four validation images, one of them empty; return the data set's YAML."""
    rng = np.random.default_rng(3)
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


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    return rectangles(tmp_path / "dataset")


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """An untrained YOLOv8n of one class, and its hash."""
    path = tmp_path_factory.mktemp("base") / "untrained.pt"
    untrained("yolov8n.yaml", ("person",), seed=1, imgsz=64, out=path)
    return path, sha256_file(path)


def params(epochs: int = 1, **changes: object) -> TrainParams:
    """A recipe that runs in seconds; changes are of the recipe, the augmentation or all of training."""
    recipe = {
        "task": "detect",
        "extra": {},
        "optimizer": "SGD",
        "nbs": 8,
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
    keep = {"metrics": ["mAP50", "mAP50_95", "recall"], "top": 1, "choose": "fitness"}
    every = {
        "when": "always",
        "device": "cpu",
        "workers": 0,
        "cache": "none",
        "limit": 0,
        "full": {"epochs": 50, "batch": 32, "nbs": 64},
        "may_flip": [],
        "allow": [],
        "keep": keep,
    }
    for part in (every, augment, recipe):
        part.update({name: changes.pop(name) for name in set(changes) & set(part)})
    assert not changes
    return TrainParams.model_validate({**every, "recipe": recipe, "augment": augment})


class Work:
    """A folder to train in, and where things lie in it."""

    def __init__(self, root: Path, dataset: Path, base: tuple[Path, str]) -> None:
        self.root, self.dataset, self.base = root, dataset, base
        self.out, self.peaks, self.state = root / "v0.pt", root / "peaks", root / "state"
        self.seen: list[int] = []

    def train(self, recipe: TrainParams, on_epoch: OnEpoch | None = None) -> dict[str, Any]:
        """Fine-tune as the stage does; `seen` gets the epochs that were trained."""

        def note(epoch: int, _: dict[str, float]) -> None:
            self.seen.append(epoch)

        places = (self.out, self.peaks, self.state)
        return fine_tune(self.dataset, *self.base, recipe, *places, on_epoch or note)

    def kept(self) -> list[str]:
        """The names of the finished epochs' folders."""
        return sorted(path.name for path in (self.state / "kept").iterdir())


@pytest.fixture
def work(tmp_path: Path, dataset: Path, base: tuple[Path, str]) -> Work:
    return Work(tmp_path, dataset, base)


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **_: object) -> None:
        raise AssertionError(f"a connection was tried: {args}")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
