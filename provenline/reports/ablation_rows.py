"""The tables on what was varied in training: each factor's effect, each setting's mean."""

from __future__ import annotations

from provenline.reports import words
from provenline.reports.ablation_evidence import Ablation
from provenline.reports.tabular import Cell, Table


def tables(given: Ablation | None, unit: str) -> list[Table]:
    """Return Table 13 (effects) and Table 13b (settings)."""
    return [] if given is None else [_effects(given, unit), _settings(given, unit)]


def reads(level: str, against: str, word: str) -> str:
    """Say which of two levels is better.

    >>> reads("flip on", "flip off", "worse")
    'flip off is better'
    """
    winner = {"better": level, "worse": against}.get(word)
    return f"{winner} is better" if winner else word


def _effects(given: Ablation, unit: str) -> Table:
    metric = words.metric(given.metrics[0])
    judged = f"{metric} on {given.judged_on}"
    chosen = f"{metric} on {given.chosen_on}"
    return Table(
        name="table_13_ablation",
        title=f"Table 13. {given.about}",
        columns=("Compared", "Seeds", judged, "p (Holm)", "Reads", chosen),
        rows=tuple(
            (
                f"{one.level} against {one.against}",
                one.seeds,
                one.judged,
                one.p_holm,
                reads(one.level, one.against, one.reads),
                one.chosen,
            )
            for one in given.effects
        ),
        signed=frozenset({judged, chosen}),
        note=f"Differences are paired within a seed and a draw of {unit}s; intervals are over seeds and "
        f"{unit}s together. The words follow p, adjusted for all factors being looked at; an interval is of "
        f"one factor alone. {given.chosen_on.capitalize()} also chose each training's epoch.",
    )


def _settings(given: Ablation, unit: str) -> Table:
    judged = [f"{words.metric(name)} on {given.judged_on}" for name in given.metrics]
    chosen = f"{words.metric(given.metrics[0])} on {given.chosen_on}"
    rows: list[tuple[Cell, ...]] = [
        (
            one.name,
            one.seeds,
            one.chosen.get(given.metrics[0]),
            *(one.judged.get(name) for name in given.metrics),
            one.spread,
        )
        for one in given.settings
    ]
    return Table(
        name="table_13_settings",
        title="Table 13b. Each setting, mean over seeds",
        columns=("Setting", "Seeds", chosen, *judged, "Between seeds"),
        rows=tuple(rows),
        note=f"Between seeds: standard deviation of {judged[0]}. Intervals are over seeds and {unit}s; "
        "settings share both, so compare them by Table 13 and not by whether these overlap.",
    )
