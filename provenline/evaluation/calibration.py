"""What a confidence is worth as a probability.

Sources: the reliability curve (DeGroot and Fienberg 1983) and the expected calibration error (Naeini et
al. 2015; Guo et al. 2017), for detections as in Küppers et al. 2020: the event is a detection, and it comes
true where the detection finds an object.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from provenline.evaluation import intervals
from provenline.evaluation.intervals import Statistic, rounded
from provenline.evaluation.matching import Matches
from provenline.evaluation.pairing import FloatArray
from provenline.evaluation.params import CalibrationParams, IntervalParams
from provenline.evaluation.slices import Slice


@dataclass(frozen=True)
class Sums:
    """Sums over the detections of each group in each of B bins of confidence.

    Attributes:
        edges: Of the bins, ascending, (B + 1,).
        count: Detections, (G, B).
        claimed: Their confidences, (G, B).
        true: Those that came true, (G, B).
    """

    edges: FloatArray
    count: FloatArray
    claimed: FloatArray
    true: FloatArray

    def error(self, weights: FloatArray) -> FloatArray:
        """Return the expected calibration error for each row of weights of the groups, (R, G) to (R,)."""
        total = (weights @ self.count).sum(axis=1)
        apart = np.abs(weights @ (self.claimed - self.true)).sum(axis=1)
        share: FloatArray = np.divide(apart, total, out=np.full(len(total), np.nan), where=total > 0)
        return share


def reliability(
    part: Slice, matches: Matches, iou: float, params: CalibrationParams, interval: IntervalParams
) -> dict[str, Any]:
    """Return the reliability curve, the expected calibration error and its direction.

    The error (``ece``) is the mean over all detections of the distance between the mean confidence and the
    share that came true in their bin. In a sample it is never 0, even where the model is calibrated, and
    larger the more bins there are. ``bias``, the mean confidence minus the share that came true, has no such
    drawback: above 0 the model claims too much.

    Args:
        part: The frames, with the draws of their groups.
        matches: Of these frames, at (at least) ``iou``.
        iou: Overlap at which a detection comes true.
        params: Floor, number and kind of bins.
        interval: Of the intervals.

    Returns:
        A JSON object: ``floor``, ``detections``, ``ece``, ``bias`` and ``bins``, rows of ``low``, ``high``,
        ``count``, ``confidence``, ``accuracy`` and its interval.
    """
    sums = sums_of(part, matches, iou, params)
    gap, count = (sums.claimed - sums.true).sum(axis=1), sums.count.sum(axis=1)
    return {
        "floor": params.floor,
        "detections": int(count.sum()),
        "ece": _plain(_error(part, sums), interval),
        "bias": _plain(intervals.ratio(gap, count, part.resamples), interval),
        "bins": [_bin(part, sums, place, interval) for place in range(sums.count.shape[1])],
    }


def sums_of(part: Slice, matches: Matches, iou: float, params: CalibrationParams) -> Sums:
    """Sum up detections per group and bin; those on crowds and those under the floor do not count."""
    counts = matches.is_hit(iou) | matches.is_false(iou)
    used = np.flatnonzero(counts & (matches.score >= params.floor))
    score, hit = matches.score[used], matches.is_hit(iou)[used].astype(np.float64)
    edges = _edges(score, params)
    bins = max(len(edges) - 1, 0)
    place = np.clip(np.searchsorted(edges, score, side="right") - 1, 0, max(bins - 1, 0))
    cell = part.group[matches.frame[used]] * bins + place
    shape = (len(part.resamples.groups), bins)

    def summed(values: FloatArray) -> FloatArray:
        flat = np.bincount(cell, weights=values, minlength=shape[0] * bins)
        return flat.astype(np.float64).reshape(shape)

    return Sums(edges, summed(np.ones(len(score))), summed(score), summed(hit))


def _edges(score: FloatArray, params: CalibrationParams) -> FloatArray:
    """Return the edges of the bins; fewer bins where many detections have one score, none without any."""
    if not len(score):
        return np.zeros(0)
    if params.binning == "equal_width":
        return np.linspace(params.floor, 1.0, params.bins + 1)
    inner = np.quantile(score, np.linspace(0.0, 1.0, params.bins + 1)[1:-1], method="higher")
    return np.unique(np.concatenate([[params.floor], inner[inner > params.floor], [1.0]]))


def _error(part: Slice, sums: Sums) -> Statistic:
    groups = int(np.count_nonzero(sums.count.sum(axis=1)))
    everything = np.ones((1, len(sums.count)))
    return Statistic(
        estimate=float(sums.error(everything)[0]) if groups else None,
        replicates=sums.error(part.resamples.weights),
        groups=groups,
        jackknife=sums.error(part.resamples.left_out),
    )


def _bin(part: Slice, sums: Sums, place: int, params: IntervalParams) -> dict[str, Any]:
    count, total = sums.count[:, place], float(sums.count[:, place].sum())
    share = intervals.ratio(sums.true[:, place], count, part.resamples, proportion=True)
    low, high = list(pairwise(sums.edges))[place]
    return {
        "low": rounded(float(low)),
        "high": rounded(float(high)),
        "count": int(total),
        "confidence": rounded(float(sums.claimed[:, place].sum()) / total) if total else None,
        "accuracy": rounded(share.estimate),
        "accuracy_interval": _plain(share, params),
    }


def _plain(statistic: Statistic, params: IntervalParams) -> dict[str, Any] | None:
    found = statistic.interval(params)
    return None if found is None else found.to_dict()
