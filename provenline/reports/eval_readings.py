"""Reads metrics/eval_<round>.json: base against candidate. What older files do not say is left empty."""

from __future__ import annotations

from collections.abc import Mapping

from provenline.reports import why_readings
from provenline.reports.document import Document
from provenline.reports.estimates import Estimate
from provenline.reports.judged_evidence import (
    Comparison,
    Evaluation,
    Holm,
    HolmRow,
    NonInferiority,
    Paired,
    Plan,
    PlanRow,
    Rule,
    Seeds,
    Threshold,
    Thresholds,
)
from provenline.reports.readings import gate, named, verdict

METRICS = ("map50", "map", "precision", "recall", "f1")
LATER = ("count_mae",)  # written by newer runs
OWN = ("precision", "recall", "f1", "count_mae")
MODELS = ("base", "candidate")
_SIDES = (*MODELS, "difference")
_NOTHING = Paired(None, None, None)


def evaluation(given: Document) -> Evaluation:
    """Read metrics/eval_<round>.json."""
    judged_on = given.text("judged_on", "")
    splits = {name: _comparison(name, part) for name, part in given.parts("splits")}
    pairs = splits[judged_on].metrics if judged_on in splits else {}
    judged = given.part("splits").part(judged_on) if judged_on else None
    improvement = given.part("improvement") if given.has("improvement") else None
    return Evaluation(
        same_model=bool(given.value.get("same_model")),
        splits=tuple(splits.values()),
        judged_on=judged_on,
        categories=_slices(judged, "by_category"),
        classes=_classes(judged, splits[judged_on]) if judged else (),
        targets=tuple(gate(row, _of(pairs, row).candidate) for row in given.rows("targets")),
        improvement=gate(improvement, _of(pairs, improvement).difference) if improvement else None,
        score=given.number("score"),
        iou=given.number("iou"),
        warnings=given.texts("warnings"),
        slices={
            name: found for name in ("camera", "day", "size") if (found := _slices(judged, f"by_{name}"))
        },
        thresholds=_thresholds(given.part("thresholds")) if given.has("thresholds") else None,
        holm={metric: _holm(part) for metric, part in given.parts("holm")},
        non_inferiority=_non_inferiority(given),
        rule=_rule(given.part("rule")) if given.has("rule") else None,
        plan=plan(given),
        seeds=_seeds(given.part("seeds")) if given.has("seeds") else None,
        why=why_readings.why(given.part("why")) if given.has("why") else None,
        label_errors=why_readings.label_errors(given),
    )


def _of(pairs: Mapping[str, Paired], given: Document) -> Paired:
    return pairs.get(given.text("metric"), _NOTHING)


def _slices(judged: Document | None, key: str) -> tuple[Comparison, ...]:
    return tuple(_comparison(name, part) for name, part in named(judged.parts(key))) if judged else ()


def _comparison(name: str, given: Document) -> Comparison:
    known = [*METRICS, *(key for key in LATER if given.has(f"base.{key}") or given.has(f"candidate.{key}"))]
    own = given.part("own") if given.has("own") else None
    return Comparison(
        name=name,
        groups=given.count("groups"),
        frames=given.count("frames"),
        objects=given.count("objects"),
        metrics={metric: _paired(given, metric) for metric in known},
        own={metric: _paired(own, metric) for metric in OWN} if own else {},
    )


def _paired(given: Document, metric: str) -> Paired:
    base, candidate, difference = (given.estimate(f"{side}.{metric}") for side in _SIDES)
    return Paired(base, candidate, difference)


def _classes(judged: Document, whole: Comparison) -> tuple[Comparison, ...]:
    """Return one slice per class; what COCO's evaluator says of it alone comes without an interval."""
    counted = {model: dict(judged.parts(f"{model}.coco.per_class")) for model in MODELS}
    if judged.has("by_class"):
        found = [_comparison(name, part) for name, part in judged.parts("by_class")]
    else:
        found = [Comparison(name, whole.groups, whole.frames, 0, {}) for name in counted["base"]]
    alone = len(found) == 1  # the one class is everything: what is said of all is said of it
    return tuple(_with_coco(one, counted, whole if alone else None) for one in found)


def _with_coco(
    one: Comparison, counted: Mapping[str, Mapping[str, Document]], whole: Comparison | None
) -> Comparison:
    pairs = {
        key: _first(
            one.metrics.get(key), whole.metrics[key] if whole else None, _counted(counted, one.name, key)
        )
        for key in ("map50", "map")
    }
    return Comparison(one.name, one.groups, one.frames, one.objects, {**one.metrics, **pairs}, one.own)


def _first(*pairs: Paired | None) -> Paired:
    return next((pair for pair in pairs if pair and (pair.base or pair.candidate)), _NOTHING)


def _counted(counted: Mapping[str, Mapping[str, Document]], label: str, key: str) -> Paired:
    base, candidate = (
        Estimate(counted[model][label].maybe(key)) if label in counted[model] else None for model in MODELS
    )
    return Paired(base, candidate, None)


def _thresholds(given: Document) -> Thresholds:
    return Thresholds(
        chosen_on=given.text("chosen_on"),
        models={
            model: {
                str(label): None
                if value is None
                else _threshold(Document(given.file, value, f"thresholds.{model}"))
                for label, value in given.part(model).value.items()
            }
            for model in MODELS
            if given.has(model)
        },
    )


def _threshold(given: Document) -> Threshold:
    return Threshold(
        score=given.number("score"),
        f1=given.maybe("f1"),
        precision=given.maybe("precision"),
        recall=given.maybe("recall"),
    )


def _holm(given: Document) -> Holm:
    rows = {
        name: HolmRow(part.maybe("p"), part.maybe("p_holm"), part.text("reads"))
        for name, part in given.parts("rows")
    }
    return Holm(level=given.number("level"), rows=rows)


def _non_inferiority(given: Document) -> NonInferiority | None:
    if not given.has("non_inferiority"):
        return None
    part = given.part("non_inferiority")
    return NonInferiority(
        metric=part.text("metric"),
        margin=part.number("margin"),
        verdict=verdict(part, "value"),
        reason=part.text("reason", ""),
        more_groups=part.maybe_count("groups_needed"),
    )


def _rule(given: Document) -> Rule:
    return Rule(
        metric=given.text("metric"),
        relative=given.estimate("relative"),
        value=given.text("value"),
        reason=given.text("reason", ""),
    )


def _seeds(given: Document) -> Seeds:
    spread = given.part("spread.sd") if given.has("spread.sd") else None
    return Seeds(
        trainings=given.count("trainings"),
        verdict=verdict(given, "recipe.value") if given.has("recipe") else None,
        difference={name: given.estimate(f"difference.{name}") for name, _ in given.parts("difference")},
        spread={name: spread.number(name) for name in spread.value} if spread else {},
        sentence=given.text("sentence"),
    )


def plan(given: Document) -> Plan:
    """Read what more footage would settle; empty in files of older runs."""
    return Plan(tuple(map(_plan_row, given.rows("plan.rows"))), given.texts("plan.sentences"))


def _plan_row(row: Document) -> PlanRow:
    return PlanRow(
        about=row.text("about"),
        category=row.text("category", ""),
        groups=row.count("groups"),
        frames_per_group=row.maybe("frames_per_group"),
        estimate=row.maybe("estimate"),
        half_width=row.maybe("half_width"),
        icc=row.maybe("icc"),
        cannot_tell=tuple(float(value) for value in row.items("cannot_tell")),
        groups_needed=row.maybe_count("groups_needed"),
        groups_more=row.maybe_count("groups_more"),
        reason=row.text("reason", ""),
    )
