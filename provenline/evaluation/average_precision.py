"""Average precision as COCO defines it: by a library for the number, by weights for its replicates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from provenline.evaluation.intervals import rounded
from provenline.evaluation.matching import MAX_DETECTIONS, FloatArray, IntArray, Matches

COCO_IOUS: FloatArray = np.linspace(0.5, 0.95, 10)
RECALLS: FloatArray = np.linspace(0.0, 1.0, 101)
_BLOCK = 4_000_000  # array elements in memory at once


@dataclass(frozen=True)
class Curve:
    """Precision against recall of one label at one threshold, kept apart by group.

    Only true positives are kept: the precision envelope takes its values there, and recall moves
    nowhere else.

    Attributes:
        detections: Detections of each group down to the k-th true positive, (G, K).
        hits: True positives of each group down to the k-th, (G, K).
        truths: Objects of each group, (G,).
    """

    detections: FloatArray
    hits: FloatArray
    truths: FloatArray


def curve(
    matches: Matches, group: IntArray, groups: int, label: int, iou: float, points: int | None = None
) -> Curve:
    """Build the curve of one label at one threshold.

    Args:
        matches: Match records.
        group: Group of each frame, (F,).
        groups: Number of groups, G.
        label: Label code.
        iou: Threshold; must be among those of ``matches``.
        points: Keep at most so many true positives, evenly spaced: enough for replicates, whose
            own spread is far larger than the step of 1 / points. None keeps all of them.
    """
    mine = np.flatnonzero(matches.label == label)
    mine = mine[np.argsort(-matches.score[mine], kind="stable")]
    of = group[matches.frame[mine]]
    hit = matches.truth[matches.at(iou)][mine] >= 0
    kept = np.flatnonzero(hit)
    if points is not None and len(kept) > points:
        kept = kept[np.linspace(0, len(kept) - 1, points).round().astype(np.int64)]
    step = np.searchsorted(kept, np.arange(len(mine)), side="left")

    def upto(which: npt.NDArray[np.bool_]) -> FloatArray:
        cell = of[which] * (len(kept) + 1) + step[which]
        counts = np.bincount(cell, minlength=groups * (len(kept) + 1)).reshape(groups, -1)
        return np.cumsum(counts, axis=1, dtype=np.float64)[:, : len(kept)]

    truths = group[matches.truth_frame[matches.truth_label == label]]
    return Curve(
        upto(np.ones(len(mine), dtype=np.bool_)),
        upto(hit),
        np.bincount(truths, minlength=groups).astype(np.float64),
    )


def precisions(line: Curve, weights: FloatArray) -> FloatArray:
    """Return the interpolated precision at 101 recalls for each row of weights.

    Args:
        line: Of one label at one threshold.
        weights: How often each group counts, (R, G).

    Returns:
        (R, 101); 0 beyond the largest recall, NaN where a row has no object.
    """
    points = line.hits.shape[1]
    result = np.zeros((len(weights), len(RECALLS)))
    rows = max(1, _BLOCK // max(points, 1))
    truths = weights @ line.truths
    for start in range(0, len(weights), rows):
        block = slice(start, start + rows)
        hits, seen = weights[block] @ line.hits, weights[block] @ line.detections
        precision = np.divide(hits, seen, out=np.zeros_like(hits), where=seen > 0)
        envelope = np.zeros((len(precision), points + 1))
        envelope[:, :points] = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
        recall = hits / np.maximum(truths[block], 1)[:, None]
        at = [row.searchsorted(RECALLS) for row in recall]
        result[block] = np.take_along_axis(envelope, np.stack(at), axis=1)
    result[truths == 0] = np.nan
    return result


def average_precision(
    matches: Matches,
    group: IntArray,
    weights: FloatArray,
    ious: Sequence[float] | FloatArray,
    points: int | None = None,
) -> FloatArray:
    """Return the mean average precision over labels and thresholds for each row of weights.

    101-point interpolation of the precision envelope (pycocotools ``COCOeval.accumulate``, area
    "all", 100 detections per frame and label). A label without objects in a row does not count.

    Args:
        matches: Match records at (at least) these thresholds.
        group: Group of each frame, (F,).
        weights: How often each group counts, (R, G).
        ious: Thresholds.
        points: See ``curve``.

    Returns:
        (R,), NaN where a row has no object at all.
    """
    total, count = np.zeros(len(weights)), np.zeros(len(weights))
    for label in range(len(matches.labels)):
        for iou in ious:
            line = curve(matches, group, weights.shape[1], label, float(iou), points)
            value = precisions(line, weights).mean(axis=1)
            total += np.nan_to_num(value)
            count += ~np.isnan(value)
    return np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0)


def coco_metrics(
    frames: pd.DataFrame, truth: pd.DataFrame, predictions: pd.DataFrame, labels: Sequence[str]
) -> dict[str, Any]:
    """Return COCO's metrics as faster-coco-eval counts them.

    Args:
        frames: The frames that are looked at: ``frame_id``, ``width``, ``height``.
        truth: Boxes that count (see ``tables.truth``).
        predictions: Predictions; those of other frames and labels are left out.
        labels: Labels that are looked at.

    Returns:
        ``map``, ``map50``, ``map75``, ``ar1``, ``ar10``, ``ar100`` and ``per_class`` with ``map``
        and ``map50`` of each label; None where there is no object to find.
    """
    classes: dict[str, Any] = {label: {"map": None, "map50": None} for label in labels}
    result: dict[str, Any] = dict.fromkeys(("map", "map50", "map75", "ar1", "ar10", "ar100"))
    result["per_class"] = classes
    evaluation = _accumulated(frames, truth, predictions, labels)
    if evaluation is None:
        return result
    # Axes: threshold, recall, class, area range, detections per frame; -1 where nothing is to find.
    precision = np.asarray(evaluation["precision"])[:, :, :, 0, -1]
    recall = np.asarray(evaluation["recall"])[:, :, 0, :]
    result |= {"map": _mean(precision), "map50": _mean(precision[0]), "map75": _mean(precision[5])}
    result |= {f"ar{most}": _mean(recall[:, :, place]) for place, most in enumerate((1, 10, MAX_DETECTIONS))}
    for place, label in enumerate(labels):
        classes[label] = {"map": _mean(precision[:, :, place]), "map50": _mean(precision[0, :, place])}
    return result


def _accumulated(
    frames: pd.DataFrame, truth: pd.DataFrame, predictions: pd.DataFrame, labels: Sequence[str]
) -> dict[str, Any] | None:
    from faster_coco_eval import COCO
    from faster_coco_eval.core.faster_eval_api import COCOeval_faster

    image = {frame_id: place + 1 for place, frame_id in enumerate(frames["frame_id"])}
    objects = _annotations(truth, image, labels)
    if not objects:
        return None
    sizes = zip(frames["width"], frames["height"], strict=True)
    truths = COCO(
        {
            "images": [
                {"id": place + 1, "width": int(width), "height": int(height)}
                for place, (width, height) in enumerate(sizes)
            ],
            "annotations": objects,
            "categories": [{"id": place + 1, "name": label} for place, label in enumerate(labels)],
        },
        print_function=_silent,
    )
    found = truths.loadRes(_annotations(predictions, image, labels))
    evaluation = COCOeval_faster(truths, found, "bbox", print_function=_silent)
    evaluation.params.iouThrs = COCO_IOUS
    evaluation.evaluate()
    evaluation.accumulate()
    return dict(evaluation.eval)


def _annotations(boxes: pd.DataFrame, image: dict[str, int], labels: Sequence[str]) -> list[dict[str, Any]]:
    """Return the boxes in COCO's form: x, y, width, height in pixels."""
    category = {label: place + 1 for place, label in enumerate(labels)}
    boxes = boxes[boxes["frame_id"].isin(list(image)) & boxes["label"].isin(list(labels))]
    scores = boxes["score"] if "score" in boxes else pd.Series(1.0, index=boxes.index)
    columns = [boxes[name].tolist() for name in ("frame_id", "label", "x1", "y1", "x2", "y2")]
    return [
        {
            "id": place + 1,
            "image_id": image[frame],
            "category_id": category[label],
            "bbox": [x1, y1, x2 - x1, y2 - y1],
            "area": (x2 - x1) * (y2 - y1),
            "iscrowd": 0,
            "score": score,
        }
        for place, (frame, label, x1, y1, x2, y2, score) in enumerate(
            zip(*columns, scores.tolist(), strict=True)
        )
    ]


def _mean(values: FloatArray) -> float | None:
    defined = values[values > -1]
    return rounded(float(defined.mean())) if defined.size else None


def _silent(*_: object) -> None:
    """Take the place of print."""
