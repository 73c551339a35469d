"""An ablation in MLflow: an experiment of its own, one run for the whole, and below it one per cell.

A cell's own run, with its hundreds of parameters, lies in the experiment of the line. Here are the factors,
the seed and what is compared, so that a table of runs can be read, sorted and plotted.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from glue.tracking import records, runs, sender
from glue.tracking.records import Record
from glue.tracking.runs import Run
from glue.tracking.track import never_fails
from provenline.ablation.analyse import effects_of, note, scores_of
from provenline.ablation.design import Setting, label
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
    with never_fails():
        text = json.dumps([name, found["split_sha256"], made_of, *runs.code()], sort_keys=True)
        experiment, mark = f"{runs.EXPERIMENT} ablation {name}", runs.digest(text)
        whole = _whole(experiment, mark, name, found)
        sender.add(whole, _said(effects_of(found), {_NOTE: note(found, _LONGEST)}))
        named = {one.name: one for one in settings}
        for (setting, seed), cell in cells.items():
            run = _cell(experiment, mark, named[setting], seed)
            tags = {"pipeline": cell.mark, "experiment": cell.experiment}
            sender.add(run, _said(scores_of(cell), tags))
            sender.add(run, [records.points("epoch/", row) for row in cell.training.report["history"]])


def _said(values: Mapping[str, float], tags: Mapping[str, str]) -> list[Record]:
    return [records.figures(values), records.tags(tags), records.status("FINISHED")]


def _whole(experiment: str, mark: str, name: str, found: Mapping[str, Any]) -> Run:
    params = {key: str(found[key]) for key in ("about", "design", "judged_on")}
    tags = {"ablation": name, "split_sha256": found["split_sha256"]}
    return runs.run(mark, f"ablation {name}", params, tags, experiment)


def _cell(experiment: str, parent: str, setting: Setting, seed: int) -> Run:
    params = {**setting.levels, "setting": setting.name, "seed": str(seed)}
    mark = runs.digest(f"{parent} {setting.name} {seed}")
    return runs.run(mark, f"{label(setting)} s{seed}", params, {}, experiment, parent)
