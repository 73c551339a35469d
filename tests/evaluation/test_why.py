"""The diagnosis as `eval` writes it: complete, adding up, and the same numbers as the comparison's."""

from __future__ import annotations

import json

import pytest

from provenline.evaluation.assess import assess
from provenline.evaluation.case import prepare
from provenline.evaluation.compare import evaluate
from provenline.evaluation.error_budget import CAUSES
from provenline.evaluation.why import why
from tests.evaluation import world
from tests.evaluation.test_compare import PERSON, planted


@pytest.fixture(scope="module")
def given():
    return planted(0.6, 0.95, {"train": 4, "val": 4, "test": 4, "deployment": 12})


@pytest.fixture(scope="module")
def done(given):
    return assess(*given, PERSON, world.eval_params())


def test_all_of_the_comparison_is_there_and_both_models_are_diagnosed(given, done):
    result = done.result
    compared = evaluate(*given, PERSON, world.eval_params())
    assert {name: result[name] for name in compared} == compared
    assert set(done.curves) == {"precision_recall", "confidence"}
    assert result["why"]["judged_on"] == result["judged_on"] == "deployment"
    assert list(result["why"]["models"]) == ["base", "candidate"]
    json.dumps(result, allow_nan=False)


def test_errors_are_the_misses_and_false_positives_of_the_comparison(done):
    part = done.result["splits"]["deployment"]
    for model, one in done.result["why"]["models"].items():
        found = round(part[model]["recall"]["estimate"] * part["objects"])
        assert one["objects"] == part["objects"]
        false = one["detections"] - found
        assert found == pytest.approx(one["detections"] * part[model]["precision"]["estimate"], abs=0.01)
        assert [row["cause"] for row in one["budget"]] == list(CAUSES)
        assert sum(row["misses"] for row in one["budget"]) == part["objects"] - found
        assert sum(row["false_positives"] for row in one["budget"]) == false
        assert one["errors"] == sum(row["count"] for row in one["budget"]) > 0
        assert sum(one["objects_by"]["category"].values()) == part["objects"]


def test_gains_have_intervals_and_say_what_is_worth_mending(done):
    rows = {row["cause"]: row for row in done.result["why"]["models"]["base"]["budget"]}
    gain = rows["missed"]["ap_gain"]
    assert gain["low"] > 0.2 and gain["low"] <= gain["estimate"] <= gain["high"]
    ap = done.result["splits"]["deployment"]["base"]["map50"]["estimate"]
    assert ap + gain["estimate"] <= 1.0
    assert rows["duplicate"]["ap_gain"]["estimate"] == 0.0  # there is none
    better = done.result["why"]["models"]["candidate"]["budget"]
    assert better[0]["ap_gain"]["estimate"] < gain["low"]


def test_thresholds_are_chosen_on_val_and_judged_elsewhere(given, done):
    frames, boxes, predictions = given
    one = done.result["why"]["models"]["base"]["calibration"]
    assert one["exposure"]["frames"] == (frames["split"] == "deployment").sum()
    assert [row["score"] for row in one["false_positives_per_hour"]] == [0.25, 0.5]
    assert one["thresholds"][0]["bound_per_hour"] == 60
    # What is judged has no say in the choice.
    judged = set(frames.loc[frames["split"] == "deployment", "frame_id"])
    fewer = {name: table[~table["frame_id"].isin(judged)] for name, table in predictions.items()}
    case = prepare(frames, boxes, fewer, PERSON, 0.5)
    again = why(case, boxes, "deployment", world.eval_params())["models"]["base"]["calibration"]
    assert again["thresholds"][0]["score"] == one["thresholds"][0]["score"]
    assert again["detections"] == 0


def test_suspicions_are_counted(done):
    told = done.result["label_errors"]
    assert told["looked_at"] == {"train": 32, "val": 32, "test": 32}
    assert told["count"] == len(done.suspicions) == sum(told["by_kind"].values())
    assert set(done.suspicions["split"]) <= {"train", "val", "test"}


def test_one_model_and_nothing_to_judge(given):
    frames, boxes, predictions = given
    only = {"base": predictions["base"], "candidate": predictions["base"]}
    result = assess(frames, boxes, only, PERSON, world.eval_params(), same_model=True).result
    assert list(result["why"]["models"]) == ["base"]
    for fewer in (boxes.iloc[:0], boxes):
        rows = frames[frames["split"] == "train"] if len(fewer) else frames
        empty = assess(rows, fewer, predictions, PERSON, world.eval_params()).result
        assert empty["why"] is None and empty["judged_on"] is None
        json.dumps(empty, allow_nan=False)
    none = {name: table.iloc[:0] for name, table in predictions.items()}
    silent = assess(frames, boxes, none, PERSON, world.eval_params()).result
    assert silent["why"]["models"]["base"]["calibration"]["ece"] is None
    json.dumps(silent, allow_nan=False)
