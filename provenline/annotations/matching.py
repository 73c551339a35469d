"""Which of two annotators' boxes are the same object."""

from __future__ import annotations

import numpy as np

from provenline.annotations.ratings import Floats, Ints

COCO_IOUS: Floats = np.linspace(0.5, 0.95, 10)
SAME_OBJECT = 0.1  # two boxes that overlap less are two objects, not one drawn carelessly


def iou_matrix(a: Floats, b: Floats) -> Floats:
    """Return the (n, m) intersections over unions of (n, 4) and (m, 4) half-open boxes."""
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    inter = np.prod(np.clip(high - low, 0, None), axis=2)
    areas = [np.prod(boxes[:, 2:] - boxes[:, :2], axis=1) for boxes in (a, b)]
    union: Floats = areas[0][:, None] + areas[1][None, :] - inter
    return np.asarray(np.divide(inter, union, out=np.zeros_like(union), where=union > 0))


def match(a: Floats, b: Floats, gate: float) -> Floats:
    """Return the IoUs of the best one-to-one matching: most pairs first, then the largest total IoU.

    Method: H. W. Kuhn, "The Hungarian method for the assignment problem", 1955 (SciPy's solver).

    Args:
        a: (n, 4) boxes of one annotator.
        b: (m, 4) boxes of the other.
        gate: Pairs below this IoU are no match.
    """
    iou = iou_matrix(a, b)
    # One more pair outweighs every gain in IoU, which sums to less than min(n, m) + 1.
    first, second = _assign(iou, gate, min(iou.shape) + 1)
    return np.asarray(iou[first, second])


def match_loosely(a: Floats, b: Floats) -> tuple[Ints, Ints, Floats]:
    """Match boxes that overlap at all, largest total IoU first: who is whom, however badly drawn.

    Returns:
        Positions in ``a`` and in ``b``, and the IoU, of each pair.
    """
    iou = iou_matrix(a, b)
    first, second = _assign(iou, SAME_OBJECT, 0)
    return first, second, np.asarray(iou[first, second])


def matches_at(a: Floats, b: Floats, gates: Floats) -> Ints:
    """Return how many pairs ``match`` finds at each of the (t) gates, ascending."""
    iou = iou_matrix(a, b)
    near = iou >= gates[0]
    if (near.sum(axis=0) <= 1).all() and (near.sum(axis=1) <= 1).all():
        # Nobody has a choice, so the matching is the same at every gate.
        return np.asarray((iou[near][:, None] >= gates).sum(axis=0))
    return np.array([len(_assign(iou, gate, min(iou.shape) + 1)[0]) for gate in gates])


def _assign(iou: Floats, gate: float, per_pair: float) -> tuple[Ints, Ints]:
    """Return the pairs at or over the gate that maximise the sum of IoU plus a worth per pair."""
    if not iou.size:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    from scipy.optimize import linear_sum_assignment

    first, second = linear_sum_assignment(np.where(iou >= gate, iou + per_pair, 0.0), maximize=True)
    kept = iou[first, second] >= gate
    return first[kept], second[kept]
