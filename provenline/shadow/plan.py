"""How many labelled frames of this footage would tell which engine is better, and where they lie.

Pure functions of a label-free comparison.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
import pandas as pd

from provenline.shadow.params import LabelPlan

_ENOUGH = 1.1  # see plan_labels


@dataclass(frozen=True)
class Plan:
    """How many frames of this footage have to be labelled, and why.

    Attributes:
        frames: Frames that a simple random sample within each group takes; 0 where even all of them
            would not show the largest gain that is possible. What is drawn in their place says
            ``sample.sizes``.
        gain: The net gain that those frames (all of them, where ``frames`` is 0) tell from none.
        wanted_gain: The gain that was asked for; smaller than ``gain`` where the footage has too few
            groups for it.
        groups_wanted: Groups like these, all labelled, that the wanted gain takes.
        groups: Groups in the footage.
        discordant_rate: Share of frames on which the two differ, which stands for the share on which
            one is right and the other wrong. No gain can be larger.
        intra_group_correlation: Of differing, within a group (0: frames are independent).
        design_effect: By how much the grouping inflates the number of frames.
        independent_frames: Frames that would do for ``gain`` if they were independent.
    """

    frames: int
    gain: float
    wanted_gain: float
    groups_wanted: int
    groups: int
    discordant_rate: float
    intra_group_correlation: float
    design_effect: float
    independent_frames: int


def independent_pairs(discordant: float, plan: LabelPlan) -> float:
    """Return the number of independent frames that a paired comparison needs.

    With ``b`` and ``c`` the shares of frames that only one of the two gets right, ``psi = b + c`` and
    the gain ``d = b - c``: ``n = (z_a * sqrt(psi) + z_b * sqrt(psi - d^2))^2 / d^2``, where ``z_a`` is
    the normal quantile of the two-sided confidence and ``z_b`` that of the power. With power 0.5,
    ``z_b = 0`` and ``d`` is the half-width of the gain's interval. Frames on which both are right or
    both are wrong cancel, and only ``psi`` counts; where the two detectors say the same they are
    right or wrong together, so that the share of frames on which they differ stands for ``psi``.

    A gain cannot exceed the discordant rate: ``psi`` is taken as ``d`` at least.

    Reference: R. J. Connor, Sample size for testing differences in proportions for the paired-sample
    design, Biometrics 43 (1987) 207-211.

    >>> round(independent_pairs(0.2, LabelPlan(gain=0.05, confidence=0.95, power=0.5)))
    307
    >>> round(independent_pairs(0.2, LabelPlan(gain=0.05, confidence=0.95, power=0.8)))
    626
    """
    psi = max(discordant, plan.gain)
    alpha, beta = (NormalDist().inv_cdf(p) for p in ((1 + plan.confidence) / 2, plan.power))
    root = alpha * math.sqrt(psi) + beta * math.sqrt(psi - plan.gain**2)
    return (root / plan.gain) ** 2


def plan_labels(table: pd.DataFrame, wanted: LabelPlan) -> Plan:
    """Plan a labelled sample of the footage: how many frames.

    Frames of one recording resemble each other. ``K`` frames spread over ``G`` groups are worth
    ``K / (1 + (K/G - 1) rho)`` independent ones (Kish, Survey Sampling, 1965, 5.4), ``rho`` being the
    intra-group correlation of differing. It is that of the gain where the same side is right in all
    groups; before the first label there is no other, afterwards the real one takes its place.

    Where the groups are too few for the wanted gain, the plan stops at the number of frames that
    comes within a tenth of the least gain that labelling everything would tell from none: more
    frames of the same groups add next to nothing.

    Args:
        table: What ``compare.compare_frames`` returned, with at least one disagreement.
        wanted: Gain, confidence and power.
    """
    groups, available = int(table["group"].nunique()), len(table)
    rate = float(table["disagrees"].mean())
    rho = intra_group_correlation(table["disagrees"].to_numpy(float), table["group"].to_numpy())

    def tells(frames: int) -> float:
        return _told_gain(rate, frames / _design_effect(frames / groups, rho), wanted)

    least = tells(available)
    gain = max(wanted.gain, least * _ENOUGH)
    possible = least <= max(rate, wanted.gain)
    frames = _least(lambda count: tells(count) <= gain, groups, available)  # one in each at least
    effect = _design_effect(frames / groups, rho)
    of_all = _design_effect(available / groups, rho)
    return Plan(
        frames=frames if possible else 0,
        gain=gain if possible else least,
        wanted_gain=wanted.gain,
        groups_wanted=math.ceil(independent_pairs(rate, wanted) * of_all * groups / available),
        groups=groups,
        discordant_rate=rate,
        intra_group_correlation=rho,
        design_effect=effect if possible else of_all,
        independent_frames=math.ceil(frames / effect if possible else available / of_all),
    )


def _design_effect(frames_per_group: float, rho: float) -> float:
    # Never below 1: fewer than one frame per group are frames of different groups.
    return max(1.0, 1 + (frames_per_group - 1) * rho)


def _least(holds: Callable[[int], bool], least: int, most: int) -> int:
    """Return the least number in this range for which ``holds`` (which then stays so) is true."""
    low, high = least, most
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle + 1, high)
    return low


def _told_gain(rate: float, independent: float, wanted: LabelPlan) -> float:
    """Return the least gain that so many independent frames tell from none (bisection)."""
    low, high = 1e-6, 1.0 - 1e-9
    for _ in range(50):
        middle = (low + high) / 2
        enough = independent_pairs(rate, wanted.model_copy(update={"gain": middle})) <= independent
        low, high = (low, middle) if enough else (middle, high)
    return high


def intra_group_correlation(values: np.ndarray[Any, Any], groups: np.ndarray[Any, Any]) -> float:
    """Return the one-way ANOVA estimate of the intra-group correlation, within 0..1.

    Args:
        values: One number per frame.
        groups: The frame's group.

    Reference: Donner and Koval, The estimation of intraclass correlation in the analysis of family
    data, Biometrics 36 (1980) 19-25. Zero where it cannot be estimated.
    """
    _, index, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    count, total = len(sizes), len(values)
    if count < 2 or total <= count:
        return 0.0
    means = np.bincount(index, weights=values) / sizes
    between = float((sizes * (means - values.mean()) ** 2).sum()) / (count - 1)
    within = float(((values - means[index]) ** 2).sum()) / (total - count)
    size = (total - float((sizes**2).sum()) / total) / (count - 1)
    spread_of_all = between + (size - 1) * within
    return min(1.0, max(0.0, (between - within) / spread_of_all)) if spread_of_all > 0 else 0.0
