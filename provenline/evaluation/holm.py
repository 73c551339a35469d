"""Many categories at once: p-values from replicates, adjusted so that a family errs rarely.

Of seven categories in which nothing differs, one is "better" at 0.05 in three of ten comparisons.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from provenline.evaluation.intervals import Statistic
from provenline.evaluation.params import IntervalParams
from provenline.evaluation.proportions import rounded

FEW = "too few groups"


def p_value(difference: Statistic) -> float | None:
    """Return the two-sided p of "there is no difference", from its replicates.

    Replicates scatter about the estimate as estimates scatter about the truth. So ``b`` counts the
    replicates that are as far from the estimate as the estimate is from 0 (P. Hall and S. Wilson, "Two
    guidelines for bootstrap hypothesis testing", Biometrics 47, 1991), and p is ``(1 + b) / (1 + R)``,
    which is never 0: R replicates prove no more (A. Davison and D. Hinkley, Bootstrap Methods and
    their Application, 1997, 4.2). With few groups replicates scatter too little and without Student's
    tails. So "as far" is said of the normal deviate that is as rare as the estimate's t of G - 1
    degrees of freedom: the same widening as that of the intervals (``bootstrap.reach``).

    Args:
        difference: Paired, of two models.

    Returns:
        None where it is not measurable, or over fewer than two groups.
    """
    values = difference.replicates[~np.isnan(difference.replicates)]
    if difference.estimate is None or difference.groups < 2 or not len(values):
        return None
    off, scatter = abs(difference.estimate), float(np.std(values, ddof=1))
    if scatter > 1e-12:
        off = scatter * _deviate(off / scatter, difference.groups)
    far = np.abs(values - difference.estimate) >= off - 1e-12
    return float((1 + np.count_nonzero(far)) / (1 + len(values)))


def _deviate(distance: float, groups: int) -> float:
    """Return the normal deviate as rare as a distance, in bootstrap standard errors, under Student's t."""
    from scipy.special import ndtri, stdtr

    student = distance * math.sqrt((groups - 1) / groups)  # a bootstrap's variance is that of G groups
    return float(-ndtri(stdtr(groups - 1, -student)))


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values adjusted for all of them being looked at.

    Source of the method: S. Holm, "A simple sequentially rejective multiple test procedure",
    Scandinavian Journal of Statistics 6 (1979). Whatever the dependence between them, the chance of
    any false rejection is at most the level.

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    order = np.argsort(p_values, kind="stable")
    ranked = np.asarray(p_values, dtype=np.float64)[order]
    steps = np.minimum(np.maximum.accumulate(ranked * np.arange(len(ranked), 0, -1)), 1.0)
    adjusted = np.empty_like(steps)
    adjusted[order] = steps
    return [float(p) for p in adjusted]


def family(
    differences: Mapping[str, Statistic], level: float, params: IntervalParams
) -> dict[str, dict[str, Any]]:
    """Say of each category whether the candidate is better there, all of them looked at.

    Those with too few groups for a verdict are no members of the family: nothing is said of them.

    Args:
        differences: Paired, candidate minus base, by category; higher is better.
        level: Chance of any false word.
        params: See there.

    Returns:
        By category ``p``, ``p_holm`` (both None for those left out) and ``reads``: ``better`` or
        ``worse`` only where the category's own interval says so too, ``cannot be told apart``, or
        ``too few groups``.
    """
    enough = [name for name, one in differences.items() if one.groups >= params.min_groups]
    raw = {name: p for name in enough if (p := p_value(differences[name])) is not None}
    adjusted = dict(zip(raw, holm(list(raw.values())), strict=True))
    return {
        name: {
            "p": rounded(raw.get(name)),
            "p_holm": rounded(adjusted.get(name)),
            "reads": _reads(one, adjusted[name] <= level, params) if name in adjusted else FEW,
        }
        for name, one in differences.items()
    }


def _reads(difference: Statistic, told: bool, params: IntervalParams) -> str:
    interval = difference.interval(params)
    if told and interval is not None and interval.low is not None and interval.high is not None:
        if interval.low > 0:
            return "better"
        if interval.high < 0:
            return "worse"
    return "cannot be told apart"
