"""Intervals over groups (videos), never images: frames of one video are not independent.

Percentile intervals are too narrow with few groups, most of all near 1, where agreement lives. So
these are BCa (``provenline.bootstrap``).
``pytest -m slow -s -k coverage`` prints how often nominal 95% hold the truth: for kappa and object F1
at 10 groups 0.84-0.90 of the percentile intervals and 0.94-0.96 of these, at 30 groups 0.91-0.93 and
0.94-0.95. Where no replicate differs an interval has no width; kappa has a rule of its own for
annotators who were never seen to disagree.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from provenline import bootstrap
from provenline.annotations.ratings import Floats, Ints

METHOD = "BCa over groups, tails widened by Student's t"


@dataclass(frozen=True)
class Resamples:
    """How often each replicate holds each group.

    Attributes:
        group: Position of each unit's group, (n,).
        weights: Counts, each row summing to G, (R, G).
        confidence: Of the two-sided intervals.
    """

    group: Ints
    weights: Floats
    confidence: float

    @property
    def size(self) -> int:
        """Number of groups."""
        return int(self.weights.shape[1])

    def sums(self, values: NDArray[Any], repeat: int = 1) -> Floats:
        """Return the sums per group, (G, ...), of (n * repeat, ...) values, unit by unit."""
        table = np.zeros((self.size, *values.shape[1:]))
        np.add.at(table, np.repeat(self.group, repeat), values)
        return table


def draw(groups: Sequence[str], replicates: int, confidence: float, seed: int) -> Resamples:
    """Draw the replicates: as many groups as there are, with replacement.

    Args:
        groups: Group of each unit; must not be empty. Its order has no influence on the weights.
        replicates: Rows of weights.
        confidence: Of the two-sided intervals.
        seed: Of the draw.
    """
    names, group = np.unique(np.asarray(groups), return_inverse=True)
    weights = bootstrap.resample(len(names), replicates, seed)
    return Resamples(group.astype(np.int64), weights, confidence)


def estimate(measure: Callable[[Floats], Floats], resamples: Resamples, reason: str) -> dict[str, Any]:
    """Return a measure with its interval; None, with a reason, for what is not measurable.

    Method: ``bootstrap.bca``.

    Args:
        measure: From (r, G) weights to (r) values, NaN where they do not define it.
        resamples: The replicates.
        reason: Why the measure is not defined, where it is not.

    Returns:
        ``value``, ``low``, ``high`` and ``reason`` ("" where all three are there).
    """
    size = resamples.size
    value = float(measure(np.ones((1, size)))[0])
    if math.isnan(value):
        return missing(reason)
    if size < 2:
        return {"value": value, "low": None, "high": None, "reason": "one group: no interval"}
    replicates = measure(resamples.weights)
    defined = bootstrap.defined(replicates)
    if defined is None:
        share = f"{np.count_nonzero(~np.isnan(replicates))} of {len(replicates)} replicates"
        few = f"defined in {share} only: too few groups make the difference"
        return {"value": value, "low": None, "high": None, "reason": few}
    jackknife = measure(bootstrap.leave_out(size))
    low, high = bootstrap.bca(value, defined, jackknife, bootstrap.reach(resamples.confidence, size))
    return {"value": value, "low": low, "high": high, "reason": ""}


def missing(reason: str) -> dict[str, Any]:
    """Return the estimate of what is not measurable."""
    return {"value": None, "low": None, "high": None, "reason": reason}
