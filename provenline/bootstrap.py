"""Intervals from replicates of groups: the one implementation, for labels and detectors alike.

Percentile intervals are too narrow with few groups, most of all near 0 and 1, where recall and
agreement live. BCa corrects them for bias and skewness; the tails are widened as Student's t widens
them. `make coverage` measures how often nominal 95% hold the truth (docs/guide-statistics.md).
"""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

DEFINED = 0.9  # below this share of replicates with a value, an interval would be a guess
_JACKKNIFE = 1000  # rows at most: beyond so many groups several are left out at a time
_NORMAL = NormalDist()


def resample(groups: int, replicates: int, seed: int) -> Floats:
    """Draw how often each replicate holds each group: as many as there are, with replacement.

    Args:
        groups: G, at least 1.
        replicates: R.
        seed: Of the draw.

    Returns:
        Counts, each row summing to G, (R, G).
    """
    share = np.full(groups, 1 / groups)
    drawn = np.random.default_rng(seed).multinomial(groups, share, size=replicates)
    return drawn.astype(np.float64)


def leave_out(groups: int) -> Floats:
    """Return the weights that leave out one group at a time, (G, G).

    Of more than 1000 groups G / 1000 are left out at a time. Acceleration (see ``bca``) is the same
    for blocks as for groups: skewness shrinks with the root of a block's size, and the root of the
    number of blocks by the same.

    >>> leave_out(2)
    array([[0., 1.],
           [1., 0.]])
    """
    rows = min(groups, _JACKKNIFE)
    weights = np.ones((rows, groups))
    weights[np.arange(groups) % max(rows, 1), np.arange(groups)] = 0.0
    return weights


def defined(replicates: Floats) -> Floats | None:
    """Return the replicates that have a value; None where they are too few for an interval."""
    values = replicates[~np.isnan(replicates)]
    return values if len(values) and len(values) >= DEFINED * len(replicates) else None


def percentile(replicates: Floats, confidence: float) -> tuple[float, float]:
    """Return the two-sided percentile interval of replicates, none of them NaN."""
    tail = (1 - confidence) / 2
    low, high = np.quantile(replicates, [tail, 1 - tail])
    return float(low), float(high)


def bca(
    estimate: float, replicates: Floats, jackknife: Floats, groups: int, confidence: float
) -> tuple[float, float]:
    """Return the two-sided interval, corrected for bias and skewness, with widened tails.

    Method: B. Efron, "Better bootstrap confidence intervals", JASA 82 (1987), with the acceleration
    by the jackknife over groups; the widened tails are those of T. Hesterberg, "What teachers should
    know about the bootstrap", The American Statistician 69 (2015), section 5.

    Args:
        estimate: From all groups.
        replicates: None of them NaN, (R,).
        jackknife: Values without each group in turn (see ``leave_out``); NaN are left out.
        groups: Groups that inform the estimate, at least 2: they decide how far tails are widened.
        confidence: Of the interval.

    Returns:
        Lower and upper end; the estimate is never outside.
    """
    share = float(((replicates < estimate).mean() + (replicates <= estimate).mean()) / 2)
    # A share of 0 or 1 says no more than "less than one replicate".
    bias = _NORMAL.inv_cdf(min(max(share, 1 / len(replicates)), 1 - 1 / len(replicates)))
    skew, wide = acceleration(jackknife), reach(confidence, groups)
    ends = [_NORMAL.cdf(bias + (bias + z) / max(1 - skew * (bias + z), 1e-9)) for z in (-wide, wide)]
    low, high = np.quantile(replicates, ends)
    return float(min(low, estimate)), float(max(high, estimate))


def acceleration(jackknife: Floats) -> float:
    """Return Efron's acceleration: a sixth of the skewness of what each group adds; 0 where all add alike."""
    values = jackknife[~np.isnan(jackknife)]
    if not len(values):
        return 0.0
    influence = values.mean() - values
    spread = float((influence**2).sum())
    return float((influence**3).sum()) / (6 * spread**1.5) if spread > 1e-18 else 0.0


def reach(confidence: float, groups: int) -> float:
    """Return the two-sided normal quantile, widened for few groups.

    Student's quantile with G - 1 degrees of freedom, times sqrt(G / (G - 1)), as a bootstrap's
    variance is that of G, not of G - 1.
    """
    from scipy.special import stdtrit

    return float(stdtrit(groups - 1, (1 + confidence) / 2)) * math.sqrt(groups / (groups - 1))
