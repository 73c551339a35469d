from __future__ import annotations

import json
from collections import Counter

import numpy as np
import pandas as pd
import pytest

from provenline.errors import InputError
from provenline.splits.assign import assign, groups_of
from provenline.splits.copies import Copy
from provenline.splits.decide import decide
from provenline.splits.params import SPLITS
from provenline.splits.placing import assign_frames, place
from tests.splits import world

CLASSES = ("person", "mannequin")


def footage(videos: int, seconds: int = 20, rare: tuple[int, ...] = ()) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Videos with a person in every frame, and a mannequin in every frame of some of them."""
    rows, boxes = [], []
    for n in range(videos):
        for t in range(seconds):
            row = world.frame(f"v{n:02d}.mp4", t * 1000, category=f"k{n % 2}", camera=f"c{n % 5}")
            rows.append(row)
            boxes.append(world.box(row["frame_id"], 1, 1, 9, 9))
            boxes.append(world.box(row["frame_id"], 1, 1, 9, 9, annotator="bea"))
            if n in rare:
                boxes.append(world.box(row["frame_id"], 5, 5, 9, 9, "mannequin"))
    return world.frames(rows), world.boxes(boxes)


def copy(first: str, second: str, mirrored: bool = False) -> Copy:
    return Copy(first, second, mirrored=mirrored, correlation=0.97, frames=20, offset_ms=0)


def run(frames, boxes, copies=(), ledger=world.EMPTY, **changes):
    assignment, report = decide(frames, boxes, ledger, CLASSES, copies, world.params(**changes))
    json.dumps(report, allow_nan=False)
    return assignment, report


@pytest.mark.parametrize("seed", range(6))
def test_met_floors_change_nothing(seed):
    frames, boxes = footage(30, rare=tuple(range(30)))
    assignment, report = run(frames, boxes, seed=seed, class_floor=10)
    assert assignment.equals(assign(groups_of(frames), world.EMPTY, world.params(seed)))
    assert report["rebalanced"] == []
    assert all(row["met"] for row in report["class_floor"])
    assert not any("mannequin" in sentence for sentence in report["warnings"])


@pytest.mark.parametrize("seed", range(6))
def test_a_rare_class_comes_to_val_and_test(seed):
    frames, boxes = footage(30, rare=(3, 8, 21))
    before = assign(groups_of(frames), world.EMPTY, world.params(seed))
    after, report = run(frames, boxes, seed=seed, class_floor=10)
    sides = after.set_index("group")["split"]
    assert sorted(sides[[f"v{n:02d}.mp4" for n in (3, 8, 21)]]) == ["test", "train", "val"]
    changed = before["split"] != after["split"]
    assert Counter(one["unit"] for one in report["rebalanced"]) == Counter(before["unit"][changed])
    for one in report["rebalanced"]:
        assert sides[one["unit"]] == one["to"] != one["from"]
    found = {(row["class"], row["split"]): (row["objects"], row["met"]) for row in report["class_floor"]}
    for split in ("val", "test"):
        assert found["mannequin", split] == (20, True)
        assert found["person", split] == (20 * int((after["split"] == split).sum()), True)
    assert report["groups"] == {split: int((after["split"] == split).sum()) for split in SPLITS}


def test_a_class_that_cannot_come_is_said_aloud():
    frames, boxes = footage(30, seconds=3, rare=(3,))
    _, report = run(frames, boxes, class_floor=10)
    rows = [row for row in report["class_floor"] if row["class"] == "mannequin"]
    assert [(row["split"], row["met"]) for row in rows] == [("val", False), ("test", False)]
    assert (
        sum("mannequin: " in sentence and "measures nothing" in sentence for sentence in report["warnings"])
        == 2
    )


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_tiny_sets_work_and_say_what_they_cannot_promise(count):
    frames, boxes = footage(count, rare=(0,))
    assignment, report = run(frames, boxes, class_floor=10)
    said = " ".join(report["warnings"])
    sizes = Counter(assignment["split"])
    assert sizes["train"] >= 1
    assert (f"{count} unit" in said and "too few for train, val, test" in said) == (count < 3)
    for split in ("val", "test"):
        assert (f"{split} is empty" in said) == (sizes[split] == 0)
    assert ("no verdict can rest on fewer than 10" in said) == (sizes["test"] > 0)
    assert report["units"]["count"] == count
    assert len(place(frames, assignment)) == len(frames)


def test_no_frame_at_all_is_refused():
    frames, boxes = footage(1)
    with pytest.raises(InputError, match="there is no frame"):
        run(frames.iloc[:0], boxes)


def test_one_unit_of_most_of_the_footage_is_said_aloud():
    frames, boxes = footage(20)
    frames["camera"] = ["gate" if media < "v15" else "" for media in frames["media"]]
    _, report = run(frames, boxes, by=("camera",))
    assert report["by"] == ["camera"]
    assert report["units"]["largest"] == {"unit": "camera=gate", "groups": 15, "share_of_frames": 0.75}
    assert report["units"]["unknown"] == 5
    said = " ".join(report["warnings"])
    assert "unit 'camera=gate' (15 groups) holds 75% of all frames" in said
    assert "5 of 20 groups lack camera" in said


@pytest.mark.parametrize("seed", range(5))
def test_copies_are_joined(seed):
    frames, boxes = footage(20)
    pairs = [copy("v01.mp4", "v07.mp4"), copy("v07.mp4", "v13.mp4", mirrored=True)]
    assignment, report = run(frames, boxes, pairs, seed=seed, action="join")
    names = ["v01.mp4", "v07.mp4", "v13.mp4"]
    assert len(set(assignment.set_index("group").loc[names, "split"])) == 1
    assert report["units"]["joined"] == [{"unit": "v01.mp4", "keys": names, "groups": names}]
    assert report["copies"]["found"][1]["mirrored"] is True
    assert not any("one recording" in sentence for sentence in report["warnings"])


def test_copies_stop_or_are_only_reported():
    frames, boxes = footage(20)
    pairs = [copy(f"v{a:02d}.mp4", f"v{b:02d}.mp4", mirrored=True) for a in range(20) for b in range(a)]
    message = (
        r"'v01\.mp4' and 'v00\.mp4' are one recording in two groups, correlation 0\.97, mirrored \(and 189"
    )
    with pytest.raises(InputError, match=message):
        run(frames, boxes, pairs, action="stop")
    assignment, report = run(frames, boxes, pairs, action="report")
    assert assignment.equals(run(frames, boxes)[0])
    side = assignment.set_index("group")["split"]
    torn = sum(side[pair.first] != side[pair.second] for pair in pairs)
    assert sum("are one recording" in sentence for sentence in report["warnings"]) == torn > 0
    together = frames.assign(group="g")
    assert run(together, boxes, pairs, action="stop")[1]["units"]["count"] == 1


def test_single_frames_at_random_leak_as_they_should():
    frames, boxes = footage(20)
    frames["annotated"] = np.arange(len(frames)) % 4 > 0
    held = pd.DataFrame([("v00.mp4", "x", "test")], columns=world.EMPTY.columns)
    assignment, report = run(frames, boxes, ledger=held, unit="frame", seed=3, class_floor=1)
    assert (report["unit"], report["empty_splits"]) == ("frame", [])
    placed = place(frames, assignment)
    assert Counter(placed.loc[placed["annotated"], "split"]) == {"train": 210, "val": 45, "test": 45}
    assert Counter(placed["split"]) == report["frames"] == {"train": 280, "val": 60, "test": 60}
    assert sum(len(set(part["split"])) > 1 for _, part in placed.groupby("group")) > 18
    assert any("leaks" in sentence for sentence in report["warnings"])
    shuffled = assign_frames(frames.sample(frac=1, random_state=0), world.params(3))
    assert shuffled.equals(assignment)
    assert not assign_frames(frames, world.params(4)).equals(assignment)
    with pytest.raises(InputError, match="has no split"):
        place(frames, assignment.iloc[1:])


@pytest.mark.parametrize("seed", range(6))
def test_rounds_with_floors_move_no_accepted_unit(seed):
    """Grow, exchange for floors, accept, grow again."""
    rng, accepted = np.random.default_rng(seed), {}
    frames, boxes = footage(40, seconds=8, rare=tuple(rng.choice(40, 9, replace=False).tolist()))
    for count in (6, 13, 25, 40):
        here = frames[frames["media"] < f"v{count:02d}.mp4"]
        rows = [(group, "x", split) for group, split in accepted.items()]
        ledger = pd.DataFrame(rows, columns=world.EMPTY.columns)
        assignment, report = run(here, boxes, ledger=ledger, seed=seed, class_floor=10)
        now = dict(zip(assignment["group"], assignment["split"], strict=True))
        assert {group: now[group] for group in accepted} == accepted
        assert not {one["unit"] for one in report["rebalanced"]} & accepted.keys()
        assert report["from_ledger"] == len(accepted)
        accepted = now
