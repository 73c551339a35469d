"""An ablation in MLflow: an experiment of its own, one run for the whole, and below it one per cell.

A cell's own run, with its hundreds of parameters, lies in the experiment of the line. Here are the factors,
the seed and what is compared, so that a table of runs can be read, sorted and plotted.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from glue.tracking import sender
from glue.tracking import track as tracking
from glue.tracking.sender import Run
from glue.tracking.sending import now
from provenline.ablation.design import REFERENCE, Setting
from provenline.ablation.stand import Cell

_NOTE = "mlflow.note.content"  # what MLflow shows on a run's page as its description
_LONGEST = 8000  # of a tag


def log_ablation(
    name: str,
    found: Mapping[str, Any],
    settings: Iterable[Setting],
    cells: Mapping[tuple[str, int], Cell],
    made_of: Any,
) -> None:
    """Log an ablation and its cells; run again, it completes what is there.

    Args:
        name: Of the ablation.
        found: What metrics/ablation.json says.
        settings: The design's.
        cells: (setting, seed) -> what came of it.
        made_of: What all cells compose to, without their seeds: another is another ablation.
    """
    with tracking.never_fails():
        text = json.dumps([name, found["split_sha256"], made_of, *tracking.code()], sort_keys=True)
        experiment, mark = f"{tracking.EXPERIMENT} ablation {name}", _digest(text)
        sender.add(_whole(experiment, mark, name, found), _records(_effects(found), {_NOTE: note(found)}))
        named = {one.name: one for one in settings}
        for (setting, seed), cell in cells.items():
            run = _cell(experiment, mark, named[setting], seed)
            tags = {"pipeline": cell.mark, "experiment": cell.experiment}
            sender.add(run, _records(_scores(cell), tags))
            sender.add(run, [tracking.points("epoch/", row) for row in cell.training.report["history"]])


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _records(values: Mapping[str, float], tags: Mapping[str, str]) -> list[dict[str, Any]]:
    ended = {"kind": "status", "status": "FINISHED", "at": now()}
    return [tracking.figures(values), {"kind": "tags", "tags": dict(tags)}, ended]


def _whole(experiment: str, mark: str, name: str, found: Mapping[str, Any]) -> Run:
    params = {key: str(found[key]) for key in ("about", "design", "judged_on")}
    tags = {"ablation": name, "split_sha256": found["split_sha256"]}
    return Run(mark, _made_of(experiment, f"ablation {name}", params, tags, None))


def _cell(experiment: str, parent: str, setting: Setting, seed: int) -> Run:
    params = {**setting.levels, "setting": setting.name, "seed": str(seed)}
    made_of = _made_of(experiment, f"{label(setting)} s{seed}", params, {}, parent)
    return Run(_digest(f"{parent} {setting.name} {seed}"), made_of)


def _made_of(
    experiment: str, name: str, params: Mapping[str, str], tags: Mapping[str, str], parent: str | None
) -> dict[str, Any]:
    return {
        "experiment": experiment,
        "name": name,
        "tags": dict(tags),
        "params": dict(params),
        "at": now(),
        "parent": parent,
    }


def label(setting: Setting) -> str:
    """Return a setting as its runs are called: by the levels that are not the reference's.

    >>> label(Setting("flip-on", (), {"mosaic": "on", "flip": "on"}, ("flip",)))
    'flip=on'
    """
    moved = [f"{factor}={setting.levels[factor]}" for factor in setting.moved]
    return " ".join(moved) or setting.name or REFERENCE


def _scores(cell: Cell) -> dict[str, float]:
    return {
        f"{name}/{metric}": number.estimate
        for name, row in cell.training.scores.items()
        for metric, number in row.items()
        if number.estimate is not None
    }


def _effects(found: Mapping[str, Any]) -> dict[str, float]:
    return {
        f"{one['set']}/{one['metric']} {one['level']} - {one['against']}.{end}": one[end]
        for one in found["effects"]
        for end in ("estimate", "low", "high", "p_holm")
        if one[end] is not None
    }


def note(found: Mapping[str, Any]) -> str:
    """Return what an ablation says, as Markdown, for a run's description."""
    choice = (found["choice"] or {}).get("sentence")
    said = [*found["sentences"], *filter(None, [choice]), *found["warnings"]]
    lines = [f"**{found['about']}**", "", *(f"- {text[0].upper()}{text[1:]}." for text in said if text)]
    return "\n".join(lines)[:_LONGEST]
