"""Average precision as COCO defines it: by a library for the number, by weights for its replicates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from provenline.evaluation.coco_library import accumulated
from provenline.evaluation.matching import AREAS, MAX_DETECTIONS, FloatArray, IntArray, Matches
from provenline.evaluation.proportions import rounded
from provenline.evaluation.replicates import RECALLS, Ranked, interpolated

__all__ = [
    "COCO_IOUS",
    "RECALLS",
    "average_precision",
    "coco_metrics",
    "curve",
    "curves",
    "mean_precision",
    "precisions",
]
COCO_IOUS: FloatArray = np.linspace(0.5, 0.95, 10)
COCO_METRICS = (
    *("map", "map50", "map75", "map_small", "map_medium", "map_large"),
    *("ar1", "ar10", "ar100", "ar_small", "ar_medium", "ar_large"),
)


def curve(matches: Matches, group: IntArray, groups: int, label: int, iou: float) -> Ranked:
    """Return the detections of one label at one threshold, best first.

    Args:
        matches: Match records.
        group: Group of each frame, (F,).
        groups: Number of groups, G.
        label: Label code.
        iou: Threshold; must be among those of ``matches``.
    """
    return next(_of_label(matches, group, groups, label, [iou]))


def curves(
    matches: Matches, group: IntArray, groups: int, ious: Sequence[float] | FloatArray
) -> list[Ranked]:
    """Return the curves of all labels at some thresholds, for ``mean_precision``; arguments as ``curve``."""
    many = range(len(matches.labels))
    return [line for label in many for line in _of_label(matches, group, groups, label, ious)]


def precisions(line: Ranked, weights: FloatArray) -> FloatArray:
    """Return the interpolated precision at 101 recalls for each row of weights.

    Args:
        line: Of one label at one threshold.
        weights: How often each group counts, whole numbers, (R, G).

    Returns:
        (R, 101); 0 beyond the largest recall, NaN where a row has no object.
    """
    return np.asarray(interpolated(line, weights)[0])


def mean_precision(lines: Sequence[Ranked], weights: FloatArray, *, single: bool = False) -> FloatArray:
    """Return the mean average precision over labels and thresholds for each row of weights.

    101-point interpolation of the precision envelope (pycocotools ``COCOeval.accumulate``, 100
    detections per frame and label). A label without objects in a row does not count.

    Args:
        lines: Of the labels at the thresholds.
        weights: How often each group counts, whole numbers, (R, G).
        single: See ``replicates.interpolated``.

    Returns:
        (R,), NaN where a row has no object at all.
    """
    total, count = np.zeros(len(weights)), np.zeros(len(weights))
    for line in lines:
        values = interpolated(line, weights, single=single).mean(axis=2)
        total += np.nan_to_num(values).sum(axis=0)
        count += (~np.isnan(values)).sum(axis=0)
    return np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0)


def average_precision(
    matches: Matches, group: IntArray, weights: FloatArray, ious: Sequence[float] | FloatArray
) -> FloatArray:
    """Return the mean average precision of match records, (R,); see ``curve`` and ``mean_precision``."""
    return mean_precision(curves(matches, group, weights.shape[1], ious), weights)


def _of_label(
    matches: Matches, group: IntArray, groups: int, label: int, ious: Sequence[float] | FloatArray
) -> Iterator[Ranked]:
    """Yield the curves of one label; thresholds that ignore the same detections are in one."""
    mine = np.flatnonzero(matches.label == label)
    mine = mine[np.argsort(-matches.score[mine], kind="stable")]
    truths = np.bincount(group[matches.truth_frame[matches.truth_label == label]], minlength=groups)
    at = np.array([matches.at(float(iou)) for iou in ious], dtype=np.int64)
    ignored = matches.ignored[np.ix_(at, mine)]
    kinds = np.unique(ignored, axis=0) if ignored.any() else ignored[:1]
    for kind in kinds:
        kept = mine[~kind]
        hit = matches.truth[np.ix_(at[(ignored == kind).all(axis=1)], kept)] >= 0
        yield Ranked(group[matches.frame[kept]], hit, truths.astype(np.float64))


def coco_metrics(
    frames: pd.DataFrame, truth: pd.DataFrame, predictions: pd.DataFrame, labels: Sequence[str]
) -> dict[str, Any]:
    """Return COCO's twelve metrics as faster-coco-eval counts them.

    Args:
        frames: The frames that are looked at: ``frame_id``, ``width``, ``height``.
        truth: Boxes that count (see ``tables.truth``); crowds by their attribute (see ``crowds``).
        predictions: Predictions; those of other frames and labels are left out.
        labels: Labels that are looked at.

    Returns:
        ``COCO_METRICS`` and ``per_class`` with the same of each label: ``map`` and ``ar`` with an
        area's name are of the objects whose box is of that size (``matching.AREAS``), ``ar1``,
        ``ar10`` and ``ar100`` of at most so many detections per frame and label. None where there is
        no object to find.
    """
    counted = accumulated(frames, truth, predictions, labels, COCO_IOUS)
    every = list(range(len(labels)))
    result = _metrics(counted, every)
    return result | {"per_class": {label: _metrics(counted, [place]) for place, label in enumerate(labels)}}


def _metrics(counted: dict[str, Any] | None, classes: list[int]) -> dict[str, Any]:
    """Return the twelve metrics of some classes."""
    if counted is None:
        return dict.fromkeys(COCO_METRICS)
    precision = np.asarray(counted["precision"])[:, :, classes]
    recall = np.asarray(counted["recall"])[:, classes]
    whole = precision[..., 0, -1]
    result = {"map": _mean(whole), "map50": _mean(whole[0]), "map75": _mean(whole[5])}
    sizes = [name for name in AREAS if name != "all"]
    result |= {f"map_{size}": _mean(precision[..., place + 1, -1]) for place, size in enumerate(sizes)}
    result |= {
        f"ar{most}": _mean(recall[..., 0, place]) for place, most in enumerate((1, 10, MAX_DETECTIONS))
    }
    return result | {f"ar_{size}": _mean(recall[..., place + 1, -1]) for place, size in enumerate(sizes)}


def _mean(values: FloatArray) -> float | None:
    defined = values[values > -1]
    return rounded(float(defined.mean())) if defined.size else None
