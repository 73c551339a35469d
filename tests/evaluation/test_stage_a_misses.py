"""Failure modes and attributes of missed people, on a scene that was counted by hand."""

from __future__ import annotations

import json

import numpy as np
import pytest
from pydantic import ValidationError

from provenline.evaluation.stage_a import measure
from tests.evaluation import world
from tests.evaluation.world import box, frame, prediction

MIDDLE, EDGE, TINY = (200, 100, 300, 300), (0, 100, 100, 300), (500, 100, 520, 140)


def person(frame_id, xyxy, **said):
    return box(frame_id, xyxy) | {"attributes": json.dumps(said)}


def scene():
    """Frames of 640 x 360, one person in each; four of them are found."""
    boxes = [
        person("a0", MIDDLE, occluded="true", role="operator"),  # found
        person("a1", MIDDLE, occluded="true", hands_only="true", role="operator"),
        person("a2", EDGE, occluded="false", role="operator"),  # found
        person("a3", EDGE, occluded="true", role="passer_by"),
        person("b0", TINY, occluded="false", role="passer_by"),  # 800 of 230400 pixels
        person("b1", MIDDLE, occluded="false", role="operator"),  # beside a mannequin
        person("b2", MIDDLE, occluded="false", role="operator"),  # found; the mannequin is far away
        person("b3", MIDDLE),  # found; nobody said anything
        box("b1", (345, 100, 400, 300), "mannequin"),  # gap 45 of 100
        box("b2", (355, 100, 400, 300), "mannequin"),  # gap 55 of 100
        box("b3", (310, 100, 400, 300), "mannequin", annotator="ben"),  # not of the reference
    ]
    found = [("a0", MIDDLE), ("a2", EDGE), ("b2", MIDDLE), ("b3", MIDDLE)]
    predictions = [prediction(frame_id, xyxy, 0.8) for frame_id, xyxy in found]
    predictions.append(prediction("a1", MIDDLE, 0.1))  # seen, but under the threshold
    frames = [frame(f"{group}{k}", group, "Collar") for group in "ab" for k in range(4)]
    return world.frames_table(frames), world.boxes_table(boxes), world.predictions_table(predictions)


def measured(**more):
    return measure(*scene(), ("person",), world.stage_a_params(**more))


def test_modes_by_hand():
    result = measured()["failures"]
    assert (result["people"], result["missed"], result["unsure"]) == (8, 4, 1)
    rows = {row["name"]: (row["stated"], row["people"], row["missed"]) for row in result["modes"]}
    assert rows == {
        "occluded": (7, 3, 2),
        "hands only": (1, 1, 1),
        "small": (8, 1, 1),
        "cut off": (8, 2, 1),
        "near a mannequin": (8, 1, 1),
        "": (8, 2, 0),
    }
    occluded = result["modes"][0]
    assert occluded["share_of_missed"]["estimate"] == 0.5
    assert occluded["recall"]["estimate"] == pytest.approx(1 / 3, abs=1e-6)
    assert occluded["recall_of_others"]["estimate"] == 0.5  # of the four who are said not to be
    assert occluded["difference"]["estimate"] == pytest.approx(1 / 3 - 1 / 2, abs=1e-6)


def test_everybody_is_in_one_combination():
    rows = measured()["failures"]["combinations"]
    assert {tuple(row["modes"]): (row["people"], row["missed"]) for row in rows} == {
        ("occluded", "hands only"): (1, 1),
        ("occluded", "cut off"): (1, 1),
        ("small",): (1, 1),
        ("near a mannequin",): (1, 1),
        ("occluded",): (1, 0),
        ("cut off",): (1, 0),
        (): (2, 0),
    }


def test_recall_by_attribute():
    result = measured()["by_attribute"]
    roles = {value: (one["people"], one["missed"]) for value, one in result["role"].items()}
    assert roles == {"": (1, 0), "operator": (5, 2), "passer_by": (2, 2)}
    assert result["role"]["operator"]["recall"]["estimate"] == 0.6
    assert result["occluded"]["true"]["recall"]["groups"] == 1
    assert set(result["hands_only"]) == {"", "true"}
    for values in result.values():
        assert sum(one["people"] for one in values.values()) == 8
        assert sum(one["missed"] for one in values.values()) == 4


@pytest.mark.parametrize("seed", range(3))
def test_misses_add_up_on_any_scene(seed):
    frames, boxes, predictions = world.crowd(seed, frames=60)
    rng = np.random.default_rng(seed)
    boxes["attributes"] = [
        json.dumps({"occluded": str(rng.choice(["true", "false"]))} if rng.random() < 0.8 else {})
        for _ in range(len(boxes))
    ]
    result = measure(frames, boxes, predictions, ("person", "hand"), world.stage_a_params())
    for part in (result, *result["by_category"].values()):
        failures = part["failures"]
        combined = failures["combinations"]
        assert sum(row["people"] for row in combined) == part["objects"] == failures["people"]
        assert sum(row["missed"] for row in combined) == failures["missed"]
        for row in failures["modes"]:
            mine = [
                one
                for one in combined
                if row["name"] in one["modes"] or (one["modes"], row["name"]) == ([], "")
            ]
            assert sum(one["missed"] for one in mine) == row["missed"]
            assert sum(one["people"] for one in mine) == row["people"]
        for values in part["by_attribute"].values():
            assert sum(one["missed"] for one in values.values()) == failures["missed"]


def test_a_mode_near_ones_own_label_is_not_oneself():
    modes = ({"name": "crowded", "kind": "near", "label": "person", "reach": 0.1},)
    assert measured(failure_modes=modes)["failures"]["modes"][0]["people"] == 0
    frames, boxes, predictions = scene()
    boxes = world.boxes_table([*boxes.to_dict("records"), person("b3", (305, 100, 400, 300))])
    params = world.stage_a_params(failure_modes=modes)
    assert measure(frames, boxes, predictions, ("person",), params)["failures"]["modes"][0]["people"] == 2


def test_what_nobody_said_is_no_zero():
    result = measure(*world.line(0, 12, 0.8), ("person",), world.stage_a_params())
    modes = {row["name"]: row for row in result["failures"]["modes"]}
    assert modes["occluded"]["stated"] == 0 and modes["small"]["stated"] == result["objects"]
    silent = [text for text in result["warnings"] if "is not counted" in text]
    assert len(silent) == 2 and "'hands_only'" in silent[1]


def test_without_modes_and_attributes():
    result = measured(failure_modes=(), attributes=(), role="")
    assert result["by_attribute"] == {}
    assert [row["name"] for row in result["failures"]["modes"]] == [""]
    assert result["failures"]["combinations"] == [{"modes": [], "people": 8, "missed": 4}]


def test_a_mode_is_named_once():
    mode = {"name": "small", "kind": "small", "share": 0.01}
    with pytest.raises(ValidationError, match="named twice"):
        world.stage_a_params(failure_modes=(mode, mode))
