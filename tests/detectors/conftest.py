"""Small networks with random weights, and bundles whose network says the same whatever it sees."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from provenline.detectors.params import ModelParams
from provenline.files import sha256_file, sha256_of

SHARED = Path(__file__).parents[2].parent / "shared"


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse every connection and every look-up of a name."""

    def refuse(*args: object, **_: object) -> None:
        raise AssertionError(f"a connection was tried: {args}")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.fixture(scope="session")
def make_checkpoint(tmp_path_factory: pytest.TempPathFactory):
    """Return a function that saves an untrained network of an architecture, once per session."""
    folder, made = tmp_path_factory.mktemp("networks"), {}

    def make(architecture: str, names: tuple[str, ...] = ("person",)) -> Path:
        from provenline.detectors.quiet import quiet_ultralytics

        quiet_ultralytics()
        import torch
        from ultralytics.nn.tasks import DetectionModel

        path = folder / f"{architecture}_{len(names)}.pt"
        if path not in made:
            torch.manual_seed(0)
            model = DetectionModel(f"{architecture}.yaml", ch=3, nc=len(names), verbose=False)
            model.names = dict(enumerate(names))
            torch.save({"model": model.half(), "train_args": {}}, path)
            made[path] = True
        return path

    return make


def model_params(path: Path, **changes: object) -> ModelParams:
    values: dict[str, Any] = {
        "name": "tested",
        "family": "ultralytics",
        "weights": path,
        "sha256": sha256_of(path) if path.exists() else "",
        "imgsz": 64,
        "labels": {"person": "person"},
        "score_floor": 0.01,
        "nms_iou": 0.7,
        "max_detections": 300,
    }
    return ModelParams.model_validate({**values, **changes})


def write_bundle(folder: Path, output: np.ndarray, batch: int | str = "batch", **changes: object) -> Path:
    """Write a bundle whose network answers ``output`` (rows, columns) to every image."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    folder.mkdir(parents=True)
    rows, columns = output.shape
    nodes = [
        helper.make_node("ReduceMean", ["images"], ["mean"], axes=[1, 2, 3], keepdims=1),
        helper.make_node("Squeeze", ["mean", "last"], ["flat"]),
        helper.make_node("Mul", ["flat", "zero"], ["nothing"]),
        helper.make_node("Add", ["nothing", "answer"], ["output0"]),
    ]
    initial = [
        numpy_helper.from_array(np.array([3], dtype=np.int64), "last"),
        numpy_helper.from_array(np.zeros(1, dtype=np.float32), "zero"),
        numpy_helper.from_array(output[None].astype(np.float32), "answer"),
    ]
    images = helper.make_tensor_value_info("images", TensorProto.FLOAT, [batch, 3, 64, 64])
    answer = helper.make_tensor_value_info("output0", TensorProto.FLOAT, [batch, rows, columns])
    graph = helper.make_graph(nodes, "fixed", [images], [answer], initial)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, folder / "model.onnx")
    manifest = {
        "format": 1,
        "onnx_sha256": sha256_file(folder / "model.onnx"),
        "checkpoint_sha256": "ab" * 32,
        "precision": "fp32",
        "target": {"kind": "onnxruntime", "name": "cpu_target", "device": "cpu"},
        "names": ["person", "dog"],
        "labels": {"person": "person"},
        "imgsz": 64,
        "layout": "raw",
        "score_floor": 0.01,
        "nms_iou": 0.7,
        "max_detections": 300,
        "hardware": None,
    }
    (folder / "manifest.json").write_text(json.dumps({**manifest, **changes}))
    return folder
