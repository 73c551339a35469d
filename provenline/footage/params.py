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


class Residency(BaseModel):
    """Where data and models may go.

    Attributes:
        remotes: Address prefixes that are allowed, such as ``s3://bucket/dvc``; empty allows none.
        regions: Regions that the store may answer with; empty where any is allowed.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    remotes: tuple[str, ...]
    regions: tuple[str, ...]


class PrivacyParams(BaseModel):
    """What of the footage may leave the machine, and in which form.

    Attributes:
        anonymise: What is blurred in pictures that leave the machine (report, galleries): nothing,
            the faces (upper part of every person's box), or the whole person. Never in training frames.
        people: Labels whose objects are people.
        residency: Where data and models may go.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    anonymise: Literal["none", "faces", "persons"]
    people: tuple[str, ...]
    residency: Residency
