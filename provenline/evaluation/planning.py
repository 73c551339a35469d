"""How many more videos, and frames of each, settle a verdict or reach a wanted precision.

The figure's error shrinks with the root of the number of groups. More frames of the same groups shrink
only the part of it that lies within groups: where videos differ, no number of frames makes up for them
(Kish, Survey Sampling, 1965, 5.4 and 8.2). It is the spread seen that is planned with, so a plan is as rough
as the number of groups that it was seen in.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from provenline.evaluation.variance import Components

EVEN = 0.5  # power of an interval that is just as wide as wanted
MOST = 1_000_000  # groups, or frames of one: beyond, there is no number


def half_width(
    spread: Components, confidence: float, groups: int | None = None, frames: float | None = None
) -> float:
    """Return the half-width of the interval to expect, from Student's t over groups.

    Args:
        spread: As it was seen.
        confidence: Of the interval.
        groups: As many as were seen if None.
        frames: Of each; as many as were seen if None.
    """
    groups = groups or spread.groups
    return _reach(confidence, EVEN, groups) * math.sqrt(spread.variance(groups, frames))


def groups_for(
    spread: Components,
    distance: float,
    confidence: float,
    power: float,
    *,
    lean: float = 1.0,
    frames: float | None = None,
) -> int | None:
    """Return how many groups tell figures that lie ``distance`` apart, in all.

    The least G with ``(t(1 - a/2) + t(power)) * sqrt(variance(G)) <= distance``, t of G - 1 degrees of
    freedom (the usual sample size, S. Lohr, Sampling: Design and Analysis, 2010, 2.6, with the variance
    of clusters). ``EVEN`` asks for an interval of that half-width. A longer arm lengthens the first t;
    what it is longer by shrinks with the root of G, as skewness does.

    Args:
        spread: As it was seen.
        distance: Above 0.
        confidence: Of the interval that decides.
        power: Chance that it decides.
        lean: See ``Question``; a shorter arm is not counted on.
        frames: Of each group; as many as were seen if None.

    Returns:
        None where it would take more than a million, or the distance is 0.
    """

    def square(groups: int) -> float:
        longer = max(lean - 1, 0.0) * math.sqrt(spread.groups / groups)
        return _reach(confidence, power, groups, 1 + longer) ** 2 * spread.variance(groups, frames)

    return _least(square, distance, 2)


def frames_for(
    spread: Components, distance: float, confidence: float, power: float, *, lean: float = 1.0
) -> int | None:
    """Return how many frames of each of the same groups do what ``groups_for`` does with more groups.

    Returns:
        None where no number does: the groups themselves differ too much, or frames are not known apart.
    """
    if spread.frame_sd is None:
        return None
    reach = _reach(confidence, power, spread.groups, max(lean, 1.0))
    return _least(lambda frames: reach**2 * spread.variance(spread.groups, frames), distance, 1)


def _least(square: Callable[[int], float], distance: float, first: int) -> int | None:
    """Return the least number, from ``first`` on, whose squared reach is within the distance."""
    within = distance**2 * (1 + 1e-9)  # an interval is as wide as itself
    if distance <= 0 or square(MOST) > within:
        return None
    low, high = first, MOST
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if square(middle) <= within else (middle + 1, high)
    return low


def _reach(confidence: float, power: float, groups: int, lean: float = 1.0) -> float:
    """Return how many standard errors away is told, by Student's t."""
    from scipy.special import stdtrit

    return float(lean * stdtrit(groups - 1, (1 + confidence) / 2) + stdtrit(groups - 1, power))
