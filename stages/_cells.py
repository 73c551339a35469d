"""Reads what trained cells left behind, and scores them all on the same frames."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from provenline import tables
from provenline.ablation.measure import scores
from provenline.ablation.spread import Training
from provenline.errors import InputError
from provenline.evaluation.judged import judged, read_split
from provenline.evaluation.params import EvalParams
from provenline.files import read_json, sha256_file
from provenline.progress import track
from stages import _runtime as runtime
from stages import _tracking as tracking
from stages._commits import fetch

TABLES = ("annotated", "boxes")
FOUND = "data/predictions/candidate.parquet"
# What decides which frames are trained and judged on: of all that, only the training may move.
DATA = (
    "source",
    "simulate",
    "extract",
    "annotate_import",
    "split",
    "usecase",
    "round",
    "rounds",
    "stage_a_eval",
    "eval",
)


@dataclass(frozen=True)
class Stand:
    """What all cells are judged on.

    Attributes:
        frames: Of both footages, with a column ``split``.
        boxes: Of all of them.
        labels: That are looked at.
        params: How.
        judged_on: The set that claims rest on.
        split_sha256: Of the split.
    """

    frames: pd.DataFrame
    boxes: pd.DataFrame
    labels: tuple[str, ...]
    params: EvalParams
    judged_on: str
    split_sha256: str


@dataclass(frozen=True)
class Cell:
    """What came of a cell.

    Attributes:
        training: Its report, and its scores on the sets that it is judged on.
        mark: Of its own run in MLflow.
        experiment: Its commit, as DVC's experiment has it.
    """

    training: Training
    mark: str
    experiment: str


def only_training_moves(parameters: Mapping[str, Mapping[str, Any]]) -> None:
    """Refuse cells that would not be trained and judged on the same frames.

    Args:
        parameters: Name of the cell -> what it composes to.

    Raises:
        InputError: Two of them differ in more than the training.
    """
    names = list(parameters)
    first = parameters[names[0]]
    for name in names[1:]:
        moved = [key for key in DATA if parameters[name].get(key) != first.get(key)]
        if moved:
            what = f"{name} and {names[0]} differ in {', '.join(moved)}"
            raise InputError(what, mend="Vary the training alone (train.*, model): cells share their frames")


def stand(rev: str, parameters: Mapping[str, Any]) -> Stand:
    """Read frames, boxes, split and the judged set as they are in one cell.

    Args:
        rev: Commit of the cell.
        parameters: What it composes to.

    Raises:
        InputError: Nothing was judged there, or a file is missing.
    """
    round_ = str(parameters["round"])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        split_file = fetch(rev, f"data/dataset_split_{round_}.csv", folder)
        split = read_split(split_file)
        frames = {side: _table(rev, folder, side, "annotated") for side in runtime.SIDES}
        boxes = [_table(rev, folder, side, "boxes") for side in runtime.SIDES]
        evaluation = read_json(fetch(rev, f"metrics/eval_{round_}.json", folder))
        digest = sha256_file(split_file)
    if not evaluation["judged_on"]:
        raise InputError("neither deployment nor test has an annotated object: nothing can be judged")
    return Stand(
        frames=judged(frames["development"], frames["deployment"], split),
        boxes=pd.concat(boxes, ignore_index=True),
        labels=runtime.section(parameters, "usecase", runtime.UseCase).classes,
        params=runtime.section(parameters, "eval", EvalParams),
        judged_on=str(evaluation["judged_on"]),
        split_sha256=digest,
    )


def _table(rev: str, folder: Path, side: str, name: str) -> pd.DataFrame:
    schema = tables.FRAMES if name == "annotated" else tables.BOXES
    return tables.read(fetch(rev, str(runtime.data(side) / f"{name}.parquet"), folder), schema)


def same_frames(revs: Mapping[str, str], round_: str) -> None:
    """Refuse cells whose frames, labels or split differ, whatever their parameters say.

    Raises:
        InputError: Two of them differ.
    """
    paths = [f"data/dataset_split_{round_}.csv"]
    paths += [str(runtime.data(side) / f"{name}.parquet") for side in runtime.SIDES for name in TABLES]
    first: dict[str, str] | None = None
    for name, rev in revs.items():
        hashes = _hashes(rev)
        mine = {path: hashes.get(path, "") for path in paths}
        first = first or mine
        if moved := [path for path in paths if mine[path] != first[path]]:
            mend = f"Run them again: `dvc exp remove {name}`"
            raise InputError(f"{name} was judged on other data than the others", file=moved[0], mend=mend)


def _hashes(rev: str) -> dict[str, str]:
    with tempfile.TemporaryDirectory() as folder:
        lock = yaml.safe_load(fetch(rev, "dvc.lock", Path(folder)).read_text(encoding="utf-8"))
    outs = (out for stage in lock["stages"].values() for out in stage.get("outs", ()))
    return {str(out["path"]): str(out.get("md5", "")) for out in outs}


def score_all(
    given: Stand,
    revs: Mapping[tuple[str, int], str],
    sets: tuple[str, ...],
    metrics: tuple[str, ...],
    ablation: str,
    round_: str,
) -> dict[tuple[str, int], Cell]:
    """Score every cell, and log its figures into the run that its training has in MLflow.

    Args:
        given: What all are judged on.
        revs: (setting, seed) -> commit of the cell.
        sets: To be measured on.
        metrics: To be measured.
        ablation: Its name, for the tracker.
        round_: ``v0``, ...

    Raises:
        InputError: A cell did not train, or its predictions are gone.
    """
    found = {}
    for (setting, seed), rev in track(revs.items(), "scoring cells", total=len(revs)):
        with tempfile.TemporaryDirectory() as there:
            folder = Path(there)
            training = read_json(fetch(rev, "metrics/train.json", folder))
            if not training["epochs"]:
                mend = "Add train.when=always to `common` in conf/ablation, or to ARGS"
                raise InputError(f"{setting} did not train: Stage A said {training['stage_a']}", mend=mend)
            table = tables.read(fetch(rev, FOUND, folder), tables.PREDICTIONS)
            figures = {
                "train": training,
                f"eval_{round_}": read_json(fetch(rev, f"metrics/eval_{round_}.json", folder)),
            }
            params, name = fetch(rev, "params.yaml", folder), f"{ablation}-{setting}-s{seed}"
            tags = {"ablation": ablation, "setting": setting, "seed": str(seed)}
            tracking.log("", figures, params=params, tags=tags, name=name)
            tracking.curve("train.epoch", training["history"], params=params)
            mark = tracking.fingerprint(params)
        measured = scores(given.frames, given.boxes, table, given.labels, sets, metrics, given.params)
        found[setting, seed] = Cell(Training(seed, training, measured), mark, rev)
    return found
