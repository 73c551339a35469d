"""What a detector must know of an engine bundle before it opens it."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from provenline.detectors.bundle import MANIFEST, Layout
from provenline.detectors.params import Imgsz
from provenline.detectors.postprocess import Decoder
from provenline.errors import InputError
from provenline.files import read_json


class Hardware(BaseModel):
    """What a TensorRT plan is bound to.

    Attributes:
        gpu: Name of the GPU (on a Jetson the board's).
        driver: Its version; empty where none was named.
        l4t: Release of Jetson Linux; empty elsewhere.
        tensorrt: Version that built the plan.
        precision: Of the plan: `fp16`, …; the ONNX file beside it keeps its own.
        plan_sha256: Hash of ``model.plan``.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    gpu: str
    driver: str
    l4t: str
    tensorrt: str
    precision: str
    plan_sha256: str


class Target(BaseModel):
    """Where an engine is to run."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    name: str


class Manifest(BaseModel):
    """The part of ``manifest.json`` that running the engine needs; other keys are left alone.

    Attributes:
        target: Where the engine runs.
        onnx_sha256: Hash of ``model.onnx``.
        checkpoint_sha256: Hash of the checkpoint that it was exported from.
        precision: `fp32`, `fp16`, ….
        names: The model's class names, in its order.
        labels: Class name to our label.
        imgsz: Of the input, in pixels.
        layout: Of the output: `raw`, `end2end` or `queries`; also says how an image gets into the input.
        score_floor: Weaker detections are dropped.
        nms_iou: Overlap above which the weaker of two boxes of one label goes.
        max_detections: At most so many per image.
        thresholds: Label -> score from which on a detection counts, for whoever takes the detections.
        hardware: What the plan is bound to, where a TensorRT engine was built.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    target: Target
    onnx_sha256: str
    checkpoint_sha256: str
    precision: str
    names: tuple[str, ...]
    labels: dict[str, str]
    imgsz: Imgsz
    layout: Layout
    score_floor: float
    nms_iou: float
    max_detections: int
    thresholds: dict[str, float] = {}
    hardware: Hardware | None = None

    @property
    def name(self) -> str:
        """Return a name that tells this engine from another model's on the same target."""
        return f"{self.target.name}@{self.checkpoint_sha256[:8]}"

    def decoder(self) -> Decoder:
        """Return how the engine's output is read."""
        return Decoder(
            layout=self.layout,
            names=self.names,
            labels=self.labels,
            score_floor=self.score_floor,
            nms_iou=self.nms_iou,
            max_detections=self.max_detections,
        )


def read_manifest(bundle: str | Path) -> Manifest:
    """Read a bundle's manifest.

    Raises:
        InputError: It is missing, or a key is missing or of the wrong kind.
    """
    path = Path(bundle) / MANIFEST
    if not path.is_file():
        mend = "An engine is nothing without its manifest: run `dvc repro trt-build` or `dvc pull`"
        raise InputError("file is missing", file=path, mend=mend)
    try:
        return Manifest.model_validate(read_json(path))
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
        raise InputError(faults, file=path, mend="Run `dvc repro trt-build`") from None
