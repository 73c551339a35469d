"""Intervals by resampling groups, never frames: frames of one video are no independent witnesses.

The replicates are drawn once per slice and shared by all its statistics, so that the difference of
two models is taken within each replicate, on the same groups.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from provenline.evaluation.params import IntervalParams

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_BLOCK = 4_000_000  # array elements in memory at once


@dataclass(frozen=True)
class Interval:
    """A number with its uncertainty.

    Attributes:
        estimate: The number itself, from all groups.
        low: Lower end, None where there is no interval.
        high: Upper end, likewise.
        confidence: Of the two-sided interval.
        groups: Groups that inform the number (those with something to find, for a recall).
        method: ``percentile``, ``wilson`` (see ``Statistic.interval``) or ``none``.
        error: Bootstrap standard error, None where there is no interval.
    """

    estimate: float
    low: float | None
    high: float | None
    confidence: float
    groups: int
    method: str
    error: float | None = None

    def to_dict(self) -> dict[str, float | int | str | None]:
        """Return a JSON object; numbers are rounded to six decimals."""
        return {
            "estimate": rounded(self.estimate),
            "low": rounded(self.low),
            "high": rounded(self.high),
            "confidence": self.confidence,
            "groups": self.groups,
            "method": self.method,
            "error": rounded(self.error),
        }


@dataclass(frozen=True)
class Resamples:
    """How often each replicate holds each group.

    Attributes:
        groups: Names, sorted, (G,).
        weights: Counts, each row summing to G, (R, G).
    """

    groups: tuple[str, ...]
    weights: FloatArray


@dataclass(frozen=True)
class Statistic:
    """A number and its bootstrap replicates; subtracting two of one slice pairs them.

    Attributes:
        estimate: From all groups, None where it is not defined.
        replicates: (R,), NaN where a replicate does not define it.
        groups: Groups that inform the number.
        trials: For a mean of quantities within [0, 1]: how many were averaged. None otherwise.
    """

    estimate: float | None
    replicates: FloatArray
    groups: int
    trials: float | None = None

    def __sub__(self, other: Statistic) -> Statistic:
        """Return the paired difference, which both must have been computed from one slice for."""
        undefined = self.estimate is None or other.estimate is None
        return Statistic(
            estimate=None if undefined else (self.estimate or 0.0) - (other.estimate or 0.0),
            replicates=self.replicates - other.replicates,
            groups=min(self.groups, other.groups),
        )

    def interval(self, params: IntervalParams) -> Interval | None:
        """Return the percentile interval; None where the number is not measurable.

        One group gives an estimate without an interval. Where every group has a proportion of
        exactly 0 or 1, all replicates agree and the bootstrap would claim certainty: there the
        interval is Wilson's over the trials, which takes them as independent, as nothing in such
        data can tell how dependent they are.
        """
        if self.estimate is None or self.groups == 0:
            return None
        values = self.replicates[~np.isnan(self.replicates)]
        if self.groups == 1 or len(values) == 0:
            return Interval(self.estimate, None, None, params.confidence, self.groups, "none")
        if self.trials and self.estimate in (0.0, 1.0) and np.ptp(values) == 0:
            low, high = wilson(self.estimate * self.trials, self.trials, params.confidence)
            error = (high - low) / (2 * _z(params.confidence))
            return Interval(self.estimate, low, high, params.confidence, self.groups, "wilson", error)
        tail = (1 - params.confidence) / 2
        low, high = (float(end) for end in np.quantile(values, [tail, 1 - tail]))
        error = float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
        return Interval(self.estimate, low, high, params.confidence, self.groups, "percentile", error)


def rounded(value: float | None) -> float | None:
    """Round to six decimals, for files that must not change with the machine's last digit."""
    return None if value is None or math.isnan(value) else round(float(value), 6)


def draw(groups: Sequence[str], params: IntervalParams) -> Resamples:
    """Draw the replicates: as many groups as there are, with replacement."""
    names = tuple(sorted(set(groups)))
    if not names:
        return Resamples((), np.zeros((params.replicates, 0)))
    share = np.full(len(names), 1 / len(names))
    counts = np.random.default_rng(params.seed).multinomial(len(names), share, size=params.replicates)
    return Resamples(names, counts.astype(np.float64))


def ratio(
    numerator: FloatArray, denominator: FloatArray, resamples: Resamples, *, proportion: bool = False
) -> Statistic:
    """Return sum(numerator) / sum(denominator) with replicates, from sums per group, (G,) each.

    Args:
        numerator: Sum per group.
        denominator: Sum per group; where it is 0 the group does not inform the ratio.
        resamples: Of these groups.
        proportion: Each unit of the denominator adds between 0 and 1 to the numerator.
    """
    above, below = resamples.weights @ numerator, resamples.weights @ denominator
    total = float(denominator.sum())
    return Statistic(
        estimate=float(numerator.sum()) / total if total > 0 else None,
        replicates=np.divide(above, below, out=np.full_like(below, np.nan), where=below > 0),
        groups=int(np.count_nonzero(denominator)),
        trials=total if proportion else None,
    )


def median(values: FloatArray, group: IntArray, resamples: Resamples) -> Statistic:
    """Return the median of a quantity with replicates.

    Args:
        values: One per frame, (F,).
        group: Position of each frame's group in ``resamples.groups``, (F,).
        resamples: Of these groups.
    """
    order = np.argsort(values, kind="stable")
    ordered, group = values[order], group[order]
    replicates = np.full(len(resamples.weights), np.nan)
    if not len(ordered):
        return Statistic(None, replicates, 0)
    rows = max(1, _BLOCK // len(ordered))
    for start in range(0, len(replicates), rows):
        upto = np.cumsum(resamples.weights[start : start + rows][:, group], axis=1)
        count = upto[:, -1]
        # The two middle elements, which are one where the count is odd.
        low = np.argmax(upto > (np.maximum(count, 1)[:, None] - 1) // 2, axis=1)
        high = np.argmax(upto > np.maximum(count, 1)[:, None] // 2, axis=1)
        middle = (ordered[low] + ordered[high]) / 2
        replicates[start : start + rows] = np.where(count > 0, middle, np.nan)
    return Statistic(float(np.median(ordered)), replicates, len(np.unique(group)))


def wilson(successes: float, trials: float, confidence: float) -> tuple[float, float]:
    """Return Wilson's score interval of a proportion (Wilson 1927); trials may be an effective number.

    >>> [round(end, 4) for end in wilson(95, 100, 0.95)]
    [0.8882, 0.9785]
    """
    z = _z(confidence)
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


def wilson_clustered(
    successes: FloatArray, trials: FloatArray, confidence: float
) -> dict[str, float | None] | None:
    """Return Wilson's interval with the effective sample size, a cross-check of the bootstrap.

    Args:
        successes: Per group, (G,).
        trials: Per group, (G,).
        confidence: Of the two-sided interval.
    """
    total = float(trials.sum())
    if not total:
        return None
    effect = design_effect(successes, trials)
    effective = total / effect
    low, high = wilson(float(successes.sum()) / effect, effective, confidence)
    return {
        "low": rounded(low),
        "high": rounded(high),
        "design_effect": rounded(effect),
        "effective_trials": rounded(effective),
    }


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


def _z(confidence: float) -> float:
    return NormalDist().inv_cdf(0.5 + confidence / 2)
