"""Planted better, equal and worse candidates; the same model; curves."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from provenline import tables
from provenline.evaluation.average_precision import coco_metrics
from provenline.evaluation.case import prepare
from provenline.evaluation.compare import evaluate
from provenline.evaluation.curves import curves
from provenline.evaluation.params import EvalParams, Gate
from tests.evaluation import world

PERSON = ("person",)
SHARES = {"train": 10, "val": 4, "test": 4, "deployment": 24}
FIELD = {"deployment": 24}


def planted(base: float, candidate: float, shares=None, categories=7):
    """Return frames with splits, boxes, and both models' predictions, at these recalls."""
    shares = shares or SHARES
    groups = sum(shares.values())
    frames, boxes, worse = world.line(1, groups, base, spread=0.02, categories=categories)
    better = world.line(2, groups, candidate, spread=0.02)[2]
    names = np.repeat(list(shares), list(shares.values()))
    frames["split"] = frames["group"].map(dict(zip(sorted(frames["group"].unique()), names, strict=True)))
    return frames, boxes, {"base": worse, "candidate": better}


@pytest.fixture(scope="module")
def better():
    return evaluate(*planted(0.5, 0.95), PERSON, world.eval_params())


def test_a_better_candidate(better):
    result = better
    assert list(result["splits"]) == list(SHARES)
    assert result["judged_on"] == "deployment" and result["better"]
    assert result["improvement"]["value"] == "pass" and result["improvement"]["metric"] == "recall"
    assert result["improvement"]["reason"].startswith("difference in recall 0.")
    assert [target["value"] for target in result["targets"]] == ["pass", "pass"]
    part = result["splits"]["deployment"]
    assert part["groups"] == 24 and part["frames"] == part["objects"] == 192
    gain = part["difference"]["recall"]
    assert gain["estimate"] == pytest.approx(
        part["candidate"]["recall"]["estimate"] - part["base"]["recall"]["estimate"], abs=2e-6
    )
    assert part["mcnemar"]["p_value"] < 0.001
    assert set(part["by_category"]) == {f"c{k}" for k in range(7)}
    assert part["by_category"]["c0"]["difference"]["map50"]["groups"] == part["by_category"]["c0"]["groups"]
    json.dumps(result, allow_nan=False)


def test_an_equal_candidate():
    frames, boxes, predictions = planted(0.8, 0.8, FIELD, categories=1)
    result = evaluate(frames, boxes, predictions, PERSON, world.eval_params())
    assert not result["better"] and result["improvement"]["value"] == "inconclusive"
    twin = evaluate(
        frames,
        boxes,
        {"base": predictions["base"], "candidate": predictions["base"]},
        PERSON,
        world.eval_params(),
    )
    gain = twin["splits"]["deployment"]["difference"]["map50"]
    # No object speaks for either; that proves no more than so many objects can.
    assert gain["estimate"] == 0.0 and gain["low"] == -gain["high"] < 0
    assert not twin["better"] and twin["improvement"]["value"] == "inconclusive"
    assert twin["improvement"]["groups_needed"] is None
    assert twin["rule"]["value"] == "inconclusive"


def test_a_worse_candidate():
    result = evaluate(*planted(0.95, 0.5, FIELD, categories=1), PERSON, world.eval_params())
    assert not result["better"] and result["improvement"]["value"] == "fail"
    assert result["targets"][1]["value"] == "fail"
    assert result["rule"]["value"] == "training_problem" and result["non_inferiority"]["value"] == "fail"


@pytest.mark.slow
def test_false_alarms_of_equal_candidates_are_rare():
    gains = []
    for seed in range(12):
        frames, boxes, base = world.line(100 + seed, 20, 0.8, per_group=4)
        frames["split"] = "deployment"
        candidate = world.line(500 + seed, 20, 0.8, per_group=4)[2]
        params = world.eval_params(interval=world.INTERVAL.model_copy(update={"replicates": 100}))
        models = {"base": base, "candidate": candidate}
        gains.append(evaluate(frames, boxes, models, PERSON, params)["better"])
    assert sum(gains) <= 2


def test_the_same_model_is_not_compared():
    frames, boxes, predictions = planted(0.8, 0.9, FIELD, categories=1)
    only = {"base": predictions["base"]}
    result = evaluate(frames, boxes, only, PERSON, world.eval_params(), same_model=True)
    part = result["splits"]["deployment"]
    assert part["difference"] is None and part["mcnemar"] is None and result["improvement"] is None
    assert part["candidate"] == part["base"] and not result["better"]
    assert part["own"]["candidate"] == part["own"]["base"] and part["own"]["difference"] is None
    assert all(result[name] is None for name in ("holm", "non_inferiority", "rule"))
    assert {row["of"] for row in result["plan"]["rows"]} == {"candidate"}
    assert "the candidate is the base" in result["warnings"][0]
    assert result["targets"][0]["metric"] == "map50"


def test_intervals_stand_around_the_librarys_number(better):
    frames, boxes, predictions = planted(0.5, 0.95)
    for split, part in better["splits"].items():
        for model in ("base", "candidate"):
            kept = frames[frames["split"] == split]
            library = coco_metrics(kept, tables.truth(kept, boxes, PERSON), predictions[model], PERSON)
            assert part[model]["coco"] == library
            for name in ("map50", "map"):
                assert part[model][name]["estimate"] == pytest.approx(library[name], abs=1e-6)
                assert part[model][name]["low"] <= part[model][name]["estimate"] <= part[model][name]["high"]


def test_two_labels_ties_and_empty_frames():
    frames, boxes, predictions = world.crowd(3, frames=120, groups=24)
    frames["split"] = "deployment"
    models = {"base": predictions.iloc[::2], "candidate": predictions}
    budget = world.WHY.budget.model_copy(update={"foreground": 0.6})
    params = world.eval_params(iou=0.6, why=world.WHY.model_copy(update={"budget": budget}))
    result = evaluate(frames, boxes, models, ("person", "hand"), params)
    part = result["splits"]["deployment"]
    assert part["candidate"]["map"]["estimate"] == pytest.approx(part["candidate"]["coco"]["map"], abs=1e-6)
    assert set(part["candidate"]["coco"]["per_class"]) == {"person", "hand"}


def test_another_overlap_for_causes_is_refused():
    with pytest.raises(ValueError, match="foreground must be iou"):
        world.eval_params(iou=0.6)


def test_frames_that_nobody_annotated_stretch_no_hour():
    """120 frames at 5 s, of which every tenth is annotated: each still stands for 5 s."""
    frames, boxes, predictions = world.crowd(3, frames=120, groups=1)
    frames = frames.assign(split="deployment", media="a", time_ms=[5000 * n for n in range(120)])
    few = frames.assign(annotated=[n % 10 == 0 for n in range(120)])
    case = prepare(few, boxes, {"base": predictions}, ("person",), 0.5)
    assert len(case.frames) == 12 and case.frames["hours"].sum() == pytest.approx(12 * 5 / 3600)


def test_without_deployment_test_is_judged():
    shares = {"train": 4, "val": 2, "test": 12}
    result = evaluate(*planted(0.5, 0.95, shares, categories=1), PERSON, world.eval_params())
    assert result["judged_on"] == "test" and result["better"]
    assert "judged on test" in result["warnings"][0]


def test_few_groups_are_not_better():
    result = evaluate(*planted(0.2, 0.99, {"test": 6}, categories=1), PERSON, world.eval_params())
    assert result["splits"]["test"]["difference"]["recall"]["low"] > 0
    assert not result["better"] and result["improvement"]["value"] == "inconclusive"


@pytest.mark.parametrize("missing", ["boxes", "predictions", "frames"])
def test_nothing_there(missing):
    frames, boxes, models = planted(0.5, 0.9, {"val": 2, "test": 4}, categories=1)
    frames = frames.iloc[:0] if missing == "frames" else frames
    boxes = boxes.iloc[:0] if missing == "boxes" else boxes
    if missing == "predictions":
        models = {name: table.iloc[:0] for name, table in models.items()}
    result = evaluate(frames, boxes, models, PERSON, world.eval_params())
    json.dumps(result, allow_nan=False)
    assert not result["better"]
    if missing == "predictions":
        assert result["splits"]["test"]["candidate"]["map50"]["estimate"] == 0.0
        assert result["splits"]["test"]["candidate"]["precision"] is None
    else:
        assert result["judged_on"] is None and result["targets"][0]["value"] == "inconclusive"
        assert result["plan"] == {"rows": [], "sentences": []}
        assert result["rule"]["value"] == result["non_inferiority"]["value"] == "inconclusive"
    assert result["thresholds"]["base"] == {"person": None}
    assert any("no threshold of person" in text for text in result["warnings"])


def test_frames_without_a_split_are_left_out():
    frames, boxes, models = planted(0.5, 0.95, {"test": 10}, categories=1)
    extra = frames.iloc[:3].assign(frame_id=["x", "y", "z"], split=["", None, "other"])
    grown = pd.concat([frames, extra], ignore_index=True)
    given, more = (evaluate(table, boxes, models, PERSON, world.eval_params()) for table in (frames, grown))
    assert given == more


def test_curves(better):
    frames, boxes, models = planted(0.5, 0.95)
    rows = curves(frames, boxes, models, PERSON, world.eval_params(), bins=10)
    points = pd.DataFrame(rows["precision_recall"])
    assert points.groupby(["model", "split", "category"]).size().max() <= 101
    whole = points[(points["category"] == "") & (points["split"] == "deployment")]
    library = better["splits"]["deployment"]
    for model, part in whole.groupby("model"):
        assert part["precision"].sum() / 101 == pytest.approx(library[model]["coco"]["map50"], abs=1e-5)
        assert part["precision"].is_monotonic_decreasing
    histogram = pd.DataFrame(rows["confidence"])
    assert histogram[histogram["split"] == "deployment"].groupby("model")["frames"].sum().tolist() == [
        192,
        192,
    ]
    assert (
        curves(frames, boxes.iloc[:0], models, PERSON, world.eval_params(), bins=10)["precision_recall"] == []
    )


def test_unknown_metrics_are_refused():
    with pytest.raises(ValueError, match="unknown metric 'map51'"):
        world.eval_params(gates=(Gate(metric="map51", bound=0.5, **world.HIGHER),))
    with pytest.raises(ValueError, match="known are recall, map50"):
        world.eval_params(improvement=Gate(metric="f1", bound=0.0, **world.HIGHER))
    with pytest.raises(ValueError, match="confidence_bins"):
        world.stage_a_params(confidence_bins=0)
    assert EvalParams.model_validate(world.eval_params().model_dump()) == world.eval_params()
