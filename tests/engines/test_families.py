"""Which families become engines, and that those engines follow their checkpoints."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from provenline.detectors.open import open_checkpoint, open_engine
from provenline.engines import manifest
from provenline.engines.build import Evidence, Origin, build
from provenline.engines.params import ParityParams
from provenline.errors import InputError
from provenline.training.strip import save_network
from tests.detectors.conftest import model_params
from tests.detectors.test_detectors import photos
from tests.detectors.test_families import NAMES, farthest, rows, talkative
from tests.engines import world

LAYOUTS = {
    "yolo11n": "raw",
    "yolo26n": "end2end",
    "yolov8n-rtdetr": "queries",
    "rtdetr-l": "queries",
}
# The gate pairs boxes by their overlap. A random network lays hundreds of them over each other, so the gate
# is open here and each box of the engine is looked for in the checkpoint's.
OPEN = ParityParams(
    frames=4,
    score=0.0,
    iou=0.5,
    min_matched_share=0.0,
    max_score_drift=1.0,
    max_ap_difference=1.0,
    judged="estimate",
)


@pytest.mark.slow
@pytest.mark.parametrize("architecture", LAYOUTS)
@pytest.mark.parametrize("imgsz", [96, [64, 96]], ids=str)
def test_a_family_is_exported_and_its_engine_follows(tmp_path, architecture, imgsz):
    path, folder = tmp_path / "weights.pt", tmp_path / "bundle"
    save_network(talkative(architecture, NAMES), path, 96)
    labels = {name: name for name in NAMES}
    checkpoint = model_params(path, imgsz=imgsz, labels=labels, score_floor=0.0, nms_iou=1.0)
    evidence = Evidence(world.frames(tmp_path), None, NAMES, tmp_path, pd.DataFrame(), world.INTERVAL)
    build(world.onnx_target(parity=OPEN), checkpoint, Origin(None, None), evidence, world.DRAWN, folder)
    read = manifest.verify(folder)
    assert (read.layout, read.names) == (LAYOUTS[architecture], list(NAMES))
    assert read.preprocessing.split()[0] == ("stretch" if read.layout == "queries" else "letterbox")
    engine, images = open_engine(folder, "cpu"), photos(3)
    for ours, theirs in zip(
        engine.predict(images), open_checkpoint(checkpoint, "cpu").predict(images), strict=True
    ):
        assert len(ours) == len(theirs) >= 100
        assert farthest(rows(ours), rows(theirs)) < 0.5  # pixels; thousandths of a score


def test_a_family_that_is_not_exported_is_refused(tmp_path):
    evidence = Evidence(world.frames(tmp_path, 1), None, NAMES, tmp_path, pd.DataFrame(), world.INTERVAL)
    other = model_params(Path("some/folder"), family="transformers")
    with pytest.raises(InputError, match=r"a detector of transformers is not exported.*dvc repro eval"):
        build(world.onnx_target(), other, Origin(None, None), evidence, world.DRAWN, tmp_path / "engine")
    assert not (tmp_path / "engine").exists()
