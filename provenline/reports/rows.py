"""The tables of a paper on detectors, engines and the shadow run; those on labels and splits lie beside."""

from __future__ import annotations

from collections.abc import Sequence

from provenline.reports import (
    ablation_rows,
    judged_rows,
    label_rows,
    split_rows,
    stage_a_rows,
    why_rows,
    words,
)
from provenline.reports.evidence import Engine, Evidence, Measured, Shadow
from provenline.reports.tabular import Table, named, units


def all_tables(evidence: Evidence) -> dict[str, Table]:
    """Return every table that the evidence allows, by name."""
    found: list[Table] = []
    unit = evidence.unit
    if evidence.stage_a:
        found.append(stage_a(evidence.stage_a.categories, evidence.stage_a.overall, unit))
        found += stage_a_rows.tables(evidence.stage_a.closer, unit)
    found += label_rows.tables(evidence) + split_rows.tables(evidence)
    if evidence.evaluation:
        found += judged_rows.tables(evidence, evidence.evaluation)
        found += why_rows.tables(evidence.evaluation)
    found += ablation_rows.tables(evidence.ablation, unit)
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
                f"proven by {one.device}" if one.device else "unproven",
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
        columns=(*columns, "p50 ms", "p95 ms", "Latency is"),
        rows=tuple(rows),
        signed=frozenset({"mAP50-95 difference"}),
        note="Latency is of one frame, end to end, on "
        + (words.listed(sorted({one.machine for one in given if one.machine})) or "an unknown machine")
        + ". It is proven by the device that signed it, and until one on the allow-list has, unproven.",
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
        note="Only production, only candidate and shifted count boxes. They say where the two "
        "differ, not who is right.",
    )
