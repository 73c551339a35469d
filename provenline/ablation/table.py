"""Prints an ablation: what each factor is worth, what each setting scored, and what may be concluded."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.table import Table

from provenline.ablation.analyse import said
from provenline.progress import notice, out


def show(found: Mapping[str, Any], file: Path) -> None:
    """Print the object that `analyse.analysed` returns; ``file`` is where it was written."""
    if found["effects"]:
        out.print(_effects(found))
    out.print(_settings(found))
    for text in said(found):
        out.print(text, highlight=False, markup=False, soft_wrap=True)
    notice(f"written to {file}")


def _effects(found: Mapping[str, Any]) -> Table:
    metric, judged = found["metrics"][0], found["judged_on"]
    table = Table(title=f"What each factor is worth ({metric})", title_justify="left")
    for name in ("compared", f"on {judged}", "p (Holm)", "reads", f"on {found['chosen_on']}"):
        table.add_column(name)
    rows = [one for one in found["effects"] if one["metric"] == metric]
    elsewhere = {(one["level"], one["against"]): one for one in rows if one["set"] == found["chosen_on"]}
    for one in rows:
        if one["set"] == judged:
            other = elsewhere.get((one["level"], one["against"]), {})
            p = "" if one["p_holm"] is None else f"{one['p_holm']:.3g}"
            names = f"{one['level']} - {one['against']}"
            table.add_row(names, _span(one, "+"), p, one["reads"], _span(other, "+"))
    return table


def _settings(found: Mapping[str, Any]) -> Table:
    metric, judged = found["metrics"][0], found["judged_on"]
    table = Table(title=f"Each setting, mean over seeds ({metric})", title_justify="left")
    for name in ("setting", "seeds", f"on {found['chosen_on']}", f"on {judged}", "between seeds"):
        table.add_column(name)
    for one in found["settings"]:
        sets = one["sets"]
        here = sets.get(judged, {}).get(metric, {})
        there = sets.get(found["chosen_on"], {}).get(metric, {})
        spread = "" if here.get("seed_sd") is None else f"{here['seed_sd']:.3f}"
        seeds = " ".join(map(str, here.get("seeds", ()))) or "none"
        table.add_row(one["name"], seeds, _span(there), _span(here), spread)
    return table


def _span(one: Mapping[str, Any], sign: str = "") -> str:
    if one.get("estimate") is None:
        return "not measured"
    text = f"{one['estimate']:{sign}.3f}"
    # Rich takes brackets for markup, unless a backslash stands before them.
    return text if one["low"] is None else rf"{text} \[{one['low']:{sign}.3f}, {one['high']:{sign}.3f}]"
