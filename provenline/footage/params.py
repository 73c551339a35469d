"""What the user chooses about footage: which moments become frames, and how they are stored."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Seconds = Annotated[float, Field(ge=0.001, allow_inf_nan=False)]


class WindowPlan(BaseModel):
    """One frame per period in a window around the middle of the work.

    Attributes:
        kind: Tells this plan from the others.
        period_s: Seconds from one frame to the next.
        span_s: Length of the window in seconds; what reaches over the media's ends is cut off.
        grid_s: Asked times are multiples of this many seconds, so that plans and labels share frames.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["window"]
    period_s: Seconds
    span_s: Seconds
    grid_s: Seconds


class EveryPlan(BaseModel):
    """One frame per period over the whole length.

    Attributes:
        kind: Tells this plan from the others.
        period_s: Seconds from one frame to the next.
        grid_s: Asked times are multiples of this many seconds, so that plans and labels share frames.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["every"]
    period_s: Seconds
    grid_s: Seconds


SamplingPlan = Annotated[WindowPlan | EveryPlan, Field(discriminator="kind")]


class ExtractParams(BaseModel):
    """How frames are taken out of footage.

    Attributes:
        sampling: Which moments of each video become frames.
        jpeg_quality: Quality of the stored JPEG, 1 to 100.
        tolerance: Share of the media that may be set aside as unreadable, 0 to 1.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    sampling: SamplingPlan
    jpeg_quality: int = Field(ge=1, le=100)
    tolerance: float = Field(ge=0, le=1)
