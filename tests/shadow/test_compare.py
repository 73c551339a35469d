from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest

from provenline import tables
from provenline.shadow.compare import COUNTS, compare_frames, summarise
from tests.shadow.world import params


def frames(*groups: str) -> pd.DataFrame:
    rows = [
        {
            "frame_id": f"f{i}",
            "media": f"{g}.mp4",
            "time_ms": i,
            "camera": "c",
            "day": "d1",
            "category": "Collar",
            "group": g,
        }
        for i, g in enumerate(groups)
    ]
    return pd.DataFrame(rows)


def boxes(*rows: tuple[str, float, float, float, str]) -> pd.DataFrame:
    """Build predictions from (frame, x, width, score, label), 10 pixels high."""
    return tables.table(
        [
            {"frame_id": f, "model": "m", "label": label, "x1": x, "y1": 0.0, "x2": x + w, "y2": 10.0}
            | {"score": score, "mask": None}
            for f, x, w, score, label in rows
        ],
        tables.PREDICTIONS,
    )


def counts(table: pd.DataFrame, frame: int = 0) -> dict[str, int]:
    return {name: int(table.iloc[frame][name]) for name in COUNTS}


def test_each_kind_of_disagreement_is_counted_where_it_happens() -> None:
    production = boxes(
        ("f0", 0, 10, 0.9, "person"),  # the same
        ("f1", 0, 10, 0.9, "person"),  # shifted: overlap 1/3
        ("f2", 0, 10, 0.9, "person"),  # only production, nobody on the other side
        ("f3", 0, 10, 0.9, "person"),  # one more on the other side
        ("f4", 0, 10, 0.2, "person"),  # under production's threshold
        ("f5", 0, 10, 0.9, "person"),  # another label is another object
    )
    candidate = boxes(
        ("f0", 0, 10, 0.9, "person"),
        ("f1", 5, 10, 0.9, "person"),
        ("f2", 0, 10, 0.4, "person"),  # under the candidate's threshold
        ("f3", 0, 10, 0.9, "person"),
        ("f3", 50, 10, 0.9, "person"),
        ("f5", 0, 10, 0.9, "dog"),
    )
    table = compare_frames(frames(*"aabbcc"), production, candidate, params())
    assert counts(table, 0) == dict(zip(COUNTS, (1, 1, 1, 0, 0, 0), strict=True))
    assert counts(table, 1) == dict(zip(COUNTS, (1, 1, 0, 1, 0, 0), strict=True))
    assert counts(table, 2) == dict(zip(COUNTS, (1, 0, 0, 0, 1, 0), strict=True))
    assert counts(table, 3) == dict(zip(COUNTS, (1, 2, 1, 0, 0, 1), strict=True))
    assert counts(table, 4) == dict.fromkeys(COUNTS, 0)
    assert counts(table, 5) == dict(zip(COUNTS, (1, 1, 0, 0, 1, 1), strict=True))
    assert list(table["kind"]) == ["", "shifted", "presence", "only_candidate", "", "only_production"]
    assert list(table["disagrees"]) == [False, True, True, True, False, True]
    assert list(table["count_difference"]) == [0, 0, -1, 1, 0, 0]


def test_each_engine_counts_from_the_scores_that_it_brings() -> None:
    said = boxes(
        ("f0", 0, 10, 0.35, "person"),
        ("f0", 50, 10, 0.35, "dog"),
        ("f0", 100, 10, 0.35, "cat"),
    )
    brought = {"production": {"person": 0.3, "dog": 0.4}, "candidate": {"person": 0.4, "cat": 0.1}}
    own = params(score_candidate=0.35).at(**brought)
    found = counts(compare_frames(frames("a"), said, said, own))
    # Production counts person and cat (from 0.25), the candidate dog (from 0.35) and cat.
    assert (found["production"], found["candidate"], found["both"]) == (2, 2, 1)
    shared = params(thresholds="shared", score_candidate=0.35).at(**brought)
    assert counts(compare_frames(frames("a"), said, said, shared))["both"] == 3


def test_predictions_on_frames_that_are_not_listed_do_not_count() -> None:
    table = compare_frames(frames("a"), boxes(("other", 0, 10, 0.9, "person")), boxes(), params())
    assert counts(table) == dict.fromkeys(COUNTS, 0)


def test_as_many_pairs_are_made_as_can_be_made() -> None:
    generator = np.random.default_rng(0)
    for _ in range(30):
        ours = [("f0", float(x), 10.0, 0.9, "person") for x in generator.uniform(0, 25, 4)]
        theirs = [("f0", float(x), 10.0, 0.9, "person") for x in generator.uniform(0, 25, 4)]
        table = compare_frames(frames("a"), boxes(*ours), boxes(*theirs), params())
        left, right = np.array([row[1] for row in ours]), np.array([row[1] for row in theirs])
        shared = np.clip(10 - np.abs(left[:, None] - right[None, :]), 0, None)
        near = shared / (20 - shared) >= 0.5
        most = max(sum(near[i, j] for i, j in enumerate(p)) for p in itertools.permutations(range(4)))
        assert counts(table)["both"] == most


def test_swapping_the_two_swaps_the_counts() -> None:
    generator = np.random.default_rng(1)
    sides = [
        boxes(
            *[
                (f"f{i}", float(x), 10.0, 0.9, "person")
                for i in range(10)
                for x in generator.uniform(0, 40, 3)
            ]
        )
        for _ in range(2)
    ]
    listed = frames(*"aaaaabbbbb")
    one, two = (compare_frames(listed, a, b, params()) for a, b in (sides, sides[::-1]))
    assert (one["both"] == two["both"]).all() and (one["shifted"] == two["shifted"]).all()
    assert (one["only_production"] == two["only_candidate"]).all()


def test_the_summary_adds_up_over_every_slice() -> None:
    generator = np.random.default_rng(2)
    listed = frames(*"aabbccdd").assign(category=["x", "y"] * 4, camera=["k1"] * 4 + ["k2"] * 4)
    sides = [
        boxes(
            *[(f"f{i}", float(x), 10.0, 0.9, "person") for i in range(8) for x in generator.uniform(0, 40, 2)]
        )
        for _ in range(2)
    ]
    table = compare_frames(listed, *sides, params())
    summary = summarise(table, params())
    for by in ("by_category", "by_camera", "by_group"):
        for key in ("frames", *COUNTS, "disagreeing_frames", "presence_frames"):
            assert sum(part[key] for part in summary[by]) == summary["overall"][key]
    rate = summary["overall"]["disagreement"]
    assert rate["estimate"] == pytest.approx(table["disagrees"].mean())
    assert rate["low"] <= rate["estimate"] <= rate["high"] and rate["groups"] == 4
    assert summary["by_group"][0]["disagreement"]["low"] is None


def test_no_frames_give_an_empty_comparison() -> None:
    table = compare_frames(tables.table([], tables.FRAMES), boxes(), boxes(), params())
    assert table.empty and list(COUNTS) == [name for name in COUNTS if name in table.columns]
    assert table["disagrees"].dtype == bool
