"""What is counted at an operating point: found, missed, too many, and how wrong the counts are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from provenline.evaluation.matching import BoolArray, FloatArray, IntArray, Matches


@dataclass(frozen=True)
class Fraction:
    """A figure that is a ratio of two sums over frames, before it is summed.

    Attributes:
        numerator: Per frame, (F,).
        denominator: Per frame, (F,).
        proportion: Each unit of the denominator adds between 0 and 1 to the numerator.
    """

    numerator: FloatArray
    denominator: FloatArray
    proportion: bool = False


def fractions(matches: Matches, iou: float, scores: FloatArray) -> dict[str, Fraction]:
    """Return precision, recall, F1 and the mean absolute error of counting.

    ``count_mae`` is, for each label, the mean over frames of |detected - annotated|, averaged over
    labels; a frame without either counts as right. What is ignored (see ``match``) is not counted.

    Args:
        matches: Match records.
        iou: Overlap at which an object counts as found.
        scores: Threshold of each label: a detection counts from there on, (L,).
    """
    cells = matches.frames * len(matches.labels)
    found = is_found(matches, iou, scores)
    detected = (matches.score >= scores[matches.label]) & ~matches.ignored[matches.at(iou)]

    def count(frame: IntArray, label: IntArray) -> FloatArray:
        cell = frame * len(matches.labels) + label
        return np.bincount(cell, minlength=cells).reshape(matches.frames, -1).astype(np.float64)

    objects = count(matches.truth_frame, matches.truth_label)
    detections = count(matches.frame[detected], matches.label[detected])
    hits = count(matches.truth_frame[found], matches.truth_label[found]).sum(axis=1)
    wrong = np.abs(detections - objects).mean(axis=1)
    objects, detections = objects.sum(axis=1), detections.sum(axis=1)
    return {
        "precision": Fraction(hits, detections, proportion=True),
        "recall": Fraction(hits, objects, proportion=True),
        # Halved, so that its units are found objects, and half of whatever is missed or wrong.
        "f1": Fraction(hits, (objects + detections) / 2, proportion=True),
        "count_mae": Fraction(wrong, np.ones_like(wrong)),
    }


def is_found(matches: Matches, iou: float, scores: FloatArray) -> BoolArray:
    """Return which objects are found where each label has a threshold of its own, (G,).

    Args:
        matches: Match records.
        iou: Overlap at which an object counts as found.
        scores: Threshold of each label, (L,).
    """
    enough = matches.truth_score(iou) >= scores[matches.truth_label]
    return np.asarray((matches.found[matches.at(iou)] >= 0) & enough, dtype=np.bool_)
