"""Parameters of intervals, gates, Stage A and the comparison. The values live in conf/ only."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

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
EVAL_METRICS = ("map50", "map", "precision", "recall", "f1")


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
        confidence: Of a two-sided interval, for example 0.95.
        replicates: Bootstrap replicates; at least 100, so that percentiles mean something.
        seed: Of the one draw of groups that all statistics of a slice share.
        warn_groups: Below this a verdict carries a warning.
        min_groups: Below this there is no verdict.
    """

    confidence: Confidence
    replicates: Annotated[int, Field(ge=100)]
    seed: Annotated[int, Field(ge=0)]
    warn_groups: Annotated[int, Field(ge=2)]
    min_groups: Annotated[int, Field(ge=2)]


class StageAParams(_Model):
    """Measuring the off-the-shelf detector.

    Attributes:
        groups_per_category: How many groups (videos) of each category are measured.
        seed: Of that choice.
        iou: Intersection over union at which an object counts as found.
        score: Operating threshold; the distribution of confidences is taken below it too.
        gates: What must hold to ship the detector as it is; metrics from ``STAGE_A_METRICS``.
        interval: See there.
        confidence_bins: Bins of the histogram over [0, 1].
    """

    groups_per_category: Annotated[int, Field(ge=1)]
    seed: Annotated[int, Field(ge=0)]
    iou: Annotated[float, Field(gt=0.0, le=1.0)]
    score: Share
    gates: Annotated[tuple[Gate, ...], Field(min_length=1)]
    interval: IntervalParams
    confidence_bins: Annotated[int, Field(ge=2)]

    @field_validator("gates")
    @classmethod
    def _known(cls, gates: tuple[Gate, ...]) -> tuple[Gate, ...]:
        return _check(gates, STAGE_A_METRICS)


class EvalParams(_Model):
    """Base against candidate.

    Attributes:
        iou: Intersection over union at which precision, recall and F1 count an object as found.
        score: Operating threshold of both models.
        gates: The candidate's absolute targets; metrics from ``EVAL_METRICS``.
        improvement: On the paired difference, candidate minus base, of ``recall`` or ``map50``.
        interval: See there.
    """

    iou: Annotated[float, Field(gt=0.0, le=1.0)]
    score: Share
    gates: tuple[Gate, ...]
    improvement: Gate
    interval: IntervalParams

    @field_validator("gates")
    @classmethod
    def _known(cls, gates: tuple[Gate, ...]) -> tuple[Gate, ...]:
        return _check(gates, EVAL_METRICS)

    @field_validator("improvement")
    @classmethod
    def _paired(cls, gate: Gate) -> Gate:
        return _check((gate,), ("recall", "map50"))[0]


def _check(gates: tuple[Gate, ...], known: tuple[str, ...]) -> tuple[Gate, ...]:
    unknown = [gate.metric for gate in gates if gate.metric not in known]
    if unknown:
        raise ValueError(f"unknown metric {unknown[0]!r}; known are {', '.join(known)}")
    return gates
