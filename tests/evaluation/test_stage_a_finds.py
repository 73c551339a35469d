"""What false finds are: on a scene that was counted by hand, and against loops over single boxes."""

from __future__ import annotations

import json

import numpy as np
import pytest

from provenline import tables
from provenline.evaluation.stage_a import measure
from provenline.evaluation.stage_a_seen import frame_rows
from tests.evaluation import world
from tests.evaluation.world import box, frame, prediction

WORK, BY, DUMMY, NOTHING = (0, 0, 100, 200), (300, 0, 380, 160), (500, 0, 600, 200), (200, 220, 260, 340)


def scene():
    frames = [frame("a0", "a", "Collar"), frame("a1", "a", "Collar"), frame("b0", "b", "Cuffs")]
    passer_by = box("a0", BY) | {"attributes": json.dumps({"role": "passer_by"})}
    boxes = [box("a0", WORK), passer_by, box("a0", DUMMY, "mannequin"), box("a1", DUMMY, "machine")]
    predictions = [
        prediction("a0", WORK, 0.9),  # the operator
        prediction("a0", (5, 0, 105, 200), 0.8),  # the operator again
        prediction("a0", (0, 0, 100, 60), 0.7),  # on the operator, but only the head
        prediction("a0", BY, 0.6),  # somebody else
        prediction("a0", (510, 0, 610, 200), 0.5),  # the mannequin
        prediction("a0", (595, 0, 640, 200), 0.4),  # at its side: overlap under 0.1
        prediction("a0", DUMMY, 0.2),  # under the threshold
        prediction("a1", DUMMY, 0.9),  # a machine
        prediction("b0", NOTHING, 0.9),
    ]
    return world.frames_table(frames), world.boxes_table(boxes), world.predictions_table(predictions)


def causes(part):
    return {(row["cause"], row["label"]): row["count"] for row in part["false_positives"]["causes"]}


def test_causes_by_hand():
    result = measure(*scene(), ("person",), world.stage_a_params())
    assert causes(result) == {
        ("duplicate", ""): 1,
        ("localisation", ""): 1,
        ("other_label", "machine"): 1,
        ("other_label", "mannequin"): 1,
        ("background", ""): 2,
    }
    assert result["false_positives"]["on_other_label"] == {"machine": 1, "mannequin": 1}
    assert result["false_positives"]["elsewhere"] == 4
    background = result["false_positives"]["causes"][-1]
    assert background["frames"] == 2 and background["per_frame"]["estimate"] == pytest.approx(2 / 3, abs=1e-6)
    assert causes(result["by_category"]["Cuffs"])[("background", "")] == 1
    assert causes(result["by_category"]["Cuffs"])[("other_label", "mannequin")] == 0


def test_outside_the_operator():
    result = measure(*scene(), ("person",), world.stage_a_params())["outside_operator"]
    assert result == {
        "detections": 8,
        "operator": 1,
        "count": 7,
        "other_people": 1,
        "by_role": {"passer_by": 1},
        "false": 6,
    }


def test_rows_of_frames():
    rows = frame_rows(*scene(), ("person",), world.stage_a_params())
    assert [tuple(row.values())[3:] for row in rows] == [
        (2, 0, 4, "", "background; duplicate; localisation; mannequin"),
        (0, 0, 1, "", "machine"),
        (0, 0, 1, "", "background"),
    ]
    assert [tuple(row)[:3] for row in rows] == [("frame_id", "category", "group")] * 3
    frames, boxes, predictions = scene()
    rows = frame_rows(frames, boxes, predictions.iloc[:0], ("person",), world.stage_a_params())
    assert rows[0]["missed"] == 2 and rows[0]["whom"] == "cut off"


def overlap(a, b):
    wide, high = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    shared = max(wide, 0.0) * max(high, 0.0)
    return shared / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared)


def by_loops(frames, boxes, predictions, params):
    """Count causes the slow way: one frame, one detection after the other, in pycocotools' order."""
    counted = {"found": 0, "duplicate": 0, "localisation": 0, "other_label": 0, "background": 0}
    for frame_id in frames["frame_id"]:
        here = boxes[boxes["frame_id"] == frame_id]
        things = [(row.label, [row.x1, row.y1, row.x2, row.y2]) for row in here.itertuples()]
        seen = predictions[(predictions["frame_id"] == frame_id) & (predictions["label"] == "person")]
        seen = seen.sort_values("score", ascending=False, kind="stable")
        free = [place for place, (label, _) in enumerate(things) if label == "person"]
        for row in seen[seen["score"] >= params.score].itertuples():
            ious = [overlap([row.x1, row.y1, row.x2, row.y2], xyxy) for _, xyxy in things]
            able = [place for place in free if ious[place] >= params.iou]
            if able:
                free.remove(max(able, key=lambda place: (ious[place], place)))
                counted["found"] += 1
                continue
            most = max(ious, default=0.0)
            labels = {things[place][0] for place, iou in enumerate(ious) if iou == most}
            if most < params.near_iou:
                counted["background"] += 1
            elif "person" not in labels:
                counted["other_label"] += 1
            else:
                counted["duplicate" if most >= params.iou else "localisation"] += 1
    return counted


@pytest.mark.parametrize("seed", range(4))
def test_every_false_find_has_one_cause(seed):
    frames, boxes, predictions = world.crowd(seed)
    params = world.stage_a_params()
    result = measure(frames, boxes, predictions, ("person",), params)
    counted = by_loops(frames, boxes, predictions, params)
    mine = {name: sum(n for (cause, _), n in causes(result).items() if cause == name) for name in counted}
    outside = result["outside_operator"]
    mine["found"] = outside["operator"] + outside["other_people"]
    assert mine == counted
    assert min(counted.values()) > 0
    for part in (result, *result["by_category"].values()):
        false = part["false_positives"]["count"]
        assert sum(causes(part).values()) == false == part["outside_operator"]["false"]
        assert part["outside_operator"]["detections"] == part["outside_operator"]["operator"] + (
            part["outside_operator"]["other_people"] + false
        )


def test_one_class_taken_for_another_is_named():
    frames, boxes, predictions = scene()
    predictions = world.predictions_table(
        [*predictions.to_dict("records"), prediction("a0", WORK, 0.9, label="hand")]
    )
    result = measure(frames, boxes, predictions, ("person", "hand"), world.stage_a_params())
    assert causes(result)[("other_label", "person")] == 1


def test_operators_and_others_are_all_who_were_found():
    frames, boxes, predictions = world.crowd(11)
    result = measure(frames, boxes, predictions, ("person",), world.stage_a_params())
    recall = result["metrics"]["object_recall"]["estimate"]
    found = result["outside_operator"]["operator"] + result["outside_operator"]["other_people"]
    assert recall == pytest.approx(found / result["objects"], abs=1e-6)
    share = result["metrics"]["operator_found"]["estimate"]
    occupied = len(np.unique(tables.truth(frames, boxes, ["person"])["frame_id"]))
    assert share == pytest.approx(result["outside_operator"]["operator"] / occupied, abs=1e-6)
