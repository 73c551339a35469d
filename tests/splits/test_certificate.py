from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from provenline.splits.audit import audit
from provenline.splits.certificate import certificate
from provenline.splits.copies import Copy, Findings
from tests.splits import world

FAR_APART = ["0123456789abcdef", "a3c1f00d5b7e9264", "3f9d1e7720c8b5a4"]


def certify(
    media: Sequence[tuple[str, str, str]],
    copies: Sequence[Copy] = (),
    cannot_tell: Sequence[tuple[str, ...]] = (),
    unseen: Sequence[str] = (),
    **changes: str,
) -> dict:
    """The certificate of media, each with its split and its hash, six frames long."""
    rows = [
        world.frame(name, time, dhash=dhash, camera=changes.get("camera", ""))
        for name, _, dhash in media
        for time in range(6)
    ]
    frames = world.frames(rows)
    split = {name: side for name, side, _ in media}
    frames = frames.assign(split=frames["media"].map(split), unit=frames["group"])
    params = world.params(unit=changes.get("unit", "group"))
    found = Findings(list(copies), list(cannot_tell), list(unseen), len(media), 3)
    result = certificate(frames, found, audit(frames, params), params)
    assert json.loads(json.dumps(result, allow_nan=False)) == result
    assert bool(result["reasons"]) == (result["verdict"] != "clean")
    return result


APART = [("a", "train", FAR_APART[0]), ("b", "val", FAR_APART[1]), ("c", "train", FAR_APART[2])]


def copy(first: str, second: str, frames: int = 12) -> Copy:
    return Copy(first, second, True, 0.97, frames, 0)


def test_a_clean_split():
    got = certify(APART, [copy("a", "c")])
    assert got["verdict"] == "clean"
    assert got["groups_disjoint"]
    assert got["media_disjoint"]
    assert got["units_disjoint"]
    assert got["copies"] == [
        {
            "first": "a",
            "second": "c",
            "mirrored": True,
            "correlation": 0.97,
            "frames": 12,
            "offset_ms": 0,
            "splits": ["train", "train"],
            "same_side": True,
        }
    ]
    assert got["checked"] == {"frames": 18, "media": 3, "pairs": 72, "media_pairs": 3}


@pytest.mark.parametrize(
    ("given", "verdict", "reason"),
    [
        ({"copies": [copy("a", "b")]}, "leak", "1 pairs of copies lie on two sides: a = b mirrored."),
        ({"copies": [copy("a", "b", 1)]}, "unproven", "a = b mirrored"),
        ({"unit": "frame"}, "leak", "at random"),
        ({"cannot_tell": [("a", "b")]}, "unproven", "too little moves"),
        ({"cannot_tell": [("a", "c")]}, "clean", ""),
        ({"unseen": ["c"]}, "unproven", "1 media have no thumbnails"),
    ],
)
def test_the_verdict_follows_from_what_was_found(given, verdict, reason):
    got = certify(APART, **given)
    assert got["verdict"] == verdict
    assert reason in " ".join(got["reasons"])


def test_a_torn_group_is_a_leak():
    frames = world.frames([world.frame("a", t) for t in range(2)]).assign(split=["train", "val"], unit="a")
    params = world.params()
    got = certificate(frames, Findings([], [], [], 1, 0), audit(frames, params), params)
    assert got["verdict"] == "leak"
    assert [reason.split(" ", 2)[1] for reason in got["reasons"][:3]] == ["groups", "media", "units"]


def test_near_duplicates_are_excused_by_a_static_camera_only():
    alike = [("a", "train", FAR_APART[0]), ("b", "val", FAR_APART[0])]
    static = certify(alike, camera="c1")
    assert static["verdict"] == "clean"
    assert static["near_duplicates"]["train-val"]["static_share"] == 1.0
    assert static["static_cameras"] == [{"camera": "c1", "media": 2, "frames": 12, "recurring": 1.0}]
    unknown = certify(alike)
    assert unknown["verdict"] == "unproven"
    assert "no static camera explains (train-val 1)" in unknown["reasons"][0]


def test_mirrored_near_duplicates_are_a_doubt():
    # 0b11110000 turned round and complemented is itself; 0b11111100 becomes 0b11000000.
    got = certify([("a", "train", "fc" * 8), ("b", "test", "c0" * 8)])
    assert got["near_duplicates"]["train-test"]["mirrored"] == {"pairs": 36, "group_pairs": 1}
    assert got["verdict"] == "unproven"
    assert "mirrored near duplicates (train-test 1)" in got["reasons"][0]
