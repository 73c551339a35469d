"""What all cells of an ablation are judged on, and what came of one: read from the files that a cell left."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from provenline import line, tables
from provenline.ablation.measure import scores
from provenline.ablation.spread import Training
from provenline.errors import InputError
from provenline.evaluation.judged import judged, read_split
from provenline.evaluation.params import EvalParams
from provenline.evaluation.seeds import ground_sha256
from provenline.files import read_json, sha256_file
from provenline.parameters import section

_TABLES = {"annotated": tables.FRAMES, "boxes": tables.BOXES}
_FOUND = "data/predictions/candidate.parquet"


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

    @property
    def mark(self) -> str:
        """The hash of all that decides what a score means."""
        return ground_sha256(self.frames, self.boxes, self.labels, self.judged_on, self.params)


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


def grounds(round_: str) -> list[str]:
    """Return the files that decide which frames are judged, and how: cells agree in them."""
    data = [str(line.data(side) / f"{name}.parquet") for side in line.SIDES for name in _TABLES]
    return [_split(round_), *data]


def grounds_read(round_: str) -> list[str]:
    """Return the files that ``read_stand`` reads."""
    return [*grounds(round_), _evaluation(round_)]


def left(round_: str) -> list[str]:
    """Return the files that a trained cell left and that ``figures`` and ``scored`` read."""
    return ["metrics/train.json", _FOUND, _evaluation(round_)]


def read_stand(root: Path, parameters: Mapping[str, Any]) -> Stand:
    """Read frames, boxes, split and the judged set.

    Args:
        root: Holds ``grounds_read``.
        parameters: What the cell composes to.

    Raises:
        InputError: Nothing was judged there.
    """
    round_ = str(parameters["round"])
    evaluation = read_json(root / _evaluation(round_))
    if not evaluation["judged_on"]:
        raise InputError("neither deployment nor test has an annotated object: nothing can be judged")
    split = root / _split(round_)
    found = {
        name: [tables.read(root / line.data(side) / f"{name}.parquet", schema) for side in line.SIDES]
        for name, schema in _TABLES.items()
    }
    development, deployment = found["annotated"]
    return Stand(
        frames=judged(development, deployment, read_split(split)),
        boxes=pd.concat(found["boxes"], ignore_index=True),
        labels=section(parameters, "usecase", line.UseCase).classes,
        params=section(parameters, "eval", EvalParams),
        judged_on=str(evaluation["judged_on"]),
        split_sha256=sha256_file(split),
    )


def figures(root: Path, setting: str, round_: str) -> dict[str, Any]:
    """Return what a cell measured itself, by the name of the metrics file.

    Args:
        root: Holds what it left.
        setting: Its name, for the message.
        round_: ``v0``, ...

    Raises:
        InputError: It did not train.
    """
    training = read_json(root / "metrics/train.json")
    if not training["epochs"]:
        mend = "Add train.when=always to `common` in conf/ablation, or to ARGS"
        raise InputError(f"{setting} did not train: Stage A said {training['stage_a']}", mend=mend)
    return {"train": training, f"eval_{round_}": read_json(root / _evaluation(round_))}


def scored(
    given: Stand,
    root: Path,
    training: Mapping[str, Any],
    seed: int,
    sets: tuple[str, ...],
    metrics: tuple[str, ...],
) -> Training:
    """Score a cell by what it predicted.

    Args:
        given: What all are judged on.
        root: Holds what it left.
        training: What `train` wrote of it.
        seed: Of the cell.
        sets: To be measured on.
        metrics: To be measured.
    """
    table = tables.read(root / _FOUND, tables.PREDICTIONS)
    measured = scores(given.frames, given.boxes, table, given.labels, sets, metrics, given.params)
    return Training(seed, training, measured)


def _split(round_: str) -> str:
    return f"data/dataset_split_{round_}.csv"


def _evaluation(round_: str) -> str:
    return f"metrics/eval_{round_}.json"
