"""Stage A on a scene that was counted by hand, on planted detectors, and at its edges."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from provenline.errors import InputError
from provenline.evaluation.params import Gate
from provenline.evaluation.stage_a import confidence_rows, measure
from tests.evaluation import world
from tests.evaluation.world import HIGHER, box, frame, prediction

LEFT, RIGHT, FAR = (0, 0, 100, 200), (300, 0, 400, 200), (500, 200, 600, 300)


def by_hand():
    """Two videos: two people, of whom one is found; nobody, and a mannequin that is taken for one."""
    frames = [
        # Work place on the right: the smaller person there is the operator.
        frame("a0", "a", "Collar", workplace=[290.0, 0.0, 410.0, 360.0]),
        frame("a1", "a", "Collar"),  # nobody
        frame("b0", "b", "Cuffs"),  # no work place: the largest is the operator
        frame("b1", "b", "Cuffs", workplace=[0.0, 300.0, 50.0, 360.0]),  # nobody works there
        frame("b2", "b", "Cuffs", annotated=False, annotator=""),
    ]
    boxes = [
        box("a0", (0, 0, 110, 210)), box("a0", RIGHT), box("a1", FAR, "mannequin"),
        box("a1", LEFT, annotator="ben"),
        box("b0", LEFT), box("b0", (300, 0, 340, 80)), box("b1", FAR), box("b2", LEFT),
    ]  # fmt: skip
    predictions = [
        prediction("a0", RIGHT, 0.9), prediction("a0", (5, 5, 105, 205), 0.2),
        prediction("a0", RIGHT, 0.99, "hand"),
        prediction("a1", (505, 205, 600, 300), 0.6), prediction("a1", LEFT, 0.3), prediction("a1", LEFT, 0.1),
        prediction("b0", LEFT, 0.5), prediction("b0", (300, 0, 340, 80), 0.4), prediction("b0", FAR, 0.45),
        prediction("b2", LEFT, 0.9),
    ]  # fmt: skip
    return world.frames_table(frames), world.boxes_table(boxes), world.predictions_table(predictions)


def test_by_hand():
    result = measure(*by_hand(), ("person",), world.stage_a_params())
    numbers = {name: value["estimate"] for name, value in result["metrics"].items()}
    assert (result["frames"], result["frames_with_objects"], result["groups"], result["objects"]) == (
        4,
        3,
        2,
        5,
    )
    assert numbers["recall"] == 0.5  # (1/2 + 2/2 + 0/1) / 3
    assert numbers["object_recall"] == 0.6  # 3 of 5
    assert numbers["operator_found"] == 1.0  # a0 and b0; in b1 nobody is at work
    assert numbers["median_confidence"] == 0.5  # of 0.9, 0.5, 0
    assert numbers["precision"] == 0.5  # a0: 1/1; a1: 0/2; b0: 2/3
    assert numbers["false_positives_per_frame"] == 0.75
    false = {name: value for name, value in result["false_positives"].items() if name != "causes"}
    assert false == {
        "count": 3,
        "frames_with_objects": {"frames": 3, "frames_with_false_positives": 1, "count": 1},
        "frames_without_objects": {"frames": 1, "frames_with_false_positives": 1, "count": 2},
        "on_other_label": {"mannequin": 1},
        "elsewhere": 2,
    }
    assert result["confidence"]["quartiles"] == [0.25, 0.5, 0.7]
    assert sum(result["confidence"]["frames_with_objects"]) == 3
    assert sum(result["confidence"]["frames_without_objects"]) == 1
    collar = result["by_category"]["Collar"]
    assert (collar["groups"], collar["frames"], collar["objects"]) == (1, 2, 2)
    assert collar["recall"]["estimate"] == 0.5 and collar["recall"]["low"] is None
    assert result["decision"] == "inconclusive"
    assert "no verdict under 10 groups" in result["gates"][0]["reason"]
    assert result["groups_needed"] == 8
    assert [text for text in result["warnings"] if "is not counted" not in text] == [
        "2 groups: intervals under 20 are rough",
        "4 of 100000 frames wanted are there",
        "category 'Collar' has 1 of 3 groups wanted",
        "category 'Cuffs' has 1 of 3 groups wanted",
    ]


def test_frames_with_none_one_and_several_people():
    result = measure(*by_hand(), ("person",), world.stage_a_params())["by_people"]
    counted = {
        name: tuple(one[key] for key in ("groups", "frames", "objects", "found", "false_positives"))
        for name, one in result.items()
    }
    assert counted == {"none": (1, 1, 0, 0, 2), "one": (1, 1, 1, 0, 0), "several": (2, 2, 4, 3, 1)}
    assert result["none"]["recall"] is None
    assert result["none"]["frames_with_false_positives"]["estimate"] == 1.0
    assert result["none"]["median_confidence"]["estimate"] == 0.6
    assert result["one"]["recall"]["estimate"] == 0.0
    assert result["several"]["recall"]["estimate"] == 0.75  # (1/2 + 2/2) / 2
    assert result["several"]["false_positives_per_frame"]["estimate"] == 0.5


def test_the_parts_add_up():
    result = measure(*world.crowd(4), ("person",), world.stage_a_params())
    parts = result["by_category"].values()
    for key in ("frames", "objects"):
        assert sum(one[key] for one in result["by_people"].values()) == result[key]
        assert sum(one[key] for one in parts) == result[key]
    false = [one["false_positives"]["count"] for one in parts]
    assert sum(false) == result["false_positives"]["count"] > 0
    assert sum(one["failures"]["missed"] for one in parts) == result["failures"]["missed"] > 0
    assert result["failures"]["people"] == result["objects"]


def test_a_category_does_not_hang_on_the_others():
    frames, boxes, predictions = world.crowd(7, groups=12)
    params = world.stage_a_params()
    whole = measure(frames, boxes, predictions, ("person",), params)
    one = frames[frames["category"] == "c1"]
    alone = measure(one, boxes, predictions, ("person",), params)["by_category"]["c1"]
    assert whole["by_category"]["c1"] == alone


def test_the_median_has_its_interval():
    result = measure(*world.line(3, 21, 0.8), ("person",), world.stage_a_params())
    confidence = result["confidence"]
    assert confidence["median_interval"] == result["metrics"]["median_confidence"]
    assert confidence["median_interval"]["low"] <= confidence["median"]
    low, middle, high = confidence["quartiles"]
    assert low <= middle <= high and middle == confidence["median"]
    assert confidence["quartiles_without_objects"] is None


def test_by_hand_is_json_and_rows():
    result = measure(*by_hand(), ("person",), world.stage_a_params())
    assert json.loads(json.dumps(result, allow_nan=False)) == result
    rows = confidence_rows(result)
    assert len(rows) == 20 and rows[18] == {"score": 0.9, "frames": 1}


def test_the_operator_by_centre_then_overlap():
    frames = world.frames_table([frame("a", "g", workplace=[100.0, 0.0, 200.0, 100.0])])
    # The first has its centre on the work place, the second overlaps more of it.
    boxes = world.boxes_table([box("a", (90, 20, 140, 60)), box("a", (110, 0, 400, 300))])
    seen = world.predictions_table([prediction("a", (90, 20, 140, 60), 0.9)])
    found = measure(frames, boxes, seen, ("person",), world.stage_a_params())["metrics"]
    assert found["operator_found"]["estimate"] == 1.0
    frames = world.frames_table([frame("a", "g", workplace=[150.0, 0.0, 200.0, 100.0])])
    found = measure(frames, boxes, seen, ("person",), world.stage_a_params())["metrics"]
    assert found["operator_found"]["estimate"] == 0.0


@pytest.mark.parametrize(
    ("recall", "decision"), [(0.999, "ship"), (0.7, "fine_tune"), (0.955, "inconclusive")]
)
def test_planted_detectors(recall, decision):
    params = world.stage_a_params()
    result = measure(*world.line(3, 42, recall, per_group=15, spread=0.02), ("person",), params)
    assert result["decision"] == decision, result["gates"]
    assert (result["groups_needed"] is not None) == (decision == "inconclusive")


def test_one_failing_gate_is_enough():
    gates = (
        Gate(metric="recall", bound=0.5, **HIGHER),
        Gate(metric="false_positives_per_frame", bound=0.001, end="high", better="lower"),
    )
    result = measure(*world.line(3, 30, 0.95), ("person",), world.stage_a_params(gates=gates))
    assert [gate["value"] for gate in result["gates"]] == ["pass", "fail"]
    assert result["decision"] == "fine_tune"


@pytest.mark.parametrize("missing", ["frames", "boxes", "predictions", "boxes and predictions"])
def test_nothing_there(missing):
    frames, boxes, predictions = world.line(0, 12, 0.9)
    if missing == "frames":
        frames = frames.iloc[:0]
    boxes = boxes.iloc[:0] if "boxes" in missing else boxes
    predictions = predictions.iloc[:0] if "predictions" in missing else predictions
    result = measure(frames, boxes, predictions, ("person",), world.stage_a_params())
    json.dumps(result, allow_nan=False)
    if missing == "predictions":
        assert result["metrics"]["recall"]["estimate"] == 0.0 and result["decision"] == "fine_tune"
        assert result["metrics"]["precision"] is None
    else:
        assert result["metrics"]["recall"] is None and result["decision"] == "inconclusive"
        assert "no annotated person" in result["warnings"][0]


def test_a_frame_listed_twice():
    frames, boxes, predictions = by_hand()
    with pytest.raises(InputError, match="frame a0 is listed twice"):
        measure(pd.concat([frames, frames]), boxes, predictions, ("person",), world.stage_a_params())


def test_rows_in_any_order_give_one_result():
    frames, boxes, predictions = world.line(5, 12, 0.8)
    params = world.stage_a_params()
    shuffled = [table.sample(frac=1, random_state=2) for table in (frames, boxes, predictions)]
    assert measure(*shuffled, ("person",), params) == measure(frames, boxes, predictions, ("person",), params)
