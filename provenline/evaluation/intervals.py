"""Intervals by resampling groups, never frames: frames of one video are no independent witnesses.

The replicates are drawn once per slice and shared by all its statistics, so that the difference of
two models is taken within each replicate, on the same groups.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from provenline import bootstrap
from provenline.evaluation.params import IntervalParams
from provenline.evaluation.proportions import (
    FloatArray,
    IntArray,
    design_effect,
    effective,
    intraclass_correlation,
    mcnemar,
    quantile,
    rounded,
    wilson,
    wilson_clustered,
)

__all__ = [
    "FloatArray",
    "IntArray",
    "Interval",
    "Resamples",
    "Statistic",
    "design_effect",
    "draw",
    "intraclass_correlation",
    "mcnemar",
    "median",
    "ratio",
    "rounded",
    "wilson",
    "wilson_clustered",
]
_BLOCK = 4_000_000  # array elements in memory at once
_SAME = 12  # decimals in which replicates are compared: matrix products differ in the last digit


@dataclass(frozen=True)
class Interval:
    """A number with its uncertainty.

    Attributes:
        estimate: The number itself, from all groups.
        low: Lower end, None where there is no interval.
        high: Upper end, likewise.
        confidence: Of the two-sided interval.
        groups: Groups that inform the number (those with something to find, for a recall).
        method: ``bca``, ``percentile``, ``wilson`` or ``none``; see ``Statistic.interval``.
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

    @cached_property
    def left_out(self) -> FloatArray:
        """Weights that leave out one group at a time (of many groups some), (J, G)."""
        return bootstrap.leave_out(len(self.groups))


@dataclass(frozen=True)
class Statistic:
    """A number and its bootstrap replicates; subtracting two of one slice pairs them.

    Attributes:
        estimate: From all groups, None where it is not defined.
        replicates: (R,), NaN where a replicate does not define it.
        groups: Groups that inform the number.
        trials: For a number within [0, 1] that is made of units: of how many. None otherwise.
        jackknife: Without each group in turn, (J,), by ``Resamples.left_out``; NaN where not
            defined. None: there is no BCa interval, only that of the percentiles.
        paired: It is the difference of two such numbers, within [-1, 1].
    """

    estimate: float | None
    replicates: FloatArray
    groups: int
    trials: float | None = None
    jackknife: FloatArray | None = None
    paired: bool = False

    def __sub__(self, other: Statistic) -> Statistic:
        """Return the paired difference, which both must have been computed from one slice for."""
        trials = None if self.trials is None or other.trials is None else min(self.trials, other.trials)
        return replace(self._with(other, np.subtract), trials=trials, paired=True)

    def __truediv__(self, other: Statistic) -> Statistic:
        """Return the paired ratio; not defined where ``other`` is 0."""
        return self._with(other, _divided)

    def _with(self, other: Statistic, of: Callable[[FloatArray, FloatArray], FloatArray]) -> Statistic:
        estimate = None
        if self.estimate is not None and other.estimate is not None:
            estimate = float(of(np.array([self.estimate]), np.array([other.estimate]))[0])
        jackknife = None
        if self.jackknife is not None and other.jackknife is not None:
            jackknife = of(self.jackknife, other.jackknife)
        return Statistic(
            estimate=None if estimate is None or np.isnan(estimate) else estimate,
            replicates=of(self.replicates, other.replicates),
            groups=min(self.groups, other.groups),
            jackknife=jackknife,
        )

    def interval(self, params: IntervalParams) -> Interval | None:
        """Return the interval; None where the number is not measurable.

        ``bca`` and ``percentile`` are what ``params.method`` asks for (see ``provenline.bootstrap``).
        ``bca`` reaches as far as the groups that make the variance allow, and for a share at least as
        far as Wilson's interval does with the effective sample size: near 0 and 1 the groups that
        would widen it may not have been met yet.

        There is no interval (``none``) over one group, where a tenth of the replicates or more does
        not define the number, and where all replicates agree on a number that is no share: the
        bootstrap would claim certainty. On a share they do agree where every group has the same, most
        often 0 or 1; there the interval is Wilson's alone (``wilson``).
        """
        if self.estimate is None or self.groups == 0:
            return None
        values = bootstrap.defined(np.round(self.replicates, _SAME))
        if self.groups == 1 or values is None:
            return self._as(params, "none", (None, None), None)
        if np.ptp(values) == 0:
            return self._agreed(params)
        error = float(np.std(values, ddof=1))
        if params.method == "percentile" or self.jackknife is None:
            return self._as(params, "percentile", bootstrap.percentile(values, params.confidence), error)
        return self._as(params, "bca", self._bca(values, self.jackknife, error, params.confidence), error)

    def _bca(
        self, values: FloatArray, jackknife: FloatArray, error: float, confidence: float
    ) -> tuple[float, float]:
        estimate, freedom = self.estimate or 0.0, bootstrap.degrees(np.round(jackknife, _SAME))
        reach = bootstrap.reach(confidence, self.groups, min(max(freedom, 1.0), self.groups - 1.0))
        low, high = bootstrap.bca(round(estimate, _SAME), values, jackknife, reach)
        if not self.trials or self.paired:
            return low, high
        # A bootstrap's variance is that of G groups, not of G - 1. The jackknife's is no good for AP.
        spread = error**2 * self.groups / (self.groups - 1)
        number = effective(estimate, self.trials, self.groups, spread, freedom, confidence)
        ends = wilson(estimate * number, number, confidence)
        return min(low, ends[0]), max(high, ends[1])

    def _agreed(self, params: IntervalParams) -> Interval:
        """Return the interval of what all replicates agree on.

        A difference is the share of the trials that speak for one of the two; of none that does,
        it may still be as large as none in so many trials can be, either way.
        """
        if not self.trials:
            return self._as(params, "none", (None, None), None)
        estimate = self.estimate or 0.0
        number = effective(abs(estimate), self.trials, self.groups, 0.0, 0.0, params.confidence)
        low, high = wilson(abs(estimate) * number, number, params.confidence)
        if self.paired and estimate <= 0:
            low, high = -high, high if estimate == 0 else -low
        error = (high - low) / (2 * quantile(params.confidence))
        return self._as(params, "wilson", (low, high), error)

    def _as(
        self,
        params: IntervalParams,
        method: str,
        ends: tuple[float | None, float | None],
        error: float | None,
    ) -> Interval:
        low, high = ends
        return Interval(self.estimate or 0.0, low, high, params.confidence, self.groups, method, error)


def _divided(above: FloatArray, below: FloatArray) -> FloatArray:
    return np.divide(above, below, out=np.full_like(below, np.nan), where=below != 0)


def draw(groups: Sequence[str], params: IntervalParams) -> Resamples:
    """Draw the replicates: as many groups as there are, with replacement."""
    names = tuple(sorted(set(groups)))
    if not names:
        return Resamples((), np.zeros((params.replicates, 0)))
    return Resamples(names, bootstrap.resample(len(names), params.replicates, params.seed))


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

    def of(weights: FloatArray) -> FloatArray:
        above, below = weights @ numerator, weights @ denominator
        return _divided(above, below)

    total = float(denominator.sum())
    return Statistic(
        estimate=float(numerator.sum()) / total if total > 0 else None,
        replicates=of(resamples.weights),
        groups=int(np.count_nonzero(denominator)),
        trials=total if proportion else None,
        jackknife=of(resamples.left_out),
    )


def median(values: FloatArray, group: IntArray, resamples: Resamples) -> Statistic:
    """Return the median of a quantity with replicates.

    Args:
        values: One per frame, (F,).
        group: Position of each frame's group in ``resamples.groups``, (F,).
        resamples: Of these groups.
    """
    if not len(values):
        return Statistic(None, np.full(len(resamples.weights), np.nan), 0)
    order = np.argsort(values, kind="stable")
    return Statistic(
        estimate=float(np.median(values)),
        replicates=_medians(values[order], group[order], resamples.weights),
        groups=len(np.unique(group)),
        jackknife=_medians(values[order], group[order], resamples.left_out),
    )


def _medians(ordered: FloatArray, group: IntArray, weights: FloatArray) -> FloatArray:
    """Return the median of values in ascending order for each row of weights."""
    medians = np.full(len(weights), np.nan)
    rows = max(1, _BLOCK // len(ordered))
    for start in range(0, len(weights), rows):
        upto = np.cumsum(weights[start : start + rows][:, group], axis=1)
        count = upto[:, -1]
        # The two middle elements, which are one where the count is odd.
        low = np.argmax(upto > (np.maximum(count, 1)[:, None] - 1) // 2, axis=1)
        high = np.argmax(upto > np.maximum(count, 1)[:, None] // 2, axis=1)
        middle = (ordered[low] + ordered[high]) / 2
        medians[start : start + rows] = np.where(count > 0, middle, np.nan)
    return medians
