"""What rounds have taught from judges nothing, and no recording is in both footages."""

from __future__ import annotations

import pandas as pd
import pytest

from provenline.errors import InputError
from provenline.evaluation.judged import judged
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
