"""Rounds on disk: which count, what they hold, and that nothing is in two of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from provenline import rounds, tables
from provenline.errors import InputError
from tests.evaluation import world


def brought(folder: Path, name: str, *frame_ids: str, group: str = "g") -> None:
    there = folder / name
    there.mkdir(parents=True)
    rows = [world.frame(one, group, media=f"{name}/{group}.mp4") for one in frame_ids]
    tables.write(world.frames_table(rows), there / rounds.FRAMES, tables.FRAMES)
    boxes = world.boxes_table([world.box(one, (1, 2, 3, 4)) for one in frame_ids])
    tables.write(boxes, there / rounds.BOXES, tables.BOXES)


def test_names_follow_each_other_and_sort_as_numbers() -> None:
    names = ["v0"]
    for _ in range(12):
        names.append(rounds.following(names[-1]))
    assert names[1] == "v0.1" and names[-1] == "v0.12"
    assert rounds.counting([*reversed(names), "exports", "v0.1x"], "v0.11") == names[:-1]
    with pytest.raises(InputError, match="no name of a round"):
        rounds.following("1.0")


def test_an_earlier_state_passes_over_later_rounds(tmp_path: Path) -> None:
    for name, frame, group in (("v0.2", "b", "two"), ("v0.1", "a", "one"), ("v0.10", "c", "ten")):
        brought(tmp_path, name, frame, group=group)
    whole = rounds.read(tmp_path, "v0.10")
    assert whole.frames["frame_id"].tolist() == ["a", "b", "c"] and whole.groups == {"one", "two", "ten"}
    assert rounds.read(tmp_path, "v0.2").groups == {"one", "two"}
    none = rounds.read(None, "v0")
    assert none.frames.empty and none.boxes.empty and none.groups == frozenset()


def test_a_frame_is_in_one_round_and_not_in_the_development(tmp_path: Path) -> None:
    brought(tmp_path, "v0.1", "a", "b")
    taken = rounds.read(tmp_path, "v0.1")
    own = world.frames_table([world.frame("z", "own")]), world.boxes_table([world.box("z", (1, 2, 3, 4))])
    frames, boxes = rounds.joined(*own, taken)
    assert frames["frame_id"].tolist() == ["z", "a", "b"] and len(boxes) == 3
    assert rounds.joined(*own, rounds.read(None, "v0"))[0] is own[0]
    with pytest.raises(InputError, match="frame a of the development footage was labelled in a round too"):
        rounds.joined(world.frames_table([world.frame("a", "own")]), own[1], taken)
    brought(tmp_path, "v0.2", "b")
    with pytest.raises(InputError, match="frame b was labelled in two rounds"):
        rounds.read(tmp_path, "v0.2")


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="folder is missing"):
        rounds.read(tmp_path / "rounds", "v0.1")
    brought(tmp_path / "rounds", "v0.1", "a")
    with pytest.raises(InputError, match=r"does not hold round v0\.2"):
        rounds.read(tmp_path / "rounds", "v0.2")  # not pulled: what it taught must not judge
