"""Where the spread of a figure comes from: videos that differ, and frames within a video that differ.

Figures are linearised: each frame has an influence on the figure, and the figure's error is the mean
influence of the frames that were drawn (Kish, Survey Sampling, 1965, 6.3, for ratios of sums). A one-way
analysis of variance of those influences over videos gives both components (Searle, Casella and
McCulloch, Variance Components, 1992, 3.6).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from provenline import bootstrap
from provenline.evaluation.intervals import FloatArray, IntArray, Statistic


@dataclass(frozen=True)
class Components:
    """The spread of a figure between groups and within them.

    Attributes:
        groups: Groups that were seen.
        frames: Frames of a group, on average.
        group_sd: Standard deviation of the groups' true figures; with ``frame_sd`` None of what was
            measured in a group of so many frames.
        frame_sd: Standard deviation of a frame's contribution within its group. None where frames
            cannot be told apart from groups: one frame each, or a figure such as average precision
            that no single frame has.
        freedom: Degrees of freedom that the figure's variance rests on (``bootstrap.degrees``): less than
            G - 1 where few groups make it. None for G - 1.
        skew: Efron's acceleration (``bootstrap.acceleration``): below 0 the lower arm is the longer one.
        share: The figure, where it is a share of trials; None where it is none.
        trials: Trials of a frame, on average; None likewise.
    """

    groups: int
    frames: float
    group_sd: float
    frame_sd: float | None
    freedom: float | None = None
    skew: float = 0.0
    share: float | None = None
    trials: float | None = None

    @property
    def icc(self) -> float | None:
        """Intra-group correlation: the share of a frame's variance that its group explains."""
        if self.frame_sd is None:
            return None
        whole = self.group_sd**2 + self.frame_sd**2
        return self.group_sd**2 / whole if whole > 0 else None

    @property
    def design_effect(self) -> float | None:
        """By how much the grouping inflates the variance over that of independent frames (Kish 1965)."""
        return None if self.icc is None else 1 + (self.frames - 1) * self.icc

    def variance(self, groups: int, frames: float | None = None) -> float:
        """Return the variance of the figure from so many groups of so many frames.

        Args:
            groups: Number of groups.
            frames: Frames of each; as many as were seen if None. Without ``frame_sd`` it has no effect.
        """
        within = 0.0 if self.frame_sd is None else self.frame_sd**2 / (frames or self.frames)
        return (self.group_sd**2 + within) / groups


def shaped(spread: Components | None, statistic: Statistic, frames: int, *, few: bool) -> Components | None:
    """Return a spread that knows what shapes the figure's interval beside its variance.

    Args:
        spread: Of the figure.
        statistic: The figure.
        frames: Frames that it was computed on.
        few: There are too few groups to show a shape: only the share is taken.
    """
    if spread is None:
        return None
    if statistic.jackknife is not None and not few:
        shape = statistic.jackknife[~np.isnan(statistic.jackknife)]
        spread = replace(spread, freedom=bootstrap.degrees(shape) or None, skew=bootstrap.acceleration(shape))
    if statistic.trials is None or statistic.paired or statistic.estimate is None:
        return spread
    return replace(spread, share=statistic.estimate, trials=statistic.trials / frames)


def influence(numerator: FloatArray, denominator: FloatArray, stratum: IntArray | None = None) -> FloatArray:
    """Return what each frame adds to the error of sum(numerator) / sum(denominator), (F,).

    Args:
        numerator: Per frame, (F,).
        denominator: Per frame, (F,).
        stratum: Code of each frame's stratum, each with a ratio of its own, (F,); None for one.

    Returns:
        Zero for a stratum without a denominator.
    """
    code = np.zeros(len(numerator), dtype=np.int64) if stratum is None else stratum
    frames, above, below = (
        np.bincount(code, weights=values).astype(np.float64)
        for values in (np.ones_like(numerator), numerator, denominator)
    )
    ratio = np.divide(above, below, out=np.zeros_like(above), where=below > 0)
    mean = np.divide(below, frames, out=np.ones_like(below), where=below > 0)
    return np.asarray((numerator - ratio[code] * denominator) / mean[code], dtype=np.float64)


def components(values: FloatArray, group: IntArray, strata: int = 1) -> Components | None:
    """Return the components of a figure from its frames' influences.

    Groups of unequal size count as the figure counts them, by their frames, so that ``variance`` of the
    groups seen is the linearised variance of the figure.

    Args:
        values: Influence of each frame, (F,).
        group: Code of each frame's group, (F,).
        strata: Strata whose own ratios were taken off (see ``influence``).

    Returns:
        None where there are no more groups than strata: nothing shows how groups differ.
    """
    _, code, sizes = np.unique(group, return_inverse=True, return_counts=True)
    groups, each = len(sizes), len(values) / max(len(sizes), 1)
    if groups <= strata:
        return None
    sums = np.bincount(code, weights=values)
    between = float(((sums / each) ** 2).sum()) / (groups - strata)
    if len(values) == groups:
        return Components(groups, each, math.sqrt(between), None)
    within = float(((values - (sums / sizes)[code]) ** 2).sum()) / (len(values) - groups)
    return Components(groups, each, math.sqrt(max(between - within / each, 0.0)), math.sqrt(within))


def of_median(values: FloatArray, group: IntArray, error: float | None) -> Components | None:
    """Return the components of a median.

    A median moves with the share of frames above it; how far, its bootstrap error tells.

    Args:
        values: One per frame, (F,).
        group: Code of each frame's group, (F,).
        error: The median's standard error over groups; None where there is no interval.
    """
    if not len(values):
        return None
    sides = components(np.sign(values - np.median(values)), group)
    whole = from_error(error, len(np.unique(group)), len(values) / len(np.unique(group)))
    if sides is None or whole is None or sides.variance(1) == 0:
        return whole
    scale = math.sqrt(whole.variance(1) / sides.variance(1))
    within = None if sides.frame_sd is None else sides.frame_sd * scale
    return Components(sides.groups, sides.frames, sides.group_sd * scale, within)


def from_error(error: float | None, groups: int, frames: float) -> Components | None:
    """Return the component that a bootstrap's standard error over groups holds.

    Args:
        error: Of the figure; None where there is no interval.
        groups: Groups that were resampled.
        frames: Frames of a group, on average.
    """
    if error is None or groups < 2:
        return None
    # The bootstrap divides by G where an estimate of the variance divides by G - 1.
    return Components(groups, frames, error * groups / math.sqrt(groups - 1), None)


def pooled(parts: Sequence[Components]) -> Components | None:
    """Return the spread within strata that were measured apart, weighted by what each one knows.

    Args:
        parts: One per stratum.
    """
    known = sum(part.groups - 1 for part in parts)
    if not known:
        return None
    groups = sum(part.groups for part in parts)
    square = sum((part.groups - 1) * part.variance(1) for part in parts) / known
    frames = sum(part.groups * part.frames for part in parts) / groups
    return Components(groups, frames, math.sqrt(square), None)
