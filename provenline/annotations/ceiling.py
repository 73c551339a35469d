"""The ceiling: the highest average precision that a perfect detector could reach against these labels.

A perfect detector finds every object exactly and still scores below 1, because the labels that it
is judged by err. How much they err shows in what two annotators make of the same images.

**Human against human.** Boxes without scores are one point of the precision-recall curve, and AP is
precision times recall. With M(t) pairs of boxes that match at IoU t, and n and m boxes in all,
it is M(t)^2 / (n m), the same whoever is the detector. Both sides err there: a lower bound.

**A perfect detector.** Say an annotator misses a share of the objects, invents some, and shakes the
edges of the rest, independently of the other annotator and about as much. Then:

* Misses and inventions: the human AP is the product of the two APs that the truth has against either
  annotator, so the root of it is the truth's AP (their geometric mean, if one errs more): M / sqrt(n m).
  It is how Spearman (1904) gets from the correlation of two measurements to that of one with the truth.
* Shaking: two annotators differ by sqrt(2) times what one differs from the truth. So the truth is put
  1 / sqrt(2) of the way from one box to the other, and q(t) is the share of pairs that reach IoU t then.
* Together AP(t) = q(t)^2 M / sqrt(n m), where M counts all pairs that are one object, however badly
  drawn, and q(t) is squared as a box that fails the threshold costs precision and recall.

Where this breaks: errors that both make (a hand that nobody sees, a box that both draw loosely) are
not seen, so the true ceiling is then lower. A detector that gave exactly those of its true boxes
which the labels lack a lower score could pass it, up to the square root. Several pairs are pooled.

``pytest -s tests/annotations/test_ceiling.py`` measures the bias against simulated truth, with pycocotools'
AP of 360 images: -0.00 with 5% missed and invented and edges off by 4% of a side, -0.01 with 10%, 5% and
6%, -0.02 with 20%, 10% and 10%. It is negative as pycocotools interpolates over the chance order of
equal scores, which gives it a little more than precision times recall.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from provenline.annotations.matching import COCO_IOUS, iou_matrix, match_loosely
from provenline.annotations.pairs import Pair
from provenline.annotations.params import AgreementParams
from provenline.annotations.ratings import Floats, Images, Key
from provenline.annotations.resampling import draw, estimate

METHOD = (
    "human: precision x recall of one annotator against another; ceiling: root of that for misses and "
    "inventions, displacement divided by the root of 2, errors independent and alike"
)
_NO_OBJECT = "no object that two annotators drew"


def ceiling(pairs: Sequence[Pair], images: Images, params: AgreementParams) -> dict[str, Any]:
    """Estimate what two people and what a perfect detector reach against these labels.

    Args:
        pairs: At least one; several are pooled by their sums.
        images: Groups.
        params: Bootstrap.

    Returns:
        ``human_ap50``, ``human_ap50_95``, ``ap50``, ``ap50_95`` with intervals over groups,
        ``images`` and ``groups`` they rest on, and ``method``.
    """
    keys = sorted({key for pair in pairs for key in pair.keys})
    groups = [images.groups[key] for key in keys]
    resamples = draw(groups, params.replicates, params.confidence, params.seed)
    # Human matches, shrunk matches, all matches, boxes of either: (G, pairs, 2 t + 3).
    table = resamples.sums(np.stack([_tabulate(pair, keys) for pair in pairs], axis=1))
    size = len(COCO_IOUS)

    def human(weights: Floats) -> Floats:
        sums = np.tensordot(weights, table, 1)
        return _divide(sums[:, :, :size].sum(axis=1) ** 2, _boxes(sums) ** 2)

    def perfect(weights: Floats) -> Floats:
        sums = np.tensordot(weights, table, 1)
        every = sums[:, :, 2 * size].sum(axis=1, keepdims=True)
        reached = _divide(sums[:, :, size : 2 * size].sum(axis=1), every)
        return np.asarray(reached**2 * _divide(every, _boxes(sums)))

    return {
        "human_ap50": estimate(lambda weights: human(weights)[:, 0], resamples, _NO_OBJECT),
        "human_ap50_95": estimate(lambda weights: human(weights).mean(axis=1), resamples, _NO_OBJECT),
        "ap50": estimate(lambda weights: perfect(weights)[:, 0], resamples, _NO_OBJECT),
        "ap50_95": estimate(lambda weights: perfect(weights).mean(axis=1), resamples, _NO_OBJECT),
        "images": len(keys),
        "groups": resamples.size,
        "method": METHOD,
    }


def _boxes(sums: Floats) -> Floats:
    """Return the geometric mean of the annotators' numbers of boxes, summed over pairs, (r, 1)."""
    return np.asarray(np.sqrt(sums[:, :, -2] * sums[:, :, -1]).sum(axis=1, keepdims=True))


def _divide(above: Floats, below: Floats) -> Floats:
    return np.asarray(np.divide(above, below, out=np.full(above.shape, np.nan), where=below > 0))


def _tabulate(pair: Pair, keys: Sequence[Key]) -> Floats:
    """Return (n, 2 t + 3) counts per image; zeros where the pair has not both looked."""
    place = {key: number for number, key in enumerate(keys)}
    rows = np.zeros((len(keys), 2 * len(COCO_IOUS) + 3))
    for number, key in enumerate(pair.keys):
        shrunk = _iou_with_truth(*pair.boxes(key))
        reached = (shrunk[:, :, None] >= COCO_IOUS).mean(axis=1).sum(axis=0)
        rows[place[key]] = [*pair.curve[number], *reached, len(shrunk), *pair.numbers[number]]
    return rows


def _iou_with_truth(a: Floats, b: Floats) -> Floats:
    """Return the (pairs, 2) IoUs that the truth may have with either box of the pairs of a and b."""
    first, second, _ = match_loosely(a, b)
    a, b = a[first], b[second]
    step = (b - a) / np.sqrt(2)
    return np.column_stack([_iou(a, a + step), _iou(b, b - step)])


def _iou(a: Floats, b: Floats) -> Floats:
    return np.diagonal(iou_matrix(a, b))
