from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError

from provenline.detectors.base import predict_frames
from provenline.detectors.open import open_checkpoint, open_engine
from provenline.detectors.params import ModelParams
from provenline.detectors.size import Size
from provenline.engines import golden, manifest
from provenline.engines.build import Built, Evidence, Golden, Origin, build, operating, spread
from provenline.engines.export import export_onnx
from provenline.engines.params import Target
from provenline.errors import InputError
from provenline.evaluation.matching import match
from provenline.files import sha256_file, sha256_tree
from provenline.images import read_image
from tests.engines import world

ORIGIN = Origin(dataset_sha256="d" * 64, split_sha256=None)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("engines")


@pytest.fixture(scope="module")
def model(place: Path) -> ModelParams:
    return world.checkpoint(place / "weights" / "base.pt")


@pytest.fixture(scope="module")
def evidence(place: Path, model: ModelParams) -> Evidence:
    frames = world.frames(place)
    # The checkpoint's own strongest boxes are the truth: then its AP is far from 0.
    found = predict_frames(open_checkpoint(model, "cpu"), frames, place, 4)
    strong = found[found["score"] >= 0.5].groupby("frame_id").head(3).reset_index(drop=True)
    return Evidence(
        frames=frames,
        truth=strong,
        labels=("person",),
        root=place,
        training=frames,
        interval=world.INTERVAL,
    )


@pytest.fixture(scope="module")
def built(place: Path, model: ModelParams, evidence: Evidence) -> Built:
    return build(world.onnx_target(), model, ORIGIN, evidence, world.DRAWN, place / "bundle")


def test_the_engine_follows_its_checkpoint(built: Built, place: Path) -> None:
    assert sorted(path.name for path in (place / "bundle").iterdir()) == [
        "golden",
        "manifest.json",
        "model.onnx",
    ]
    assert built.parity["verdict"] == "pass", built.parity
    assert built.parity["reference"] > 10
    assert built.parity["iou_min"] > 0.99
    assert built.parity["ap_reference"] > 0.3
    assert built.parity["frames"] == 4
    assert built.latency["p50_ms"] > 0


def test_the_manifest_says_where_the_engine_came_from(built: Built, place: Path, model: ModelParams) -> None:
    read = manifest.verify(place / "bundle")
    assert read.to_dict() == built.manifest
    assert read.checkpoint_sha256 == model.sha256
    assert (read.dataset_sha256, read.split_sha256) == ("d" * 64, None)
    assert (read.names, read.layout, read.imgsz, read.opset) == (["person"], "raw", (64, 64), 17)
    assert set(read.builder) == {"torch", "ultralytics", "onnx", "onnxslim", "onnxruntime"}


def test_equal_weights_give_equal_bytes_and_leave_the_checkpoint_alone(
    built: Built, place: Path, model: ModelParams, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "other" / "name.pt"
    elsewhere.parent.mkdir()
    elsewhere.write_bytes(model.weights.read_bytes())
    exported = export_onnx(elsewhere, Size(64, 64), opset=17, simplify=True, out=tmp_path / "again.onnx")
    assert exported.layout == "raw"
    assert sha256_file(tmp_path / "again.onnx") == built.manifest["onnx_sha256"]
    assert [path.name for path in model.weights.parent.iterdir()] == ["base.pt"]
    assert sha256_file(model.weights) == model.sha256


def test_golden_inputs_are_drawn_and_the_engine_says_the_same_to_them(
    built: Built, place: Path, evidence: Evidence
) -> None:
    made = manifest.verify(place / "bundle")
    assert made.golden["inputs"] == "synthetic" and len(made.golden["files"]) == 4
    agreement = golden.compare(place / "bundle", made, open_engine(place / "bundle", "cpu"))
    assert agreement.holds and agreement.score < 1e-5 and agreement.inputs == 2
    assert agreement.strongest > 0.5  # the network has something to say, or there is little to compare
    pictures = {read_image(path).tobytes() for path in golden.pictures_of(place / "bundle", made)}
    frames = {read_image(place / path).tobytes() for path in evidence.frames["path"]}
    assert len(pictures) == 2 and not pictures & frames


def test_frames_travel_only_where_that_is_asked_for(
    built: Built, place: Path, model: ModelParams, evidence: Evidence, tmp_path: Path
) -> None:
    shown = build(
        world.onnx_target(), model, ORIGIN, evidence, Golden(world.GOLDEN, "frames"), tmp_path / "b"
    )
    made = manifest.verify(tmp_path / "b")
    assert made.golden["inputs"] == "frames"
    pictures = [read_image(path).tobytes() for path in golden.pictures_of(tmp_path / "b", made)]
    frames = [read_image(place / path).tobytes() for path in spread(evidence.frames, 4)["path"]]
    assert pictures == [frames[0], frames[3]]  # the first and the last of the four that parity ran on
    assert manifest.identity(shown.manifest) != manifest.identity(built.manifest)


def test_the_same_weights_give_the_same_bundle_byte_for_byte(
    built: Built, place: Path, model: ModelParams, evidence: Evidence, tmp_path: Path
) -> None:
    again = build(world.onnx_target(), model, ORIGIN, evidence, world.DRAWN, tmp_path / "again")
    assert again.manifest == built.manifest
    assert sha256_tree(tmp_path / "again") == sha256_tree(place / "bundle")


def test_any_batch_gives_what_single_images_give(built: Built, place: Path) -> None:
    engine = open_engine(place / "bundle", "cpu")
    generator = np.random.default_rng(3)
    images = [generator.integers(0, 255, (48, 80, 3), dtype=np.uint8) for _ in range(3)]
    for alone, together in zip(images, engine.predict(images), strict=True):
        np.testing.assert_allclose(engine.predict([alone])[0].boxes, together.boxes, atol=1e-3)


def test_an_engine_that_does_not_follow_is_not_left_behind(
    place: Path, evidence: Evidence, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: ModelParams
) -> None:
    def another(checkpoint: Path, imgsz: Size, *, opset: int, simplify: bool, out: Path) -> object:
        from provenline.engines.export import Exported

        world.constant_network(out, imgsz)
        return Exported(names=["person"], layout="raw", opset=opset)

    monkeypatch.setattr("provenline.engines.build.export_onnx", another)
    with pytest.raises(InputError, match="does not follow its checkpoint") as caught:
        build(world.onnx_target(), model, ORIGIN, evidence, world.DRAWN, tmp_path / "engine")
    assert "%" in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_an_engine_too_slow_for_the_cameras_is_said_or_refused(
    built: Built, evidence: Evidence, tmp_path: Path, model: ModelParams
) -> None:
    assert built.latency["rate"] == {"wanted_images_per_s": 0.02, "required": False, "verdict": "pass"}
    rate = {"cameras": 1000, "frames_per_s": 1000, "required": False}
    slow = build(world.onnx_target(rate=rate), model, ORIGIN, evidence, world.DRAWN, tmp_path / "slow")
    assert slow.latency["rate"]["verdict"] == "fail"
    target = world.onnx_target(rate=rate | {"required": True})
    with pytest.raises(InputError, match="1000 cameras of 1000 ask for 1e\\+06"):
        build(target, model, ORIGIN, evidence, world.DRAWN, tmp_path / "engine")
    assert [path.name for path in tmp_path.iterdir()] == ["slow"]


def test_the_difference_in_precision_has_an_interval_and_each_its_threshold(built: Built) -> None:
    found = built.parity
    assert found["groups"] == 4 and found["ap_difference"] == pytest.approx(0, abs=1e-6)
    thresholds = found["thresholds"]
    chosen = [thresholds[whose]["person"] for whose in ("reference", "engine")]
    assert chosen[0]["f1"] > 0.5 and chosen[1]["score"] == pytest.approx(chosen[0]["score"], abs=1e-3)


def test_the_engine_carries_the_score_from_which_on_its_finds_count(
    built: Built, place: Path, evidence: Evidence
) -> None:
    """Counted from the score that travels with it, its finds give the F1 that it was chosen by."""
    chosen = built.parity["thresholds"]["engine"]["person"]
    carried = manifest.verify(place / "bundle").thresholds
    assert chosen["below"] < carried["person"] <= chosen["score"]
    frames = spread(evidence.frames, world.onnx_target().parity.frames)
    engine = open_engine(place / "bundle", "cpu")
    found = predict_frames(engine, frames, evidence.root, 4)
    found = found[found["score"] >= carried["person"]]
    matches = match(frames["frame_id"].tolist(), evidence.truth, found, ("person",), [0.5])
    hits, objects = int(matches.is_hit(0.5).sum()), len(matches.truth_frame)
    assert 2 * hits / (len(matches.score) + objects) == pytest.approx(chosen["f1"], abs=1e-6)


def test_without_truth_no_threshold_is_carried() -> None:
    assert operating(None, 0.2) == {} == operating({"engine": {"person": None}}, 0.2)


def test_a_threshold_of_little_worth_is_none_and_that_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    chosen = {
        "poor": {"score": 0.023, "below": 0.02, "f1": 0.03},
        "good": {"score": 0.3, "below": 0.2, "f1": 0.2},
    }
    assert operating({"engine": chosen}, 0.2) == {"good": 0.25}
    said = " ".join(capsys.readouterr().err.split())
    assert "'poor' has no threshold of its own: the best gives an F1 of 0.03" in said and "good" not in said


def test_a_threshold_lies_between_two_detections() -> None:
    """Nothing changes where another processor's scores are a hair higher or lower."""
    found = operating(
        {
            "reference": {"far": {"score": 0.9, "below": 0.8, "f1": 0.9}},
            "engine": {
                "far": {"score": 0.26, "below": 0.2233, "f1": 0.9},
                "near": {"score": 0.5000013, "below": 0.5000011, "f1": 0.9},
                "last": {"score": 0.012, "below": 0.0, "f1": 0.9},
                "none": None,
            },
        },
        0.2,
    )
    assert found == {"far": 0.242, "near": pytest.approx(0.5000012, abs=1e-9), "last": 0.006}


def test_too_few_objects_choose_no_threshold(evidence: Evidence, tmp_path: Path, model: ModelParams) -> None:
    many = replace(evidence, least=1000)
    made = build(world.onnx_target(), model, ORIGIN, many, world.DRAWN, tmp_path / "bundle")
    assert made.manifest["thresholds"] == {} and made.parity["thresholds"]["engine"] == {"person": None}


def test_many_images_give_on_all_cores_what_they_give_alone(built: Built, place: Path) -> None:
    generator = np.random.default_rng(3)
    images = [generator.integers(0, 255, (48, 80, 3), dtype=np.uint8) for _ in range(7)]
    alone = [open_engine(place / "bundle", "cpu").predict([image])[0] for image in images]
    for one, other in zip(
        alone, open_engine(place / "bundle", "cpu", many=True).predict(images), strict=True
    ):
        np.testing.assert_allclose(one.boxes, other.boxes, atol=1e-3)
        np.testing.assert_allclose(one.scores, other.scores, atol=1e-5)
        assert one.labels == other.labels


def test_wrong_weights_are_refused_before_they_are_loaded(
    model: ModelParams, evidence: Evidence, tmp_path: Path
) -> None:
    other = model.model_copy(update={"sha256": "b" * 64})
    with pytest.raises(InputError, match="SHA-256"):
        build(world.onnx_target(), other, ORIGIN, evidence, world.DRAWN, tmp_path / "engine")
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_checkpoint_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "a.pt").write_bytes(b"not a checkpoint")
    with pytest.raises(InputError, match=r"a\.pt: cannot be exported") as caught:
        export_onnx(tmp_path / "a.pt", Size(64, 64), opset=17, simplify=True, out=tmp_path / "a.onnx")
    assert "\n" not in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["a.pt"]


def test_tensorrt_is_refused_where_it_is_missing(
    model: ModelParams, evidence: Evidence, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(InputError) as caught:
        build(world.tensorrt_target(), model, ORIGIN, evidence, world.DRAWN, tmp_path / "engine")
    text = str(caught.value)
    for part in ("jetson_orin_nano_fp16", "TensorRT is not installed", "provenline engine build"):
        assert part in text
    assert "\n" not in text and list(tmp_path.iterdir()) == []


def test_frames_are_spread_and_an_empty_split_is_refused(evidence: Evidence) -> None:
    assert list(spread(evidence.frames, 3)["frame_id"]) == list(evidence.frames["frame_id"].iloc[[0, 2, 5]])
    assert len(spread(evidence.frames, 100)) == 6
    with pytest.raises(InputError, match="no validation frame"):
        spread(evidence.frames.iloc[:0], 3)


def test_targets_are_told_apart_by_kind_and_know_their_keys() -> None:
    adapter: TypeAdapter[object] = TypeAdapter(Target)
    for target in (world.onnx_target(), world.tensorrt_target()):
        assert adapter.validate_python(target.model_dump()) == target
    for wrong in ({"kind": "openvino"}, world.onnx_target().model_dump() | {"workspace_mb": 1}):
        with pytest.raises(ValidationError):
            adapter.validate_python(wrong)
