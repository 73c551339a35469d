"""Points of curves, for plots."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from provenline.evaluation.average_precision import RECALLS, curve, precisions
from provenline.evaluation.case import Case, prepare
from provenline.evaluation.intervals import rounded
from provenline.evaluation.matching import FloatArray, IntArray, Matches
from provenline.evaluation.params import EvalParams
from provenline.evaluation.slices import categories


def curves(
    frames: pd.DataFrame,
    boxes: pd.DataFrame,
    predictions: Mapping[str, pd.DataFrame],
    labels: Sequence[str],
    params: EvalParams,
    bins: int,
) -> dict[str, list[dict[str, Any]]]:
    """Return what DVC plots, as rows.

    Args:
        frames: See ``compare.evaluate``.
        boxes: See there.
        predictions: By model; any names.
        labels: See there.
        params: See there.
        bins: Of the histogram of confidences.

    Returns:
        ``precision_recall``: rows of ``model``, ``split``, ``category`` ("" for all), ``recall``,
        ``precision``, at most 101 points each, at ``params.iou``, interpolated as COCO does, mean
        over labels, up to the largest recall that is reached. ``confidence``: rows of ``model``,
        ``split``, ``score`` (a bin's lower edge) and ``frames`` (with objects, by best confidence).
    """
    case = prepare(frames, boxes, predictions, labels, params.iou)
    points, histogram = [], []
    for model in predictions:
        for split in case.splits():
            points += _curves(case, model, split, params.iou)
            part = case.matches[model].within(case.where(split))
            rows = _histogram(part, bins)
            histogram += [{"model": model, "split": split} | row for row in rows]
    return {"precision_recall": points, "confidence": histogram}


def _curves(case: Case, model: str, split: str, iou: float) -> list[dict[str, Any]]:
    named = [name for name in categories(case.frames[case.where(split)]) if name]
    rows = []
    for category in (None, *named):
        part = case.matches[model].within(case.where(split, category))
        head = {"model": model, "split": split, "category": category or ""}
        rows += [head | row for row in precision_recall(part, iou)]
    return rows


def precision_recall(matches: Matches, iou: float) -> list[dict[str, float | None]]:
    """Return rows of ``recall`` and ``precision``; none where there is no object to find."""
    one_group: IntArray = np.zeros(matches.frames, dtype=np.int64)
    lines = [curve(matches, one_group, 1, label, iou) for label in range(len(matches.labels))]
    lines = [line for line in lines if line.truths.sum()]
    if not lines:
        return []
    mean: FloatArray = np.mean([precisions(line, np.ones((1, 1)))[0] for line in lines], axis=0)
    upto = int(np.count_nonzero(mean))  # precision is 0 beyond the largest recall
    return [
        {"recall": rounded(float(recall)), "precision": rounded(float(value))}
        for recall, value in zip(RECALLS[:upto], mean[:upto], strict=True)
    ]


def _histogram(matches: Matches, bins: int) -> list[dict[str, Any]]:
    best = np.zeros(matches.frames)
    np.maximum.at(best, matches.frame, matches.score)
    counts, edges = np.histogram(best[np.unique(matches.truth_frame)], np.linspace(0.0, 1.0, bins + 1))
    pairs = zip(edges[:-1], counts, strict=True)
    return [{"score": rounded(float(edge)), "frames": int(count)} for edge, count in pairs]
