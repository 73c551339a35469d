"""Which boxes of one frame overlap, whatever their labels, and which go together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from provenline.evaluation.matching import joined, overlaps
from provenline.evaluation.pairing import BoolArray, FloatArray, IntArray

_BLOCK = 100_000  # boxes on the left side that are joined at once: bounds the memory


@dataclass(frozen=True)
class Pairs:
    """Pairs of overlapping boxes of one frame, ordered by ``left``, then ``right``.

    Attributes:
        left: Position of the one box, (P,).
        right: Position of the other, (P,).
        iou: Intersection over union, (P,).
    """

    left: IntArray
    right: IntArray
    iou: FloatArray

    def where(self, keep: BoolArray) -> Pairs:
        """Return the pairs where ``keep`` (P,) is true."""
        return Pairs(self.left[keep], self.right[keep], self.iou[keep])

    def best(self, count: int) -> tuple[IntArray, FloatArray]:
        """Return the partner of each left box that overlaps it most, -1 where none does, and the overlap.

        Of equal overlaps the first. ``count`` is the number of left boxes; both results are (count,).
        """
        partner, iou = np.full(count, -1, dtype=np.int64), np.zeros(count)
        # The last of each box's pairs is what stays: the largest overlap, of equal ones the first.
        order = np.lexsort((-np.arange(len(self.iou)), self.iou, self.left))
        partner[self.left[order]], iou[self.left[order]] = self.right[order], self.iou[order]
        return partner, iou


def near(
    frame: IntArray, boxes: FloatArray, other_frame: IntArray, others: FloatArray, least: float
) -> Pairs:
    """Return the pairs of boxes of one frame that overlap by ``least`` at least (and at all).

    Args:
        frame: Frame of each box, (n,).
        boxes: Absolute pixels, half-open, (n, 4).
        other_frame: Frame of each of the other boxes, sorted, (m,).
        others: Likewise, (m, 4).
        least: Smallest intersection over union.
    """
    parts = [
        _joined(np.arange(start, min(start + _BLOCK, len(frame))), frame, boxes, other_frame, others, least)
        for start in range(0, max(len(frame), 1), _BLOCK)
    ]
    left, right, iou = zip(*parts, strict=True)
    return Pairs(np.concatenate(left), np.concatenate(right), np.concatenate(iou))


def _joined(
    block: IntArray,
    frame: IntArray,
    boxes: FloatArray,
    other_frame: IntArray,
    others: FloatArray,
    least: float,
) -> tuple[IntArray, IntArray, FloatArray]:
    first, right = joined(frame[block], other_frame)
    left = block[first]
    iou = overlaps(boxes[left], others[right])
    kept = (iou > 0) & (iou >= least)
    return left[kept], right[kept], iou[kept]


def mates(pairs: Pairs, weight: FloatArray, lefts: int, rights: int) -> IntArray:
    """Pair boxes one to one, the heaviest pairs first: no two boxes would both rather have each other.

    Args:
        pairs: Who can be paired.
        weight: Of each pair, (P,); of equal weights the first pair counts.
        lefts: Number of left boxes.
        rights: Number of right boxes.

    Returns:
        The pair (position in ``pairs``) of each left box, -1 where it stays alone, (lefts,).
    """
    result = np.full(lefts, -1, dtype=np.int64)
    queue = np.argsort(-weight, kind="stable")
    while len(queue):
        # A pair that comes first for both of its boxes is taken; every round takes one at least.
        left, right = pairs.left[queue], pairs.right[queue]
        mine, theirs = (np.unique(side, return_index=True)[1] for side in (left, right))
        taken = np.intersect1d(mine, theirs)
        result[left[taken]] = queue[taken]
        paired, used = np.zeros(lefts, dtype=np.bool_), np.zeros(rights, dtype=np.bool_)
        paired[left[taken]], used[right[taken]] = True, True
        queue = queue[~paired[left] & ~used[right]]
    return result
