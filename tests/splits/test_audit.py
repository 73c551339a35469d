from __future__ import annotations

import json
from collections import Counter

import numpy as np
import pandas as pd
import pytest

from provenline.errors import InputError
from provenline.splits import nearest as room
from provenline.splits.audit import audit, with_split
from tests.splits import world


def scattered(seed: int, count: int) -> pd.DataFrame:
    """Frames whose hashes lie near a few centres, so that many are close."""
    rng = np.random.default_rng(seed)
    centres = rng.integers(0, 1 << 62, 4)
    rows = []
    for n in range(count):
        flips = sum(1 << int(bit) for bit in rng.choice(64, rng.integers(0, 5), replace=False))
        dhash = f"{int(centres[n % 4]) ^ flips:016x}"
        rows.append(world.frame(f"v{n // 4}", n, dhash=dhash, camera=f"cam{n % 3}", day="d1"))
    frames = world.frames(rows)
    splits = {f"v{n}": ("train", "val", "test")[n % 3] for n in range(count)}
    return frames.assign(split=frames["group"].map(splits))


@pytest.mark.parametrize("chunk", [1, 7, 4096])
def test_near_duplicates_agree_with_brute_force(monkeypatch, chunk):
    monkeypatch.setattr(room, "_COLUMNS", chunk)
    frames = scattered(1, 90)
    report = audit(frames, world.params(bits=4))
    rows = frames[["frame_id", "dhash", "group", "split"]].to_dict("records")
    found = []
    for a in rows:
        for b in rows:
            bits = bin(int(a["dhash"], 16) ^ int(b["dhash"], 16)).count("1")
            if bits <= 4:
                found.append((a["split"], b["split"], bits, a, b))
    for first, second in (("train", "val"), ("train", "test"), ("val", "test")):
        here = [one for one in found if one[:2] == (first, second)]
        got = report["near_duplicates"][f"{first}-{second}"]
        assert got["pairs"] == len(here) > 0
        assert got["frames_first"] == len({one[3]["frame_id"] for one in here})
        assert got["frames_second"] == len({one[4]["frame_id"] for one in here})
        assert got["group_pairs"] == len({(one[3]["group"], one[4]["group"]) for one in here})
        expected = sorted((one[2], one[3]["frame_id"], one[4]["frame_id"]) for one in here)[:10]
        assert [(one["bits"], *one["frames"]) for one in got["worst"]] == expected
    json.dumps(report, allow_nan=False)


def test_the_audit_does_not_depend_on_row_order():
    frames = scattered(2, 60)
    assert audit(frames, world.params()) == audit(frames.sample(frac=1, random_state=0), world.params())


def test_disjointness_is_computed():
    frames = world.frames([world.frame("a", 0, group="g"), world.frame("b", 0, group="g"), world.frame("c")])
    clean = audit(frames.assign(split=["train", "train", "val"]), world.params())
    assert clean["groups_disjoint"]
    assert clean["media_disjoint"]
    torn = audit(frames.assign(split=["train", "val", "val"]), world.params())
    assert not torn["groups_disjoint"]
    assert torn["groups_in_several_splits"] == ["g"]
    assert torn["media_disjoint"]


def test_shared_cameras_and_days_are_facts():
    rows = [
        world.frame("a", camera="c1", day="d1"),
        world.frame("b", camera="c1", day="d2"),
        world.frame("c"),
    ]
    report = audit(world.frames(rows).assign(split=["train", "val", "val"]), world.params())
    assert report["cameras"] == {"train-val": ["c1"], "train-test": [], "val-test": []}
    assert report["days"]["train-val"] == []


def test_with_split_refuses_what_is_not_one_split_per_group():
    frames = world.frames([world.frame("a"), world.frame("b")])
    columns = world.EMPTY.columns
    with pytest.raises(InputError, match="group 'b' has no split"):
        with_split(frames, pd.DataFrame([("a", "x", "val")], columns=columns))
    both = [("a", "x", "val"), ("b", "x", "val"), ("a", "x", "test")]
    with pytest.raises(InputError, match="group 'a' is in two splits"):
        with_split(frames, pd.DataFrame(both, columns=columns))


def test_a_broken_hash_names_its_frame():
    frames = world.frames([world.frame("a", dhash="xyz")]).assign(split="train")
    with pytest.raises(InputError, match=r"frame .*: dhash 'xyz'"):
        audit(frames, world.params())


def test_a_static_camera_is_counted_not_listed():
    rows = [world.frame(f"v{n // 50}", n, dhash="0f" * 8) for n in range(300)]
    frames = world.frames(rows)
    frames = frames.assign(split=["train" if g in {"v0", "v1", "v2"} else "val" for g in frames["group"]])
    assert Counter(frames["split"]) == {"train": 150, "val": 150}
    got = audit(frames, world.params())["near_duplicates"]["train-val"]
    assert (got["pairs"], got["group_pairs"], len(got["worst"])) == (22500, 9, 10)


def test_groups_hang_together_through_others():
    # b lies 4 bits from a and from c, which lie 8 bits apart; d is alone.
    hashes = {"a": "0" * 16, "b": "000000000000000f", "c": "00000000000000ff", "d": "a" * 16}
    frames = world.frames([world.frame(name, dhash=dhash) for name, dhash in hashes.items()])
    for sides in (["train", "val", "test", "train"], ["train", "train", "val", "test"]):
        report = audit(frames.assign(split=sides), world.params(bits=4))
        assert report["components"] == {"count": 1, "largest": 3, "largest_share": 0.75, "groups": 4}


def test_a_static_camera_explains_its_near_duplicates():
    room, other = "0123456789abcdef", "a3c1f00d5b7e9264"
    rows = [world.frame(v, t, dhash=room, camera="c1") for v in ("a", "b") for t in range(8)]
    # The same picture from a camera that moves: it comes back in no recording of its own.
    moves = [f"{(int(other, 16) ^ (0xFFFF << 4 * t)) & (1 << 64) - 1:016x}" for t in range(8)]
    rows += [world.frame(v, t, dhash=dhash, camera="c2") for v in ("c", "d") for t, dhash in enumerate(moves)]
    frames = world.frames(rows)
    frames = frames.assign(split=frames["group"].map({"a": "train", "b": "val", "c": "train", "d": "val"}))
    report = audit(frames, world.params(bits=4))
    assert [one["camera"] for one in report["static_cameras"]] == ["c1"]
    near = report["near_duplicates"]["train-val"]
    assert (near["pairs"], near["static_pairs"], near["unexplained_group_pairs"]) == (72, 64, 1)
    assert near["static_share"] == round(64 / 72, 4)


def test_the_gap_between_the_sides_of_a_camera():
    media = [
        ("a", "c1", "2024-05-01", "train"),
        ("b", "c1", "2024-05-04", "val"),
        ("c", "c1", "2024-05-09", "train"),
        ("d", "c1", "", "test"),
        ("e", "c2", "2024-06-01", "train"),
        ("f", "c2", "2024-06-01", "train"),
        ("g", "c2", "2024-06-01", "test"),
        ("h", "", "2024-06-01", "train"),
        ("i", "", "2024-06-01", "test"),
    ]
    rows = [world.frame(name, camera=camera, day=day) for name, camera, day, _ in media]
    splits = {name: split for name, _, _, split in media}
    frames = world.frames(rows)
    found = audit(frames.assign(split=frames["media"].map(splits)), world.params())["gaps"]
    keys = ("camera", "splits", "gap_days", "days", "media", "consecutive", "examples")
    days = ["2024-05-01", "2024-05-04"]
    assert [tuple(one[key] for key in keys) for one in found] == [
        ("c1", ["train", "val"], 3, days, ["a", "b"], 0, []),
        ("c1", ["train", "test"], None, None, None, 0, []),
        ("c1", ["val", "test"], None, None, None, 0, []),
        ("c2", ["train", "test"], 0, ["2024-06-01"] * 2, ["f", "g"], 1, [["f", "g"]]),
    ]


def test_the_smallest_gap_agrees_with_brute_force():
    rng = np.random.default_rng(9)
    rows, splits = [], {}
    for number in range(40):
        day = f"2024-{rng.integers(1, 13):02d}-{rng.integers(1, 29):02d}"
        rows.append(world.frame(f"v{number:02d}", camera="c", day=day))
        splits[f"v{number:02d}"] = ("train", "val", "test")[rng.integers(3)]
    frames = world.frames(rows)
    frames = frames.assign(split=frames["media"].map(splits))
    days = pd.to_datetime(frames["day"])
    for one in audit(frames, world.params())["gaps"]:
        sides = [days[frames["split"] == split] for split in one["splits"]]
        assert one["gap_days"] == min(abs((x - y).days) for x in sides[0] for y in sides[1])
