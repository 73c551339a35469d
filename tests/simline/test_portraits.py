from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import yaml

from provenline.files import sha256_tree
from provenline.simline.params import PortraitParams
from provenline.simline.portraits import portrait, render_portraits


def params(**changes: Any) -> PortraitParams:
    values = {"seed": 3, "workers": 1, "train": 24, "val": 6, "size": 128, "max_people": 4,
              "empty_share": 0.2,
              "jpeg_quality": 90}  # fmt: skip
    return PortraitParams(**{**values, **changes})


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("portraits") / "set"
    return folder, render_portraits(folder, params())


def test_the_set_is_whole(made: tuple[Path, dict[str, Any]]) -> None:
    folder, report = made
    data = yaml.safe_load((folder / "data.yaml").read_text())
    assert data == {"train": "images/train", "val": "images/val", "names": {0: "person"}}
    boxes = 0
    for split, count in (("train", 24), ("val", 6)):
        images = sorted(path.stem for path in (folder / "images" / split).iterdir())
        labels = sorted(path.stem for path in (folder / "labels" / split).iterdir())
        assert images == labels
        assert len(images) == count
        for path in (folder / "labels" / split).iterdir():
            rows = np.array([line.split() for line in path.read_text().splitlines()], dtype=float).reshape(
                -1, 5
            )
            boxes += len(rows)
            assert (rows[:, 0] == 0).all()
            assert (rows[:, 3:] > 0).all()
            low, high = rows[:, 1:3] - rows[:, 3:] / 2, rows[:, 1:3] + rows[:, 3:] / 2
            assert (low >= -1e-6).all()
            assert (high <= 1 + 1e-6).all()
    assert boxes == sum(report["boxes"].values()) > 20
    assert cv2.imread(str(folder / "images" / "val" / "val_00000.jpg")).shape == (128, 128, 3)


def test_the_bytes_do_not_depend_on_the_number_of_processes(
    made: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    folder, report = made
    assert render_portraits(tmp_path / "again", params(workers=2)) == report
    assert sha256_tree(tmp_path / "again") == sha256_tree(folder)


def test_some_images_are_empty() -> None:
    counts = [len(portrait(params(size=64), np.random.default_rng(k))[1]) for k in range(60)]
    assert 0.05 < np.mean([count == 0 for count in counts]) < 0.5
    assert max(counts) <= 4
