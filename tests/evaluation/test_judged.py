"""What rounds have taught from judges nothing, and no recording is in both footages."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from provenline.errors import InputError
from provenline.evaluation.judged import judged, read_split
from provenline.splits.dataset import write_assignment
from tests.evaluation import world


def table(*rows: tuple[str, str, str]) -> pd.DataFrame:
    return world.frames_table(
        [world.frame(frame_id, group) | {"media_sha256": sha * 64} for frame_id, group, sha in rows]
    )


OURS = table(("d1", "dev", "1"), ("d2", "other", "2"))
SPLIT = pd.DataFrame(
    {
        "frame_id": ["d1", "d2", "r1"],
        "group": ["dev", "other", "night"],
        "split": ["test", "val", "train"],
    }
)


def test_groups_of_rounds_are_left_out_and_the_rest_is_there_once() -> None:
    theirs = table(("r1", "night", "3"), ("n2", "night", "4"), ("m1", "morning", "5"))
    found = judged(OURS, theirs, SPLIT)
    assert dict(zip(found["frame_id"], found["split"], strict=True)) == {
        "d1": "test", "d2": "val", "m1": "deployment",
    }  # fmt: skip


def test_a_deployment_group_named_like_one_of_the_development_stays() -> None:
    found = judged(OURS, table(("x1", "dev", "6")), SPLIT)
    assert found["frame_id"].tolist() == ["d1", "d2", "x1"]


def test_one_recording_in_both_footages_is_refused() -> None:
    with pytest.raises(InputError, match="is in the development footage too"):
        judged(OURS, table(("x1", "elsewhere", "2")), SPLIT)


def test_what_a_round_taught_from_is_refused_in_another_group_too() -> None:
    split = SPLIT.assign(frame_id=["d1", "d2", f"{'7' * 12}_000001000"])
    theirs = table((f"{'7' * 12}_000009000", "renamed", "7"))
    with pytest.raises(InputError, match="labelled for training in a round, in a group of another name"):
        judged(OURS, theirs, split)


def test_groups_that_are_numbers_are_names(tmp_path: Path) -> None:
    groups = pd.DataFrame({"group": ["101", "102", "NA"], "category": "", "unit": ["101", "102", "NA"]})
    ours = table(("d1", "101", "1"), ("d2", "102", "2"))
    whole = pd.concat([ours, table(("r1", "NA", "3"))], ignore_index=True)
    write_assignment(whole, groups.assign(split=["test", "val", "train"]), tmp_path / "split.csv")
    split = read_split(tmp_path / "split.csv")
    assert split["group"].tolist() == ["101", "102", "NA"]
    found = judged(ours, table(("n1", "NA", "4"), ("m1", "103", "5")), split)
    assert found["frame_id"].tolist() == ["d1", "d2", "m1"]
    with pytest.raises(InputError, match="cannot be read"):
        read_split(tmp_path / "none.csv")
