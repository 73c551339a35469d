"""The tables of a paper on detectors, engines and the shadow run; those on labels and splits lie beside."""

from __future__ import annotations

from collections.abc import Sequence

from provenline.reports import label_rows, split_rows, words
from provenline.reports.ceilings import CEILING_NOTE, reach
from provenline.reports.evidence import Comparison, Engine, Evaluation, Evidence, Measured, Shadow
from provenline.reports.tabular import Cell, Table, named, units


def all_tables(evidence: Evidence) -> dict[str, Table]:
    """Return every table that the evidence allows, by name."""
    found: list[Table] = []
    unit = evidence.unit
    if evidence.stage_a:
        found.append(stage_a(evidence.stage_a.categories, evidence.stage_a.overall, unit))
    found += label_rows.tables(evidence) + split_rows.tables(evidence)
    if evidence.evaluation:
        found += evaluation(evidence, evidence.evaluation)
    if evidence.engines:
        found.append(engines(evidence.engines))
    if evidence.shadow and evidence.shadow.overall:
        found.append(shadow(evidence.shadow, unit))
    return {table.name: table for table in found}


def stage_a(categories: Sequence[Measured], overall: Measured, unit: str) -> Table:
    """Return Table 1: the off-the-shelf detector per operation."""
    shown = {
        "Recall": "recall",
        "Operator found": "operator_found",
        "Median confidence": "median_confidence",
        "Precision": "precision",
        "False / frame": "false_positives_per_frame",
    }
    rows = [(named(one.name), one) for one in categories] + [("All", overall)]
    return Table(
        name="table_1_stage_a",
        title="Table 1. The off-the-shelf detector per operation",
        columns=("Operation", units(unit), "Frames", "People", *shown),
        rows=tuple(
            (name, one.groups, one.frames, one.objects, *(one.metrics.get(key) for key in shown.values()))
            for name, one in rows
        ),
        total=True,
        note="Recall is the mean over frames of the share of people found; intervals resample "
        f"{unit}s. One operation rests on few {unit}s: read its interval as a hint.",
    )


def evaluation(evidence: Evidence, given: Evaluation) -> list[Table]:
    """Return Table 4 (operations, classes) and Table 5 (all metrics, all sets).

    Every AP stands beside its ceiling, where the labels have one.
    """
    found = []
    if given.judged:
        found += [_operations(evidence, given.categories, given.judged, key) for key in ("recall", "map50")]
    if given.classes:
        found.append(_classes(evidence, given))
    found.append(_sets(evidence, given))
    return found


def _operations(evidence: Evidence, categories: Sequence[Comparison], overall: Comparison, key: str) -> Table:
    ceiling = reach(evidence, key, overall.name)
    rows: list[tuple[Cell, ...]] = []
    for name, one in [*((named(one.name), one) for one in categories), ("All", overall)]:
        pair = one.metrics[key]
        reads = words.difference(pair.difference)
        limit = (ceiling,) if ceiling else ()
        rows.append(
            (name, one.groups, one.objects, pair.base, pair.candidate, *limit, pair.difference, reads)
        )
    letter, shown = ("a", "Recall") if key == "recall" else ("b", words.metric(key))
    limit_column = ("Ceiling",) if ceiling else ()
    compared = ("Off-the-shelf", "Fine-tuned", *limit_column, "Difference", "Reads")
    note = f"Differences are paired: both models on the same frames and the same draws of {evidence.unit}s."
    return Table(
        name=f"table_4_operations_{key}",
        title=f"Table 4{letter}. {shown} per operation ({overall.name} set)",
        columns=("Operation", units(evidence.unit), "Objects", *compared),
        rows=tuple(rows),
        signed=frozenset({"Difference"}),
        total=True,
        note=f"{note} {CEILING_NOTE}" if ceiling else note,
    )


def _classes(evidence: Evidence, given: Evaluation) -> Table:
    names, limits = ("mAP50", "mAP50-95"), [reach(evidence, key, given.judged_on) for key in ("map50", "map")]
    columns, rows = ["Class"], []
    for name, limit in zip(names, limits, strict=True):
        columns += [f"{name} off-the-shelf", f"{name} fine-tuned", *([f"{name} ceiling"] if limit else [])]
    for label, *pairs in given.classes:
        cells: list[Cell] = [label]
        for pair, limit in zip(pairs, limits, strict=True):
            cells += [None if one is None else one.value for one in (pair.base, pair.candidate)]
            cells += [limit] if limit else []
        rows.append(tuple(cells))
    note = "As COCO counts, by faster-coco-eval; without intervals, so for reading only."
    return Table(
        name="table_4_classes",
        title=f"Table 4c. Off-the-shelf against fine-tuned per class ({given.judged_on} set)",
        columns=tuple(columns),
        rows=tuple(rows),
        note=f"{note} {CEILING_NOTE}" if any(limits) else note,
    )


def _sets(evidence: Evidence, given: Evaluation) -> Table:
    limited = any(reach(evidence, "map50", one.name) for one in given.splits)
    rows = []
    for one in reversed(given.splits):
        for key, pair in one.metrics.items() if one.name != "train" else ():
            limit = (reach(evidence, key, one.name),) if limited else ()
            reads = words.difference(pair.difference)
            head = (one.name, one.groups, words.metric(key))
            rows.append((*head, pair.base, pair.candidate, *limit, pair.difference, reads))
    compared = ("Off-the-shelf", "Fine-tuned", *(("Ceiling",) if limited else ()), "Difference", "Reads")
    return Table(
        name="table_5_sets",
        title="Table 5. Off-the-shelf against fine-tuned on every set that was not trained on",
        columns=("Set", units(evidence.unit), "Metric", *compared),
        rows=tuple(rows),
        signed=frozenset({"Difference"}),
        note=f"IoU {given.iou:g}, confidence ≥ {given.score:g} for precision, recall and F1. The "
        "validation set chose the epoch that was kept, so it flatters the fine-tuned model."
        + (f" {CEILING_NOTE}" if limited else ""),
    )


def engines(given: Sequence[Engine]) -> Table:
    """Return Table 6: identity, parity and latency of the engines."""
    rows = []
    for one in given:
        parity = one.parity
        matched = [share for share in parity.matched if share is not None] if parity else []
        rows.append(
            (
                one.target,
                one.role,
                f"{one.precision} {one.imgsz}",
                parity.verdict if parity else "not measured",
                min(matched) if matched else None,
                parity.score_drift_max if parity else None,
                parity.ap_difference if parity else None,
                one.latency.get("p50_ms"),
                one.latency.get("p95_ms"),
            )
        )
    columns = (
        "Target",
        "Model",
        "Build",
        "Parity",
        "Share of boxes matched",
        "Largest score drift",
        "mAP50-95 difference",
    )
    return Table(
        name="table_6_engines",
        title="Table 6. The engines against their checkpoints",
        columns=(*columns, "p50 ms", "p95 ms"),
        rows=tuple(rows),
        signed=frozenset({"mAP50-95 difference"}),
        note="Latency is of one frame, end to end, on "
        + (words.listed(sorted({one.machine for one in given if one.machine})) or "an unknown machine")
        + ".",
    )


def shadow(given: Shadow, unit: str) -> Table:
    """Return Table 7: where production and candidate differ."""
    whole = [("All", given.overall)] if given.overall else []
    rows = [(named(one.name), one) for one in given.categories] + whole
    return Table(
        name="table_7_shadow",
        title="Table 7. Production and candidate side by side",
        columns=(
            "Operation",
            units(unit),
            "Frames",
            "Share that differs",
            "Only production",
            "Only candidate",
            "Shifted",
        ),
        rows=tuple(
            (name, one.groups, one.frames, one.rate, one.only_production, one.only_candidate, one.shifted)
            for name, one in rows
        ),
        total=True,
        note="Only production, only candidate and shifted count boxes. Nobody has labelled these frames: "
        "they say where the two differ, not who is right.",
    )
