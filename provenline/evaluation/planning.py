"""How many more videos, and frames of each, settle a verdict or reach a wanted precision.

The figure's error shrinks with the root of the number of groups. More frames of the same groups shrink
only the part of it that lies within groups: where videos differ, no number of frames makes up for them
(Kish, Survey Sampling, 1965, 5.4 and 8.2). It is the spread seen that is planned with, so a plan is as rough
as the number of groups that it was seen in.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

from provenline.bootstrap import student
from provenline.evaluation.proportions import effective, wilson
from provenline.evaluation.variance import Components

Side = Literal["low", "high", "both"]

EVEN = 0.5  # power of an interval that is just as wide as wanted
MOST = 1_000_000  # frames of a group: beyond, there is no number
MOST_GROUPS = 10_000  # that anybody films; the spread of a few dozen says nothing of what takes more


def half_width(
    spread: Components, confidence: float, groups: int | None = None, frames: float | None = None
) -> float:
    """Return the half-width of the interval to expect.

    Args:
        spread: As it was seen.
        confidence: Of the interval.
        groups: As many as were seen if None.
        frames: Of each; as many as were seen if None.
    """
    return sum(arms(spread, confidence, groups or spread.groups, frames)) / 2


def arms(
    spread: Components, confidence: float, groups: int, frames: float | None = None
) -> tuple[float, float]:
    """Return how far below and above the figure its interval is to be expected to reach.

    As ``Statistic.interval`` makes them: Student's t over groups, bent by skewness, which shrinks with
    the root of the number of groups (the expansion of BCa to first order, B. Efron and R. Tibshirani,
    An Introduction to the Bootstrap, 1993, 14.3 and 22.5); of a share at least Wilson's with its effective
    sample size.

    Args:
        spread: As it was seen.
        confidence: Of the interval.
        groups: Number of groups.
        frames: Of each; as many as were seen if None.
    """
    variance = spread.variance(groups, frames)
    freedom = _freedom(spread, groups)
    reach, error = student(confidence, freedom), math.sqrt(variance)
    bend = spread.skew * math.sqrt(spread.groups / groups) * (2 * reach**2 + 1)
    bend = min(max(bend, -reach), reach)
    low, high = error * (reach - bend), error * (reach + bend)
    if spread.share is None or not spread.trials:
        return low, high
    trials = spread.trials * groups * (frames or spread.frames)
    worth = effective(spread.share, trials, groups, variance, freedom, confidence)
    ends = wilson(spread.share * worth, worth, confidence)
    return max(low, spread.share - ends[0]), max(high, ends[1] - spread.share)


def _freedom(spread: Components, groups: int) -> float:
    """Return the degrees of freedom of so many groups: as many to a group as were seen."""
    seen = spread.groups - 1 if spread.freedom is None else spread.freedom
    return min(max(seen / max(spread.groups - 1, 1) * (groups - 1), 1.0), groups - 1.0)


def groups_for(
    spread: Components,
    distance: float,
    confidence: float,
    power: float,
    side: Side = "both",
    frames: float | None = None,
) -> int | None:
    """Return how many groups tell figures that lie ``distance`` apart, in all.

    The least G whose interval's arm, and t(power) standard errors beside it, are within the distance (the
    usual sample size, S. Lohr, Sampling: Design and Analysis, 2010, 2.6, with the variance of clusters).
    ``EVEN`` asks for an interval with that arm.

    Args:
        spread: As it was seen.
        distance: Above 0.
        confidence: Of the interval that decides.
        power: Chance that it decides.
        side: Which arm must be within: ``low`` where the other figure lies below, ``high`` where it lies
            above, ``both`` for half the interval.
        frames: Of each group; as many as were seen if None.

    Returns:
        None where it would take more than `MOST_GROUPS`, or the distance is 0.
    """
    return _least(
        lambda groups: _told(spread, confidence, power, side, groups, frames), distance, 2, MOST_GROUPS
    )


def frames_for(
    spread: Components, distance: float, confidence: float, power: float, side: Side = "both"
) -> int | None:
    """Return how many frames of each of the same groups do what ``groups_for`` does with more groups.

    Returns:
        None where no number does: the groups themselves differ too much, or frames are not known apart.
    """
    if spread.frame_sd is None:
        return None
    return _least(
        lambda frames: _told(spread, confidence, power, side, spread.groups, frames), distance, 1, MOST
    )


def _told(
    spread: Components, confidence: float, power: float, side: Side, groups: int, frames: float | None
) -> float:
    """Return the distance that is told."""
    low, high = arms(spread, confidence, groups, frames)
    arm = {"low": low, "high": high, "both": (low + high) / 2}[side]
    # The chance to be on the right side of that arm; 0.5 adds nothing.
    beyond = math.copysign(student(abs(2 * power - 1), groups - 1), power - 0.5)
    return arm + beyond * math.sqrt(spread.variance(groups, frames))


def _least(told: Callable[[int], float], distance: float, first: int, most: int) -> int | None:
    """Return the least number, from ``first`` to ``most``, that tells the distance."""
    within = distance * (1 + 1e-9)  # an interval is as wide as itself
    if distance <= 0 or told(most) > within:
        return None
    low, high = first, most
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if told(middle) <= within else (middle + 1, high)
    return low
