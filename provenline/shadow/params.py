"""What is run side by side, how it is compared, and when labels are worth their price."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from provenline.evaluation.params import IntervalParams

Share = Annotated[float, Field(ge=0, le=1)]


class _Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ProductionParams(_Frozen):
    """The engine that runs today.

    Attributes:
        checkpoint_sha256: Pinned by a person; the bundle's manifest must carry it. Empty before
            anything was ever promoted: then the bundle at hand (the base) counts as production.
        bundle: The bundle's folder.
    """

    checkpoint_sha256: Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")]
    bundle: str


class LabelPlan(_Frozen):
    """How precisely the net gain is to be known before anybody decides on it.

    Attributes:
        gain: The net gain (share of frames that the candidate gets right more often than
            production) that must be told from none. With ``power`` 0.5 it is the half-width of the
            gain's interval.
        confidence: Of the two-sided interval.
        power: Chance to tell a true gain of that size from none.
    """

    gain: Annotated[float, Field(gt=0, lt=1)]
    confidence: Annotated[float, Field(gt=0.5, lt=1)]
    power: Annotated[float, Field(ge=0.5, lt=1)]


class ShadowParams(_Frozen):
    """One shadow comparison.

    Attributes:
        period_s: One frame of each video every so many seconds.
        batch: Frames that a detector gets at once.
        score_production: Operating threshold of production.
        score_candidate: Operating threshold of the candidate.
        iou: Overlap from which on both found the same object in the same place.
        shift_iou: Overlap from which on, below ``iou``, both found it but in another place.
        tolerance: Share of the media that may be set aside as unreadable.
        gallery: At most so many frames are kept for people to look at.
        interval: How intervals are computed; under its ``min_groups`` groups there is no decision.
        plan: The precision that the labels are to buy.
        production: Which engine is production.
    """

    period_s: float = Field(gt=0)
    batch: int = Field(ge=1)
    score_production: Share
    score_candidate: Share
    iou: Share
    shift_iou: Share
    tolerance: Share
    gallery: int = Field(ge=0)
    interval: IntervalParams
    plan: LabelPlan
    production: ProductionParams

    @model_validator(mode="after")
    def _shift_below_iou(self) -> ShadowParams:
        if self.shift_iou >= self.iou:
            raise ValueError(f"shift_iou ({self.shift_iou}) must be below iou ({self.iou})")
        return self
