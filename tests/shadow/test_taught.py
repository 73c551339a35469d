"""Footage that a round has taught from judges nothing, under whatever name it is listed."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from provenline import tables
from provenline.errors import InputError
from provenline.rounds import Taken
from provenline.shadow.taught import note, untaught
from tests.evaluation.world import frame, frames_table
from tests.shadow import world

TAUGHT = Taken(
    frames_table([frame("f", "night") | {"media_sha256": "1" * 64}]),
    tables.table([], tables.BOXES),
    frozenset({"night"}),
)


def test_its_groups_are_left_out_and_counted() -> None:
    media = [world.media(Path(f"{name}.mp4"), name) for name in ("night", "day")]
    assert [one.group for one in untaught(media, TAUGHT)] == ["day"]
    metrics = {"reason": "Held.", "footage": {"media": 1}}
    note(metrics, media, untaught(media, TAUGHT))
    assert metrics["footage"] == {"media": 1, "taught": 1}
    assert metrics["reason"].startswith("Held. 1 groups of deployment footage were labelled in rounds")
    note(metrics := {"reason": "Held.", "footage": {}}, media[1:], untaught(media[1:], TAUGHT))
    assert metrics == {"reason": "Held.", "footage": {"taught": 0}}


def test_the_same_bytes_in_another_group_are_refused_before_anything_runs(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"one")
    (tmp_path / "b.mp4").write_bytes(b"two")
    digest = hashlib.sha256(b"two").hexdigest()
    taught = TAUGHT._replace(frames=TAUGHT.frames.assign(media_sha256=digest))
    media = [world.media(tmp_path / f"{name}.mp4", name) for name in ("a", "gone")]
    assert untaught(media, taught) == media
    with pytest.raises(InputError, match=r"b\.mp4: was labelled for training in a round"):
        untaught([*media, world.media(tmp_path / "b.mp4", "day")], taught)
