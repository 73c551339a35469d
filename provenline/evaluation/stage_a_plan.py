"""What the footage of Stage A can tell, and how much more would settle what is open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from provenline.evaluation.comparison_plan import more_frames
from provenline.evaluation.intervals import Interval
from provenline.evaluation.params import StageAParams
from provenline.evaluation.plan_rows import Figure, Question, bound_of, count, row
from provenline.evaluation.slices import Slice
from provenline.evaluation.stage_a_facts import Facts, fractions, statistics
from provenline.evaluation.variance import Components, components, from_error, influence, of_median, shaped

ALWAYS = "recall"  # planned for in every category, whatever the gates ask for
_OF = "base"


@dataclass(frozen=True)
class Measured:
    """Some frames, measured."""

    part: Slice
    facts: Facts

    @property
    def groups(self) -> int:
        """Return the number of groups."""
        return len(self.part.resamples.groups)

    def interval(self, metric: str, params: StageAParams) -> Interval | None:
        """Return a metric's interval."""
        return statistics(self.part, self.facts)[metric].interval(params.interval)


def plan(whole: Measured, categories: Mapping[str, Measured], params: StageAParams) -> dict[str, Any]:
    """Plan for the gates over all frames, and for the recall by category.

    A gate is a bound on all footage together, so a category has no question of its own: what is planned
    there is a precision. One with too few groups for a verdict has too few to show how its groups
    differ: the spread within categories, of all of them together, takes its place.

    Args:
        whole: All frames.
        categories: By name; the name is empty where nobody named any.
        params: Gates, intervals, power.

    Returns:
        ``rows`` (see ``plan_rows.row``) and ``sentences``.
    """
    names = dict.fromkeys([*(gate.metric for gate in params.gates), ALWAYS])
    rows = [_overall(whole, name, params) for name in names]
    common = _within(whole)
    own = [_of_category(name, one, common, params) for name, one in categories.items() if name]
    return {"rows": [*rows, *own], "sentences": sentences(rows, own)}


def _overall(whole: Measured, metric: str, params: StageAParams) -> dict[str, Any]:
    interval, statistic = whole.interval(metric, params), statistics(whole.part, whole.facts)[metric]
    spread = shaped(_spread(whole, metric, interval), statistic, len(whole.part.frames), few=False)
    figure = _figure(whole, metric, "", interval, spread)
    return row(figure, _question(metric, interval, params), params.interval, params.power)


def _of_category(name: str, one: Measured, common: Components | None, params: StageAParams) -> dict[str, Any]:
    interval = one.interval(ALWAYS, params)
    few = one.groups < params.interval.min_groups
    spread = common if few else _spread(one, ALWAYS, interval)
    if few and spread is not None and one.groups:
        spread = replace(spread, groups=one.groups, frames=len(one.part.frames) / one.groups)
    statistic = statistics(one.part, one.facts)[ALWAYS]
    spread = shaped(spread, statistic, len(one.part.frames), few=few)
    figure = replace(_figure(one, ALWAYS, name, interval, spread), pooled=few and spread is not None)
    return row(figure, None, params.interval, params.power)


def _figure(
    one: Measured, metric: str, category: str, interval: Interval | None, spread: Components | None
) -> Figure:
    return Figure(metric, _OF, category, one.groups, len(one.part.frames), interval, spread)


def _question(metric: str, interval: Interval | None, params: StageAParams) -> Question | None:
    gate = next((one for one in params.gates if one.metric == metric), None)
    return None if gate is None else bound_of(gate, interval, params.interval)


def _spread(one: Measured, metric: str, interval: Interval | None) -> Components | None:
    error, frames = interval.error if interval else None, len(one.part.frames) / max(one.groups, 1)
    known = fractions(one.facts)
    if metric not in known:
        occupied = one.facts.objects > 0
        return of_median(one.facts.best[occupied], one.part.group[occupied], error)
    values = influence(known[metric].numerator, known[metric].denominator)
    # Where all frames agree no spread is seen; the interval then is Wilson's, and so is its error.
    return components(values, one.part.group) if values.any() else from_error(error, one.groups, frames)


def _within(whole: Measured) -> Components | None:
    """Return the spread of the recall within categories."""
    codes, names = pd.factorize(whole.part.frames["category"])
    recall = fractions(whole.facts)[ALWAYS]
    values = influence(recall.numerator, recall.denominator, codes)
    return components(values, whole.part.group, len(names)) if values.any() else None


def sentences(overall: Sequence[Mapping[str, Any]], by_category: Sequence[Mapping[str, Any]]) -> list[str]:
    """Say what each gate comes to, what more frames would do, and where the recall is least certain.

    Args:
        overall: Rows of all frames; see ``plan_rows.row``.
        by_category: Rows of the recall by category.
    """
    asked = [one for one in overall if " tell " in one["reason"]]
    said = [f"{one['about']}: {one['reason']}" for one in asked]
    more = [text for one in asked if one["cannot_tell"] and (text := more_frames(one))]
    return [*said, *more[:1], *_least_certain(by_category)]


def _least_certain(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    known = [one for one in rows if one["half_width"] is not None]
    if len(known) < 2:
        return []
    most = max(known, key=lambda one: one["half_width"])
    known_to = f"{most['estimate']:.2f} ±{most['half_width']:.2f} from {count(most['groups'], 'video')}"
    return [f"{ALWAYS} is least certain on {most['category']}: {known_to}"]
