"""The interval of a mean over seeds and groups, which are crossed: every seed met the same groups.

Another seed would have given another model, another set of videos another score. Both are drawn at
random, so both belong into the interval; resampling videos alone would call a lucky seed an effect.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_DEFINED = 0.9  # below this share of replicates with a value, an interval would be a guess
_SMALLEST = 1e-9  # p-values below this are not told apart
_NOTHING = 1e-18  # a variance below this is the last digit's
_MOST_SEEDS = 100  # nobody trains more


@dataclass(frozen=True)
class Crossed:
    """A mean over seeds, and what its variance is made of.

    Attributes:
        estimate: Mean over seeds, each over all groups.
        seeds: S.
        groups: G, groups that inform it.
        seed_variance: Of the mean, by seeds: the sample variance of the seeds' values over S. It holds
            what a seed makes of single groups, too.
        group_variance: Of the mean, by groups alone: what all seeds share.
    """

    estimate: float
    seeds: int
    groups: int
    seed_variance: float
    group_variance: float

    def reach(self, confidence: float) -> float:
        """Return half the width of the two-sided interval.

        Each part of the variance gets Student's quantile for what it was estimated from, and the two
        are added in squares: W. G. Howe, "Approximate confidence limits on the mean of X + Y", JASA 69
        (1974). Satterthwaite's degrees of freedom are narrower, and held the truth in 0.88 to 0.93 of
        the cases where two or three seeds differ more than the videos do; these in 0.95 or more.
        """
        return _reach(self.seed_variance, self.group_variance, self.seeds, self.groups, confidence)

    def p_value(self) -> float:
        """Return the two-sided p: one minus the confidence at which the interval touches zero."""
        low, high = math.log(_SMALLEST), 0.0
        if self.reach(1 - _SMALLEST) < abs(self.estimate):
            return _SMALLEST
        for _ in range(60):
            middle = (low + high) / 2
            excluded = self.reach(1 - math.exp(middle)) < abs(self.estimate)
            low, high = (low, middle) if excluded else (middle, high)
        return math.exp((low + high) / 2)

    def seeds_needed(self, confidence: float) -> int | None:
        """Return with how many seeds in all the interval would exclude zero, if nothing else changed.

        Returns:
            None where no number up to 100 would: then the groups are too few.
        """
        for seeds in range(max(self.seeds, 2), _MOST_SEEDS + 1):
            share = self.seed_variance * self.seeds / seeds
            if _reach(share, self.group_variance, seeds, self.groups, confidence) < abs(self.estimate):
                return seeds
        return None


def crossed(values: Floats, replicates: Floats, groups: int) -> Crossed | None:
    """Return the mean over seeds with its variance by seeds and by groups.

    Seeds and groups are crossed random effects (A. B. Owen, "The pigeonhole bootstrap", Annals of
    Applied Statistics 1, 2007). The bootstrap over groups, on the same draws for every seed, gives the
    covariance between seeds; what seeds share of it is the groups' own, the rest belongs to single
    seeds and stands in the variance between seeds already, so it is counted there and not twice
    (A. C. Cameron, J. B. Gelbach and D. L. Miller, "Robust inference with multiway clustering", Journal
    of Business & Economic Statistics 29, 2011).

    Args:
        values: One per seed, over all groups, (S,).
        replicates: The same under draws of groups that all seeds share, (R, S); NaN where not defined.
        groups: G, groups that inform the values.

    Returns:
        None with fewer than two seeds or two groups, with too few replicates that are defined, and
        where nothing varies though there is a difference.
    """
    seeds = len(values)
    kept = replicates[~np.isnan(replicates).any(axis=1)]
    if seeds < 2 or groups < 2 or len(kept) < max(2, _DEFINED * len(replicates)):
        return None
    # A bootstrap's variance is that of G, not of G - 1.
    covariance = np.cov(kept, rowvar=False) * groups / (groups - 1)
    shared = max(0.0, float(covariance.sum() - np.trace(covariance)) / (seeds * (seeds - 1)))
    between = float(values.var(ddof=1)) / seeds
    if between + shared < _NOTHING and values.any():
        return None  # all agree on a difference: that is no certainty
    return Crossed(float(values.mean()), seeds, groups, between, shared)


def _reach(by_seeds: float, by_groups: float, seeds: int, groups: int, confidence: float) -> float:
    from scipy.special import stdtrit

    by = stdtrit(np.array([seeds - 1.0, groups - 1.0]), (1 + confidence) / 2)
    return math.sqrt(float(by[0] ** 2 * by_seeds + by[1] ** 2 * by_groups))
