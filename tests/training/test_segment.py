"""Outlines, from a mask to a checkpoint whose boxes are judged."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from provenline.annotations.outlines import joined, rings
from provenline.detectors.open import open_checkpoint
from provenline.detectors.params import ModelParams
from provenline.detectors.postprocess import Decoder
from provenline.detectors.preprocess import prepare
from provenline.detectors.size import Size
from provenline.errors import InputError
from provenline.files import sha256_file
from provenline.training.params import TrainParams
from provenline.training.scratch import untrained
from provenline.training.train import fine_tune
from provenline.training.view import build_view
from tests.training.conftest import params

SIDE = 128


def ring(index: int) -> np.ndarray:
    """The mask of a ring: a shape with a hole."""
    mask = np.zeros((SIDE, SIDE), np.uint8)
    cv2.ellipse(mask, (50 + 2 * index, 60), (36, 28), 20, 0, 360, 1, -1)
    cv2.ellipse(mask, (50 + 2 * index, 60), (16, 12), 20, 0, 360, 0, -1)
    return mask.astype(bool)


@pytest.fixture
def outlines(tmp_path: Path) -> Path:
    """Six training and three validation images of rings, one of them empty; returns the YAML."""
    root, rng = tmp_path / "rings", np.random.default_rng(3)
    for part, count in (("train", 6), ("val", 3)):
        (root / "images" / part).mkdir(parents=True)
        (root / "labels" / part).mkdir(parents=True)
        for index in range(count):
            image = rng.integers(0, 90, (SIDE, SIDE, 3), dtype=np.uint8)
            image[ring(index)] = (40, 220, 60)
            cv2.imwrite(str(root / "images" / part / f"{part}_{index:02d}.jpg"), image)
            values = " ".join(f"{value / SIDE:.8f}" for value in joined(list(rings(ring(index)))))
            text = "" if (part, index) == ("train", 3) else f"0 {values}\n"
            (root / "labels" / part / f"{part}_{index:02d}.txt").write_text(text)
    (root / "toy.yaml").write_text("path: .\ntrain: images/train\nval: images/val\nnames: {0: ring}\n")
    return root / "toy.yaml"


@pytest.fixture(scope="module")
def seg_base(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    path = tmp_path_factory.mktemp("base") / "seg.pt"
    untrained("yolov8n-seg.yaml", ("ring",), seed=1, imgsz=64, out=path)
    return path, sha256_file(path)


def segmenting(**changes: object) -> TrainParams:
    return params(1, task="segment", extra={"overlap_mask": True, "mask_ratio": 2}, **changes)


def model_params(path: Path, **changes: object) -> ModelParams:
    values = {
        "name": "m", "weights": path, "sha256": sha256_file(path), "imgsz": 128, "labels": {"ring": "ring"},
        "score_floor": 0.0, "nms_iou": 0.7, "max_detections": 20, "family": "ultralytics",
    }  # fmt: skip
    return ModelParams.model_validate(values | changes)


def places(folder: Path) -> tuple[Path, Path, Path]:
    """Where weights, peaks and state go."""
    return folder / "v0.pt", folder / "peaks", folder / "state"


def test_the_view_takes_polygons_for_outlines_and_boxes_for_boxes(outlines, dataset, tmp_path):
    view = build_view(outlines, tmp_path / "view", 0, "segment")
    assert (len(view.train), view.boxes, view.names) == (6, 5, ("ring",))
    with pytest.raises(InputError, match="line 1: not a YOLO box of a known class"):
        build_view(outlines, tmp_path / "view", 0, "detect")
    with pytest.raises(InputError, match="line 1: not a YOLO polygon of a known class"):
        build_view(dataset, tmp_path / "view", 0, "segment")


def test_what_the_trainer_sees_is_the_mask(outlines):
    from provenline.detectors.quiet import quiet_ultralytics

    quiet_ultralytics()
    from ultralytics.data.utils import polygon2mask, verify_image_label

    label = outlines.parent / "labels" / "train" / "train_00.txt"
    image = outlines.parent / "images" / "train" / "train_00.jpg"
    _, lb, _, segments, *_ = verify_image_label((str(image), str(label), "", False, 1, 0, 0, False))
    seen = polygon2mask((SIDE, SIDE), [segments[0].reshape(-1) * SIDE]).astype(bool)
    mask = ring(0)
    assert (seen & mask).sum() / (seen | mask).sum() > 0.93  # it fills the pixels on the edge, too
    assert not seen[58:62, 48:52].any()  # nor is the hole filled
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    box = [columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]
    centre, size = lb[0, 1:3] * SIDE, lb[0, 3:5] * SIDE
    assert [*(centre - size / 2), *(centre + size / 2)] == pytest.approx(box, abs=1e-3)


def test_a_base_for_another_task_is_refused(outlines, dataset, base, seg_base, tmp_path):
    def nothing(*_: object) -> None:
        pass

    with pytest.raises(InputError, match="a model for 'detect', the recipe is for 'segment'"):
        fine_tune(outlines, *base, segmenting(), *places(tmp_path / "a"), nothing)
    with pytest.raises(InputError, match="a model for 'segment', the recipe is for 'detect'"):
        fine_tune(dataset, *seg_base, params(), *places(tmp_path / "b"), nothing)


@pytest.mark.slow
def test_a_model_for_outlines_is_trained_and_its_boxes_are_read(outlines, seg_base, tmp_path):
    import torch
    from ultralytics import YOLO
    from ultralytics.utils.nms import non_max_suppression

    from provenline.detectors.ultralytics_model import load_network

    (out, *others), rows = places(tmp_path), []
    result = fine_tune(outlines, *seg_base, segmenting(), out, *others, lambda _, row: rows.append(row))
    assert {"train_seg_loss", "val_seg_loss", "mask_mAP50", "mask_recall", "mAP50"} <= set(rows[0])
    assert result["arguments"]["asked"]["mask_ratio"] == result["arguments"]["in_effect"]["mask_ratio"] == 2
    assert str(tmp_path).encode() not in out.read_bytes()
    detector = open_checkpoint(model_params(out), "cpu")
    assert detector.names == ("ring",)
    images = [cv2.imread(str(path)) for path in sorted((outlines.parent / "images/val").iterdir())]
    assert YOLO(str(out)).task == "segment"
    # Ultralytics' own suppression, which knows what are scores and what are coefficients of masks.
    with torch.inference_mode():
        raw, _ = load_network(out)(torch.from_numpy(prepare(images, Size(128, 128), "letterbox")[0]))[0]
        theirs = non_max_suppression(raw, conf_thres=0.0, iou_thres=0.7, max_det=20, nc=1)
    for ours, other in zip(detector.predict(images), theirs, strict=True):
        assert other.shape == (20, 6 + 32) and len(ours) == 20
        assert np.allclose(ours.scores, other[:, 4], rtol=1e-4)
        assert np.allclose(ours.boxes, np.clip(other[:, :4], 0, 128), atol=0.01)


@pytest.mark.slow
def test_its_export_gives_the_same_boxes(seg_base, tmp_path):
    import onnxruntime

    from provenline.engines.export import export_onnx

    exported = export_onnx(seg_base[0], Size(128, 128), opset=17, simplify=True, out=tmp_path / "model.onnx")
    assert (exported.names, exported.layout) == (["ring"], "raw")
    given = model_params(seg_base[0])
    detector, image = open_checkpoint(given, "cpu"), np.full((96, 128, 3), 90, np.uint8)
    batch, places = prepare([image], Size(128, 128), "letterbox")
    session = onnxruntime.InferenceSession(str(tmp_path / "model.onnx"), providers=["CPUExecutionProvider"])
    (output,) = session.run(None, {"images": batch})
    decode = Decoder("raw", ("ring",), given.labels, 0.0, given.nms_iou, given.max_detections)
    engine, checkpoint = decode(output[0], places[0]), detector.predict([image])[0]
    assert len(engine) == len(checkpoint) > 0
    assert np.allclose(engine.scores, checkpoint.scores, atol=1e-4)
