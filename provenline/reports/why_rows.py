"""The tables on what goes wrong: causes of errors, calibration, thresholds that bound false finds."""

from __future__ import annotations

from collections.abc import Sequence

from provenline.reports.evidence import Evaluation
from provenline.reports.judged_rows import MODELS
from provenline.reports.tabular import Cell, Table, named
from provenline.reports.why_evidence import Calibration, Cause, Rate, Why

CAUSES = {
    "missed": "missed",
    "background": "nothing there",
    "localisation": "badly placed",
    "duplicate": "found twice",
    "wrong_class": "wrong class",
    "confusion_both": "wrong class, badly placed",
}
_WHERE = {"category": "Operation", "size": "Size", "occlusion": "Occlusion"}
_EXPLAINED = (
    "Missed: nothing was found there. Nothing there: a false find on no object. Badly placed: found, but "
    "with too little overlap. Found twice: a second box on one object."
)


def tables(given: Evaluation) -> list[Table]:
    """Return Table 10 (causes of errors) and Table 11 (calibration, false finds)."""
    if given.why is None:
        return []
    found = []
    if any(one.errors for one in given.why.models.values()):
        found += [budget(given.why), *_cells(given.why)]
    known = [(name, one.calibration) for name, one in given.why.models.items() if one.calibration]
    if any(one.thresholds for _, one in known):
        found.append(_bounds(known))
    if any(one.rates for _, one in known):
        found.append(_rates(known))
    return found


def shown(given: Why) -> list[str]:
    """Return the causes that occur, most frequent of the last model first."""
    counts: dict[str, int] = {}
    for model in given.models.values():
        for one in model.budget:
            counts[one.cause] = max(counts.get(one.cause, 0), one.count)
    known = [cause for cause in CAUSES if cause in counts] + [
        cause for cause in counts if cause not in CAUSES
    ]
    return [cause for cause in known if counts[cause]]


def of(budget_: Sequence[Cause], cause: str) -> Cause | None:
    """Return the row of one cause."""
    return next((one for one in budget_ if one.cause == cause), None)


def budget(given: Why) -> Table:
    """Return Table 10: errors by cause, and what AP would gain if each were mended."""
    rows: list[tuple[Cell, ...]] = []
    for cause in shown(given):
        found = [of(model.budget, cause) for model in given.models.values()]
        counts = [one.count if one else 0 for one in found]
        rows.append((CAUSES.get(cause, cause), *counts, *(one.gain if one else None for one in found)))
    names = [MODELS.get(model, model) for model in given.models]
    at = f" At confidence ≥ {given.score:g}." if given.score is not None else ""
    return Table(
        name="table_10_error_budget",
        title=f"Table 10. Why it errs ({given.judged_on} set)",
        columns=("Cause", *(f"{name}, errors" for name in names), *(f"{name}, AP to gain" for name in names)),
        rows=(*rows, ("All", *(one.errors for one in given.models.values()), *[""] * len(names))),
        signed=frozenset(f"{name}, AP to gain" for name in names),
        total=True,
        note=f"{_EXPLAINED}{at} AP to gain: how much average precision would rise if errors of this cause "
        "were mended; over all confidences, and gains do not add up.",
    )


def _cells(given: Why) -> list[Table]:
    """Return Table 10b: the last model's errors by operation, size and occlusion."""
    model, last = list(given.models.items())[-1]
    causes = shown(given)
    rows: list[tuple[Cell, ...]] = []
    for kind, heading in _WHERE.items():
        names = sorted({name for one in last.budget for name in one.by.get(kind, {})})
        for name in names:
            counts = [
                one.by.get(kind, {}).get(name, 0) if (one := of(last.budget, cause)) else 0
                for cause in causes
            ]
            if any(counts):
                rows.append((heading, _which(kind, name), *counts))
    if not rows:
        return []
    return [
        Table(
            name="table_10_error_cells",
            title=f"Table 10b. Where the errors are: {MODELS.get(model, model).lower()}",
            columns=("By", "Which", *(CAUSES.get(cause, cause).capitalize() for cause in causes)),
            rows=tuple(rows),
            note="Counts of errors. What occurs more often errs more often: read them beside the number of "
            "objects in Table 4a.",
        )
    ]


def _which(kind: str, name: str) -> str:
    if kind == "occlusion" and name == "none":
        return "on no object"
    return named(name) if kind == "category" else name.replace("_", " ")


def unit(rate: Rate) -> str:
    """Return what a bound on false finds counts per.

    >>> unit(Rate(None, None, None, None, 10.0))
    'hour'
    """
    return "hour" if rate.hourly else "1000 frames"


def _bounds(known: Sequence[tuple[str, Calibration]]) -> Table:
    """Return Table 11: the confidence that keeps a bound on false finds."""
    rows: list[tuple[Cell, ...]] = [
        (
            f"{one.bound:g} per {unit(one)}" if one.bound is not None else "none",
            MODELS.get(model, model),
            one.score,
            one.rate,
            one.recall,
            one.reason,
        )
        for model, calibration in known
        for one in calibration.thresholds
    ]
    told = any(row[-1] for row in rows)
    columns = (
        "Bound on false finds",
        "Model",
        "Confidence from",
        "False finds measured",
        "Recall left",
        "Remark",
    )
    return Table(
        name="table_11_false_find_bounds",
        title="Table 11. Confidence thresholds that bound false finds",
        columns=columns if told else columns[:-1],
        rows=tuple(rows if told else [row[:-1] for row in rows]),
        note="An hour is an hour of footage that was looked at, at the rate of the sampling plan. The "
        "threshold is chosen on validation frames; rate and recall are measured on the set that the claims "
        "rest on.",
    )


def _rates(known: Sequence[tuple[str, Calibration]]) -> Table:
    """Return Table 11b: false finds and recall over the threshold."""
    hourly = any(one.per_hour for _, calibration in known for one in calibration.rates)
    rows: list[tuple[Cell, ...]] = [
        (MODELS.get(model, model), one.score, one.per_hour if hourly else one.per_frames, one.recall)
        for model, calibration in known
        for one in calibration.rates
    ]
    return Table(
        name="table_11_false_finds",
        title="Table 11b. False finds over the confidence threshold",
        columns=(
            "Model",
            "Confidence from",
            f"False finds per {'hour' if hourly else '1000 frames'}",
            "Recall left",
        ),
        rows=tuple(rows),
    )
