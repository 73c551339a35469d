"""A small world for the engine tests: frames, a handmade network, a checkpoint with random weights."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from provenline import tables
from provenline.detectors.bundle import ONNX
from provenline.detectors.onnx_model import OnnxDetector
from provenline.detectors.params import ModelParams
from provenline.detectors.size import Size
from provenline.engines import golden, manifest
from provenline.engines.build import Golden
from provenline.engines.manifest import Manifest
from provenline.engines.params import (
    GoldenParams,
    LatencyParams,
    OnnxRuntimeTarget,
    ParityParams,
    RateParams,
    TensorRTTarget,
)
from provenline.evaluation.params import IntervalParams
from provenline.files import sha256_file

TINY, SMALL = Size(32, 32), Size(64, 64)
PARITY = ParityParams(
    frames=4,
    score=0.25,
    iou=0.5,
    min_matched_share=0.99,
    max_score_drift=0.01,
    max_ap_difference=0.002,
    judged="estimate",
)
RATE = RateParams(cameras=2, frames_per_s=0.01, required=False)
INTERVAL = IntervalParams(
    method="bca", confidence=0.95, replicates=200, seed=0, warn_groups=20, min_groups=10
)
LATENCY = LatencyParams(warmup=1, repeats=3)
GOLDEN = GoldenParams.model_validate(
    {
        "inputs": 2,
        "width": 96,
        "height": 64,
        "seed": 0,
        "tolerances": {
            "fp32": {"score": 0.001, "box": 0.1},
            "fp16": {"score": 0.02, "box": 4.0},
            "int8": {"score": 0.1, "box": 16.0},
        },
    }
)
DRAWN = Golden(GOLDEN, "synthetic")


def onnx_target(**changes: object) -> OnnxRuntimeTarget:
    values = {
        "kind": "onnxruntime",
        "name": "onnxruntime_cpu",
        "device": "cpu",
        "precision": "fp32",
        "opset": 17,
        "simplify": True,
        "parity": PARITY,
        "latency": LATENCY,
        "least_f1": 0.2,
        "rate": RATE,
        "onnx_parity": None,
        "calibration": None,
    }
    return OnnxRuntimeTarget.model_validate(values | changes)


def tensorrt_target(**changes: object) -> TensorRTTarget:
    values = {
        "kind": "tensorrt",
        "name": "jetson_orin_nano_fp16",
        "precision": "fp16",
        "workspace_mb": 1024,
        "opset": 17,
        "simplify": True,
        "parity": PARITY,
        "latency": LATENCY,
        "least_f1": 0.2,
        "rate": RATE,
        "onnx_parity": None,
        "calibration": None,
    }
    return TensorRTTarget.model_validate(values | changes)


def frames(root: Path, count: int = 6, width: int = 96, height: int = 64) -> pd.DataFrame:
    """Write so many noisy JPEGs under ``root`` and return their Frames table."""
    generator = np.random.default_rng(7)
    rows = []
    for index in range(count):
        path = f"frames/{index:012d}.jpg"
        (root / "frames").mkdir(parents=True, exist_ok=True)
        blocks = generator.integers(0, 255, (height // 8, width // 8, 3), dtype=np.uint8)
        cv2.imwrite(str(root / path), cv2.resize(blocks, (width, height), interpolation=cv2.INTER_NEAREST))
        rows.append(
            {
                "frame_id": f"{index:012d}_000000000",
                "path": path,
                "plan": "every",
                "media": f"{index}.mp4",
                "media_sha256": "0" * 64,
                "time_ms": 0,
                "width": width,
                "height": height,
                "camera": "c1",
                "day": "2026-01-01",
                "category": "Collar",
                "group": f"g{index}",
                "workplace": None,
                "dhash": "0" * 16,
                "annotated": True,
                "annotator": "a",
            }
        )
    return tables.table(rows, tables.FRAMES)


def constant_network(
    path: Path, imgsz: Size = TINY, shift: float = 0.0, gain: float = 0.0, padding: int = 0
) -> None:
    """Write an ONNX file whose raw output is the same two boxes for every image.

    With a gain, the mean of the image's red is added to it all; padding makes the file so many bytes larger.
    """
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    base = np.zeros((1, 5, 3), dtype=np.float32)
    base[0, :, 0] = [10 + shift, 10, 8, 8, 0.9]  # cx cy w h score
    base[0, :, 1] = [22, 20, 6, 10, 0.6]
    nodes = [
        helper.make_node("ReduceMean", ["images"], ["mean"], axes=[2, 3], keepdims=0),
        helper.make_node("Gather", ["mean", "first"], ["one"], axis=1),
        helper.make_node("Mul", ["one", "zero"], ["nothing"]),
        helper.make_node("Unsqueeze", ["nothing", "last"], ["flat"]),
        helper.make_node("Add", ["flat", "base"], ["output0"]),
    ]
    constants = {
        "first": np.array([0], dtype=np.int64),
        "zero": np.full(1, gain, dtype=np.float32),
        "last": np.array([2], dtype=np.int64),
        "base": base,
        "padding": np.random.default_rng(padding).integers(0, 256, padding, dtype=np.uint8),
    }
    graph = helper.make_graph(
        nodes,
        "constant",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, ["batch", 3, *imgsz])],
        [helper.make_tensor_value_info("output0", TensorProto.FLOAT, ["batch", 5, 3])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)


def identity(onnx_sha256: str, **changes: object) -> Manifest:
    values: dict[str, object] = {
        "format": manifest.FORMAT,
        "onnx_sha256": onnx_sha256,
        "checkpoint_sha256": "a" * 64,
        "dataset_sha256": None,
        "split_sha256": None,
        "names": ["person"],
        "labels": {"person": "person"},
        "imgsz": TINY,
        "layout": "raw",
        "score_floor": 0.01,
        "nms_iou": 0.7,
        "max_detections": 300,
        "thresholds": {},
        "precision": "fp32",
        "target": {"kind": "onnxruntime", "name": "onnxruntime_cpu", "device": "cpu"},
        "calibration": None,
        "builder": {},
        "opset": 17,
        "preprocessing": manifest.preprocessing("raw", TINY),
        "golden": {},
        "hardware": None,
    }
    return Manifest(**(values | changes))  # type: ignore[arg-type]


def bundle(folder: Path, shift: float = 0.0, padding: int = 0, **changes: object) -> Path:
    """Write a bundle with the handmade network, golden inputs and all."""
    folder.mkdir(parents=True)
    constant_network(folder / ONNX, shift=shift, gain=0.05, padding=padding)
    made = identity(sha256_file(folder / ONNX), **changes)
    manifest.write(made, folder)
    held = golden.write(folder, OnnxDetector(folder, "cpu"), golden.form_of(made), GOLDEN, [])
    manifest.write(replace(made, golden=held), folder)
    return folder


def checkpoint(path: Path, imgsz: Size = SMALL, bias: float = 0.0) -> ModelParams:
    """Save a one-class YOLOv8n with random weights that finds something everywhere."""
    from provenline.detectors.quiet import quiet_ultralytics

    quiet_ultralytics()
    import torch
    from ultralytics.nn.tasks import DetectionModel

    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = DetectionModel("yolov8n.yaml", nc=1, verbose=False)
        for branch in model.model[-1].cv3:
            # Spread the scores over 0..1, so that a threshold has something on both sides.
            branch[-1].bias.data.fill_(bias)
            branch[-1].weight.data.mul_(40)
    model.names = {0: "person"}
    model.args = {"task": "detect"}
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save({"model": model.half(), "train_args": {}, "date": None}, path)
    return ModelParams(
        name="base",
        family="ultralytics",
        weights=path,
        sha256=sha256_file(path),
        imgsz=imgsz,
        labels={"person": "person"},
        score_floor=0.01,
        nms_iou=0.7,
        max_detections=300,
    )
