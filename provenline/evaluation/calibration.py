"""What a confidence is worth: as a probability, and as a rate of false positives.

Sources: the reliability curve (DeGroot and Fienberg 1983) and the expected calibration error (Naeini et
al. 2015; Guo et al. 2017), for detections as in Küppers et al. 2020: an event is a detection, and it comes
true where the detection finds an object.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from provenline.evaluation import intervals
from provenline.evaluation.intervals import Statistic, rounded
from provenline.evaluation.matching import Matches
from provenline.evaluation.pairing import FloatArray, IntArray
from provenline.evaluation.params import CalibrationParams, IntervalParams
from provenline.evaluation.slices import Slice


def reliability(
    part: Slice, matches: Matches, iou: float, params: CalibrationParams, interval: IntervalParams
) -> dict[str, Any]:
    """Return the reliability curve, the expected calibration error and its direction.

    The error is the mean over all detections of the distance between the mean confidence and the share
    that came true of their bin. It is never 0 in a sample, even where the model is calibrated, and the
    more bins the larger; ``bias``, the mean confidence minus the share that came true, has no such
    drawback: above 0 the model claims too much.

    Args:
        part: The frames, with the draws of their groups.
        matches: Of these frames, at (at least) ``iou``.
        iou: Overlap at which a detection comes true.
        params: Floor, number and kind of bins.
        interval: Of the intervals.

    Returns:
        ``floor``, ``detections``, ``ece``, ``bias``, ``bins``: see the docs. Detections on crowds do not
        count. No bins where there is no detection.
    """
    used = np.flatnonzero((matches.score >= params.floor) & (matches.is_hit(iou) | matches.is_false(iou)))
    score, hit = matches.score[used], matches.is_hit(iou)[used].astype(np.float64)
    edges = _edges(score, params)
    place = np.clip(np.searchsorted(edges, score, side="right") - 1, 0, max(len(edges) - 2, 0))
    group = part.group[matches.frame[used]]
    shape = (len(part.resamples.groups), max(len(edges) - 1, 0))
    count, claimed, true = (_sums(group, place, one, shape) for one in (np.ones(len(score)), score, hit))
    error, bias = _statistic(part, count, claimed, true), _bias(part, count, claimed, true)
    return {
        "floor": params.floor,
        "detections": len(used),
        "ece": _plain(error, interval),
        "bias": _plain(bias, interval),
        "bins": _bins(part, edges, (count, claimed, true), interval),
    }


def _edges(score: FloatArray, params: CalibrationParams) -> FloatArray:
    """Return the edges of the bins; fewer bins where many detections have one score."""
    if not len(score):
        return np.zeros(0)
    if params.binning == "equal_width":
        return np.linspace(params.floor, 1.0, params.bins + 1)
    inner = np.quantile(score, np.linspace(0.0, 1.0, params.bins + 1)[1:-1], method="higher")
    return np.unique(np.concatenate([[params.floor], inner[inner > params.floor], [1.0]]))


def _sums(group: IntArray, place: IntArray, values: FloatArray, shape: tuple[int, int]) -> FloatArray:
    """Return the sum of values per group and bin, (G, B)."""
    cell = group * shape[1] + place
    sums = np.bincount(cell, weights=values, minlength=shape[0] * shape[1])
    return sums.astype(np.float64).reshape(shape)


def _statistic(part: Slice, count: FloatArray, claimed: FloatArray, true: FloatArray) -> Statistic:
    gap = claimed - true

    def of(weights: FloatArray) -> FloatArray:
        total = (weights @ count).sum(axis=1)
        apart = np.abs(weights @ gap).sum(axis=1)
        share: FloatArray = np.divide(apart, total, out=np.full(len(total), np.nan), where=total > 0)
        return share

    groups = int(np.count_nonzero(count.sum(axis=1)))
    estimate = float(of(np.ones((1, len(count))))[0]) if groups else None
    return Statistic(estimate, of(part.resamples.weights), groups, jackknife=of(part.resamples.left_out))


def _bias(part: Slice, count: FloatArray, claimed: FloatArray, true: FloatArray) -> Statistic:
    return intervals.ratio((claimed - true).sum(axis=1), count.sum(axis=1), part.resamples)


def _bins(
    part: Slice, edges: FloatArray, sums: tuple[FloatArray, FloatArray, FloatArray], params: IntervalParams
) -> list[dict[str, Any]]:
    count, claimed, true = sums
    rows = []
    for place, (low, high) in enumerate(pairwise(edges)):
        total = float(count[:, place].sum())
        share = intervals.ratio(true[:, place], count[:, place], part.resamples, proportion=True)
        rows.append(
            {
                "low": rounded(float(low)),
                "high": rounded(float(high)),
                "count": int(total),
                "confidence": rounded(float(claimed[:, place].sum()) / total) if total else None,
                "accuracy": rounded(share.estimate),
                "accuracy_interval": _plain(share, params),
            }
        )
    return rows


def _plain(statistic: Statistic, params: IntervalParams) -> dict[str, Any] | None:
    found = statistic.interval(params)
    return None if found is None else found.to_dict()
