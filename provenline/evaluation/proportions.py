"""Proportions of objects that come in groups: closed forms for what needs no replicates."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from provenline.bootstrap import degrees, student

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

ASSUMED_CORRELATION = 0.2  # within groups, as far as nothing was seen of it


def rounded(value: float | None) -> float | None:
    """Round to six decimals, for files that must not change with the machine's last digit."""
    return None if value is None or math.isnan(value) else round(float(value), 6)


def quantile(confidence: float) -> float:
    """Return the two-sided normal quantile."""
    return NormalDist().inv_cdf(0.5 + confidence / 2)


def wilson(successes: float, trials: float, confidence: float) -> tuple[float, float]:
    """Return Wilson's score interval of a proportion (Wilson 1927); trials may be an effective number.

    >>> [round(end, 4) for end in wilson(95, 100, 0.95)]
    [0.8882, 0.9785]
    """
    z = quantile(confidence)
    share = successes / trials
    centre = share + z * z / (2 * trials)
    reach = z * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    scale = 1 + z * z / trials
    return max(0.0, (centre - reach) / scale), min(1.0, (centre + reach) / scale)


def design_effect(successes: FloatArray, trials: FloatArray) -> float:
    """Return how much wider clusters make a proportion's variance, at least 1.

    The linearised variance of the ratio over clusters against that of independent trials
    (Kish, Survey Sampling, 1965).

    Args:
        successes: Per group, (G,).
        trials: Per group, (G,).
    """
    used = trials > 0
    groups, total = int(used.sum()), float(trials.sum())
    share = float(successes.sum()) / total if total else 0.0
    if groups < 2 or share in (0.0, 1.0):
        return 1.0
    residual = (successes - share * trials)[used]
    clustered = groups / (groups - 1) * float(residual @ residual) / total**2
    return max(1.0, clustered / (share * (1 - share) / total))


def effective(
    share: float, trials: float, groups: int, variance: float, freedom: float, confidence: float
) -> float:
    """Return how many independent trials a share of trials in groups is worth, for Wilson's interval.

    The variance that was seen against that of independent trials is the design effect. Where few
    groups made that variance it says little: most often no bad group was met, and the share looks
    far surer than it is. So z squared groups in which the intra-group correlation is 0.2 are taken
    in, as A. Agresti and B. A. Coull ("Approximate is better than exact", The American Statistician
    52, 1998) take in z squared trials; the trials are then cut by what Student's t is wider than the
    normal (N. Dean and M. Pagano, "Evaluating confidence interval methods for binomial proportions
    in clustered surveys", Journal of Survey Statistics and Methodology 3, 2015).

    Args:
        share: What was seen.
        trials: N.
        groups: Groups that have a trial.
        variance: Of the share, between samples of groups.
        freedom: Degrees of freedom of the variance; 0 where no group differs from another.
        confidence: Of the two-sided interval.
    """
    z = quantile(confidence)
    assumed = 1 + max(trials / groups - 1, 0.0) * ASSUMED_CORRELATION
    if not freedom:
        return trials / assumed
    seen = max(1.0, variance * trials / max(share * (1 - share), 1e-12))
    effect = (freedom * seen + z * z * assumed) / (freedom + z * z)
    return trials / effect * (z / student(confidence, groups - 1)) ** 2


def wilson_clustered(
    successes: FloatArray, trials: FloatArray, confidence: float
) -> dict[str, float | None] | None:
    """Return Wilson's interval with the effective sample size, a closed form without replicates.

    Args:
        successes: Per group, (G,).
        trials: Per group, (G,).
        confidence: Of the two-sided interval.
    """
    used = trials > 0
    total, groups = float(trials.sum()), int(used.sum())
    if not total:
        return None
    share = float(successes.sum()) / total
    # What each group adds to the ratio, and so its variance: linearised, with no group left out.
    added = (successes - share * trials)[used] / total
    spread = float(added @ added) * groups / max(groups - 1, 1)
    number = effective(share, total, groups, spread, degrees(added) if groups > 1 else 0.0, confidence)
    low, high = wilson(share * number, number, confidence)
    return {
        "low": rounded(low),
        "high": rounded(high),
        "design_effect": rounded(design_effect(successes, trials)),
        "effective_trials": rounded(number),
    }


def intraclass_correlation(values: FloatArray, group: IntArray) -> float | None:
    """Return how alike the units of one group are: 0 as those of different groups, 1 all the same.

    The analysis-of-variance estimator for groups of unequal size (Ridout, Demétrio and Firth,
    "Estimating intraclass correlation for binary data", Biometrics 55, 1999), never below 0: less
    than no correlation would make groups worth more than their units.

    Args:
        values: One per unit (1 where an object is found and 0 where not, or any quantity), (n,).
        group: Group of each unit, (n,).

    Returns:
        None where it cannot be told: fewer than two groups, one unit in each, or all values alike.

    >>> intraclass_correlation(np.array([1.0, 1, 0, 0]), np.array([0, 0, 1, 1]))
    1.0
    """
    _, place, sizes = np.unique(group, return_inverse=True, return_counts=True)
    groups, units = len(sizes), len(values)
    if groups < 2 or units == groups or np.ptp(values) == 0:
        return None
    means = np.bincount(place, weights=values) / sizes
    between = float(sizes @ (means - values.mean()) ** 2) / (groups - 1)
    within = float(((values - means[place]) ** 2).sum()) / (units - groups)
    size = (units - float((sizes**2).sum()) / units) / (groups - 1)
    return max(0.0, (between - within) / (between + (size - 1) * within))


def mcnemar(one_only: int, other_only: int) -> float:
    """Return McNemar's exact two-sided p (McNemar 1947) from the two discordant counts.

    Written out, because importing statsmodels for it takes longer than a whole evaluation.

    >>> round(mcnemar(1, 9), 6)
    0.021484
    """
    trials = one_only + other_only
    tail = term = 1
    for count in range(min(one_only, other_only)):
        term = term * (trials - count) // (count + 1)  # the next binomial coefficient, exact
        tail += term
    return min(1.0, 2 * tail / (1 << trials))
