"""Reads what trained cells left behind, and scores them all on the same frames."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from glue import runtime
from glue.experiments.commits import fetch
from glue.tracking import track as tracking
from provenline import tables
from provenline.ablation.comparable import alike
from provenline.ablation.measure import scores
from provenline.ablation.spread import Training
from provenline.ablation.stand import Cell, Stand
from provenline.errors import InputError
from provenline.evaluation.judged import judged, read_split
from provenline.evaluation.params import EvalParams
from provenline.files import read_json, sha256_file
from provenline.progress import track

TABLES = ("annotated", "boxes")
FOUND = "data/predictions/candidate.parquet"


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
    known = {name: _hashes(rev) for name, rev in revs.items()}
    alike({name: {path: hashes.get(path, "") for path in paths} for name, hashes in known.items()})


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
