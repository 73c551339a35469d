"""Where an engine runs, and what it must show before it is put there."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

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
    """

    frames: int = Field(ge=1)
    score: Share
    iou: Share
    min_matched_share: Share
    max_score_drift: Share
    max_ap_difference: Share


class LatencyParams(_Frozen):
    """How long is measured: ``warmup`` calls that do not count, then ``repeats`` that do."""

    warmup: int = Field(ge=0)
    repeats: int = Field(ge=1)


class OnnxRuntimeTarget(_Frozen):
    """ONNX Runtime, on the CPU or on an NVIDIA GPU."""

    kind: Literal["onnxruntime"]
    name: str = Field(min_length=1)
    device: Literal["cpu", "cuda"]
    precision: Literal["fp32"]
    opset: int = Field(ge=13)
    simplify: bool
    parity: ParityParams
    latency: LatencyParams


class TensorRTTarget(_Frozen):
    """TensorRT, built on the very device that it is to run on."""

    kind: Literal["tensorrt"]
    name: str = Field(min_length=1)
    precision: Literal["fp16", "int8"]
    workspace_mb: int = Field(ge=1)
    opset: int = Field(ge=13)
    simplify: bool
    parity: ParityParams
    latency: LatencyParams


Target = Annotated[OnnxRuntimeTarget | TensorRTTarget, Field(discriminator="kind")]
