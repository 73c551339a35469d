"""What goes wrong and how sure the models are, typed: causes of errors, calibration, doubtful labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from provenline.reports.estimates import Estimate


@dataclass(frozen=True)
class Cause:
    """Misses and false finds of one model that have one cause.

    Attributes:
        cause: ``missed``, ``duplicate``, ``localisation``, ``wrong_class``, ``confusion_both`` or
            ``background``.
        count: Misses and false finds together.
        misses: Those of them that are misses; None where they were not told apart.
        share: Of all errors of that model, 0..1; None where there are none.
        gain: How much AP would rise if all of them were mended; gains do not add up.
        by: ``category``, ``size`` and ``occlusion`` -> name -> count, as far as they were counted.
        on: Label that is not looked for (a mannequin, say) -> false finds on it.
    """

    cause: str
    count: int
    misses: int | None
    share: float | None
    gain: Estimate | None
    by: Mapping[str, Mapping[str, int]]
    on: Mapping[str, int]


@dataclass(frozen=True)
class Bin:
    """Detections of about the same confidence: how sure the model was, how often it was right."""

    low: float
    high: float
    count: int
    confidence: float | None
    accuracy: float | None
    interval: Estimate | None


@dataclass(frozen=True)
class Rate:
    """False finds from a score on, per hour of footage and per 1000 frames.

    Attributes:
        score: Threshold; None where none keeps the bound.
        per_hour: What was measured; None where times are unknown.
        per_frames: The same per 1000 frames.
        recall: What is still found at that score.
        bound: What was asked for, per hour or per 1000 frames; None where nothing was.
        hourly: Whether the bound is per hour.
        reason: Why there is no score, or what the choice cannot show.
    """

    score: float | None
    per_hour: Estimate | None
    per_frames: Estimate | None
    recall: Estimate | None
    bound: float | None = None
    hourly: bool = True
    reason: str = ""

    @property
    def rate(self) -> Estimate | None:
        """Return the rate that the bound is on; without a bound, the one that is known."""
        if self.bound is not None:
            return self.per_hour if self.hourly else self.per_frames
        return self.per_hour or self.per_frames


@dataclass(frozen=True)
class Calibration:
    """Whether a confidence is a probability.

    Attributes:
        ece: Expected calibration error, 0..1: the mean distance of confidence and accuracy.
        bias: Mean confidence minus the share that is right; above 0 the model is too sure.
        floor: Score from which detections were looked at.
        detections: How many there are.
        bins: Reliability curve.
        hours: Of footage that was looked at; None where times are unknown.
        rates: False finds per score.
        thresholds: The score that keeps a bound on false finds.
    """

    ece: Estimate | None
    bias: Estimate | None
    floor: float | None
    detections: int | None
    bins: tuple[Bin, ...]
    hours: float | None
    rates: tuple[Rate, ...]
    thresholds: tuple[Rate, ...]


@dataclass(frozen=True)
class Diagnosis:
    """What goes wrong with one model."""

    budget: tuple[Cause, ...]
    calibration: Calibration | None

    @property
    def errors(self) -> int:
        """Return how many errors there are in all."""
        return sum(one.count for one in self.budget)


@dataclass(frozen=True)
class Why:
    """What goes wrong with each model.

    Attributes:
        judged_on: The set that was looked at.
        iou: Overlap at which an object counts as found; None where not stated.
        score: Threshold above which errors are counted; None where not stated.
        models: ``base`` and ``candidate``; the base alone where nothing was trained.
    """

    judged_on: str
    iou: float | None
    score: float | None
    models: Mapping[str, Diagnosis]


@dataclass(frozen=True)
class LabelErrors:
    """Labels that a model contradicts with confidence, for review.

    Attributes:
        looked_at: Side of the split -> frames that were searched.
        count: Doubtful labels in all.
        by_kind: ``missing``, ``spurious``, ``location``, ``label`` -> count.
        file: Where they are listed.
        least: Probability of being wrong from which on a label is listed; None where not stated.
    """

    looked_at: Mapping[str, int]
    count: int
    by_kind: Mapping[str, int]
    file: str
    least: float | None = None
