"""Footage that a round has taught from judges nothing, under whatever name it is listed."""

from __future__ import annotations

from pathlib import Path

import pytest

from provenline import tables
from provenline.errors import InputError
from provenline.rounds import Taken
from provenline.shadow.taught import refuse, untaught
from tests.evaluation.world import frame, frames_table
from tests.shadow import world

TAUGHT = Taken(
    frames_table([frame("f", "night") | {"media_sha256": "1" * 64}]),
    tables.table([], tables.BOXES),
    frozenset({"night"}),
)


def test_its_groups_are_left_out_and_counted(capsys: pytest.CaptureFixture[str]) -> None:
    media = [world.media(Path(f"{name}.mp4"), name) for name in ("night", "day")]
    assert [one.group for one in untaught(media, TAUGHT)] == ["day"]
    assert "1 of 2 media were labelled in rounds" in capsys.readouterr().err
    assert untaught(media[1:], TAUGHT) == media[1:] and not capsys.readouterr().err


def test_the_same_bytes_in_another_group_are_refused() -> None:
    refuse(frames_table([frame("g", "day") | {"media_sha256": "2" * 64}]), TAUGHT)
    with pytest.raises(InputError, match="was labelled for training in a round"):
        refuse(frames_table([frame("g", "day") | {"media_sha256": "1" * 64}]), TAUGHT)
