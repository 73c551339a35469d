"""The tables on base against candidate: classes, operations, slices, sets, thresholds, planning."""

from __future__ import annotations

from collections.abc import Sequence

from provenline.reports import judged_story, words
from provenline.reports.ceilings import CEILING_NOTE, reach
from provenline.reports.evidence import Comparison, Estimate, Evaluation, Evidence, Paired
from provenline.reports.judged_evidence import HolmRow, Seeds
from provenline.reports.tabular import Cell, Table, named, units

MODELS = {"base": "Off-the-shelf", "candidate": "Fine-tuned"}
_CLASS_METRICS = ("map50", "map", "recall")
_SLICES = {"camera": "Camera", "day": "Day", "size": "Size of the object"}
_KEYS = ("recall", "map50")


def tables(evidence: Evidence, given: Evaluation) -> list[Table]:
    """Return Tables 4 (classes, operations, slices, seeds), 5 (sets, thresholds) and 12 (planning).

    Every AP stands beside its ceiling, where the labels have one.
    """
    found: list[Table] = []
    if given.judged:
        if given.classes:
            found.append(_classes(evidence, given, given.judged))
        found += [_operations(evidence, given, given.judged, key) for key in _KEYS]
        if given.slices:
            found += [_slices(evidence, given, given.judged, key) for key in _KEYS]
        if given.seeds and given.seeds.difference:
            found.append(_seeds(evidence, given.judged, given.seeds))
    found.append(_sets(evidence, given))
    if given.thresholds:
        found.append(_thresholds(evidence, given))
    if given.judged and given.judged.own:
        found.append(_own(given, given.judged))
    if given.plan.rows:
        found.append(_plan(evidence, given))
    return found


def _compared(pair: Paired, key: str, limit: Sequence[Cell]) -> tuple[Cell, ...]:
    """Return base, candidate, the ceiling where there is one, the difference and how it reads."""
    reads = words.difference(pair.difference, key)
    return (pair.base, pair.candidate, *limit, pair.difference, reads)


def _headings(limited: object) -> tuple[str, ...]:
    return (*MODELS.values(), *(("Ceiling",) if limited else ()), "Difference", "Reads")


def _classes(evidence: Evidence, given: Evaluation, judged: Comparison) -> Table:
    """Return Table 4: AP and recall per class."""
    limits = {key: reach(evidence, key, judged.name) for key in _CLASS_METRICS}
    limited, counted = any(limits.values()), all("recall" in one.metrics for one in given.classes)
    shown = [*given.classes, *([judged] if len(given.classes) > 1 else [])]
    rows: list[tuple[Cell, ...]] = []
    for one in shown:
        label = "All classes" if one is judged else one.name
        counts: tuple[Cell, ...] = (one.groups, one.objects) if counted else ()
        for key in _CLASS_METRICS:
            if pair := one.metrics.get(key):
                limit = (limits[key],) if limited else ()
                rows.append((label, words.metric(key), *_compared(pair, key, limit), *counts))
    note = f"Recall at IoU {given.iou:g} and confidence ≥ {given.score:g}, the same for both models."
    if any(isinstance(cell, Estimate) and cell.low is None for row in rows for cell in row):
        note += " Where no interval is given, the value is COCO's, by faster-coco-eval."
    return Table(
        name="table_4_classes",
        title=f"Table 4. Off-the-shelf against fine-tuned per class ({judged.name} set)",
        columns=(
            "Class",
            "Metric",
            *_headings(limited),
            *((units(evidence.unit), "Objects") if counted else ()),
        ),
        rows=tuple(rows),
        signed=frozenset({"Difference"}),
        note=f"{note} {CEILING_NOTE}" if limited else note,
    )


def _operations(evidence: Evidence, given: Evaluation, overall: Comparison, key: str) -> Table:
    """Return Table 4a or 4b: one metric per operation, with the reading corrected after Holm."""
    ceiling, holm = reach(evidence, key, overall.name), given.holm.get(key)
    limit: tuple[Cell, ...] = (ceiling,) if ceiling else ()
    rows: list[tuple[Cell, ...]] = []
    for name, one in [*((named(one.name), one) for one in given.categories), ("All", overall)]:
        corrected = holm.rows.get(one.name) if holm else None
        row = (name, one.groups, one.objects, *_compared(one.metrics[key], key, limit))
        rows.append((*row, _after_holm(corrected, evidence.unit)) if holm else row)
    letter, shown = ("a", "Recall") if key == "recall" else ("b", words.metric(key))
    texts = [
        f"Differences are paired: both models on the same frames and the same draws of {evidence.unit}s."
    ]
    if holm:
        texts.append(
            f"“Reads” takes each operation alone; “after Holm” allows a chance of {holm.level:g} that any "
            "of them reads different though none is."
        )
    return Table(
        name=f"table_4_operations_{key}",
        title=f"Table 4{letter}. {shown} per operation ({overall.name} set)",
        columns=(
            "Operation",
            units(evidence.unit),
            "Objects",
            *_headings(ceiling),
            *(("After Holm",) if holm else ()),
        ),
        rows=tuple(rows),
        signed=frozenset({"Difference"}),
        total=True,
        note=" ".join([*texts, *([CEILING_NOTE] if ceiling else [])]),
    )


def _after_holm(given: HolmRow | None, unit: str) -> str:
    if given is None:
        return ""
    reads = given.reads.replace("groups", f"{unit}s")
    return reads if given.p_holm is None else f"{reads} (p {words.number(given.p_holm)})"


def _slices(evidence: Evidence, given: Evaluation, judged: Comparison, key: str) -> Table:
    """Return Table 4c or 4d: one metric per camera, day and size of the object."""
    rows: list[tuple[Cell, ...]] = [
        (*_head(kind, one), *_compared(one.metrics[key], key, ()))
        for kind, found in given.slices.items()
        for one in found
    ]
    letter, shown = ("c", "Recall") if key == "recall" else ("d", words.metric(key))
    return Table(
        name=f"table_4_slices_{key}",
        title=f"Table 4{letter}. {shown} per {judged_story.kinds(given)} ({judged.name} set)",
        columns=("By", "Which", units(evidence.unit), "Objects", *_headings(None)),
        rows=tuple(rows),
        signed=frozenset({"Difference"}),
        note="Each row is taken alone: among many rows, some read different by chance. Sizes as COCO cuts "
        "them: small below 32 × 32 pixels, large from 96 × 96 on.",  # noqa: RUF001 - as it is written
    )


def _head(kind: str, one: Comparison) -> tuple[Cell, ...]:
    return (_SLICES.get(kind, kind), one.name or "(not stated)", one.groups, one.objects)


def _seeds(evidence: Evidence, judged: Comparison, given: Seeds) -> Table:
    """Return Table 4e: what this model gains, and what its recipe does whatever the seed."""
    rows: list[tuple[Cell, ...]] = [
        (words.metric(key), judged.metrics[key].difference, gain, words.difference(gain, key), spread)
        for key, gain in given.difference.items()
        if (spread := given.spread.get(key)) is not None and key in judged.metrics
    ]
    columns = ("Metric", "This model", "Its recipe", "The recipe reads", "Between trainings")
    return Table(
        name="table_4_seeds",
        title=f"Table 4e. Tuned minus base: this model, and its recipe over {given.trainings} trainings "
        f"({judged.name} set)",
        columns=columns,
        rows=tuple(rows),
        signed=frozenset(columns[1:3]),
        note=f"This model's interval is over {evidence.unit}s; its recipe's over {evidence.unit}s and seeds, "
        "around the mean of all trainings. Between trainings: standard deviation.",
    )


def _sets(evidence: Evidence, given: Evaluation) -> Table:
    limited = any(reach(evidence, "map50", one.name) for one in given.splits)
    rows: list[tuple[Cell, ...]] = []
    for one in reversed(given.splits):
        for key, pair in one.metrics.items() if one.name != "train" else ():
            limit = (reach(evidence, key, one.name),) if limited else ()
            rows.append((one.name, one.groups, words.metric(key), *_compared(pair, key, limit)))
    return Table(
        name="table_5_sets",
        title="Table 5. Off-the-shelf against fine-tuned on every set that was not trained on",
        columns=("Set", units(evidence.unit), "Metric", *_headings(limited)),
        rows=tuple(rows),
        signed=frozenset({"Difference"}),
        note=f"IoU {given.iou:g}, confidence ≥ {given.score:g} for all but mAP. The "
        "validation set chose the epoch that was kept, so it flatters the fine-tuned model."
        + (f" {CEILING_NOTE}" if limited else ""),
    )


def _thresholds(evidence: Evidence, given: Evaluation) -> Table:
    """Return Table 5b: the thresholds that validation frames would choose."""
    chosen = given.thresholds
    assert chosen, "only asked for where there are thresholds"
    rows: list[tuple[Cell, ...]] = []
    for label in sorted({label for found in chosen.models.values() for label in found}):
        for model, found in chosen.models.items():
            one = found.get(label)
            values = (one.score, one.precision, one.recall, one.f1) if one else (None,) * 4
            rows.append((label, MODELS.get(model, model), *values))
    rests = ""
    if where := given.split(chosen.chosen_on):
        counts = (words.plural(where.objects, "object"), words.plural(where.groups, evidence.unit))
        rests = f" It holds {' of '.join(counts)}."
    return Table(
        name="table_5_thresholds",
        title=f"Table 5b. Each model's own confidence threshold, chosen on {chosen.chosen_on}",
        columns=("Class", "Model", "Threshold", "Precision there", "Recall there", "F1 there"),
        rows=tuple(rows),
        note="The threshold with the largest F1; what it gives where it was chosen flatters it." + rests,
    )


def _own(given: Evaluation, judged: Comparison) -> Table:
    """Return Table 5c: both models judged at their own thresholds, beside the shared one."""
    rows: list[tuple[Cell, ...]] = []
    for key, pair in judged.own.items():
        shared = judged.metrics.get(key)
        rows += [
            (words.metric(key), at, *_compared(one, key, ()))
            for at, one in ((f"the same, {given.score:g}", shared), ("its own", pair))
            if one
        ]
    return Table(
        name="table_5_own_thresholds",
        title=f"Table 5c. At the shared threshold and at each model's own ({judged.name} set)",
        columns=("Metric", "Threshold", *_headings(None)),
        rows=tuple(rows),
        signed=frozenset({"Difference"}),
        note="Count error: how far the number found is off the number there, per frame, on average; less "
        "is better. No frame of this set took part in the choice of a threshold.",
    )


def _plan(evidence: Evidence, given: Evaluation) -> Table:
    """Return Table 12: how much footage would settle what is open."""
    rows: list[tuple[Cell, ...]] = [
        (
            words.metrics_in(one.about.removesuffix(f", {one.category}")),
            one.category or "All",
            one.groups,
            one.frames_per_group,
            one.estimate,
            one.half_width,
            one.icc,
            " and ".join(map(words.number, one.cannot_tell)) or "",
            words.count(one.groups_needed) if one.groups_needed is not None else one.reason,
        )
        for one in given.plan.rows
        if not one.category or one.cannot_tell  # of an operation alone, what is settled is in Table 4
    ]
    unit = units(evidence.unit)
    return Table(
        name="table_12_planning",
        title="Table 12. What more footage would settle",
        columns=(
            "About",
            "Operation",
            unit,
            f"Frames per {evidence.unit}",
            "Estimate",
            "± half width",
            "Likeness within",
            "Cannot tell apart",
            f"{unit} in all that could",
        ),
        rows=tuple(rows),
        note=f"Likeness within: how much frames of one {evidence.unit} resemble each other, 0 to 1. The more "
        f"they do, the less another frame of it tells, and the more another {evidence.unit} does.",
    )
