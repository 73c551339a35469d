"""Reads metrics/ablation.json, which `make ablate` writes."""

from __future__ import annotations

from collections.abc import Mapping

from provenline.reports.ablation_evidence import Ablation, Effect, Setting
from provenline.reports.document import Document
from provenline.reports.estimates import Estimate


def ablation(given: Document) -> Ablation:
    """Read an ablation.

    Raises:
        InputError: A value is not what it should be.
    """
    judged_on, chosen_on, metrics = given.text("judged_on"), given.text("chosen_on"), given.texts("metrics")
    return Ablation(
        name=given.text("name"),
        about=given.text("about"),
        metrics=metrics,
        judged_on=judged_on,
        chosen_on=chosen_on,
        seeds=len(given.items("seeds")),
        wanted=given.count("cells.wanted"),
        done=given.count("cells.done"),
        effects=_effects(given, judged_on, chosen_on, metrics[0]),
        settings=tuple(_setting(row, judged_on, chosen_on, metrics[0]) for row in given.rows("settings")),
        sentences=given.texts("sentences"),
        choice=given.text("choice.sentence", ""),
        warnings=given.texts("warnings"),
        failed=tuple((row.text("cell"), row.text("why")) for row in given.rows("failed")),
        split_sha256=given.text("split_sha256"),
    )


def _effects(given: Document, judged_on: str, chosen_on: str, metric: str) -> tuple[Effect, ...]:
    rows = [row for row in given.rows("effects") if row.text("metric") == metric]
    chosen = {
        (row.text("level"), row.text("against")): _estimate(row)
        for row in rows
        if row.text("set") == chosen_on
    }
    return tuple(
        Effect(
            level=row.text("level"),
            against=row.text("against"),
            judged=_estimate(row),
            chosen=chosen.get((row.text("level"), row.text("against"))),
            seeds=len(row.items("seeds")),
            p_holm=row.maybe("p_holm"),
            reads=row.text("reads"),
        )
        for row in rows
        if row.text("set") == judged_on
    )


def _setting(row: Document, judged_on: str, chosen_on: str, metric: str) -> Setting:
    decides = f"sets.{judged_on}.{metric}"
    return Setting(
        name=row.text("name"),
        seeds=len(row.items(f"{decides}.seeds")),
        judged=_by_metric(row, judged_on),
        chosen=_by_metric(row, chosen_on),
        spread=row.maybe(f"{decides}.seed_sd"),
    )


def _by_metric(row: Document, name: str) -> Mapping[str, Estimate | None]:
    return {metric: _estimate(part) for metric, part in row.parts(f"sets.{name}")}


def _estimate(row: Document) -> Estimate | None:
    if not row.has("estimate"):
        return None
    return Estimate(row.maybe("estimate"), row.maybe("low"), row.maybe("high"), row.maybe_count("groups"))
