"""An engine whose input is no square: its bytes, its parity, its manifest."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pandas as pd
import pytest

from provenline.detectors.open import open_checkpoint, open_engine
from provenline.detectors.params import ModelParams
from provenline.detectors.size import Size, parse
from provenline.engines import golden, manifest, wasted
from provenline.engines.build import Built, Evidence, Origin, build
from provenline.errors import InputError
from tests.detectors.test_families import farthest, rows
from tests.engines import world

WRITTEN = [64, 96]
INT8 = {"frames": 4, "method": "minmax", "activation": "uint8", "reduce_range": True}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("rectangle")


@pytest.fixture(scope="module")
def model(place: Path) -> ModelParams:
    return world.checkpoint(place / "weights/base.pt", parse(WRITTEN))


@pytest.fixture(scope="module")
def evidence(place: Path) -> Evidence:
    frames = world.frames(place)
    return Evidence(frames, None, ("person",), place, frames, world.INTERVAL)


@pytest.fixture(scope="module")
def built(place: Path, model: ModelParams, evidence: Evidence) -> Built:
    target = world.onnx_target()
    return build(target, model, Origin(None, None), evidence, world.DRAWN, place / "bundle")


def test_the_engine_follows_its_checkpoint_on_the_same_input(
    built: Built, place: Path, model: ModelParams
) -> None:
    assert built.parity["verdict"] == "pass" and built.parity["iou_min"] > 0.99
    graph = onnx.load(place / "bundle/model.onnx").graph
    dims = graph.input[0].type.tensor_type.shape.dim
    assert (dims[0].dim_param, *(one.dim_value for one in dims[1:])) == ("batch", 3, *WRITTEN)
    everything = model.model_copy(update={"nms_iou": 1.0, "score_floor": 0.0})
    generator = np.random.default_rng(1)
    images = [generator.integers(0, 255, (*size, 3), dtype=np.uint8) for size in ((90, 160), (90, 40))]
    engine, peer = open_engine(place / "bundle", "cpu"), open_checkpoint(everything, "cpu")
    assert engine.imgsz == peer.imgsz == Size(height=64, width=96)
    engine._decode = peer._decode  # type: ignore[attr-defined]
    for ours, theirs in zip(engine.predict(images), peer.predict(images), strict=True):
        assert len(ours) == len(theirs) > 50
        classes = [replace(one, labels=["dog"] * len(one)) for one in (ours, theirs)]
        assert farthest(*map(rows, classes)) < 0.1  # pixels; thousandths of a score


def test_the_manifest_says_which_rectangle_and_comes_back(built: Built, place: Path) -> None:
    made = manifest.verify(place / "bundle")
    assert built.manifest["imgsz"] == WRITTEN and made.to_dict() == built.manifest
    assert made.imgsz == Size(*WRITTEN)
    assert made.preprocessing == (
        "letterbox to imgsz, height x width (proportions kept, bilinear, centred, grey 114), BGR to RGB, "
        "HWC to CHW, float32, divided by 255; input 'images' (N,3,H,W), output 'output0'"
    )
    names = {manifest.identity({**built.manifest, "imgsz": one}) for one in (WRITTEN, WRITTEN[::-1], 64, 96)}
    assert len(names) == 4


def test_its_golden_inputs_hold_and_int8_is_calibrated_on_it(
    built: Built, place: Path, model: ModelParams, evidence: Evidence
) -> None:
    made = manifest.verify(place / "bundle")
    agreement = golden.compare(place / "bundle", made, open_engine(place / "bundle", "cpu"))
    assert agreement.holds and agreement.strongest > 0.5
    loose = world.PARITY.model_copy(
        update={"min_matched_share": 0.5, "max_score_drift": 0.5, "max_ap_difference": 1.0}
    )
    target = world.onnx_target(precision="int8", calibration=INT8, parity=loose)
    small = build(target, model, Origin(None, None), evidence, world.DRAWN, place / "int8")
    assert small.manifest["imgsz"] == WRITTEN and small.parity["matched_engine"] > 0.5


def test_a_manifest_that_names_another_shape_than_the_network_has_is_refused(tmp_path: Path) -> None:
    folder = world.bundle(tmp_path / "b")
    made = manifest.read(folder)
    manifest.write(replace(made, imgsz=Size(32, 64)), folder)
    with pytest.raises(
        InputError, match=r"model\.onnx: its input is \[32, 32\], the manifest says \[32, 64\]"
    ):
        open_engine(folder, "cpu")


def frames(*sizes: tuple[int, int]) -> pd.DataFrame:
    return pd.DataFrame(sizes, columns=["width", "height"])


def test_an_input_that_wastes_more_than_a_third_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    wide = frames((1920, 1080), (1920, 1080), (640, 360))
    wasted.say("base", wide, "raw", Size(640, 640))
    assert capsys.readouterr().err == (
        "base: model.imgsz=[384, 640] shows all 3 frames as large as 640 does, "
        "for 0.60 of the work (another detector: `eval` judges it anew)\n"
    )
    wasted.say("base", wide, "queries", Size(640, 640))  # stretched
    wasted.say("base", wide, "raw", Size(384, 640))
    wasted.say("base", frames((640, 480)), "raw", Size(640, 640))  # three quarters
    wasted.say("base", frames((1920, 1080), (1080, 1920)), "raw", Size(640, 640))
    assert capsys.readouterr().err == ""
