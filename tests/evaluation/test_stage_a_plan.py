"""What Stage A's footage can tell, on worlds whose spread is known."""

from __future__ import annotations

import re

import numpy as np
import pytest

from provenline.evaluation.params import Gate
from provenline.evaluation.stage_a import measure
from tests.evaluation import world
from tests.evaluation.world import HIGHER, box, frame, prediction

RECALL = (Gate(metric="recall", bound=0.95, **HIGHER),)


def planned(tables, **more):
    result = measure(*tables, ("person",), world.stage_a_params(**({"gates": RECALL} | more)))
    return result, {(row["metric"], row["category"]): row for row in result["plan"]["rows"]}


def test_an_open_verdict_says_what_it_cannot_tell():
    result, rows = planned(world.line(1, 21, 0.965, per_group=12, spread=0.02))
    gate, row = result["gates"][0], rows["recall", ""]
    assert gate["value"] == "inconclusive" and row["cannot_tell"][1] == 0.95
    assert row["groups_needed"] > 21 and row["groups_more"] == row["groups_needed"] - 21
    said = result["plan"]["sentences"][0]
    pattern = (
        r"recall of the base: 21 videos with 252 frames cannot tell 0\.9\d+ from 0\.95\d*; about (\d+) videos"
    )
    assert int(re.match(pattern, said)[1]) == row["groups_needed"]


def test_a_settled_verdict_says_what_it_tells():
    result, rows = planned(world.line(1, 21, 0.6, per_group=12))
    assert rows["recall", ""]["cannot_tell"] is None and rows["recall", ""]["groups_needed"] is None
    assert re.match(
        r"recall of the base: 21 videos with 252 frames tell 0\.\d+ from 0\.95$",
        result["plan"]["sentences"][0],
    )


def halves(of_group: bool):
    """Twenty groups of eight frames: half of the groups are found whole, or half of each group's frames."""
    rows = [(g, k) for g in range(20) for k in range(8)]
    frames = [frame(f"g{g:02d}_{k}", f"g{g:02d}", f"c{g % 2}") for g, k in rows]
    boxes = [box(one["frame_id"], (100, 100, 200, 300)) for one in frames]
    there = [(g // 2 if of_group else k) % 2 == 0 for g, k in rows]
    found = [
        prediction(one["frame_id"], (100, 100, 200, 300), 0.9)
        for one, is_found in zip(frames, there, strict=True)
        if is_found
    ]
    return world.frames_table(frames), world.boxes_table(boxes), world.predictions_table(found)


def test_where_videos_differ_more_frames_are_no_use():
    gates = (Gate(metric="recall", bound=0.55, **HIGHER),)
    result, rows = planned(halves(of_group=True), gates=gates)
    assert rows["recall", ""]["icc"] == pytest.approx(1.0, abs=1e-6)
    # The spread of a share that is 0 or 1 in each of 20 groups, 10 of each.
    assert rows["recall", ""]["group_sd"] == pytest.approx(np.std([0, 1] * 10, ddof=1), abs=1e-6)
    assert any("more frames of the same videos could not" in text for text in result["plan"]["sentences"])


def test_where_videos_are_alike_they_all_tell():
    _, rows = planned(halves(of_group=False))
    assert rows["recall", ""]["icc"] == 0.0
    assert rows["recall", ""]["frame_sd"] == pytest.approx(0.5 * np.sqrt(8 / 7), abs=1e-6)


def test_categories_borrow_the_common_spread():
    frames, boxes, predictions = world.line(2, 21, 0.8, per_group=12)
    result, rows = planned((frames, boxes, predictions))
    mine = [row for (_, category), row in rows.items() if category]
    assert [row["category"] for row in mine] == [f"c{k}" for k in range(7)]
    assert all(row["pooled"] and row["groups"] == 3 and row["cannot_tell"] is None for row in mine)
    widest = max(mine, key=lambda row: row["half_width"])["category"]
    assert f"recall is least certain on {widest}: " in result["plan"]["sentences"][-1]


def test_the_median_is_planned_too():
    gates = (*RECALL, Gate(metric="median_confidence", bound=0.72, **HIGHER))
    _, rows = planned(world.line(3, 21, 0.97, per_group=12), gates=gates)
    row = rows["median_confidence", ""]
    assert row["cannot_tell"] is not None and row["groups_needed"] > 21
    assert "of the base" in row["about"]


@pytest.mark.parametrize("missing", [0, 1])
def test_nothing_to_plan_from(missing: int):
    tables = list(world.line(0, 12, 0.9))
    tables[missing] = tables[missing].iloc[:0]
    _, rows = planned(tables)
    assert rows["recall", ""]["reason"] == "not measurable"
