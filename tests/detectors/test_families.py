"""Every family of ultralytics comes through the one door and says what ultralytics itself says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from provenline.detectors.base import Detections
from provenline.detectors.open import families, open_checkpoint
from provenline.detectors.preprocess import prepare
from provenline.detectors.size import Size, parse
from provenline.detectors.ultralytics_model import load_network, output_layout
from provenline.errors import InputError
from provenline.training.strip import save_network
from tests.detectors.conftest import model_params
from tests.detectors.test_detectors import photos

NAMES = ("person", "dog")
LAYOUTS = {"yolov8n": "raw", "yolo11n": "raw", "yolo26n": "end2end", "yolov8n-rtdetr": "queries"}
ARCHITECTURES = [*LAYOUTS, pytest.param("rtdetr-l", marks=pytest.mark.slow)]


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory):
    """Return a function that saves a network with random weights that finds something everywhere."""
    folder = tmp_path_factory.mktemp("families")

    def make(architecture: str) -> Path:
        path = folder / f"{architecture}.pt"
        if not path.is_file():
            save_network(talkative(architecture, NAMES), path, 320)
        return path

    return make


def talkative(architecture: str, names: tuple[str, ...]):
    """Return a network whose scores are spread over 0 to 1: random weights keep them all beside 0."""
    from provenline.detectors.quiet import quiet_ultralytics

    quiet_ultralytics()
    import torch
    from ultralytics.nn import tasks

    queries = "rtdetr" in architecture
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        build = tasks.RTDETRDetectionModel if queries else tasks.DetectionModel
        model = build(f"{architecture}.yaml", ch=3, nc=len(names), verbose=False)
        head = model.model[-1]
        branches = (
            head.dec_score_head
            if queries
            else [branch[-1] for name in ("cv3", "one2one_cv3") for branch in getattr(head, name, None) or ()]
        )
        for layer in branches:
            torch.nn.init.normal_(layer.weight, std=layer.weight[0].numel() ** -0.5)
            torch.nn.init.constant_(layer.bias, -1.0)
        _normalised(model)
    model.names = dict(enumerate(names))
    return model


def _normalised(model) -> None:
    """Set all batch norms by one batch: else a deep random network says the same of everything."""
    import torch

    norms = [layer for layer in model.modules() if isinstance(layer, torch.nn.BatchNorm2d)]
    momenta = [layer.momentum for layer in norms]
    for layer in norms:
        layer.momentum = 1.0
    seen, _ = prepare(photos(8), Size(320, 320), "letterbox")
    with torch.no_grad():
        model.train()(torch.from_numpy(seen))
    for layer, momentum in zip(norms, momenta, strict=True):
        layer.momentum = momentum
    model.eval()


def theirs(path: Path, images: list[np.ndarray], imgsz: int | list[int], layout: str):
    """Return what ultralytics' own prediction finds: on one input, by the head that needs no suppression."""
    from ultralytics import YOLO

    how = {"conf": 0.01, "iou": 0.7, "max_det": 300, "rect": False, "device": "cpu", "verbose": False}
    head = {"nms": False} if layout == "end2end" else {}
    return YOLO(str(path)).predict(images, imgsz=imgsz, **how, **head)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("flat", [False, True])
def test_agrees_with_ultralytics_own_prediction(network, architecture, flat, offline):
    path, images = network(architecture), photos(4)
    layout = LAYOUTS.get(architecture, "queries")
    # So small that no more is found than may be: else the last of those chosen change with the last digit.
    side = {"queries": 96, "end2end": 64}.get(layout, 320)
    imgsz = [side // 64 * 32, side] if flat else side
    assert output_layout(load_network(path)) == layout
    detector = open_checkpoint(model_params(path, imgsz=imgsz, labels={name: name for name in NAMES}), "cpu")
    assert (detector.names, detector.imgsz, len(detector.fingerprint)) == (NAMES, parse(imgsz), 64)
    for ours, other in zip(detector.predict(images), theirs(path, images, imgsz, layout), strict=True):
        edge = np.tile(other.orig_shape[::-1], 2)  # RT-DETR's are not clipped there
        boxes, scores = np.clip(other.boxes.xyxy.numpy(), 0, edge), other.boxes.conf.numpy()
        kept = (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])
        assert len(ours) == kept.sum() > 20
        assert np.ptp(ours.scores) > 0.05 and set(ours.labels) == set(NAMES)
        peer = np.column_stack([boxes, 1e3 * scores, 1e4 * other.boxes.cls.numpy()])[kept]
        assert farthest(rows(ours), peer) < 0.5  # pixels; thousandths of a score


def rows(found: Detections) -> np.ndarray:
    """Return one row per detection: box in pixels, score in thousandths, class by the ten thousand."""
    classes = [1e4 * NAMES.index(label) for label in found.labels]
    return np.column_stack([found.boxes, 1e3 * found.scores, classes])


def farthest(left: np.ndarray, right: np.ndarray) -> float:
    """Return the largest difference of two sets of rows, each with its like: near ties change places."""
    from scipy.optimize import linear_sum_assignment

    apart = np.abs(left[:, None] - right[None]).max(axis=2)
    return float(apart[linear_sum_assignment(apart)].max())


def test_one_box_under_two_classes_of_one_label_counts_once(network):
    both = model_params(network("yolov8n-rtdetr"), imgsz=320, labels=dict.fromkeys(NAMES, "thing"))
    found = open_checkpoint(both, "cpu").predict(photos(1))[0]
    assert len({tuple(box) for box in found.boxes}) == len(found) > 20


def test_an_unknown_family_names_the_known_ones(network):
    assert {"ultralytics", "transformers"} <= set(families())
    assert not {"onnx", "tensorrt"} & set(families())
    with pytest.raises(InputError, match=r"no detector family 'onnx'\. Families here are .*ultralytics"):
        open_checkpoint(model_params(network("yolov8n"), family="onnx"), "cpu")


def test_a_folder_is_no_checkpoint_of_ultralytics(tmp_path):
    (tmp_path / "folder").mkdir()
    with pytest.raises(InputError, match="a folder, no checkpoint of ultralytics"):
        open_checkpoint(model_params(tmp_path / "folder"), "cpu")
