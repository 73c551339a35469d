"""The identity of an engine: what it was made of, by what, and how it wants to be used.

No clock, no host, no latency: two builds of the same weights by the same packages, held against the same
validation frames, have the same manifest, as far as their processors agree. Imports nothing but the base
package, because the edge reads it.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from provenline.detectors import size
from provenline.detectors.bundle import MANIFEST, ONNX, PLAN, Layout, checked
from provenline.detectors.size import Size
from provenline.errors import InputError
from provenline.files import read_json, write_json

FORMAT = 3
FORMER = 2  # without thresholds: what is in service goes on, under the identity that it has
LAYOUTS: tuple[str, ...] = get_args(Layout)
_LETTERBOXED = "letterbox to {size} (proportions kept, bilinear, centred, grey 114)"
_STRETCHED = "stretch to {size} (proportions not kept, bilinear)"
_PIXELS = ", BGR to RGB, HWC to CHW, float32, divided by 255; input 'images' (N,3,{sides}), output 'output0'"
PRECISIONS = ("fp32", "fp16", "int8")
_HEX = re.compile(r"[0-9a-f]{64}")
# They become paths on the device, so a manifest cannot name what it likes.
_GOLDEN_FILE = re.compile(r"golden/[0-9]{2}\.(png|npy)")
_HARDWARE = {"gpu", "driver", "l4t", "tensorrt", "precision", "plan_sha256"}


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
        imgsz: Of the input, in pixels; in the file one number for a square, else ``[height, width]``.
        layout: ``raw`` (N, 4 + classes, anchors; xywh and class scores before NMS), ``end2end``
            (N, detections, 6; xyxy, score, class after NMS) or ``queries`` (N, queries, 6; xywh as
            shares of the input, score, class; the image stretched to the input).
        score_floor: Detections below it are not delivered.
        nms_iou: Overlap from which on NMS drops the weaker box (``raw`` only).
        max_detections: At most so many per image.
        thresholds: Label -> score from which on a detection counts, chosen on validation frames
            (``build.operating``). Applied outside, by whoever takes the detections; a label without one
            counts from the score of the use case.
        precision: ``fp32``, ``fp16`` or ``int8``.
        target: ``kind`` (onnxruntime or tensorrt), ``name`` and ``device`` of where it is to run.
        calibration: What an INT8 engine was calibrated on; None without calibration.
        builder: Package -> version that made it.
        opset: ONNX operator set.
        preprocessing: What stands between a stored image and the input, in words.
        golden: What a device holds the engine against (``engines.golden``): ``inputs`` (``synthetic`` or
            ``frames``), ``files`` (path -> SHA-256) and ``tolerances`` per precision.
        hardware: What a TensorRT plan is bound to (``detectors.manifest.Hardware``); None for ONNX, which
            travels. The only key that a device fills in: see ``identity``.
    """

    format: int
    onnx_sha256: str
    checkpoint_sha256: str
    dataset_sha256: str | None
    split_sha256: str | None
    names: list[str]
    labels: dict[str, str]
    imgsz: Size
    layout: Layout
    score_floor: float
    nms_iou: float
    max_detections: int
    thresholds: dict[str, float]
    precision: str
    target: dict[str, str]
    calibration: dict[str, Any] | None
    builder: dict[str, str]
    opset: int
    preprocessing: str
    golden: dict[str, Any]
    hardware: dict[str, str] | None

    @property
    def files(self) -> dict[str, str]:
        """Path -> SHA-256 of everything that the engine consists of, beside the manifest."""
        plan = {PLAN: self.hardware["plan_sha256"]} if self.hardware else {}
        return {ONNX: self.onnx_sha256, **plan, **self.golden["files"]}

    @property
    def runs_at(self) -> str:
        """The precision of what runs: the plan's, where there is one."""
        return self.hardware["precision"] if self.hardware else self.precision

    @property
    def runtime(self) -> str:
        """What runs it: ``tensorrt`` where there is a plan, else ``onnxruntime``."""
        return "tensorrt" if self.hardware else "onnxruntime"

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON object that ``write`` stores."""
        content = dataclasses.asdict(self) | {"imgsz": self.imgsz.plain}
        if self.format == FORMER:
            del content["thresholds"]
        return content


def preprocessing(layout: Layout, imgsz: Size) -> str:
    """Return in words what stands between a stored image and the input of such an engine."""
    fit = _STRETCHED if layout == "queries" else _LETTERBOXED
    words = ("imgsz x imgsz", "S,S") if imgsz.square else ("imgsz, height x width", "H,W")
    return (fit + _PIXELS).format(size=words[0], sides=words[1])


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
    if found and content.get("format") == FORMER:
        known.remove("thresholds")
    missing, unknown = [k for k in known if k not in found], [k for k in found if k not in known]
    if missing or unknown:
        what = f"keys missing: {missing or 'none'}, unknown: {unknown or 'none'}"
        raise InputError(what, file=path, mend="Rebuild the engine with `dvc repro trt-build`")
    manifest = Manifest(**{"thresholds": {}, **content})
    for key, wanted, holds in _conditions(manifest):
        if not holds:
            raise InputError(f"is {content[key]!r}, not {wanted}", file=path, place=key)
    return dataclasses.replace(manifest, imgsz=size.parse(content["imgsz"]))


def _conditions(manifest: Manifest) -> list[tuple[str, str, bool]]:
    optional = [manifest.dataset_sha256, manifest.split_sha256]
    return [
        ("format", f"{FORMER} or {FORMAT}", manifest.format in (FORMER, FORMAT)),
        ("onnx_sha256", "64 hexadecimal digits", _is_sha256(manifest.onnx_sha256)),
        ("checkpoint_sha256", "64 hexadecimal digits", _is_sha256(manifest.checkpoint_sha256)),
        ("dataset_sha256", "64 hexadecimal digits or null", optional[0] is None or _is_sha256(optional[0])),
        ("split_sha256", "64 hexadecimal digits or null", optional[1] is None or _is_sha256(optional[1])),
        ("names", "a list of class names", isinstance(manifest.names, list) and bool(manifest.names)),
        ("labels", "an object of labels", isinstance(manifest.labels, dict)),
        ("imgsz", size.WANTED, _is_size(manifest.imgsz)),
        ("thresholds", "an object of labels with numbers in 0..1", _are_thresholds(manifest.thresholds)),
        ("layout", f"one of {LAYOUTS}", manifest.layout in LAYOUTS),
        ("precision", f"one of {PRECISIONS}", manifest.precision in PRECISIONS),
        ("target", "an object with kind, name and device", _is_target(manifest.target)),
        ("hardware", f"null or an object with {sorted(_HARDWARE)}", _is_bound(manifest.hardware)),
        ("golden", "an object with inputs, files and tolerances", _is_golden(manifest.golden)),
        ("score_floor", "a number in 0..1", _is_share(manifest.score_floor)),
        ("nms_iou", "a number in 0..1", _is_share(manifest.nms_iou)),
    ]


def _is_sha256(value: object) -> bool:
    return isinstance(value, str) and _HEX.fullmatch(value) is not None


def _is_target(value: object) -> bool:
    return isinstance(value, dict) and {"kind", "name", "device"} <= set(value)


def _is_bound(value: object) -> bool:
    return value is None or (
        isinstance(value, dict)
        and set(value) >= _HARDWARE
        and all(isinstance(one, str) for one in value.values())
        and value["precision"] in PRECISIONS
        and _is_sha256(value["plan_sha256"])
    )


def _is_golden(value: object) -> bool:
    if not isinstance(value, dict) or {"inputs", "files", "tolerances"} != set(value):
        return False
    files, tolerances = value["files"], value["tolerances"]
    if not isinstance(files, dict) or not files or not isinstance(tolerances, dict):
        return False
    if set(tolerances) != set(PRECISIONS) or not all(isinstance(one, dict) for one in tolerances.values()):
        return False
    named = all(_GOLDEN_FILE.fullmatch(name) and _is_sha256(digest) for name, digest in files.items())
    measured = (one.get(key) for one in tolerances.values() for key in ("score", "box"))
    return named and all(map(_is_number, measured))


def _are_thresholds(value: object) -> bool:
    return isinstance(value, dict) and all(_is_share(score) for score in value.values())


def _is_size(value: object) -> bool:
    try:
        size.parse(value)
    except ValueError:
        return False
    return True


def _is_share(value: object) -> bool:
    return _is_number(value) and isinstance(value, (int, float)) and value <= 1


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0


def identity(manifest: Mapping[str, Any]) -> str:
    """Return the SHA-256 that names a bundle, given ``Manifest.to_dict`` or the file's content.

    It covers every key except ``hardware``, and through their hashes every file except the plan. So a
    bundle and all engines that devices build from it have one identity, and one changed byte gives another.
    """
    content = {**manifest, "hardware": None}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def verify(folder: Path, wanted: str = "") -> Manifest:
    """Read the manifest and check that the files beside it are the ones it names.

    Args:
        folder: A bundle, or the engine that a device built from one.
        wanted: The identity that it must have, where somebody wrote it down; empty accepts any.

    Raises:
        InputError: As ``read``; a file is missing or its bytes are others; or it is another bundle.
    """
    manifest = read(folder)
    found = identity(manifest.to_dict())
    if wanted and found != wanted:
        what = f"is the bundle {found[:12]}…, {wanted[:12]}… was asked for"
        raise InputError(what, file=folder / MANIFEST, mend="Fetch it again with `dvc pull`")
    for name, digest in manifest.files.items():
        checked(folder / name, digest)
    return manifest
