"""INT8 for ONNX Runtime: built for real, held against the checkpoint, and what is left in FP32."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from pydantic import ValidationError

from provenline.detectors.base import predict_frames
from provenline.detectors.onnx_model import OnnxDetector
from provenline.detectors.open import open_checkpoint
from provenline.detectors.size import Size
from provenline.engines import golden, manifest
from provenline.engines.build import Built, Evidence, Origin, build
from provenline.engines.export import export_onnx
from provenline.engines.params import CalibrationParams
from provenline.engines.quantise import quantise, tail
from provenline.errors import InputError
from provenline.files import sha256_file
from tests.engines import world

CALIBRATION = {"frames": 4, "method": "minmax", "activation": "uint8", "reduce_range": True}
# The network's weights are random: nothing here says how much a trained one loses.
LOOSE = world.PARITY.model_copy(
    update={"min_matched_share": 0.5, "max_score_drift": 0.5, "max_ap_difference": 1.0}
)
ORIGIN = Origin(None, None)
TARGET = world.onnx_target(
    name="onnxruntime-cpu-int8",
    precision="int8",
    calibration=CALIBRATION,
    onnx_parity=world.PARITY,
    parity=LOOSE,
)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("int8")


@pytest.fixture(scope="module")
def evidence(place: Path) -> Evidence:
    model = world.checkpoint(place / "weights" / "base.pt")
    frames = world.frames(place)
    found = predict_frames(open_checkpoint(model, "cpu"), frames, place, 4)
    strong = found[found["score"] >= 0.5].groupby("frame_id").head(3).reset_index(drop=True)
    return Evidence(frames, strong, ("person",), place, frames, world.INTERVAL)


@pytest.fixture(scope="module")
def built(place: Path, evidence: Evidence) -> Built:
    model = world.checkpoint(place / "weights" / "base.pt")
    return build(TARGET, model, ORIGIN, evidence, world.DRAWN, place / "bundle")


def operators(path: Path) -> dict[str, set[str]]:
    """Return operator -> names of its nodes."""
    found: dict[str, set[str]] = {}
    for node in onnx.load(path).graph.node:
        found.setdefault(node.op_type, set()).add(node.name)
    return found


def test_an_int8_engine_is_built_in_two_steps_each_held_against_the_checkpoint(built: Built) -> None:
    assert built.parity["onnx"]["verdict"] == "pass"
    assert built.parity["onnx"]["score_drift_max"] < built.parity["score_drift_max"]
    assert built.parity["verdict"] == "pass" and built.parity["matched_engine"] > 0.5
    assert built.latency["p50_ms"] > 0


def test_the_manifest_says_what_it_was_calibrated_on(built: Built, place: Path) -> None:
    made = manifest.verify(place / "bundle")
    assert made.precision == made.runs_at == "int8"
    assert made.calibration is not None
    assert made.calibration["frames"] == 4 and made.calibration["split"] == "train"
    agreement = golden.compare(place / "bundle", made, OnnxDetector(place / "bundle", "cpu"))
    assert agreement.holds and agreement.score_tolerance == world.GOLDEN.tolerances.int8.score


def test_every_learned_convolution_is_quantised_and_the_tail_is_not(built: Built, place: Path) -> None:
    model = world.checkpoint(place / "weights" / "base.pt")
    plain = place / "plain.onnx"
    export_onnx(model.weights, Size(64, 64), opset=17, simplify=True, out=plain)
    before, after = onnx.load(plain), onnx.load(place / "bundle" / "model.onnx")
    left = set(tail(before))
    quantised = {
        name for node in after.graph.node if node.op_type == "DequantizeLinear" for name in node.output
    }
    fed = {
        node.name: all(name in quantised for name in node.input[:2])
        for node in after.graph.node
        if node.op_type == "Conv"
    }
    assert {name for name, by_int8 in fed.items() if not by_int8} == {name for name in fed if name in left}
    assert len(fed) > 30 and len([name for name in fed if name in left]) == 1  # the mean of a distribution
    assert after.graph.output[0].name == "output0"
    size = [path.stat().st_size for path in (place / "bundle" / "model.onnx", plain)]
    assert size[0] < 0.5 * size[1]


def test_the_same_frames_give_the_same_bytes_and_others_give_others(
    place: Path, evidence: Evidence, built: Built
) -> None:
    paths = [place / path for path in evidence.frames["path"]]
    params = CalibrationParams.model_validate(CALIBRATION)
    export_onnx(
        place / "weights" / "base.pt", Size(64, 64), opset=17, simplify=True, out=place / "again.onnx"
    )
    hashes = []
    for chosen in (paths[:2], paths[:2], paths[4:]):
        quantise(place / "again.onnx", chosen, Size(64, 64), "letterbox", params, place / "int8.onnx")
        hashes.append(sha256_file(place / "int8.onnx"))
    assert hashes[0] == hashes[1] != hashes[2]
    assert not [path for path in place.iterdir() if path.name.startswith("augmented")]


def test_what_loses_too_much_is_refused_with_the_figures(
    place: Path, evidence: Evidence, tmp_path: Path
) -> None:
    model = world.checkpoint(place / "weights" / "base.pt")
    strict = TARGET.model_copy(update={"parity": LOOSE.model_copy(update={"max_score_drift": 1e-6})})
    with pytest.raises(InputError, match=r"engine for onnxruntime-cpu-int8 .* a score drifts by 0\.\d+"):
        build(strict, model, ORIGIN, evidence, world.DRAWN, tmp_path / "engine")
    assert list(tmp_path.iterdir()) == []


def test_int8_without_frames_or_calibration_is_refused(place: Path, tmp_path: Path) -> None:
    params = CalibrationParams.model_validate(CALIBRATION)
    with pytest.raises(InputError, match="no training frame"):
        quantise(place / "again.onnx", [], Size(64, 64), "letterbox", params, tmp_path / "x.onnx")
    for wrong in ({"precision": "int8"}, {"calibration": CALIBRATION}):
        with pytest.raises(ValidationError, match="calibration is given with precision int8"):
            world.onnx_target(**wrong)


def test_symmetric_activations_have_no_zero_point(place: Path, evidence: Evidence, tmp_path: Path) -> None:
    """What TensorRT asks of an explicit graph: Q/DQ pairs whose zero points are all 0."""
    params = CalibrationParams.model_validate(CALIBRATION | {"activation": "int8", "reduce_range": False})
    paths = [place / path for path in evidence.frames["path"][:2]]
    export_onnx(
        place / "weights" / "base.pt", Size(64, 64), opset=17, simplify=True, out=tmp_path / "plain.onnx"
    )
    quantise(tmp_path / "plain.onnx", paths, Size(64, 64), "letterbox", params, tmp_path / "int8.onnx")
    model = onnx.load(tmp_path / "int8.onnx")
    values = {one.name: onnx.numpy_helper.to_array(one) for one in model.graph.initializer}
    points = [
        values[node.input[2]]
        for node in model.graph.node
        if node.op_type in ("QuantizeLinear", "DequantizeLinear")
    ]
    assert len(points) > 100 and not any(np.any(point) for point in points)
    assert operators(tmp_path / "int8.onnx")["QuantizeLinear"]
