"""Where an engine runs, and what it must show before it is put there."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Share = Annotated[float, Field(ge=0, le=1)]


class _Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ParityParams(_Frozen):
    """How closely the engine must follow its checkpoint.

    Attributes:
        frames: Number of validation frames that both run on, spread evenly over the table.
        score: The operating threshold at which they are compared.
        iou: Overlap from which on two boxes are the same object.
        min_matched_share: Least share of boxes with a partner, in the worse of the two directions.
        max_score_drift: Largest difference of the scores of any matched pair.
        max_ap_difference: Largest ``|AP50-95(engine) - AP50-95(checkpoint)|``, in points of 0..1.
        judged: ``estimate`` holds the difference itself against it, for engines that should say the same;
            ``bound`` the lower end of its interval, for those that may lose something but not more than
            that: then ``inconclusive`` under ``interval.min_groups`` groups.
    """

    frames: int = Field(ge=1)
    score: Share
    iou: Share
    min_matched_share: Share
    max_score_drift: Share
    max_ap_difference: Share
    judged: Literal["estimate", "bound"]


class LatencyParams(_Frozen):
    """How long is measured: ``warmup`` calls that do not count, then ``repeats`` that do."""

    warmup: int = Field(ge=0)
    repeats: int = Field(ge=1)


class Tolerance(_Frozen):
    """How far an engine's raw outputs may be from the ONNX file's on the golden inputs.

    Attributes:
        score: Largest difference of any class score, 0 to 1.
        box: Largest difference of a coordinate of the strongest boxes, in pixels of the network's input.
    """

    score: Share
    box: float = Field(ge=0)


class Tolerances(_Frozen):
    """A tolerance per precision: a bundle travels, and the device decides at which precision it runs."""

    fp32: Tolerance
    fp16: Tolerance
    int8: Tolerance


class GoldenParams(_Frozen):
    """What a device holds an engine against; part of every bundle.

    Attributes:
        inputs: Pictures in a bundle. Drawn ones, unless ``footage.golden`` lets frames out.
        width: Of a drawn picture, in pixels.
        height: Of a drawn picture, in pixels.
        seed: Of the drawing.
        tolerances: How far a device may be from the ONNX file.
    """

    inputs: int = Field(ge=1, le=99)
    width: int = Field(ge=32)
    height: int = Field(ge=32)
    seed: int = Field(ge=0)
    tolerances: Tolerances


class CalibrationParams(_Frozen):
    """How the ranges of an INT8 engine's activations are found.

    Attributes:
        frames: Training frames, spread evenly over the table.
        method: ``minmax`` covers all that was seen; ``entropy`` and ``percentile`` cut outliers off, and keep
            histograms of every activation in memory.
        activation: ``uint8`` is the quick one on x86 processors; ``int8``, symmetric, what TensorRT takes.
        reduce_range: Weights of 7 bits: without VNNI, processors add products of 8 bits in 16 and saturate.
    """

    frames: int = Field(ge=1)
    method: Literal["minmax", "entropy", "percentile"]
    activation: Literal["uint8", "int8"]
    reduce_range: bool


class RateParams(_Frozen):
    """What the device has to keep up with.

    Attributes:
        cameras: That one device looks at.
        frames_per_s: Of each.
        required: Whether a target that is too slow here is refused. Where the line does not run on the
            device that will carry the load, it is only said.
    """

    cameras: int = Field(ge=1)
    frames_per_s: float = Field(gt=0)
    required: bool


class _Target(_Frozen):
    """What all targets ask for; INT8 alone is calibrated.

    Attributes:
        opset: ONNX operator set.
        simplify: Fold constants.
        onnx_parity: How closely the ONNX file must follow the checkpoint, before anything is quantised or
            built of it; None where the ONNX file itself is the engine.
        parity: How closely the engine must follow the checkpoint.
        latency: What is timed.
        least_f1: Of a label's threshold on validation frames; one that gives less is none of its own.
        rate: What the device has to keep up with.
        calibration: Of INT8.
    """

    opset: int = Field(ge=13)
    simplify: bool
    onnx_parity: ParityParams | None
    parity: ParityParams
    latency: LatencyParams
    least_f1: Share
    rate: RateParams
    calibration: CalibrationParams | None

    @model_validator(mode="after")
    def _calibrated(self) -> _Target:
        if (getattr(self, "precision", "") == "int8") != (self.calibration is not None):
            raise ValueError("calibration is given with precision int8, and null otherwise")
        return self


class OnnxRuntimeTarget(_Target):
    """ONNX Runtime, on the CPU or on an NVIDIA GPU."""

    kind: Literal["onnxruntime"]
    name: str = Field(min_length=1)
    device: Literal["cpu", "cuda"]
    precision: Literal["fp32", "int8"]


class PlanParams(_Frozen):
    """What a TensorRT plan is built with, in the line as on the device.

    Attributes:
        name: Of the target.
        precision: Of the plan.
        workspace_mb: Memory that the builder may use, in MiB.
    """

    name: str = Field(min_length=1)
    precision: Literal["fp16", "int8"]
    workspace_mb: int = Field(ge=1)


class TensorRTTarget(PlanParams, _Target):
    """TensorRT, built on the very device that it is to run on."""

    kind: Literal["tensorrt"]


Target = Annotated[OnnxRuntimeTarget | TensorRTTarget, Field(discriminator="kind")]
