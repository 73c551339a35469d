"""What Stage A sees in each frame, and the numbers that follow: recall, confidence, false finds.

Recall is the mean over frames with objects of the share that was found; frames without objects
count for false finds only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from provenline.evaluation.intervals import Statistic, rounded
from provenline.evaluation.matching import BoolArray, FloatArray, Matches, per_frame
from provenline.evaluation.params import IntervalParams, StageAParams
from provenline.evaluation.slices import Slice
from provenline.evaluation.workplaces import operators

CROWDS = ("none", "one", "several")  # frames by how many objects are in them


@dataclass(frozen=True)
class Facts:
    """What was seen in each frame, each (F,).

    Attributes:
        objects: Annotated objects of the labels that are looked for.
        found: Those of them that were found at the operating point.
        detections: At the operating threshold.
        best: Highest confidence of a detection, also below the threshold; 0 where there is none.
        operators: 1 where the operator is there.
        operators_found: 1 where the operator was found.
    """

    objects: FloatArray
    found: FloatArray
    detections: FloatArray
    best: FloatArray
    operators: FloatArray
    operators_found: FloatArray

    @property
    def false(self) -> FloatArray:
        """Return the detections that found nothing."""
        return self.detections - self.found

    def of(self, keep: BoolArray) -> Facts:
        """Return the facts of the frames where ``keep`` (F,) is true."""
        return Facts(*(getattr(self, name)[keep] for name in self.__dataclass_fields__))


def facts(frames: pd.DataFrame, truth: pd.DataFrame, matches: Matches, params: StageAParams) -> Facts:
    """Return what was seen in each frame.

    Args:
        frames: The frames of ``matches``, in its order.
        truth: The table whose rows ``matches.truth_row`` means.
        matches: At ``params.iou``.
        params: Overlap and operating threshold.
    """
    counts = per_frame(matches, params.iou, params.score)
    best = np.zeros(matches.frames)
    np.maximum.at(best, matches.frame, matches.score)
    operator = operators(frames, truth, matches)
    there, seen = np.zeros(matches.frames), np.zeros(matches.frames)
    there[matches.truth_frame[operator]] = 1.0
    seen[matches.truth_frame[operator]] = matches.is_found(params.iou, params.score)[operator]
    return Facts(counts.objects, counts.found, counts.detections, best, there, seen)


class Fraction(NamedTuple):
    """A metric that is a ratio of sums of quantities per frame, (F,) each."""

    numerator: FloatArray
    denominator: FloatArray
    proportion: bool = True


def fractions(seen: Facts) -> dict[str, Fraction]:
    """Return those of Stage A's metrics that are ratios of sums; the median of confidences is none."""
    occupied, every = (seen.objects > 0).astype(np.float64), np.ones_like(seen.objects)
    return {
        "recall": Fraction(_share(seen), occupied),
        "object_recall": Fraction(seen.found, seen.objects),
        "operator_found": Fraction(seen.operators_found, seen.operators),
        "precision": Fraction(seen.found, seen.detections),
        "false_positives_per_frame": Fraction(seen.false, every, proportion=False),
    }


def statistics(part: Slice, seen: Facts) -> dict[str, Statistic]:
    """Return Stage A's metrics (``params.STAGE_A_METRICS``) with their replicates."""
    found = {
        name: part.ratio(one.numerator, one.denominator, proportion=one.proportion)
        for name, one in fractions(seen).items()
    }
    return found | {"median_confidence": part.median(seen.best, seen.objects > 0)}


def _share(seen: Facts) -> FloatArray:
    """Return the share of objects that was found per frame, 0 where there are none."""
    return np.divide(seen.found, seen.objects, out=np.zeros_like(seen.found), where=seen.objects > 0)


def intervals(numbers: Mapping[str, Statistic], params: IntervalParams) -> dict[str, Any]:
    """Return the intervals of some statistics as JSON objects; null where not measurable."""
    return {name: interval_of(number, params) for name, number in numbers.items()}


def interval_of(number: Statistic, params: IntervalParams) -> dict[str, Any] | None:
    """Return the interval of a statistic as a JSON object; None where it is not measurable."""
    found = number.interval(params)
    return found.to_dict() if found is not None else None


def counts(part: Slice, seen: Facts) -> dict[str, int]:
    """Return the groups, frames and objects of a slice."""
    return {
        "groups": len(part.resamples.groups),
        "frames": len(part.frames),
        "objects": int(seen.objects.sum()),
    }


def by_people(part: Slice, seen: Facts, params: StageAParams) -> dict[str, Any]:
    """Return the metrics apart for frames with none, one and several objects.

    Frames with none have no recall: what they tell is how often something is seen in an empty place.
    """
    masks = (seen.objects == 0, seen.objects == 1, seen.objects > 1)
    return {name: _crowd(part, seen, mask, params) for name, mask in zip(CROWDS, masks, strict=True)}


def _crowd(part: Slice, seen: Facts, mask: BoolArray, params: StageAParams) -> dict[str, Any]:
    here = mask.astype(np.float64)
    occupied = here * (seen.objects > 0)
    numbers = {
        "recall": part.ratio(_share(seen) * occupied, occupied, proportion=True),
        "median_confidence": part.median(seen.best, mask),
        "false_positives_per_frame": part.ratio(seen.false * here, here),
        "frames_with_false_positives": part.ratio((seen.false > 0) * here, here, proportion=True),
    }
    return {
        "groups": len(np.unique(part.group[mask])),
        "frames": int(mask.sum()),
        "objects": int(seen.objects[mask].sum()),
        "found": int(seen.found[mask].sum()),
        "false_positives": int(seen.false[mask].sum()),
        **intervals(numbers, params.interval),
    }


def confidence(part: Slice, seen: Facts, params: StageAParams) -> dict[str, Any]:
    """Return the distribution of the highest confidence per frame.

    Returns:
        ``edges`` and counts of a histogram, apart for frames with and without objects; ``quartiles``
        and ``median`` of the frames with objects, ``median_interval`` of that median.
    """
    edges = np.linspace(0.0, 1.0, params.confidence_bins + 1)
    occupied = seen.objects > 0
    quartiles = _quartiles(seen.best[occupied])
    return {
        "edges": [rounded(float(edge)) for edge in edges],
        "frames_with_objects": np.histogram(seen.best[occupied], edges)[0].tolist(),
        "frames_without_objects": np.histogram(seen.best[~occupied], edges)[0].tolist(),
        "quartiles": quartiles,
        "median": quartiles[1] if quartiles else None,
        "median_interval": interval_of(part.median(seen.best, occupied), params.interval),
        "quartiles_without_objects": _quartiles(seen.best[~occupied]),
    }


def _quartiles(values: FloatArray) -> list[float | None] | None:
    if not len(values):
        return None
    return [rounded(float(value)) for value in np.quantile(values, [0.25, 0.5, 0.75])]
