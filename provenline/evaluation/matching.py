"""Which detection finds which object: greedy, as in pycocotools.

Source of the method: ``pycocotools.cocoeval.COCOeval.evaluateImg``, with its crowds and area ranges.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pandas as pd

from provenline.evaluation.crowds import crowds
from provenline.evaluation.pairing import Pairs, greedy, ranks
from provenline.tables import BOX

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

# COCO's area ranges in square pixels; a box of exactly 32 x 32 is of two of them, as there.
AREAS: dict[str, tuple[float, float]] = {
    "all": (0.0, 1e10),
    "small": (0.0, 32.0**2),
    "medium": (32.0**2, 96.0**2),
    "large": (96.0**2, 1e10),
}
MAX_DETECTIONS = 100  # per frame and label, as pycocotools' last maxDets
_BLOCK = 100_000  # pairs of boxes in memory at once: more would not stay in the processor's cache


@dataclass(frozen=True)
class Matches:
    """Match records of D detections and G objects in F frames at T thresholds.

    Objects are those that count: no crowds, none outside the area range. Detections are ordered by
    frame, label and descending score (ties in the order of the table); objects by frame and label.
    Whoever sorts all detections by score, stably, has the order of pycocotools.

    Attributes:
        ious: Thresholds, (T,).
        labels: What the label codes stand for.
        frames: F, frames without boxes included.
        frame: Frame of each detection, (D,).
        label: Label code of each detection, (D,).
        score: Of each detection, (D,).
        row: Position of each detection in the table that was given, (D,).
        truth: The object that each detection found, or -1, (T, D).
        truth_frame: Frame of each object, (G,).
        truth_label: Label code of each object, (G,).
        truth_row: Position of each object in the table that was given, (G,).
        found: The detection that found each object, or -1, (T, G).
        ignored: Which detections are neither right nor wrong, as what they lie on does not count, (T, D).
    """

    ious: FloatArray
    labels: tuple[str, ...]
    frames: int
    frame: IntArray
    label: IntArray
    score: FloatArray
    row: IntArray
    truth: IntArray
    truth_frame: IntArray
    truth_label: IntArray
    truth_row: IntArray
    found: IntArray
    ignored: BoolArray

    def at(self, iou: float) -> int:
        """Return the position of a threshold in ``ious``."""
        return int(np.argmin(np.abs(self.ious - iou)))

    def is_hit(self, iou: float) -> BoolArray:
        """Return which detections are true positives, (D,)."""
        return np.asarray(self.truth[self.at(iou)] >= 0, dtype=np.bool_)

    def is_false(self, iou: float) -> BoolArray:
        """Return which detections are false positives, (D,); ignored ones are neither."""
        return np.asarray(~self.is_hit(iou) & ~self.ignored[self.at(iou)], dtype=np.bool_)

    def truth_score(self, iou: float) -> FloatArray:
        """Return the score of each object's detection at ``iou``, 0 where none found it, (G,)."""
        found = self.found[self.at(iou)]
        return np.where(found >= 0, np.append(self.score, 0.0)[found], 0.0)

    def is_found(self, iou: float, score: float | FloatArray) -> BoolArray:
        """Return which objects are found at an operating point, (G,): a score for all, or per label, (L,)."""
        # Greedy matching goes by descending score, so a threshold afterwards equals one before.
        least = np.broadcast_to(score, len(self.labels))[self.truth_label]
        return np.asarray((self.found[self.at(iou)] >= 0) & (self.truth_score(iou) >= least), dtype=np.bool_)

    def within(self, keep: BoolArray) -> Matches:
        """Return the records of the frames where ``keep`` (F,) is true, renumbered."""
        renumber = np.cumsum(keep) - 1
        detections, truths = keep[self.frame], keep[self.truth_frame]
        # One more place at the end: index -1, "none", stays -1.
        to_detection = np.append(np.cumsum(detections) - 1, -1)
        to_truth = np.append(np.cumsum(truths) - 1, -1)
        return replace(
            self,
            frames=int(keep.sum()),
            frame=renumber[self.frame[detections]],
            label=self.label[detections],
            score=self.score[detections],
            row=self.row[detections],
            truth=to_truth[self.truth[:, detections]],
            truth_frame=renumber[self.truth_frame[truths]],
            truth_label=self.truth_label[truths],
            truth_row=self.truth_row[truths],
            found=to_detection[self.found[:, truths]],
            ignored=self.ignored[:, detections],
        )


@dataclass(frozen=True)
class PerFrame:
    """Counts per frame at one threshold of overlap and one of score, each (F,)."""

    objects: FloatArray
    found: FloatArray
    detections: FloatArray


def per_frame(matches: Matches, iou: float, score: float | FloatArray) -> PerFrame:
    """Count objects, found objects and detections of each frame at an operating point.

    Ignored detections are not among them. ``score`` is one for all labels, or one per label, (L,).
    """

    def count(frames: IntArray) -> FloatArray:
        return np.bincount(frames, minlength=matches.frames).astype(np.float64)

    found, least = matches.is_found(iou, score), np.broadcast_to(score, len(matches.labels))
    counting = ~matches.ignored[matches.at(iou)] & (matches.score >= least[matches.label])
    return PerFrame(
        objects=count(matches.truth_frame),
        found=count(matches.truth_frame[found]),
        detections=count(matches.frame[counting]),
    )


def match(
    frame_ids: Sequence[str],
    truth: pd.DataFrame,
    predictions: pd.DataFrame,
    labels: Sequence[str],
    ious: Sequence[float] | FloatArray,
    area: tuple[float, float] = AREAS["all"],
) -> Matches:
    """Match detections with objects, per frame and label, at every threshold.

    Each detection, by descending score, takes the object with the largest overlap among those of
    its frame and label that are still free and overlap by the threshold at least; of equal overlaps
    the last, as pycocotools does. At most 100 detections per frame and label take part.

    What does not count is ignored as pycocotools ignores it: a crowd takes any number of detections
    by the share of them that lies on it, an object outside ``area`` one, both only those that find
    no object that counts; a detection outside ``area`` that finds nothing is ignored too.

    Args:
        frame_ids: The frames that are looked at, each once; boxes elsewhere are left out.
        truth: Boxes that count (see ``tables.truth``): ``frame_id``, ``label``, ``x1 y1 x2 y2``, and
            ``attributes`` if any is a crowd (see ``crowds``).
        predictions: The same columns and ``score``.
        labels: Labels that are looked at; the others are left out.
        ious: Thresholds of intersection over union.
        area: Least and largest area of a box in square pixels, both included; one of ``AREAS``.
    """
    thresholds = np.asarray(ious, dtype=np.float64)
    index = pd.Index(list(frame_ids))
    truth_cell, truth_row = _cells(index, truth, labels)
    order = np.argsort(truth_cell, kind="stable")
    truth_cell, truth_row = truth_cell[order], truth_row[order]
    truth_boxes, crowd = _boxes(truth, truth_row), crowds(truth)[truth_row]
    ignored = crowd | _outside(areas(truth_boxes), area)

    cell, row = _cells(index, predictions, labels)
    score = predictions["score"].to_numpy(dtype=np.float64)[row]
    order = np.lexsort((-score, cell))
    rank = ranks(cell[order])
    order, rank = order[rank < MAX_DETECTIONS], rank[rank < MAX_DETECTIONS]
    cell, row, score = cell[order], row[order], score[order]

    boxes = _boxes(predictions, row)
    pairs = _pairs(cell, truth_cell, boxes, truth_boxes, crowd, float(thresholds.min(initial=1.0)))
    matched, found = greedy(pairs, rank, crowd, ignored, np.minimum(thresholds, 1 - 1e-10))
    # One more place at the end: index -1, "none", stays -1 and is not ignored.
    counts = np.append(np.where(ignored, -1, np.cumsum(~ignored) - 1), -1)
    lost = np.append(ignored, False)[matched] | ((matched < 0) & _outside(areas(boxes), area))
    many = max(len(labels), 1)
    return Matches(
        ious=thresholds,
        labels=tuple(labels),
        frames=len(index),
        frame=cell // many,
        label=cell % many,
        score=score,
        row=row,
        truth=counts[matched],
        truth_frame=truth_cell[~ignored] // many,
        truth_label=truth_cell[~ignored] % many,
        truth_row=truth_row[~ignored],
        found=found[:, ~ignored],
        ignored=lost,
    )


def overlaps(a: FloatArray, b: FloatArray) -> FloatArray:
    """Return the intersection over union of boxes row by row, (n, 4) and (n, 4) to (n,)."""
    shared = intersections(a, b)
    union = areas(a) + areas(b) - shared
    return np.divide(shared, union, out=np.zeros_like(shared), where=shared > 0)


def intersections(a: FloatArray, b: FloatArray) -> FloatArray:
    """Return the area that boxes share, row by row, in square pixels."""
    # Column by column: NumPy is slow on rows of two.
    width = np.minimum(a[:, 2], b[:, 2]) - np.maximum(a[:, 0], b[:, 0])
    height = np.minimum(a[:, 3], b[:, 3]) - np.maximum(a[:, 1], b[:, 1])
    return np.asarray(np.maximum(width, 0.0) * np.maximum(height, 0.0), dtype=np.float64)


def areas(boxes: FloatArray) -> FloatArray:
    """Return the areas of boxes (n, 4), in square pixels."""
    return np.asarray((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]), dtype=np.float64)


def joined(left: IntArray, right: IntArray) -> tuple[IntArray, IntArray]:
    """Return all pairs of positions with equal keys; ``right`` must be sorted. Ordered by ``left``."""
    start = np.searchsorted(right, left, side="left")
    return _unrolled(start, np.searchsorted(right, left, side="right") - start)


def _unrolled(start: IntArray, count: IntArray) -> tuple[IntArray, IntArray]:
    """Return each position as often as it counts, and ascending numbers from its start."""
    first = np.repeat(np.arange(len(count)), count)
    return first, np.arange(len(first)) + np.repeat(start - np.cumsum(count) + count, count)


def _boxes(table: pd.DataFrame, rows: IntArray) -> FloatArray:
    boxes = np.empty((len(rows), len(BOX)))
    for place, name in enumerate(BOX):
        boxes[:, place] = table[name].to_numpy(dtype=np.float64)[rows]
    return boxes


def _cells(index: pd.Index, table: pd.DataFrame, labels: Sequence[str]) -> tuple[IntArray, IntArray]:
    """Return frame * labels + label, and the row, of the boxes in these frames with these labels."""
    frame = index.get_indexer(pd.Index(table["frame_id"]))
    label = pd.Index(list(labels), dtype=object).get_indexer(pd.Index(table["label"], dtype=object))
    row = np.flatnonzero((frame >= 0) & (label >= 0))
    return (frame[row] * len(labels) + label[row]).astype(np.int64), row


def _pairs(
    cell: IntArray,
    truth_cell: IntArray,
    boxes: FloatArray,
    truth_boxes: FloatArray,
    crowd: BoolArray,
    floor: float,
) -> Pairs:
    """Return the pairs that overlap by ``floor`` at least."""
    start = np.searchsorted(truth_cell, cell, side="left")
    count = np.searchsorted(truth_cell, cell, side="right") - start
    ends = np.cumsum(count)
    blocks = np.searchsorted(ends, np.arange(_BLOCK, int(ends[-1]) if len(ends) else 0, _BLOCK))
    parts = []
    for first, last in pairwise([0, *blocks.tolist(), len(cell)]):
        detection, obj = _unrolled(start[first:last], count[first:last])
        detection += first
        overlap = _overlaps(boxes[detection], truth_boxes[obj], crowd[obj])
        near = np.flatnonzero(overlap >= floor - 1e-9)
        parts.append((detection[near], obj[near], overlap[near]))
    detections, objects, values = zip(*parts, strict=True)
    return Pairs(np.concatenate(detections), np.concatenate(objects), np.concatenate(values))


def _overlaps(boxes: FloatArray, truth_boxes: FloatArray, crowd: BoolArray) -> FloatArray:
    """Return intersection over union; with a crowd, over the detection's own area."""
    found = overlaps(boxes, truth_boxes)
    if crowd.any():
        own = areas(boxes[crowd])
        shared = intersections(boxes[crowd], truth_boxes[crowd])
        found[crowd] = np.divide(shared, own, out=np.zeros_like(shared), where=own > 0)
    return found


def _outside(area: FloatArray, limits: tuple[float, float]) -> BoolArray:
    return np.asarray((area < limits[0]) | (area > limits[1]), dtype=np.bool_)
