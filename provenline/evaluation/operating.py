"""The operating point: from which score on a detection of a label counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from provenline.evaluation.matching import FloatArray, IntArray, Matches
from provenline.evaluation.proportions import rounded


@dataclass(frozen=True)
class Threshold:
    """A score and what it comes to on the frames it was chosen on.

    Attributes:
        score: A detection counts from there on (``score >= threshold``).
        below: The next lower score of a detection, 0 where there is none: what lies between is as good.
        f1: The largest that any threshold gives; as it was chosen by it, it flatters.
        precision: There.
        recall: There.
    """

    score: float
    below: float
    f1: float
    precision: float
    recall: float

    def to_dict(self) -> dict[str, float | None]:
        """Return a JSON object; numbers are rounded to six decimals, scores to nothing."""
        # A rounded score could leave out the very detection it was taken from.
        exact = {"score": self.score, "below": self.below}
        return {name: rounded(value) for name, value in vars(self).items()} | exact


def choose(matches: Matches, iou: float, least: int = 1) -> dict[str, Threshold | None]:
    """Return the threshold of each label with the largest F1; of equal ones the highest.

    Choose it on validation frames and apply it elsewhere.

    Args:
        matches: Match records of one model.
        iou: Overlap at which an object counts as found.
        least: Objects of a label that it takes to choose.

    Returns:
        None for a label with fewer objects, or of which no detection finds anything.
    """
    hit, counting = matches.is_hit(iou), ~matches.ignored[matches.at(iou)]
    found: dict[str, Threshold | None] = {}
    for code, label in enumerate(matches.labels):
        mine = np.flatnonzero((matches.label == code) & counting)
        objects = int(np.count_nonzero(matches.truth_label == code))
        enough = objects >= max(least, 1)
        found[label] = (
            _largest_f1(matches.score[mine], hit[mine].astype(np.int64), objects) if enough else None
        )
    return found


def at(thresholds: Mapping[str, Threshold | None], otherwise: float) -> FloatArray:
    """Return the score of each label, (L,), ``otherwise`` where none could be chosen."""
    return np.array([otherwise if one is None else one.score for one in thresholds.values()])


def _largest_f1(score: FloatArray, hit: IntArray, objects: int) -> Threshold | None:
    order = np.argsort(-score, kind="stable")
    score, hits = score[order], np.cumsum(hit[order])
    if not len(hits) or not hits[-1]:
        return None
    # A threshold takes all detections of one score or none: judge at the last of each.
    last = np.flatnonzero(np.append(score[1:] != score[:-1], True))
    f1 = 2 * hits[last] / (last + 1 + objects)
    best = last[np.argmax(f1)]
    below = float(score[best + 1]) if best + 1 < len(score) else 0.0
    return Threshold(
        float(score[best]),
        below,
        float(f1.max()),
        float(hits[best] / (best + 1)),
        float(hits[best] / objects),
    )
