"""What an effect says in words: better by how much, or not told apart, and what would settle it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from provenline.ablation.effects import NO_VERDICT, TOLD, UNTOLD, Effect, Mean, Rules
from provenline.ablation.params import METRICS


def sentence(one: Effect, metric: str, rules: Rules) -> str:
    """Return one sentence without a full stop.

    ``flip off is better by 0.031 [0.004, 0.058] mAP50``, ``flip on and flip off cannot be told apart with
    3 seeds``, or why there is no verdict.
    """
    metric = METRICS[metric]
    mean, both = one.mean, f"{one.contrast.level} and {one.contrast.against}"
    if mean.estimate is None:
        return f"{both}: not measured, no seed has results on both sides"
    if mean.parts is not None and not any(mean.values) and not mean.parts.reach(rules.confidence):
        return f"{both} gave the same figures throughout"
    if one.reads == NO_VERDICT:
        return f"{both}: {_signed(mean.estimate)} {metric}, no verdict with {_few(one, rules)}"
    if one.reads == UNTOLD:
        return f"{both} cannot be told apart with {_seeds(mean)} ({_span(mean, metric, rules)})"
    return _better(one, metric, rules)


def settled_by(one: Effect, rules: Rules) -> str:
    """Return what would settle an effect that was not told apart; empty where nothing is to be said."""
    parts, estimate = one.mean.parts, one.mean.estimate
    if one.reads != UNTOLD or parts is None or not estimate:
        return ""
    needed = parts.seeds_needed(rules.confidence)
    if needed is None:
        return "more seeds alone would not settle it, more videos may"
    # Not told apart for looking at several factors: its own interval excludes zero.
    return f"about {needed} seeds would settle it, if it stays" if needed > parts.seeds else ""


def warning(mean: Mean, rules: Rules) -> str:
    """Return why a mean must be read with care; empty where it need not be."""
    parts = []
    if rules.min_seeds <= len(mean.seeds) < rules.warn_seeds:
        parts.append(f"{_seeds(mean)} say little of how far seeds scatter, so intervals are wide")
    if rules.min_groups <= mean.groups < rules.warn_groups:
        parts.append(f"{mean.groups} groups: intervals under {rules.warn_groups} are rough")
    return "; ".join(parts)


def chosen(choice: Mapping[str, Any], choosing: str, judged: str) -> str:
    """Return what may be chosen, and that picking the best on the judged set would be selection.

    Args:
        choice: See ``result.choice``.
        choosing: The set that chose.
        judged: The set that claims rest on.
    """
    metric, best, other = METRICS[choice["metric"]], choice["setting"], choice["best_on_judged"]
    text = f"chosen on {choosing} among {choice['of']}: {best}, {metric} {choice['value']:.3f} there"
    text += "" if choice["judged"] is None else f" and {choice['judged']:.3f} on {judged}, which had no say"
    if best == other:
        return text
    return f"{text}; the best on {judged} is {other}, but to pick it there would be selection, and flatter"


def _better(one: Effect, metric: str, rules: Rules) -> str:
    contrast, estimate = one.contrast, one.mean.estimate or 0.0
    ends = sorted(abs(end) for end in one.mean.ends(rules.confidence) if end is not None)
    by = f"{abs(estimate):.3f} [{', '.join(f'{end:.3f}' for end in ends)}] {metric}"
    winner, loser = (
        (contrast.level, contrast.against) if one.reads == TOLD[0] else (contrast.against, contrast.level)
    )
    # "flip off is better" needs no second name; a whole setting does.
    than = "" if contrast.level.startswith(f"{contrast.factor} ") else f" than {loser}"
    return f"{winner} is better{than} by {by}"


def _span(mean: Mean, metric: str, rules: Rules) -> str:
    low, high = mean.ends(rules.confidence)
    return f"{_signed(mean.estimate)} [{_signed(low)}, {_signed(high)}] {metric}"


def _few(one: Effect, rules: Rules) -> str:
    few = []
    if len(one.mean.seeds) < rules.min_seeds:
        few.append(_seeds(one.mean))
    if one.mean.groups < rules.min_groups:
        few.append(f"{one.mean.groups} groups")
    return " and ".join(few) or "replicates that hardly define it"


def _seeds(mean: Mean) -> str:
    return "1 seed" if len(mean.seeds) == 1 else f"{len(mean.seeds)} seeds"


def _signed(value: float | None) -> str:
    return "n/a" if value is None else f"{value:+.3f}"
