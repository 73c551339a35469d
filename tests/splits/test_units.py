from __future__ import annotations

import networkx
import numpy as np
import pandas as pd
import pytest

from provenline.errors import InputError
from provenline.splits.assign import assign, groups_of, held_units
from provenline.splits.units import connect, units_of
from tests.splits import world


def footage(seed: int, media: int, cameras: int, unknown: float = 0.2) -> pd.DataFrame:
    """Media of some cameras and days, a third of them in groups of several; some values are missing."""
    rng = np.random.default_rng([seed, media])
    rows = []
    for n in range(media):
        name = f"v{n:03d}.mp4"
        rows.append(
            world.frame(
                name,
                camera="" if rng.random() < unknown else f"c{rng.integers(cameras)}",
                day=f"2024-05-0{rng.integers(1, 4)}",
                category=f"k{rng.integers(3)}",
                group=f"session{n // 3}" if rng.random() < 0.3 else name,
            )
        )
    return world.frames(rows)


def components(frames: pd.DataFrame, by: list[str], same: list[tuple[str, str]]) -> set[frozenset[str]]:
    """The groups of each unit, by another library: frames that agree in what counts are neighbours."""
    graph = networkx.Graph()
    for row in frames.to_dict("records"):
        graph.add_edge(("group", row["group"]), ("media", row["media"]))
        values = tuple(row[name] for name in by)
        if all(values):
            graph.add_edge(("group", row["group"]), ("key", values))
    graph.add_edges_from((("media", a), ("media", b)) for a, b in same)
    found = networkx.connected_components(graph)
    return {frozenset(name for kind, name in one if kind == "group") for one in found}


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("by", [["camera"], ["day", "camera"], ["category"], ["group"], ["media", "camera"]])
def test_units_are_the_connected_components(seed, by):
    frames = footage(seed, 30, cameras=6)
    rng = np.random.default_rng(seed)
    same = [tuple(pair) for pair in rng.choice(frames["media"], (3, 2)).tolist()]
    groups = groups_of(frames, by, same)
    found = {frozenset(part["group"]) for _, part in groups.groupby("unit")}
    assert found == components(frames, by, same)
    shuffled = groups_of(frames.sample(frac=1, random_state=seed), by, [(b, a) for a, b in reversed(same)])
    pd.testing.assert_frame_equal(groups, shuffled)


def test_names_are_readable_and_those_of_groups_are_the_groups():
    rows = [
        world.frame("a", camera="c1", day="d1"),
        world.frame("b", camera="c1", day="d2", group="ab"),
        world.frame("c", camera="c2", day="d2", group="ab"),
        world.frame("d", camera="", day="d1"),
        world.frame("e", camera=" ", day="d1"),
    ]
    frames = world.frames(rows)
    names = {by: dict(zip(g["group"], g["unit"], strict=True)) for by, g in (
        (by, groups_of(frames, by)) for by in (("group",), ("camera",), ("camera", "day"))
    )}  # fmt: skip
    assert names["group",] == {"a": "a", "ab": "ab", "d": "d", "e": "e"}
    assert names["camera",] == {"a": "camera=c1", "ab": "camera=c1", "d": "d", "e": "e"}
    assert names["camera", "day"] == {
        "a": "camera=c1 day=d1", "ab": "camera=c1 day=d2", "d": "d", "e": "e",
    }  # fmt: skip


def test_a_long_chain_is_one_unit():
    rows = [world.frame(f"v{n:04d}", group=f"g{n:04d}", camera=f"c{n}") for n in range(3000)]
    pairs = [(f"v{n:04d}", f"v{n + 1:04d}") for n in range(2999)]
    _, unit = connect(world.frames(rows), ["camera"], pairs)
    assert set(unit.values()) == {"camera=c0"}


def test_a_unit_counts_its_frames_and_takes_the_commonest_category():
    rows = [world.frame("a", t, camera="c", category="x") for t in range(3)]
    rows += [world.frame("b", t, camera="c", category="y") for t in range(4)]
    rows += [world.frame("c", 0, camera="c", category="x")]
    assert units_of(groups_of(world.frames(rows), ["camera"])).to_dict("records") == [
        {"unit": "camera=c", "category": "x", "frames": 8}
    ]


def ledger(*rows: tuple[str, str, str]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["group", "split", "unit"])
    return table.assign(category="Collar")


def test_a_unit_goes_where_its_accepted_groups_are():
    frames = world.frames([world.frame(name, camera="c1") for name in "ab"])
    groups = groups_of(frames, ["camera"])
    # Accepted when groups were units: the ledger holds groups, so that other columns change nothing.
    assert held_units(groups, ledger(("b", "test", "b"))) == {"camera=c1": "test"}
    assert set(assign(groups, ledger(("b", "test", "b")), world.params())["split"]) == {"test"}


def test_a_camera_stays_although_its_accepted_footage_is_gone():
    groups = groups_of(world.frames([world.frame("new", camera="c1")]), ["camera"])
    assert held_units(groups, ledger(("old", "val", "camera=c1"))) == {"camera=c1": "val"}
    assert held_units(groups, ledger(("old", "val", "camera=c2"))) == {}
    assert held_units(groups, world.EMPTY) == {}


@pytest.mark.parametrize("same", [[], [("a", "b")]])
def test_what_joins_two_sides_of_the_ledger_is_named(same):
    frames = world.frames([world.frame(name, camera="" if same else "c1") for name in "ab"])
    groups = groups_of(frames, ["camera"], same)
    held = ledger(("a", "train", "a"), ("b", "test", "b"), ("elsewhere", "val", "elsewhere"))
    with pytest.raises(InputError, match=r"joins .* in different splits: 'b' in test and 'a' in train"):
        assign(groups, held, world.params())


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("by", [("group",), ("camera",), ("camera", "day")])
def test_no_growth_moves_what_was_accepted(seed, by):
    """Footage comes and goes, round after round; groups stay where they were, units are never cut."""
    rng = np.random.default_rng([seed, 3])
    everything = footage(seed, 60, cameras=12)
    accepted: dict[str, tuple[str, str]] = {}
    known = everything.iloc[:0]
    for turn in range(5):
        added = everything.sample(12, random_state=int(rng.integers(1 << 30)))
        known = pd.concat([known.sample(frac=0.8, random_state=seed), added]).drop_duplicates("frame_id")
        groups = groups_of(known, by)
        rows = [(group, split, unit) for group, (split, unit) in sorted(accepted.items())]
        try:
            now = assign(groups, ledger(*rows), world.params(seed + turn))
        except InputError as error:  # new footage may join units that were apart: then nothing is decided
            assert "joins what the ledger has accepted in different splits" in str(error)
            assert by != ("group",)
            return
        assert all(len(set(part["split"])) == 1 for _, part in now.groupby("unit"))
        assert {frozenset(part["group"]) for _, part in now.groupby("unit")} == components(
            known, list(by), []
        )
        for group, unit, split in zip(now["group"], now["unit"], now["split"], strict=True):
            assert accepted.setdefault(group, (split, unit))[0] == split


def test_names_decide_and_not_the_bytes():
    """A copy that was encoded again under the same name stays on its side, with and without a ledger."""
    frames = footage(5, 40, cameras=9)
    changed = frames.assign(
        media_sha256=[digest[::-1] for digest in frames["media_sha256"]],
        dhash=[digest[::-1] for digest in frames["dhash"]],
        frame_id=[f"x{frame_id}" for frame_id in frames["frame_id"]],
    )
    for by in (("group",), ("camera",)):
        for held in (world.EMPTY, ledger(("v001.mp4", "test", "v001.mp4"))):
            first = assign(groups_of(frames, by), held, world.params())
            assert assign(groups_of(changed, by), held, world.params()).equals(first)
