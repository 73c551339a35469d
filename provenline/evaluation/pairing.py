"""Who takes whom: the greedy choice itself, on pairs that are near enough.

Source of the method: ``pycocotools.cocoeval.COCOeval.evaluateImg``.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Pairs:
    """Detections and objects of one frame and label that overlap enough, each (P,)."""

    detection: IntArray
    object: IntArray
    overlap: FloatArray

    def of(self, order: IntArray) -> Pairs:
        """Return some pairs, in this order."""
        return Pairs(self.detection[order], self.object[order], self.overlap[order])


def ranks(cell: IntArray) -> IntArray:
    """Return the place of each element within its run of equal cells."""
    return np.arange(len(cell)) - np.searchsorted(cell, cell, side="left")


def greedy(
    pairs: Pairs, rank: IntArray, crowd: BoolArray, ignored: BoolArray, thresholds: FloatArray
) -> tuple[IntArray, IntArray]:
    """Let the detections choose, best first, at every threshold.

    A detection takes the free object with the largest overlap, of equal ones the last. Objects that
    count come before ignored ones, however little they overlap; a crowd is always free.

    Args:
        pairs: In any order.
        rank: Place of each detection in its frame and label by descending score, (D,).
        crowd: Which objects are crowds, (G,).
        ignored: Which objects do not count, crowds among them, (G,).
        thresholds: Least overlaps, (T,).

    Returns:
        The object of each detection, (T, D), and the detection of each object (of a crowd the last),
        (T, G); -1 for none.
    """
    matched = np.full((len(thresholds), len(rank)), -1, dtype=np.int64)
    found = np.full((len(thresholds), len(crowd)), -1, dtype=np.int64)
    # Within one detection the best pair comes last, and of equal overlaps the last object.
    order = np.lexsort(
        (pairs.object, pairs.overlap, ~ignored[pairs.object], pairs.detection, rank[pairs.detection])
    )
    pairs = pairs.of(order)
    # The n-th best detections of all frames and labels choose at once: they cannot compete.
    turns = np.flatnonzero(np.diff(rank[pairs.detection])) + 1
    bounds = [0, *turns.tolist(), len(order)]
    for start, end in pairwise(bounds):
        turn = pairs.of(np.arange(start, end))
        for t, threshold in enumerate(thresholds):
            free = (turn.overlap >= threshold) & ((found[t, turn.object] < 0) | crowd[turn.object])
            place = np.flatnonzero(free)
            mine = turn.detection[place]
            best = place[np.append(mine[1:] != mine[:-1], True)] if len(place) else place
            matched[t, turn.detection[best]] = turn.object[best]
            found[t, turn.object[best]] = turn.detection[best]
    return matched, found
