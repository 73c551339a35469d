"""Agreement of annotators, on units fixed beforehand that can be empty: the image and its regions.

Kappa over matched boxes of one class is never positive, because nobody counts what neither drew.
So the gate rests on presence per image, and object measures stand beside it. Intervals resample
groups (videos), never images: frames of one video are not independent.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

from provenline.annotations import krippendorff
from provenline.annotations.ceiling import ceiling
from provenline.annotations.disagreements import disagreements
from provenline.annotations.pairs import Pair, compare, pair_up
from provenline.annotations.params import AgreementParams
from provenline.annotations.ratings import Images, Key, Ratings
from provenline.annotations.resampling import METHOD

_WORST_FIRST = ("fail", "inconclusive", "pass")


def measure(
    ratings: Ratings,
    groups: Mapping[Key, str],
    params: AgreementParams,
    *,
    sizes: Mapping[Key, tuple[int, int]] | None = None,
    categories: Mapping[Key, str] | None = None,
) -> tuple[dict[str, Any] | None, str]:
    """Compare all annotators, and every pair of them on the images that both looked at.

    Args:
        ratings: Annotator to image to the (n, 4) boxes of ``params.label`` there, n possibly 0.
            An image that an annotator did not look at is absent.
        groups: Image to the group that it belongs to.
        params: Label, IoU from which two boxes can be the same object, gate, bootstrap.
        sizes: Image to width and height in pixels; without them nothing is said per region.
        categories: Image to category (operation); without them there are no rows per category.

    Returns:
        The result and "", or None and the reason. The gate's verdict is that of the worst pair.
    """
    if len(ratings) < 2:
        return None, f"agreement needs two annotators, the exports are of {len(ratings)}"
    images = Images(groups, sizes or {}, categories or {})
    names = list(combinations(sorted(ratings), 2))
    found = [pair_up((a, b), (ratings[a], ratings[b]), params.iou) for a, b in names]
    pairs = [pair for pair in found if pair is not None]
    if not pairs:
        return None, "no image was labelled by two annotators"
    rows = [_judged(pair, images, params) for pair in pairs]
    worst = min(rows, key=lambda row: (_WORST_FIRST.index(row["verdict"]), _value(row["kappa_presence"])))
    gallery, counts = disagreements(pairs, images, params)
    result = {
        **_terms(params),
        "verdict": worst["verdict"],
        "reason": worst["reason"],
        "more_groups": worst["more_groups"],
        "worst_pair": worst["annotators"],
        "pairs": rows,
        "pairs_without_overlap": _disjoint(names, found),
        "krippendorff": krippendorff.measure(ratings, images, params),
        "ceiling": ceiling(pairs, images, params),
        "disagreements": gallery,
        "disagreement_counts": counts,
    }
    return result, ""


def _terms(params: AgreementParams) -> dict[str, Any]:
    """Return what was asked for."""
    return {
        "label": params.label,
        "iou": params.iou,
        "gated": "kappa_presence",
        "min_kappa": params.min_kappa,
        "min_groups": params.min_groups,
        "warn_groups": params.warn_groups,
        "confidence": params.confidence,
        "interval": METHOD,
    }


def _judged(pair: Pair, images: Images, params: AgreementParams) -> dict[str, Any]:
    row = compare(pair, images, params)
    return {**row, **judge(row["kappa_presence"], params.min_kappa, row["groups"], params.min_groups)}


def _disjoint(names: Sequence[tuple[str, str]], found: Sequence[Pair | None]) -> list[list[str]]:
    return [list(both) for both, pair in zip(names, found, strict=True) if pair is None]


def judge(kappa: Mapping[str, Any], bound: float, groups: int, min_groups: int) -> dict[str, Any]:
    """Judge a kappa by its interval, never by its value alone.

    Args:
        kappa: ``value``, ``low``, ``high``, ``reason``.
        bound: The gate.
        groups: How many groups it was resampled over.
        min_groups: Below these there is no verdict.

    Returns:
        ``verdict`` (pass, fail, inconclusive), ``reason``, and ``more_groups``: about how many
        more groups would settle it if the estimate stayed (an interval shrinks with the root of
        their number), None where it is settled or cannot be said.
    """
    value, low, high = kappa["value"], kappa["low"], kappa["high"]
    if groups < min_groups:
        reason = f"{groups} groups; a verdict needs at least {min_groups}"
        return {"verdict": "inconclusive", "reason": reason, "more_groups": min_groups - groups}
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
