"""Verdicts of three values, from the interval and never from the point estimate."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from provenline.evaluation.intervals import Interval
from provenline.evaluation.params import Gate, IntervalParams
from provenline.evaluation.planning import MOST_GROUPS

Value = Literal["pass", "fail", "inconclusive"]


@dataclass(frozen=True)
class Verdict:
    """What a gate says about an interval.

    Attributes:
        value: ``pass``, ``fail`` or ``inconclusive``.
        reason: One sentence without a full stop.
        groups_needed: How many more groups should settle it, if the estimate stays where it is.
            None where it is settled, where the estimate sits on the bound, and where nobody films as many.
    """

    value: Value
    reason: str
    groups_needed: int | None = None


def verdict(gate: Gate, interval: Interval | None, params: IntervalParams, name: str = "") -> Verdict:
    """Judge an interval: pass, fail or inconclusive.

    ``pass``: the end that the gate names lies beyond the bound. ``fail``: the whole interval lies
    on the wrong side of it. A bound that is only touched is not cleared.

    Args:
        gate: What must be cleared.
        interval: Of the gate's metric; None where it is not measurable.
        params: How many groups a verdict takes.
        name: What the reason calls the number; the gate's metric if empty.
    """
    name = name or gate.metric
    if interval is None:
        return Verdict("inconclusive", f"{name} is not measurable: no group informs it", params.min_groups)
    if interval.groups < params.min_groups:
        said = f"no verdict under {params.min_groups} groups ({_count(interval.groups)})"
        return Verdict(
            "inconclusive", f"{describe(name, interval)}: {said}", params.min_groups - interval.groups
        )
    if interval.low is None or interval.high is None:
        said = f"no interval over {_count(interval.groups)}: too few differ, or define it"
        return Verdict("inconclusive", f"{describe(name, interval)}: {said}")
    value = _value(gate, interval.low, interval.high)
    needed = _needed(gate, interval) if value == "inconclusive" else None
    return Verdict(value, _reason(gate, name, interval, value, needed, params), needed)


def judge(gate: Gate, interval: Interval | None, params: IntervalParams, name: str = "") -> dict[str, Any]:
    """Return the gate and its verdict (see ``verdict``) as one JSON object."""
    return gate.model_dump() | asdict(verdict(gate, interval, params, name))


def settle(values: Sequence[Value]) -> Value:
    """Return the verdict of several gates together: the worst is what counts."""
    if "fail" in values:
        return "fail"
    return "pass" if values and all(value == "pass" for value in values) else "inconclusive"


def _value(gate: Gate, low: float, high: float) -> Value:
    higher = gate.better == "higher"
    end = low if gate.end == "low" else high
    best = high if higher else low
    if end > gate.bound if higher else end < gate.bound:
        return "pass"
    if best < gate.bound if higher else best > gate.bound:
        return "fail"
    return "inconclusive"


def _needed(gate: Gate, interval: Interval) -> int | None:
    """Return how many more groups would clear the bound: an interval shrinks with 1 / sqrt(groups).

    If the estimate stays: it will move, so this is an even chance (``planning`` counts with more). None where
    nobody films as many.
    """
    gap = interval.estimate - gate.bound
    if interval.low is None or interval.high is None or math.isclose(gap, 0.0, abs_tol=1e-12):
        return None
    # What lies between the estimate and the bound is the arm of the interval on that side.
    reach = interval.estimate - interval.low if gap > 0 else interval.high - interval.estimate
    more = max(1, math.ceil(interval.groups * ((reach / gap) ** 2 - 1) - 1e-9))
    return more if interval.groups + more <= MOST_GROUPS else None


def _reason(
    gate: Gate, name: str, interval: Interval, value: Value, needed: int | None, params: IntervalParams
) -> str:
    said = {
        "pass": f"the {gate.end} end clears {gate.bound:g}",
        "fail": f"the whole interval misses {gate.bound:g}",
        "inconclusive": f"the interval holds {gate.bound:g}",
    }[value]
    parts = [f"{describe(name, interval)} over {_count(interval.groups)}: {said}"]
    if needed is not None:
        parts.append(
            f"about {needed} more groups give it an even chance to be settled, if the estimate stays"
        )
    if interval.groups < params.warn_groups:
        parts.append(f"read with care, under {params.warn_groups} groups")
    return "; ".join(parts)


def describe(metric: str, interval: Interval) -> str:
    """Return a number with its interval as text."""
    if interval.low is None or interval.high is None:
        return f"{metric} {interval.estimate:.3f}"
    return f"{metric} {interval.estimate:.3f} [{interval.low:.3f}, {interval.high:.3f}]"


def _count(groups: int) -> str:
    return "1 group" if groups == 1 else f"{groups} groups"
