"""Parameters of intervals, gates, Stage A and the comparison. The values live in conf/ only."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

Share = Annotated[float, Field(ge=0.0, le=1.0)]
Confidence = Annotated[float, Field(gt=0.0, lt=1.0)]

STAGE_A_METRICS = (
    "recall",
    "object_recall",
    "operator_found",
    "median_confidence",
    "precision",
    "false_positives_per_frame",
)
EVAL_METRICS = ("map50", "map", "precision", "recall", "f1", "count_mae")
LOWER_IS_BETTER = ("count_mae",)


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Gate(_Model):
    """One bound that an interval must clear.

    Attributes:
        metric: Name of the number that is judged.
        bound: What must be cleared, strictly.
        end: The end of the interval that must clear it. ``low`` with ``better: higher`` asks for
            proof that the number is good; ``high`` only that it is not proven bad.
        better: Which way is better.
    """

    metric: str
    bound: float
    end: Literal["low", "high"]
    better: Literal["higher", "lower"]


class IntervalParams(_Model):
    """How intervals are computed, and how many groups a verdict takes.

    Attributes:
        method: ``bca`` (corrected for bias and skewness, with widened tails) or ``percentile``; see
            ``provenline.bootstrap``.
        confidence: Of a two-sided interval, for example 0.95.
        replicates: Bootstrap replicates; at least 100, so that percentiles mean something.
        seed: Of the one draw of groups that all statistics of a slice share.
        warn_groups: Below this a verdict carries a warning.
        min_groups: Below this there is no verdict.
    """

    method: Literal["bca", "percentile"]
    confidence: Confidence
    replicates: Annotated[int, Field(ge=100)]
    seed: Annotated[int, Field(ge=0)]
    warn_groups: Annotated[int, Field(ge=2)]
    min_groups: Annotated[int, Field(ge=2)]


class AttributeMode(_Model):
    """Objects of which the annotators said so: ``attribute`` is ``value``."""

    kind: Literal["attribute"]
    name: Annotated[str, Field(min_length=1)]
    attribute: str
    value: str


class SmallMode(_Model):
    """Objects whose box takes less than ``share`` of the picture's area."""

    kind: Literal["small"]
    name: Annotated[str, Field(min_length=1)]
    share: Annotated[float, Field(gt=0.0, lt=1.0)]


class BorderMode(_Model):
    """Objects whose box comes within ``pixels`` of the picture's edge: part of them is out of view."""

    kind: Literal["border"]
    name: Annotated[str, Field(min_length=1)]
    pixels: Annotated[float, Field(ge=0.0)]


class NearMode(_Model):
    """Objects beside a box of ``label``: the gap is at most ``reach`` times their own shorter side."""

    kind: Literal["near"]
    name: Annotated[str, Field(min_length=1)]
    label: str
    reach: Annotated[float, Field(ge=0.0)]


FailureMode = Annotated[AttributeMode | SmallMode | BorderMode | NearMode, Field(discriminator="kind")]


class StageAParams(_Model):
    """Measuring the off-the-shelf detector.

    Attributes:
        frames: How many frames are wanted; all groups that are measured give equally many.
        groups_per_category: At most so many groups (videos) of each category are measured; None for all.
        seed: Of that choice.
        iou: Intersection over union at which an object counts as found.
        score: Operating threshold; the distribution of confidences is taken below it too.
        gates: What must hold to ship the detector as it is; metrics from ``STAGE_A_METRICS``.
        interval: See there.
        confidence_bins: Bins of the histogram over [0, 1].
        near_iou: A false find lies on the annotated object that it overlaps most, if by so much.
        role: Attribute that says who somebody is (operator, passer-by); empty where nobody said it.
        attributes: Recall is counted apart for each value of these attributes of the annotation.
        failure_modes: What may have kept somebody from being found; one may have several of them.
        power: Chance of settling a verdict that planned footage is to have.
    """

    frames: Annotated[int, Field(ge=1)]
    groups_per_category: Annotated[int, Field(ge=1)] | None
    seed: Annotated[int, Field(ge=0)]
    iou: Annotated[float, Field(gt=0.0, le=1.0)]
    score: Share
    gates: Annotated[tuple[Gate, ...], Field(min_length=1)]
    interval: IntervalParams
    confidence_bins: Annotated[int, Field(ge=2)]
    near_iou: Annotated[float, Field(gt=0.0, le=1.0)]
    role: str
    attributes: tuple[str, ...]
    failure_modes: tuple[FailureMode, ...]
    power: Confidence

    @field_validator("gates")
    @classmethod
    def _known(cls, gates: tuple[Gate, ...]) -> tuple[Gate, ...]:
        return _check(gates, STAGE_A_METRICS)

    @field_validator("failure_modes")
    @classmethod
    def _named_once(cls, modes: tuple[FailureMode, ...]) -> tuple[FailureMode, ...]:
        names = [mode.name for mode in modes]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"failure mode {twice[0]!r} is named twice")
        return modes


class NonInferiority(_Model):
    """How much worse than the base a candidate may be.

    Attributes:
        metric: From ``EVAL_METRICS``.
        margin: The loss that is still accepted, in the metric's own unit; the whole interval of the
            paired difference must stay on its good side.
    """

    metric: str
    margin: Annotated[float, Field(gt=0.0)]

    @field_validator("metric")
    @classmethod
    def _known(cls, metric: str) -> str:
        return _known_metric(metric, EVAL_METRICS)


class Rule(_Model):
    """What the field does next, by the relative gain over the base.

    Attributes:
        metric: From ``EVAL_METRICS``, of those where higher is better.
        deploy: A gain proven larger than this share of the base's figure: deploy.
        more_data: A gain proven smaller than this, and not proven a loss: more data. A proven loss
            points to the training.
    """

    metric: str
    deploy: Share
    more_data: Share

    @field_validator("metric")
    @classmethod
    def _known(cls, metric: str) -> str:
        return _known_metric(metric, tuple(name for name in EVAL_METRICS if name not in LOWER_IS_BETTER))

    @model_validator(mode="after")
    def _ordered(self) -> Rule:
        if self.more_data > self.deploy:
            raise ValueError("more_data must not be above deploy")
        return self


class BudgetParams(_Model):
    """How misses and false positives get their cause.

    Attributes:
        foreground: From this overlap on a detection is on an object; the evaluation's own threshold.
        background: Up to this overlap it is on nothing.
        occlusion: Attributes of the annotation; the first that is set names the object.
    """

    foreground: Annotated[float, Field(gt=0.0, le=1.0)]
    background: Annotated[float, Field(gt=0.0, lt=1.0)]
    occlusion: tuple[Annotated[str, Field(min_length=1)], ...]

    @model_validator(mode="after")
    def _ordered(self) -> BudgetParams:
        if self.background >= self.foreground:
            raise ValueError("background must be below foreground")
        return self


class CalibrationParams(_Model):
    """What confidences are held against, and which rates of false positives are asked about.

    Attributes:
        floor: Detections under this score are left out of the reliability curve.
        bins: Of that curve.
        binning: Bins of equally many detections, or of equal width.
        scores: Where the rate of false positives is given.
        bounds_per_hour: Of false positives, of looked-at footage at the rate of the sampling plan.
        bounds_per_1000_frames: Likewise, where nobody knows the frames' times.
    """

    floor: Share
    bins: Annotated[int, Field(ge=2)]
    binning: Literal["equal_mass", "equal_width"]
    scores: tuple[Share, ...]
    bounds_per_hour: tuple[Annotated[float, Field(gt=0.0)], ...]
    bounds_per_1000_frames: tuple[Annotated[float, Field(gt=0.0)], ...]


class LabelErrorParams(_Model):
    """Which suspicions about labels are listed.

    Attributes:
        prior: Share of labels that is taken to be wrong before anybody looks.
        floor: Least suspicion, 0..1.
        most: At most so many rows.
    """

    prior: Annotated[float, Field(gt=0.0, lt=1.0)]
    floor: Share
    most: Annotated[int, Field(ge=1)]


class WhyParams(_Model):
    """Why a model errs, what its confidence is worth, and which labels look wrong."""

    budget: BudgetParams
    calibration: CalibrationParams
    label_errors: LabelErrorParams


class EvalParams(_Model):
    """Base against candidate.

    Attributes:
        iou: Intersection over union at which precision, recall and F1 count an object as found.
        score: Operating threshold of both models.
        gates: The candidate's absolute targets; metrics from ``EVAL_METRICS``.
        improvement: On the paired difference, candidate minus base, of ``recall`` or ``map50``.
        non_inferiority: See there.
        rule: See there.
        holm_level: Chance that any category of a family is called better or worse where none is.
        power: Chance of settling a verdict that planned footage is to have.
        interval: See there.
        why: See there.
    """

    iou: Annotated[float, Field(gt=0.0, le=1.0)]
    score: Share
    gates: tuple[Gate, ...]
    improvement: Gate
    non_inferiority: NonInferiority
    rule: Rule
    holm_level: Confidence
    power: Confidence
    interval: IntervalParams
    why: WhyParams

    @field_validator("gates")
    @classmethod
    def _known(cls, gates: tuple[Gate, ...]) -> tuple[Gate, ...]:
        return _check(gates, EVAL_METRICS)

    @model_validator(mode="after")
    def _one_overlap(self) -> EvalParams:
        if self.why.budget.foreground != self.iou:
            raise ValueError("why.budget.foreground must be iou, at which the evaluation matches")
        return self

    @field_validator("improvement")
    @classmethod
    def _paired(cls, gate: Gate) -> Gate:
        return _check((gate,), ("recall", "map50"))[0]


def _check(gates: tuple[Gate, ...], known: tuple[str, ...]) -> tuple[Gate, ...]:
    for gate in gates:
        _known_metric(gate.metric, known)
    return gates


def _known_metric(metric: str, known: tuple[str, ...]) -> str:
    if metric not in known:
        raise ValueError(f"unknown metric {metric!r}; known are {', '.join(known)}")
    return metric
