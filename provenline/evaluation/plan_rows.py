"""A figure, what it is asked, and what settles it: rows of a plan, for the JSON and for people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from provenline.evaluation.gates import verdict
from provenline.evaluation.intervals import Interval
from provenline.evaluation.params import Gate, IntervalParams
from provenline.evaluation.planning import MOST_GROUPS, Side, groups_for
from provenline.evaluation.proportions import rounded
from provenline.evaluation.variance import Components

NO_SPREAD = "how videos differ cannot be seen: there are too few of them"
NO_BOUND = "nothing is asked of it"
# What answering a row takes; one of an older version may lack some.
ROW = {
    "about", "metric", "of", "category", "groups", "frames", "frames_per_group", "estimate",
    "half_width", "group_sd", "frame_sd", "icc", "freedom", "skew", "share", "trials_per_frame",
    "pooled", "confidence", "power", "cannot_tell", "distance", "side", "groups_needed", "reason",
}  # fmt: skip


@dataclass(frozen=True)
class Figure:
    """A figure as it was measured.

    Attributes:
        metric: Its name.
        of: ``base``, ``candidate`` or ``difference``.
        category: "" for all.
        groups: Groups that were looked at.
        frames: Frames that were looked at.
        interval: None where it is not measurable.
        components: None where the spread is not known.
        pooled: The spread is that of all categories, as this one has too few groups to show its own.
    """

    metric: str
    of: str
    category: str
    groups: int
    frames: int
    interval: Interval | None
    components: Components | None
    pooled: bool = False

    @property
    def about(self) -> str:
        """What the figure is, in words."""
        what = called(self.metric, self.of)
        return f"{what}, {self.category}" if self.category else what


@dataclass(frozen=True)
class Question:
    """What a figure is to decide.

    Attributes:
        one: The figure as it is, or the base's.
        other: What it must be told from: a bound, or the candidate's.
        distance: Between what is estimated and what must be excluded.
        side: On which side of the figure that lies: ``low`` below it, ``high`` above.
        settled: It is told already.
    """

    one: float
    other: float
    distance: float
    side: Side
    settled: bool


def bound_of(gate: Gate, interval: Interval | None, params: IntervalParams) -> Question | None:
    """Return the question of a gate: the estimate against the bound."""
    if interval is None:
        return None
    settled = verdict(gate, interval, params).value != "inconclusive"
    gap = interval.estimate - gate.bound
    return Question(interval.estimate, gate.bound, abs(gap), "low" if gap > 0 else "high", settled)


def gain_of(
    gate: Gate,
    base: Interval | None,
    candidate: Interval | None,
    difference: Interval | None,
    params: IntervalParams,
) -> Question | None:
    """Return the question of a paired difference: the base's figure against the candidate's."""
    if base is None or candidate is None or difference is None:
        return None
    told = bound_of(gate, difference, params)
    return told and replace(told, one=base.estimate, other=candidate.estimate)


def row(figure: Figure, question: Question | None, params: IntervalParams, power: float) -> dict[str, Any]:
    """Plan one figure.

    Args:
        figure: As measured.
        question: What it is to decide, None for nothing.
        params: Confidence, and how few groups carry no verdict.
        power: Chance that the planned groups decide.

    Returns:
        A JSON object: ``about``, ``metric``, ``of``, ``category``, ``groups``, ``frames``,
        ``frames_per_group``, ``estimate``, ``half_width`` (of the interval there is), the components
        (``group_sd``, ``frame_sd``, ``icc``, ``design_effect``, ``freedom``,
        ``skew``, ``share``, ``trials_per_frame``; see there), ``pooled``, ``confidence``, ``power``;
        ``cannot_tell`` ([one, other] while it is open, else None), ``distance`` and ``side`` (see
        ``Question``), ``groups_needed`` (in all), ``groups_more``, and ``reason``, a sentence without a
        full stop.
    """
    spread, interval = figure.components, figure.interval
    needed = _needed(figure, question, params, power)
    is_open = question is not None and not question.settled
    return {
        "about": figure.about,
        "metric": figure.metric,
        "of": figure.of,
        "category": figure.category,
        "groups": figure.groups,
        "frames": figure.frames,
        "frames_per_group": rounded(figure.frames / figure.groups) if figure.groups else None,
        "estimate": rounded(interval.estimate) if interval else None,
        "half_width": rounded(_width(interval)),
        "group_sd": rounded(spread.group_sd) if spread else None,
        "frame_sd": rounded(spread.frame_sd) if spread else None,
        "icc": rounded(spread.icc) if spread else None,
        "design_effect": rounded(spread.design_effect) if spread else None,
        "freedom": rounded(spread.freedom) if spread else None,
        "skew": rounded(spread.skew) if spread else None,
        "share": rounded(spread.share) if spread else None,
        "trials_per_frame": rounded(spread.trials) if spread else None,
        "pooled": figure.pooled,
        "confidence": params.confidence,
        "power": power,
        "cannot_tell": [rounded(question.one), rounded(question.other)] if question and is_open else None,
        "distance": rounded(question.distance) if question else None,
        "side": question.side if question else None,
        "groups_needed": needed,
        "groups_more": None if needed is None else needed - figure.groups,
        "reason": _reason(figure, question, needed),
    }


def spread_of(planned: Mapping[str, Any]) -> Components | None:
    """Return the components of a row, as they were written."""
    if planned["group_sd"] is None or not planned["groups"]:
        return None
    return Components(
        groups=planned["groups"],
        frames=planned["frames_per_group"],
        group_sd=planned["group_sd"],
        frame_sd=planned["frame_sd"],
        freedom=planned["freedom"],
        skew=planned["skew"],
        share=planned["share"],
        trials=planned["trials_per_frame"],
    )


def _needed(figure: Figure, question: Question | None, params: IntervalParams, power: float) -> int | None:
    if question is None or question.settled or figure.components is None:
        return None
    needed = groups_for(figure.components, question.distance, params.confidence, power, question.side)
    return None if needed is None else max(needed, params.min_groups, figure.groups + 1)


def _reason(figure: Figure, question: Question | None, needed: int | None) -> str:
    if figure.interval is None:
        return "not measurable"
    if question is None:
        return NO_BOUND
    seen = f"{count(figure.groups, 'video')} with {count(figure.frames, 'frame')}"
    one, other = apart(question.one, question.other)
    if question.settled:
        return f"{seen} tell {one} from {other}"
    head = f"{seen} cannot tell {one} from {other}"
    if figure.components is None:
        return f"{head}; {NO_SPREAD}"
    return f"{head}; " + (
        f"about {needed} videos could"
        if needed
        else f"not even {MOST_GROUPS:,} videos would, so near they lie"
    )


def _width(interval: Interval | None) -> float | None:
    if interval is None or interval.low is None or interval.high is None:
        return None
    return (interval.high - interval.low) / 2


def called(metric: str, of: str) -> str:
    """Return what a figure is, in words.

    >>> called("recall", "candidate"), called("map50", "difference")
    ('recall of the candidate', 'difference in map50')
    """
    return f"difference in {metric}" if of == "difference" else f"{metric} of the {of}"


def count(number: int, unit: str) -> str:
    """Return a number with its unit, in the plural where it is not one.

    >>> count(1, "video"), count(21, "video")
    ('1 video', '21 videos')
    """
    return f"{number} {unit}" if number == 1 else f"{number} {unit}s"


def apart(one: float, other: float) -> tuple[str, str]:
    """Return two numbers with two decimals, or with as many (at most four) as tell them apart.

    >>> apart(0.92, 0.96), apart(0.9512, 0.9521)
    (('0.92', '0.96'), ('0.951', '0.952'))
    """
    texts = [(f"{one:.{digits}f}", f"{other:.{digits}f}") for digits in (2, 3, 4)]
    return next((pair for pair in texts if pair[0] != pair[1]), texts[0])
