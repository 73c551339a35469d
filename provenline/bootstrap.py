"""Intervals from replicates of groups: the one implementation, for labels and detectors alike.

Percentile intervals are too narrow with few groups, most of all near 0 and 1, where recall and
agreement live. BCa corrects them for bias and skewness; its tails are widened after Student.
`make coverage` measures how often nominal 95% hold the truth (docs/guide-statistics.md).
"""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

DEFINED = 0.9  # below this share of replicates with a value, an interval would be a guess
_NOTHING = 1e-18  # a sum of squares that is rounding and no spread
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


def bca(estimate: float, replicates: Floats, jackknife: Floats, quantile: float) -> tuple[float, float]:
    """Return the two-sided interval, corrected for bias and skewness.

    Method: B. Efron, "Better bootstrap confidence intervals", JASA 82 (1987), with the acceleration
    by the jackknife over groups; the quantile may be wider than the normal one (see ``reach``).

    Args:
        estimate: From all groups.
        replicates: None of them NaN, (R,).
        jackknife: Values without each group in turn (see ``leave_out``); NaN are left out.
        quantile: How far the tails reach, in normal deviates.

    Returns:
        Lower and upper end; the estimate is never outside.
    """
    share = float(((replicates < estimate).mean() + (replicates <= estimate).mean()) / 2)
    # A share of 0 or 1 says no more than "less than one replicate".
    bias = _NORMAL.inv_cdf(min(max(share, 1 / len(replicates)), 1 - 1 / len(replicates)))
    skew = acceleration(jackknife)
    ends = [_NORMAL.cdf(bias + (bias + z) / max(1 - skew * (bias + z), 1e-9)) for z in (-quantile, quantile)]
    low, high = np.quantile(replicates, ends)
    return float(min(low, estimate)), float(max(high, estimate))


def reach(confidence: float, groups: int, freedom: float | None = None) -> float:
    """Return the two-sided normal quantile, widened for few groups.

    Student's quantile, times sqrt(G / (G - 1)), as a bootstrap's variance is that of G, not of
    G - 1 (T. Hesterberg, "What teachers should know about the bootstrap", The American Statistician
    69, 2015, section 5).

    Args:
        confidence: Of the interval.
        groups: G, at least 2.
        freedom: Degrees of freedom, G - 1 if None; see ``degrees``.
    """
    return student(confidence, groups - 1 if freedom is None else freedom) * math.sqrt(groups / (groups - 1))


def student(confidence: float, freedom: float) -> float:
    """Return the two-sided quantile of Student's t."""
    from scipy.special import stdtrit

    return float(stdtrit(freedom, (1 + confidence) / 2))


def acceleration(jackknife: Floats) -> float:
    """Return Efron's acceleration: a sixth of the skewness of what groups add; 0 where all add alike."""
    influence = _influence(jackknife)
    spread = float((influence**2).sum())
    return float((influence**3).sum()) / (6 * spread**1.5) if spread > _NOTHING else 0.0


def degrees(jackknife: Floats) -> float:
    """Return how many degrees of freedom the variance rests on: G - 1, or less where few groups make it.

    Matched as F. E. Satterthwaite does ("An approximate distribution of estimates of variance
    components", Biometrics Bulletin 2, 1946): the degrees of the chi-square that varies as much as
    this variance does, given the kurtosis of what groups add. One group that differs from all the
    others makes 2, groups that add normally G - 1, and none that differs 0.
    """
    influence = _influence(jackknife)
    second, fourth = float((influence**2).sum()), float((influence**4).sum())
    if second <= _NOTHING:
        return 0.0
    many = len(influence)
    excess = fourth / second**2 - 1 / many
    return min(many - 1.0, 2 / excess) if excess > 0 else many - 1.0


def _influence(jackknife: Floats) -> Floats:
    """Return what each group adds to the estimate, up to a factor."""
    values = jackknife[~np.isnan(jackknife)]
    return np.asarray(values.mean() - values) if len(values) else values
