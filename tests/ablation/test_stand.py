"""A cell read from the files that it left, against the same tables in memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from provenline import tables
from provenline.ablation.measure import scores
from provenline.ablation.stand import figures, grounds, grounds_read, left, read_stand, scored
from provenline.errors import InputError
from provenline.evaluation.judged import judged
from provenline.files import sha256_file, write_json
from tests.ablation.test_measure import METRICS
from tests.evaluation.world import eval_params, line

HISTORY = [{"epoch": 1, "mAP50": 0.5}]
PARAMETERS: dict[str, Any] = {
    "round": "v0",
    "usecase": {"name": "toy", "classes": ["person"], "score": 0.5},
    "eval": eval_params().model_dump(mode="json"),
}
Tables = dict[str, pd.DataFrame]


@pytest.fixture
def cell(tmp_path: Path) -> tuple[Path, Tables]:
    """Write what a cell leaves; return its folder, and its tables."""
    frames, boxes, found = line(1, 24, 0.8)
    frames["media_sha256"] = frames["group"]
    apart = frames["group"].str[1:].astype(int) % 2 == 1
    (tmp_path / "data").mkdir()
    sides = {"": frames[~apart].reset_index(drop=True), "deployment": frames[apart].reset_index(drop=True)}
    for side, mine in sides.items():
        theirs = boxes[boxes["frame_id"].isin(mine["frame_id"])]
        tables.write(mine, tmp_path / "data" / side / "annotated.parquet", tables.FRAMES)
        tables.write(theirs, tmp_path / "data" / side / "boxes.parquet", tables.BOXES)
    split = sides[""][["frame_id", "group"]].assign(split="val")
    split.to_csv(tmp_path / "data/dataset_split_v0.csv", index=False)
    tables.write(found, tmp_path / "data/predictions/candidate.parquet", tables.PREDICTIONS)
    write_json(tmp_path / "metrics/train.json", {"epochs": 1, "stage_a": "fine_tune", "history": HISTORY})
    write_json(tmp_path / "metrics/eval_v0.json", {"judged_on": "deployment"})
    joined = judged(sides[""], sides["deployment"], split)
    return tmp_path, {"frames": joined, "boxes": boxes, "found": found}


def test_a_cell_is_scored_as_its_tables_are(cell: tuple[Path, Tables]) -> None:
    folder, given = cell
    ground, sets = read_stand(folder, PARAMETERS), ("val", "deployment")
    assert ground.judged_on == "deployment" and ground.labels == ("person",)
    assert ground.split_sha256 == sha256_file(folder / "data/dataset_split_v0.csv")
    measured = figures(folder, "reference", "v0")
    assert set(measured) == {"train", "eval_v0"}
    here = scored(ground, folder, measured["train"], 3, sets, METRICS)
    assert here.seed == 3 and here.report["history"] == HISTORY
    there = scores(given["frames"], given["boxes"], given["found"], ["person"], sets, METRICS, eval_params())
    for name, row in there.items():
        for metric, number in row.items():
            assert here.scores[name][metric].estimate == number.estimate


def test_what_is_fetched_is_all_that_is_read(cell: tuple[Path, Tables]) -> None:
    """A copy of the named files alone is as good as the whole folder."""
    folder, _ = cell
    every = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert {*grounds_read("v0"), *left("v0")} == every and set(grounds("v0")) < set(grounds_read("v0"))


def test_a_cell_that_did_not_train_or_judged_nothing_is_refused(cell: tuple[Path, Tables]) -> None:
    folder, _ = cell
    write_json(folder / "metrics/train.json", {"epochs": 0, "stage_a": "ship"})
    with pytest.raises(InputError, match="flip-on did not train: Stage A said ship"):
        figures(folder, "flip-on", "v0")
    write_json(folder / "metrics/eval_v0.json", {"judged_on": None})
    with pytest.raises(InputError, match="nothing can be judged"):
        read_stand(folder, PARAMETERS)
