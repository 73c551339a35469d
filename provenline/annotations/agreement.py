"""Agreement of annotators, on units fixed beforehand that can be empty: the image.

Kappa over matched boxes of one class is never positive, because nobody counts what neither drew.
So the gate rests on presence per image, and object measures stand beside it. Intervals resample
groups (videos), never images: frames of one video are not independent.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from provenline.annotations.params import AgreementParams

Floats = NDArray[np.float64]
Key = tuple[str, int]
Ratings = Mapping[str, Mapping[Key, Floats]]

VERDICT_GROUPS, WARNING_GROUPS = 10, 20
_DEFINED = 0.9  # below this share of replicates with a value, an interval would be a guess
_WORST_FIRST = ("fail", "inconclusive", "pass")


def measure(
    ratings: Ratings, groups: Mapping[Key, str], params: AgreementParams
) -> tuple[dict[str, Any] | None, str]:
    """Compare every pair of annotators on the images that both looked at.

    Args:
        ratings: Annotator to image to the (n, 4) boxes of ``params.label`` there, n possibly 0.
            An image that an annotator did not look at is absent.
        groups: Image to the group that it belongs to.
        params: Label, IoU from which two boxes can be the same object, gate, bootstrap.

    Returns:
        The result and "", or None and the reason. The gate's verdict is that of the worst pair.
    """
    if len(ratings) < 2:
        return None, f"agreement needs two annotators, the exports are of {len(ratings)}"
    pairs, disjoint = [], []
    for first, second in combinations(sorted(ratings), 2):
        common = sorted(ratings[first].keys() & ratings[second].keys())
        if common:
            compared = _compare(ratings[first], ratings[second], common, groups, params)
            pairs.append({"annotators": [first, second], **compared})
        else:
            disjoint.append([first, second])
    if not pairs:
        return None, "no image was labelled by two annotators"
    worst = min(pairs, key=lambda pair: (_WORST_FIRST.index(pair["verdict"]), _value(pair["kappa_presence"])))
    result = {
        "label": params.label,
        "iou": params.iou,
        "gated": "kappa_presence",
        "min_kappa": params.min_kappa,
        "confidence": params.confidence,
        "verdict": worst["verdict"],
        "reason": worst["reason"],
        "more_groups": worst["more_groups"],
        "worst_pair": worst["annotators"],
        "pairs": pairs,
        "pairs_without_overlap": disjoint,
    }
    return result, ""


def cohen_kappa(confusion: Floats) -> Floats:
    """Return Cohen's kappa of confusion matrices.

    Method: J. Cohen, "A coefficient of agreement for nominal scales", 1960.

    Args:
        confusion: (..., k, k) counts.

    Returns:
        (...) values; NaN where chance alone would agree always (both raters constant).

    >>> cohen_kappa(np.array([[20.0, 5.0], [10.0, 15.0]])).round(3)
    np.float64(0.4)
    """
    total = confusion.sum(axis=(-2, -1))
    with np.errstate(invalid="ignore", divide="ignore"):
        observed = np.trace(confusion, axis1=-2, axis2=-1) / total
        chance = (confusion.sum(axis=-1) * confusion.sum(axis=-2)).sum(axis=-1) / total**2
        kappa = (observed - chance) / (1 - chance)
    return np.asarray(np.where(np.isclose(chance, 1), np.nan, kappa))[()]


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
    if not len(a) or not len(b):
        return np.empty(0)
    from scipy.optimize import linear_sum_assignment

    iou = iou_matrix(a, b)
    # One more pair outweighs every gain in IoU, which sums to less than min(n, m) + 1.
    worth = np.where(iou >= gate, iou + min(iou.shape) + 1, 0.0)
    chosen = iou[linear_sum_assignment(worth, maximize=True)]
    return np.asarray(chosen[chosen >= gate])


@dataclass(frozen=True)
class _Pair:
    """What two annotators said about their common images, as sums per group (the first axis)."""

    presence: Floats  # (g, 2, 2)
    counts: Floats  # (g, k, k), k kinds of counts
    objects: Floats  # (g, 3): matched, of the first, of the second
    ious: Floats  # (n) all matched, ascending
    iou_groups: NDArray[np.int64]  # (n) the group of each


def _tabulate(
    first: Mapping[Key, Floats],
    second: Mapping[Key, Floats],
    common: list[Key],
    groups: Mapping[Key, str],
    gate: float,
) -> _Pair:
    names = sorted({groups[key] for key in common})
    index = {name: number for number, name in enumerate(names)}
    group = np.array([index[groups[key]] for key in common])
    counts = np.array([[len(first[key]), len(second[key])] for key in common])
    kinds, coded = np.unique(counts, return_inverse=True)
    coded = coded.reshape(counts.shape)  # NumPy 1.26 returns it flat
    presence = np.zeros((len(names), 2, 2))
    np.add.at(presence, (group, *(counts > 0).astype(int).T), 1)
    by_count = np.zeros((len(names), len(kinds), len(kinds)))
    np.add.at(by_count, (group, *coded.T), 1)
    matched = [match(first[key], second[key], gate) for key in common]
    sizes = np.array([len(ious) for ious in matched])
    objects = np.zeros((len(names), 3))
    np.add.at(objects, group, np.column_stack([sizes, counts]))
    ious = np.concatenate(matched)
    order = np.argsort(ious, kind="stable")
    return _Pair(presence, by_count, objects, ious[order], np.repeat(group, sizes)[order])


def _compare(
    first: Mapping[Key, Floats],
    second: Mapping[Key, Floats],
    common: list[Key],
    groups: Mapping[Key, str],
    params: AgreementParams,
) -> dict[str, Any]:
    pair = _tabulate(first, second, common, groups, params.iou)
    size = len(pair.presence)
    rng = np.random.default_rng(params.seed)
    weights = rng.multinomial(size, np.full(size, 1 / size), size=params.replicates).astype(np.float64)
    measures: dict[str, tuple[Callable[[Floats], Floats], str]] = {
        "kappa_presence": (
            lambda w: cohen_kappa(np.tensordot(w, pair.presence, 1)),
            "both annotators say the same for every image: kappa is not defined",
        ),
        "kappa_count": (
            lambda w: cohen_kappa(np.tensordot(w, pair.counts, 1)),
            "both annotators count the same number in every image: kappa is not defined",
        ),
        "object_f1": (lambda w: _f1(w @ pair.objects), "neither annotator drew an object"),
        "mean_matched_iou": (lambda w: _mean_iou(w, pair), "no matched object"),
        "median_matched_iou": (lambda w: _median_iou(w, pair), "no matched object"),
    }
    presence = pair.presence.sum(axis=0).astype(int)
    matched, drawn_first, drawn_second = pair.objects.sum(axis=0).astype(int).tolist()
    estimates = {
        name: _estimate(function, weights, params.confidence, reason)
        for name, (function, reason) in measures.items()
    }
    return {
        "images": len(common),
        "groups": size,
        **estimates,
        "presence": {
            "both": int(presence[1, 1]),
            "first_only": int(presence[1, 0]),
            "second_only": int(presence[0, 1]),
            "neither": int(presence[0, 0]),
        },
        "objects": {"first": drawn_first, "second": drawn_second, "matched": matched},
        **judge(estimates["kappa_presence"], params.min_kappa, size),
    }


def _f1(sums: Floats) -> Floats:
    with np.errstate(invalid="ignore"):
        return np.asarray(2 * sums[:, 0] / (sums[:, 1] + sums[:, 2]))


def _mean_iou(weights: Floats, pair: _Pair) -> Floats:
    sums = np.bincount(pair.iou_groups, weights=pair.ious, minlength=weights.shape[1])
    with np.errstate(invalid="ignore"):
        return np.asarray((weights @ sums) / (weights @ pair.objects[:, 0]))


def _median_iou(weights: Floats, pair: _Pair) -> Floats:
    """Return the median per replicate; with an even number the mean of the middle two."""
    medians = np.full(len(weights), np.nan)
    for number, row in enumerate(weights):
        ends = np.cumsum(row[pair.iou_groups])
        if len(ends) and ends[-1]:
            middle = [(ends[-1] - 1) // 2, ends[-1] // 2]
            medians[number] = pair.ious[np.searchsorted(ends, middle, side="right")].mean()
    return medians


def _estimate(
    measure_: Callable[[Floats], Floats], weights: Floats, confidence: float, reason: str
) -> dict[str, Any]:
    """Return value and percentile interval; None, with a reason, for what is not measurable."""
    value = float(measure_(np.ones((1, weights.shape[1])))[0])
    if math.isnan(value):
        return {"value": None, "low": None, "high": None, "reason": reason}
    replicates = measure_(weights)
    defined = replicates[~np.isnan(replicates)]
    if len(defined) < _DEFINED * len(weights):
        few = (
            f"defined in {len(defined)} of {len(weights)} replicates only: too few groups make the difference"
        )
        return {"value": value, "low": None, "high": None, "reason": few}
    low, high = np.quantile(defined, [(1 - confidence) / 2, (1 + confidence) / 2])
    return {"value": value, "low": float(low), "high": float(high), "reason": ""}


def judge(kappa: Mapping[str, Any], bound: float, groups: int) -> dict[str, Any]:
    """Decide the gate from the interval, not from the point estimate.

    Args:
        kappa: ``value``, ``low``, ``high`` (None where not measurable) and ``reason``.
        bound: The least kappa that is good enough.
        groups: That the interval was resampled over; below ten there is no verdict.

    Returns:
        ``verdict`` (pass, fail, inconclusive), ``reason``, and ``more_groups``: about how many
        more groups would settle it if the estimate stayed (an interval shrinks with the root of
        their number), None where it is settled or cannot be said.
    """
    value, low, high = kappa["value"], kappa["low"], kappa["high"]
    if groups < VERDICT_GROUPS:
        reason = f"{groups} groups; a verdict needs at least {VERDICT_GROUPS}"
        return {"verdict": "inconclusive", "reason": reason, "more_groups": VERDICT_GROUPS - groups}
    if value is None or low is None or high is None:
        return {"verdict": "inconclusive", "reason": kappa["reason"], "more_groups": None}
    interval = f"kappa on presence {value:.3f} [{low:.3f}, {high:.3f}]"
    if low >= bound:
        return {"verdict": "pass", "reason": f"{interval} is not below {bound}", "more_groups": None}
    if high < bound:
        return {"verdict": "fail", "reason": f"{interval} is below {bound}", "more_groups": None}
    side = value - low if value > bound else high - value
    more = None if value == bound else max(1, math.ceil(groups * (side / (value - bound)) ** 2) - groups)
    return {"verdict": "inconclusive", "reason": f"{interval} contains {bound}", "more_groups": more}


def _value(estimate: Mapping[str, Any]) -> float:
    return math.inf if estimate["value"] is None else float(estimate["value"])
