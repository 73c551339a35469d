"""The decision of a shadow run whose sample is labelled: promote, hold, reject, or label K more.

A candidate is called better only where the interval says so; what the gain must come to is a gate.
Pure functions of estimates.
"""

from __future__ import annotations

import math
import re

from provenline.evaluation.intervals import Interval
from provenline.shadow.decide import Decision, Word
from provenline.shadow.gain import METRICS
from provenline.shadow.params import ShadowParams
from provenline.shadow.plan import Plan

Gains = dict[str, Interval | None]
Judged = tuple[Word, str, int]  # the decision, why, and frames to label
_FIRST = re.compile(r"v\d+")
_LOWER_IS_BETTER = frozenset({"presence_error"})


def asked(params: ShadowParams) -> float:
    """Return the share of production's errors that must be gone in this round."""
    gates = params.improvement
    return gates.deploy if _FIRST.fullmatch(params.round) else gates.later_round


def judge(gains: Gains, groups: int, sample: dict[str, int], params: ShadowParams, plan: Plan) -> Decision:
    """Decide on a labelled sample.

    Args:
        gains: What ``gain.estimate`` returned.
        groups: Groups with a labelled frame.
        sample: ``frames`` drawn, ``labelled``, ``missing``, and ``left``: disagreements not drawn.
        params: Gates, margins, least number of groups.
        plan: By which the sample was drawn; travels with the decision.
    """
    word, text, more = _judge(gains, groups, sample, params)
    return Decision(word, text, label_more=more, plan=plan)


def _judge(gains: Gains, groups: int, sample: dict[str, int], params: ShadowParams) -> Judged:
    least, done = params.interval.min_groups, sample["labelled"]
    if sample["missing"] > params.sample.missing * sample["frames"]:
        text = (
            f"{sample['missing']} of the {sample['frames']} frames that were drawn came back without labels"
        )
        return "label", f"{text}: a rest that nobody chose at random would decide.", sample["missing"]
    if groups < least:
        return "hold", f"{done} labelled frames in {groups} groups carry no verdict, {least} are needed.", 0
    net = gains["net_gain"]
    if net is None or net.low is None or net.high is None:
        return "hold", f"{done} labelled frames give the gain no interval: {_said(gains)}.", 0
    return _by_gain(net, gains, f"{done} labelled frames in {groups} groups: {_said(gains)}", sample, params)


def _by_gain(net: Interval, gains: Gains, head: str, sample: dict[str, int], params: ShadowParams) -> Judged:
    if (net.high or 0.0) < 0:
        return "reject", f"{head}. The candidate is worse: look for what went wrong in training.", 0
    worse, open_ = _margins(gains, params)
    if worse:
        return "reject", f"Worse beyond the margin: {', '.join(worse)}. {head}.", 0
    share = gains["error_reduction"]
    if share is None:
        return "hold", f"{head}. Production makes no error there that could be mended.", 0
    if (net.low or 0.0) > 0:
        return _better(share, open_, head, sample, params)
    return _undecided(share, head, sample, params)


def _better(
    gain: Interval, open_: list[str], head: str, sample: dict[str, int], params: ShadowParams
) -> Judged:
    wanted = asked(params)
    if gain.estimate < params.improvement.more_data and gain.estimate < wanted:
        text = f"Better, but by less than {params.improvement.more_data:.0%} of production's errors"
        return "hold", f"{head}. {text}: more training data is what helps.", 0
    if gain.estimate < wanted:
        return "hold", f"{head}. Better, but {wanted:.0%} of production's errors are to be gone.", 0
    if open_:
        text = f"Better, but not shown to be within the margin: {', '.join(open_)}"
        return _more(f"{head}. {text}", sample["labelled"], sample)
    return "promote", f"{head}. Proven better, and at least {wanted:.0%} of production's errors are gone.", 0


def _undecided(gain: Interval, head: str, sample: dict[str, int], params: ShadowParams) -> Judged:
    if gain.low is None or gain.high is None:
        text = f"{head}. Not proven either way: too few groups hold an error of production"
        return _more(text, sample["labelled"], sample)
    wanted = asked(params)
    if gain.high < wanted:
        return "hold", f"{head}. Not proven better, and surely not by {wanted:.0%}.", 0
    half = (gain.high - gain.low) / 2
    target = max(gain.estimate, wanted - gain.estimate)
    more = math.ceil(sample["labelled"] * ((half / target) ** 2 - 1)) if target > 0 else sample["labelled"]
    return _more(f"{head}. Not proven either way", max(1, more), sample)


def _more(head: str, wanted: int, sample: dict[str, int]) -> Judged:
    """Ask for more labels where there are disagreements left, else for more footage."""
    if not sample["left"]:
        return "hold", f"{head}; every frame on which they differ is labelled: add footage.", 0
    more = min(wanted, sample["left"])
    grow = (sample["labelled"] + more) / max(sample["labelled"], 1)
    text = f"{head}: label about {more} more (shadow_ab.sample.grow times {grow:.2f})"
    return "label", f"{text}.", more


def _margins(gains: Gains, params: ShadowParams) -> tuple[list[str], list[str]]:
    """Return which metrics are proven worse than their margin, and which are not proven to be within it."""
    worse, open_ = [], []
    for name in METRICS:
        found, margin = gains[name], getattr(params.improvement.margins, name)
        if found is None or found.low is None or found.high is None:
            open_.append(name)
            continue
        low, high = (found.low, found.high)
        if name in _LOWER_IS_BETTER:
            low, high = -high, -low
        if high < -margin:
            worse.append(name)
        elif low < -margin:
            open_.append(name)
    return [_plain(name) for name in worse], [_plain(name) for name in open_]


def _said(gains: Gains) -> str:
    whole, net = gains["error_reduction"], gains["net_gain"]
    parts = [f"{_fewer(net)} errors per frame, {_ends(whole, 1)} of production's gone"]
    parts += [f"{_plain(name)} {_ends(gains[name], 1)}" for name in METRICS]
    return ", ".join(parts)


def _fewer(net: Interval | None) -> str:
    if net is None:
        return "an unknown number of"
    return f"{abs(net.estimate):.3f} {'more' if net.estimate < 0 else 'fewer'}"


def _ends(found: Interval | None, digits: int) -> str:
    if found is None:
        return "unknown"
    text = f"{found.estimate:+.{digits}%}"
    if found.low is None or found.high is None:
        return text
    return f"{text} ({found.low:+.{digits}%} to {found.high:+.{digits}%})"


def _plain(name: str) -> str:
    return name.replace("_", " ")
