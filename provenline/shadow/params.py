"""What is run side by side, how it is compared, and when labels are worth their price."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

from provenline.evaluation.params import IntervalParams

Share = Annotated[float, Field(ge=0, le=1)]
ROLES = ("production", "candidate")


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


class SampleParams(_Frozen):
    """Which frames are drawn for labelling; how many disagreements, ``LabelPlan`` says.

    Attributes:
        agree: Frames on which both find the same, for each frame on which they differ.
        empty: Frames on which both find nobody, likewise.
        grow: The plan's number times this. A larger sample holds the smaller one.
        missing: Share of the sample that may come back without labels.
        seed: Of the draw and of the order in which the frames are shown.
    """

    agree: Annotated[float, Field(gt=0)]
    empty: Annotated[float, Field(gt=0)]
    grow: Annotated[float, Field(gt=0)]
    missing: Share
    seed: Annotated[int, Field(ge=0)]


class Margins(_Frozen):
    """By how much the candidate may be worse without being called worse, in points of the metric."""

    recall: Share
    precision: Share
    presence_error: Share


class ImprovementParams(_Frozen):
    """What a proven gain must come to; shares of production's errors that are gone.

    Attributes:
        deploy: From this on a first candidate is worth deploying.
        later_round: The same for the candidate of a later round.
        more_data: Below this, more data is what helps.
        margins: For what must not get worse meanwhile.
    """

    deploy: Share
    later_round: Share
    more_data: Share
    margins: Margins


class FollowParams(_Frozen):
    """How finds are followed from frame to frame.

    Attributes:
        iou: Overlap from which on a find is what was seen before.
        gap: So many frames without it do not end a track, or a visit.
    """

    iou: Annotated[float, Field(gt=0, le=1)]
    gap: Annotated[int, Field(ge=0)]


class Operating(_Frozen):
    """From which score on an engine's detection counts; a plain number stands for all labels.

    Attributes:
        own: Label -> score, as the engine brings it (``engines.manifest.Manifest.thresholds``).
        otherwise: For the other labels.
    """

    own: dict[str, Share] = {}
    otherwise: Share

    @model_validator(mode="before")
    @classmethod
    def _number(cls, value: Any) -> Any:
        return {"otherwise": value} if isinstance(value, (int, float)) else value

    def least(self, labels: Sequence[str]) -> NDArray[np.float64]:
        """Return the score of each label."""
        return np.array([self.own.get(label, self.otherwise) for label in labels], dtype=np.float64)


class ShadowParams(_Frozen):
    """One shadow comparison.

    Attributes:
        period_s: One frame of each video every so many seconds.
        batch: Frames that a detector gets at once.
        thresholds: ``own``: each engine counts from the scores that it brings; ``shared``: both from those
            below alone, which compares the networks and not what would run.
        score_production: From which score on production's detections count.
        score_candidate: From which on the candidate's.
        iou: Overlap from which on both found the same object in the same place.
        shift_iou: Overlap from which on, below ``iou``, both found it but in another place.
        follow: How finds are followed through a recording.
        tolerance: Share of the media that may be set aside as unreadable.
        gallery: At most so many frames are kept for people to look at.
        interval: How intervals are computed; under its ``min_groups`` groups there is no decision.
        plan: The precision that the labels are to buy.
        labels: Folder of the exports that hold the sample's labels; ``data/none`` where there are none.
        labels_format: Of those exports; as our package is written, ``cvat``.
        round: Name of the round; ``v0`` is a first one, ``v0.1`` a later one.
        sample: Which frames are drawn for labelling.
        improvement: What a proven gain must come to.
        production: Which engine is production.
    """

    period_s: float = Field(gt=0)
    batch: int = Field(ge=1)
    thresholds: Literal["own", "shared"]
    score_production: Operating
    score_candidate: Operating
    iou: Share
    shift_iou: Share
    follow: FollowParams
    tolerance: Share
    gallery: int = Field(ge=0)
    interval: IntervalParams
    plan: LabelPlan
    labels: str
    labels_format: Literal["cvat", "label_studio", "coco", "yolo", "voc"]
    round: str
    sample: SampleParams
    improvement: ImprovementParams
    production: ProductionParams

    def at(self, production: Mapping[str, float], candidate: Mapping[str, float]) -> ShadowParams:
        """Return the same with each engine's own thresholds, where they are to count."""
        if self.thresholds == "shared":
            return self
        given = {"score_production": production, "score_candidate": candidate}
        own = {name: getattr(self, name).model_copy(update={"own": dict(one)}) for name, one in given.items()}
        return self.model_copy(update=own)

    @model_validator(mode="after")
    def _shift_below_iou(self) -> ShadowParams:
        if self.shift_iou >= self.iou:
            raise ValueError(f"shift_iou ({self.shift_iou}) must be below iou ({self.iou})")
        return self
