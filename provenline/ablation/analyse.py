"""What an ablation says once its cells are scored: as metrics/ablation.json has it, and in words."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from provenline.ablation.design import Design
from provenline.ablation.effects import rules_of
from provenline.ablation.params import AblationParams
from provenline.ablation.result import CHOOSING, Measured, result
from provenline.ablation.spread import keep
from provenline.ablation.stand import Cell, Stand


def sets(ground: Stand) -> tuple[str, str]:
    """Return the sets that cells are scored on: the one to choose on, and the judged one."""
    return CHOOSING, ground.judged_on


def analysed(
    name: str,
    params: AblationParams,
    design: Design,
    ground: Stand,
    trained: Mapping[tuple[str, int], Cell],
    spreads: Path,
) -> dict[str, Any]:
    """Return what follows from the cells that have results, and keep how far their seeds scatter.

    Args:
        name: Of the ablation.
        params: What was asked for.
        design: What follows from it.
        ground: What all cells are judged on.
        trained: (setting, seed) -> what came of the cell.
        spreads: What `eval` reads of trainings by one recipe; older findings on others stay.
    """
    keep((one.training for one in trained.values()), name, ground.judged_on, ground.mark, spreads)
    scored = {cell: one.training.scores for cell, one in trained.items()}
    rules = rules_of(params, ground.params.interval)
    measured = Measured(params, design, scored, ground.judged_on, rules)
    return {"split_sha256": ground.split_sha256, **result(measured)}


def scores_of(cell: Cell) -> dict[str, float]:
    """Return a cell's scores that are defined, as ``set/metric``."""
    return {
        f"{name}/{metric}": number.estimate
        for name, row in cell.training.scores.items()
        for metric, number in row.items()
        if number.estimate is not None
    }


def effects_of(found: Mapping[str, Any]) -> dict[str, float]:
    """Return the ends of all effects that are defined, by set, metric and what is compared.

    Args:
        found: See ``analysed``.
    """
    return {
        f"{one['set']}/{one['metric']} {one['level']} - {one['against']}.{end}": one[end]
        for one in found["effects"]
        for end in ("estimate", "low", "high", "p_holm")
        if one[end] is not None
    }


def said(found: Mapping[str, Any]) -> list[str]:
    """Return what may be concluded, in whole sentences: the effects, the choice, what to be careful of.

    Args:
        found: See ``analysed``.
    """
    texts = (*found["sentences"], (found["choice"] or {}).get("sentence"), *found["warnings"])
    return [f"{text[0].upper()}{text[1:]}." for text in texts if text]


def note(found: Mapping[str, Any], longest: int) -> str:
    """Return the question and what may be concluded as Markdown, cut to so many characters."""
    return "\n".join([f"**{found['about']}**", "", *(f"- {text}" for text in said(found))])[:longest]
