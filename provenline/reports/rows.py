"""The tables of a paper: once as cells, written as CSV, as LaTeX (booktabs) and into the page."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass

from provenline.reports import words
from provenline.reports.evidence import (
    Agreement,
    Comparison,
    Engine,
    Estimate,
    Evaluation,
    Evidence,
    Measured,
    Shadow,
    Split,
)

Cell = str | int | float | Estimate | None
_TEX = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "κ": r"$\kappa$",
    "−": r"$-$",  # noqa: RUF001 - the minus sign that words.number writes
    "≥": r"$\geq$",
}


@dataclass(frozen=True)
class Table:
    """A table.

    Attributes:
        name: Stem of its files.
        title: What it shows.
        columns: Headings; one in ``signed`` holds differences.
        rows: One list of cells per row; an ``Estimate`` is a number with its interval.
        signed: Headings whose numbers carry their sign.
        total: Whether the last row sums the others up.
        note: What a reader must know.
    """

    name: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    signed: frozenset[str] = frozenset()
    total: bool = False
    note: str = ""

    def text(self, column: int, cell: Cell) -> tuple[str, str]:
        """Return a cell's text and its interval (empty where it has none)."""
        sign = self.columns[column] in self.signed
        if isinstance(cell, Estimate):
            return words.number(cell.value, sign=sign), words.interval(cell, sign=sign)
        if isinstance(cell, int):
            return words.count(cell), ""
        return (cell if isinstance(cell, str) else words.number(cell, sign=sign)), ""

    def numeric(self, column: int) -> bool:
        """Return whether a column holds numbers, or would if they could be measured."""
        return not any(isinstance(row[column], str) for row in self.rows)

    @property
    def dense(self) -> bool:
        """Return whether there are too many intervals for one line."""
        return sum(isinstance(cell, Estimate) for cell in self.rows[0]) > 3 if self.rows else False

    def to_csv(self) -> str:
        """Return the table with an interval's ends in columns of their own, numbers in full."""
        spans = [any(isinstance(row[i], Estimate) for row in self.rows) for i in range(len(self.columns))]
        stream = io.StringIO()
        writer = csv.writer(stream, lineterminator="\n")
        header: list[str] = []
        for name, span in zip(self.columns, spans, strict=True):
            header += [name, f"{name} low", f"{name} high"] if span else [name]
        writer.writerow(header)
        for row in self.rows:
            cells: list[object] = []
            for cell, span in zip(row, spans, strict=True):
                if isinstance(cell, Estimate):
                    cells += [cell.value, cell.low, cell.high]
                else:
                    cells += [cell, None, None] if span else [cell]
            writer.writerow(cells)
        return stream.getvalue()

    def to_tex(self) -> str:
        """Return the table for LaTeX with booktabs."""
        align = "".join("r" if self.numeric(i) else "l" for i in range(len(self.columns)))
        lines = [rf"\begin{{tabular}}{{{align}}}", r"\toprule"]
        lines += [" & ".join(map(tex, self.columns)) + r" \\", r"\midrule"]
        for number, row in enumerate(self.rows):
            if self.total and number == len(self.rows) - 1:
                lines.append(r"\midrule")
            texts = (" ".join(filter(None, self.text(i, cell))) for i, cell in enumerate(row))
            lines.append(" & ".join(map(tex, texts)) + r" \\")
        return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", ""])


def tex(text: str) -> str:
    r"""Escape a text for LaTeX.

    >>> tex("Buttonholes & buttons_1")
    'Buttonholes \\& buttons\\_1'
    """
    return "".join(_TEX.get(letter, letter) for letter in text)


def all_tables(evidence: Evidence) -> dict[str, Table]:
    """Return every table that the evidence allows, by name."""
    found: list[Table] = []
    unit = evidence.unit
    if evidence.stage_a:
        found.append(stage_a(evidence.stage_a.categories, evidence.stage_a.overall, unit))
    for side in (evidence.development, evidence.deployment):
        if (
            side.annotation
            and side.annotation.agreement
            and not any(t.name == "table_2_agreement" for t in found)
        ):
            found.append(agreement(side.annotation.agreement))
    if evidence.split:
        found.append(split(evidence.split, unit))
    if evidence.evaluation:
        found += evaluation(evidence.evaluation, unit)
    if evidence.engines:
        found.append(engines(evidence.engines))
    if evidence.shadow and evidence.shadow.overall:
        found.append(shadow(evidence.shadow, unit))
    return {table.name: table for table in found}


def named(text: str) -> str:
    """Return a category's name, or words for having none.

    >>> named(""), named("Collar")
    ('(no operation named)', 'Collar')
    """
    return text or "(no operation named)"


def _units(unit: str) -> str:
    return f"{unit}s".capitalize()


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
        columns=("Operation", _units(unit), "Frames", "People", *shown),
        rows=tuple(
            (name, one.groups, one.frames, one.objects, *(one.metrics.get(key) for key in shown.values()))
            for name, one in rows
        ),
        total=True,
        note="Recall is the mean over frames of the share of people found; intervals resample "
        f"{unit}s. One operation rests on few {unit}s: read its interval as a hint.",
    )


def agreement(given: Agreement) -> Table:
    """Return Table 2: how far two annotators agree."""
    return Table(
        name="table_2_agreement",
        title=f"Table 2. Agreement of {' and '.join(given.annotators)}",
        columns=("Measure", "Value"),
        rows=tuple((words.metric(name), one) for name, one in given.measures.items()),
        note=f"{words.plural(given.images, 'image')} that both labelled, "
        f"of {words.plural(given.groups, 'group')}.",
    )


def split(given: Split, unit: str) -> Table:
    """Return Table 3: who is on which side."""
    rows = tuple(
        (part.name, part.groups, part.frames, part.annotated, part.without_objects, part.objects)
        for part in given.parts
    )
    sums = tuple(sum(int(row[place]) for row in rows) for place in range(1, 6))
    return Table(
        name="table_3_split",
        title=f"Table 3. The split, by {unit}",
        columns=("Side", _units(unit), "Frames", "Annotated", "Nobody there", "Objects"),
        rows=(*rows, ("All", *sums)),
        total=True,
    )


def evaluation(given: Evaluation, unit: str) -> list[Table]:
    """Return Table 4 (operations, classes) and Table 5 (all metrics, all sets)."""
    found = []
    if given.judged:
        found += [_operations(given.categories, given.judged, unit, key) for key in ("recall", "map50")]
    if given.classes:
        found.append(_classes(given))
    found.append(_sets(given, unit))
    return found


def _operations(categories: Sequence[Comparison], overall: Comparison, unit: str, key: str) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for name, one in [*((named(one.name), one) for one in categories), ("All", overall)]:
        pair = one.metrics[key]
        reads = words.difference(pair.difference)
        rows.append((name, one.groups, one.objects, pair.base, pair.candidate, pair.difference, reads))
    letter, shown = ("a", "Recall") if key == "recall" else ("b", words.metric(key))
    return Table(
        name=f"table_4_operations_{key}",
        title=f"Table 4{letter}. {shown} per operation ({overall.name} set)",
        columns=("Operation", _units(unit), "Objects", "Off-the-shelf", "Fine-tuned", "Difference", "Reads"),
        rows=tuple(rows),
        signed=frozenset({"Difference"}),
        total=True,
        note=f"Differences are paired: both models on the same frames and the same draws of {unit}s.",
    )


def _classes(given: Evaluation) -> Table:
    return Table(
        name="table_4_classes",
        title=f"Table 4c. Off-the-shelf against fine-tuned per class ({given.judged_on} set)",
        columns=(
            "Class",
            *(f"{m} {who}" for m in ("mAP50", "mAP50-95") for who in ("off-the-shelf", "fine-tuned")),
        ),
        rows=tuple(
            (
                label,
                *(
                    None if one is None else one.value
                    for pair in pairs
                    for one in (pair.base, pair.candidate)
                ),
            )
            for label, *pairs in given.classes
        ),
        note="As COCO counts, by faster-coco-eval; without intervals, so for reading only.",
    )


def _sets(given: Evaluation, unit: str) -> Table:
    rows = [
        (
            one.name,
            one.groups,
            words.metric(key),
            pair.base,
            pair.candidate,
            pair.difference,
            words.difference(pair.difference),
        )
        for one in reversed(given.splits)
        if one.name != "train"
        for key, pair in one.metrics.items()
    ]
    return Table(
        name="table_5_sets",
        title="Table 5. Off-the-shelf against fine-tuned on every set that was not trained on",
        columns=("Set", _units(unit), "Metric", "Off-the-shelf", "Fine-tuned", "Difference", "Reads"),
        rows=tuple(rows),
        signed=frozenset({"Difference"}),
        note=f"IoU {given.iou:g}, confidence ≥ {given.score:g} for precision, recall and F1. The "
        "validation set chose the epoch that was kept, so it flatters the fine-tuned model.",
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
            _units(unit),
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
