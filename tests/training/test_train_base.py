from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from provenline.detectors.open import open_checkpoint
from provenline.detectors.params import ModelParams
from provenline.files import sha256_file

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_the_base_and_its_card_come_from_one_run(tmp_path):
    words = [
        "--train",
        "8",
        "--val",
        "4",
        "--epochs",
        "1",
        "--batch",
        "4",
        "--imgsz",
        "64",
        "--out",
        "base/tiny.pt",
    ]
    command = [sys.executable, str(ROOT / "tools" / "train_base.py"), *words]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run(command, cwd=tmp_path, env=environment, check=True, capture_output=True, timeout=300)
    weights, card = tmp_path / "base" / "tiny.pt", (tmp_path / "base" / "README.md").read_text()
    assert sha256_file(weights) in card
    assert " ".join(words[:-2]) in card
    params = ModelParams(
        name="tiny",
        family="ultralytics",
        weights=weights,
        sha256=sha256_file(weights),
        imgsz=64,
        labels={"person": "person"},
        score_floor=0.01,
        nms_iou=0.7,
        max_detections=300,
    )
    assert open_checkpoint(params, "cpu").names == ("person",)
