"""What follows from a comparison: not worse by a margin, and what the field does next."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Literal

from provenline.evaluation.gates import describe, verdict
from provenline.evaluation.intervals import Interval
from provenline.evaluation.params import (
    LOWER_IS_BETTER,
    Gate,
    IntervalParams,
    NonInferiority,
    Rule,
)

Advice = Literal["deploy", "more_data", "training_problem", "inconclusive"]


def better(gain: Interval | None, params: IntervalParams) -> bool:
    """Return whether a paired difference (higher is better) is proven above 0."""
    return gain is not None and gain.groups >= params.min_groups and gain.low is not None and gain.low > 0


def non_inferiority(
    given: NonInferiority, difference: Interval | None, params: IntervalParams
) -> dict[str, Any]:
    """Judge whether the candidate is at most ``margin`` worse than the base.

    Method: the interval of the difference must lie wholly on the good side of the margin (CONSORT
    extension for non-inferiority trials, Piaggio et al., JAMA 308, 2012). ``fail`` is a loss proven
    larger than the margin.

    Args:
        given: Metric and margin.
        difference: Paired, candidate minus base; None where not measurable.
        params: See there.

    Returns:
        ``metric``, ``margin``, ``value``, ``reason`` and ``groups_needed`` (see ``gates.Verdict``).
    """
    lower = given.metric in LOWER_IS_BETTER
    gate = Gate(
        metric=given.metric,
        bound=given.margin if lower else -given.margin,
        end="high" if lower else "low",
        better="lower" if lower else "higher",
    )
    said = verdict(gate, difference, params, f"difference in {given.metric}")
    return given.model_dump() | asdict(said)


def advise(rule: Rule, relative: Interval | None, params: IntervalParams) -> dict[str, Any]:
    """Say what the field does next, from the relative gain (candidate - base) / base.

    The whole interval must lie where the rule speaks, else it is ``inconclusive``: above ``deploy``;
    under ``more_data``, whether or not a small loss can be excluded; under 0. Between the two bounds the
    rule says nothing.

    Args:
        rule: Metric and bounds.
        relative: Of the paired replicates; None where not measurable.
        params: See there.

    Returns:
        ``metric``, ``relative``, ``value`` and ``reason``.
    """
    value, reason = _advice(rule, relative, params)
    name = f"relative gain in {rule.metric}"
    return {
        "metric": rule.metric,
        "relative": relative and relative.to_dict(),
        "value": value,
        "reason": f"{describe(name, relative) if relative else name}: {reason}",
    }


def _advice(rule: Rule, relative: Interval | None, params: IntervalParams) -> tuple[Advice, str]:
    if relative is None:
        return "inconclusive", f"not measurable: the base has no {rule.metric} to gain on"
    if relative.groups < params.min_groups:
        return "inconclusive", f"no verdict under {params.min_groups} groups"
    if relative.low is None or relative.high is None:
        return "inconclusive", f"no interval over {relative.groups} groups: too few differ, or define it"
    return _region(rule, relative.low, relative.high)


def _region(rule: Rule, low: float, high: float) -> tuple[Advice, str]:
    deploy, more = f"{rule.deploy:.0%}", f"{rule.more_data:.0%}"
    if low > rule.deploy:
        return "deploy", f"more than {deploy}: deploy"
    if high < 0:
        return "training_problem", "the candidate is worse: look at the training"
    if high < rule.more_data:
        return "more_data", f"less than {more}{'' if low > 0 else ', if any'}: more data"
    if low >= rule.more_data and high <= rule.deploy:
        return "inconclusive", f"between {more} and {deploy}, where the rule says nothing"
    held = [f"{bound:.0%}" for bound in (0.0, rule.more_data, rule.deploy) if low <= bound <= high]
    return "inconclusive", f"the interval holds {' and '.join(held)}"
