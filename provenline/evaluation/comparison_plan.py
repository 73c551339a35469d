"""What more footage would tell about base and candidate: rows for each figure, and sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from provenline.evaluation.matching import FloatArray, IntArray
from provenline.evaluation.params import EvalParams
from provenline.evaluation.parts import DIFFERENCE, Part
from provenline.evaluation.plan_rows import (
    Figure,
    Question,
    bound_of,
    count,
    gain_of,
    row,
    spread_of,
)
from provenline.evaluation.planning import MOST, frames_for, half_width
from provenline.evaluation.variance import Components, components, from_error, influence, pooled, shaped

_ALWAYS = "recall"  # planned for in every category, whatever the gates ask for


def plan(whole: Part, categories: Mapping[str, Part], params: EvalParams) -> dict[str, Any]:
    """Plan for the gates and the improvement, over all and by category.

    A category with too few groups for a verdict has too few to show how its groups differ: there the
    spread within categories, of all of them together, takes its place.

    Args:
        whole: Of the split that is judged, measured on all metrics.
        categories: Its categories; empty where nobody named any.
        params: See there.

    Returns:
        ``rows`` (see ``plan_rows.row``) and ``sentences``.
    """
    asked = [gate.metric for gate in params.gates]
    names = dict.fromkeys([*asked, params.improvement.metric, _ALWAYS])
    gains = dict.fromkeys([params.improvement.metric, _ALWAYS]) if whole.paired else {}
    wanted = [("candidate", name) for name in names] + [(DIFFERENCE, name) for name in gains]
    rows = [_overall(whole, of, name, params) for of, name in wanted]
    common = {(of, name): _within(whole, categories, of, name) for of, name in wanted if name in gains}
    common |= {("candidate", _ALWAYS): _within(whole, categories, "candidate", _ALWAYS)}
    rows += [
        _of_category(category, part, of, name, spread, params)
        for (of, name), spread in common.items()
        for category, part in categories.items()
        if category
    ]
    return {"rows": rows, "sentences": sentences(rows)}


def _overall(whole: Part, of: str, metric: str, params: EvalParams) -> dict[str, Any]:
    spread = shaped(_spread(whole, of, metric), whole.statistic(of, metric), whole.frames, few=False)
    figure = _figure(whole, of, metric, "", spread)
    return row(figure, _question(whole, of, metric, params), params.interval, params.power)


def _of_category(
    category: str, part: Part, of: str, metric: str, common: Components | None, params: EvalParams
) -> dict[str, Any]:
    few = part.groups < params.interval.min_groups
    spread = common if few else _spread(part, of, metric)
    if few and spread is not None and part.groups:
        spread = replace(spread, groups=part.groups, frames=part.frames / part.groups)
    spread = shaped(spread, part.statistic(of, metric), part.frames, few=few)
    figure = replace(_figure(part, of, metric, category, spread), pooled=few and spread is not None)
    # A gate is a bound on all footage together, not on each category.
    question = _question(part, of, metric, params) if of == DIFFERENCE else None
    return row(figure, question, params.interval, params.power)


def _figure(part: Part, of: str, metric: str, category: str, spread: Components | None) -> Figure:
    interval = part.intervals[of][metric]
    return Figure(metric, of, category, part.groups, part.frames, interval, spread)


def _question(part: Part, of: str, metric: str, params: EvalParams) -> Question | None:
    base, candidate = (part.intervals[model][metric] for model in ("base", "candidate"))
    if of == DIFFERENCE:
        wanted = params.improvement.model_copy(update={"metric": metric})
        return gain_of(wanted, base, candidate, part.intervals[DIFFERENCE][metric], params.interval)
    gate = next((one for one in params.gates if one.metric == metric), None)
    return None if gate is None else bound_of(gate, candidate, params.interval)


def _spread(part: Part, of: str, metric: str) -> Components | None:
    """Return the spread of a figure: by frame where it is a ratio of sums, else from its bootstrap."""
    values = _influence(part, of, metric, None)
    if values is not None and values.any():
        return components(values, part.slice.group)
    # Where all frames agree no spread is seen; the interval then is Wilson's, and so is its error.
    interval = part.intervals[of][metric]
    return from_error(interval.error if interval else None, part.groups, part.frames / max(part.groups, 1))


def _within(whole: Part, categories: Mapping[str, Part], of: str, metric: str) -> Components | None:
    """Return the spread within categories."""
    codes, names = pd.factorize(whole.slice.frames["category"])
    values = _influence(whole, of, metric, codes)
    if values is not None and values.any():
        return components(values, whole.slice.group, len(names))
    return pooled([one for part in categories.values() if (one := _spread(part, of, metric)) is not None])


def _influence(part: Part, of: str, metric: str, stratum: IntArray | None) -> FloatArray | None:
    model = "candidate" if "candidate" in part.fractions else "base"
    if metric not in part.fractions[model]:
        return None
    one = part.fractions[model][metric]
    values = influence(one.numerator, one.denominator, stratum)
    if of != DIFFERENCE:
        return values
    base = part.fractions["base"][metric]
    return values - influence(base.numerator, base.denominator, stratum)


def sentences(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Say what the rows come to: each question, what more frames would do, what each category needs.

    Args:
        rows: See ``plan_rows.row``.
    """
    asked = [one for one in rows if not one["category"] and " tell " in one["reason"]]
    said = [f"{one['about']}: {one['reason']}" for one in asked]
    is_open = [one for one in asked if one["cannot_tell"]]
    said += [text for one in is_open[:1] if (text := more_frames(one))]
    return said + [text for text in [_by_category(rows)] if text]


def more_frames(planned: Mapping[str, Any]) -> str:
    """Say what more frames of the same videos would do for a row that is open; "" where it is not known."""
    spread = spread_of(planned)
    if spread is None or spread.frame_sd is None or planned["cannot_tell"] is None:
        return ""
    enough = frames_for(spread, planned["distance"], planned["confidence"], planned["power"], planned["side"])
    if enough is not None:
        return f"{planned['about']}: {count(enough, 'frame')} of each of the same videos could too"
    now, best = (half_width(spread, planned["confidence"], frames=frames) for frames in (spread.frames, MOST))
    return (
        f"{planned['about']}: more frames of the same videos could not: they bring ±{now:.3f} to ±{best:.3f} "
        f"at best, as videos differ (intra-group correlation {planned['icc']:.2f})"
    )


def _by_category(rows: Sequence[Mapping[str, Any]]) -> str:
    """Say which category needs most footage for its own difference."""
    metric = next((one["metric"] for one in rows if one["of"] == DIFFERENCE), "")
    own = [one for one in rows if one["category"] and (one["of"], one["metric"]) == (DIFFERENCE, metric)]
    ranked = sorted((one for one in own if one["groups_needed"]), key=lambda one: one["groups_needed"])
    if not ranked:
        return ""
    text = ", ".join(f"{one['category']} {one['groups_needed']}" for one in reversed(ranked))
    least, most = (pick(one["groups"] for one in ranked) for pick in (min, max))
    have = str(least) if least == most else f"{least} to {most}"
    return f"difference in {metric} by category, videos that could tell it ({have} now): {text}"
