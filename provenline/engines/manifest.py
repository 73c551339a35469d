"""The identity of an engine: what it was made of, by what, and how it wants to be used.

No clock, no host, no latency: two builds of the same weights by the same packages have the same
manifest. Imports nothing but the base package, because the edge reads it.
"""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from provenline.detectors.manifest import MANIFEST, ONNX, PLAN, checked
from provenline.detectors.postprocess import Layout
from provenline.errors import InputError
from provenline.files import read_json, write_json

FORMAT = 1
LAYOUTS: tuple[str, ...] = get_args(Layout)
_PIXELS = ", BGR to RGB, HWC to CHW, float32, divided by 255; input 'images' (N,3,S,S), output 'output0'"
PREPROCESSING = "letterbox to imgsz x imgsz (proportions kept, bilinear, centred, grey 114)" + _PIXELS
STRETCHED = "stretch to imgsz x imgsz (proportions not kept, bilinear)" + _PIXELS
_HEX = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Manifest:
    """Everything that makes this engine this engine.

    Attributes:
        format: Version of this file's keys.
        onnx_sha256: Of ``model.onnx`` beside the manifest.
        checkpoint_sha256: Of the checkpoint that was exported.
        dataset_sha256: Of the training data, or None for a base model that was not trained here.
        split_sha256: Of the split that the data was cut by, or None.
        names: The model's own class names, by class index.
        labels: The model's class name -> our label; other classes are dropped.
        imgsz: Side of the square input in pixels.
        layout: ``raw`` (N, 4 + classes, anchors; xywh and class scores before NMS), ``end2end``
            (N, detections, 6; xyxy, score, class after NMS) or ``queries`` (N, queries, 6; xywh as
            shares of the input, score, class; the image stretched to the input).
        score_floor: Detections below it are not delivered.
        nms_iou: Overlap from which on NMS drops the weaker box (``raw`` only).
        max_detections: At most so many per image.
        precision: ``fp32``, ``fp16`` or ``int8``.
        target: ``kind`` (onnxruntime or tensorrt), ``name`` and ``device`` of where it is to run.
        calibration: What an INT8 engine was calibrated on; None without calibration.
        builder: Package -> version that made it.
        opset: ONNX operator set.
        preprocessing: What stands between a stored image and the input, in words.
        hardware: ``gpu`` (name and driver), ``tensorrt`` and ``plan_sha256`` that a TensorRT engine is
            bound to; None for ONNX, which travels.
    """

    format: int
    onnx_sha256: str
    checkpoint_sha256: str
    dataset_sha256: str | None
    split_sha256: str | None
    names: list[str]
    labels: dict[str, str]
    imgsz: int
    layout: str
    score_floor: float
    nms_iou: float
    max_detections: int
    precision: str
    target: dict[str, str]
    calibration: dict[str, Any] | None
    builder: dict[str, str]
    opset: int
    preprocessing: str
    hardware: dict[str, str] | None

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON object that ``write`` stores."""
        return dataclasses.asdict(self)


def write(manifest: Manifest, folder: Path) -> None:
    """Write ``manifest.json`` into a bundle's folder, whole or not at all."""
    write_json(folder / MANIFEST, manifest.to_dict())


def read(folder: Path) -> Manifest:
    """Read and validate the manifest of a bundle; does not look at the model file.

    Raises:
        InputError: The file is missing, is not JSON, or a key is missing, unknown or ill-formed.
    """
    path = folder / MANIFEST
    content = read_json(path)
    known = [field.name for field in dataclasses.fields(Manifest)]
    found = list(content) if isinstance(content, dict) else []
    missing, unknown = [k for k in known if k not in found], [k for k in found if k not in known]
    if missing or unknown:
        what = f"keys missing: {missing or 'none'}, unknown: {unknown or 'none'}"
        raise InputError(what, file=path, mend="Rebuild the engine with `dvc repro trt-build`")
    manifest = Manifest(**content)
    for key, wanted, holds in _conditions(manifest):
        if not holds:
            raise InputError(f"is {content[key]!r}, not {wanted}", file=path, place=key)
    return manifest


def _conditions(manifest: Manifest) -> list[tuple[str, str, bool]]:
    optional = [manifest.dataset_sha256, manifest.split_sha256]
    return [
        ("format", str(FORMAT), manifest.format == FORMAT),
        ("onnx_sha256", "64 hexadecimal digits", _is_sha256(manifest.onnx_sha256)),
        ("checkpoint_sha256", "64 hexadecimal digits", _is_sha256(manifest.checkpoint_sha256)),
        ("dataset_sha256", "64 hexadecimal digits or null", optional[0] is None or _is_sha256(optional[0])),
        ("split_sha256", "64 hexadecimal digits or null", optional[1] is None or _is_sha256(optional[1])),
        ("names", "a list of class names", isinstance(manifest.names, list) and bool(manifest.names)),
        ("labels", "an object of labels", isinstance(manifest.labels, dict)),
        ("imgsz", "a positive multiple of 32", _is_size(manifest.imgsz)),
        ("layout", f"one of {LAYOUTS}", manifest.layout in LAYOUTS),
        ("target", "an object with kind, name and device", _is_target(manifest.target)),
        ("hardware", "null or an object with gpu, tensorrt and plan_sha256", _is_bound(manifest.hardware)),
        ("score_floor", "a number in 0..1", _is_share(manifest.score_floor)),
        ("nms_iou", "a number in 0..1", _is_share(manifest.nms_iou)),
    ]


def _is_sha256(value: object) -> bool:
    return isinstance(value, str) and _HEX.fullmatch(value) is not None


def _is_target(value: object) -> bool:
    return isinstance(value, dict) and {"kind", "name", "device"} <= set(value)


def _is_bound(value: object) -> bool:
    return value is None or (isinstance(value, dict) and {"gpu", "tensorrt", "plan_sha256"} <= set(value))


def _is_size(value: object) -> bool:
    return isinstance(value, int) and value > 0 and value % 32 == 0


def _is_share(value: object) -> bool:
    return isinstance(value, (int, float)) and 0 <= value <= 1


def verify(folder: Path) -> Manifest:
    """Read the manifest and check that the model files beside it are the ones it names.

    Raises:
        InputError: As ``read``; or a model file is missing or its bytes are others.
    """
    manifest = read(folder)
    checked(folder / ONNX, manifest.onnx_sha256)
    if manifest.hardware:
        checked(folder / PLAN, manifest.hardware["plan_sha256"])
    return manifest
