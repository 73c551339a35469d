"""Cuts of a comparison by every axis, each against the same frames or objects measured alone."""

from __future__ import annotations

import numpy as np
import pytest

from provenline import tables
from provenline.evaluation.average_precision import COCO_IOUS
from provenline.evaluation.coco_library import accumulated
from provenline.evaluation.compare import evaluate
from provenline.evaluation.matching import match
from provenline.evaluation.operating import choose
from tests.evaluation import world

LABELS = ("person", "hand")
PARAMS = world.eval_params(interval=world.INTERVAL.model_copy(update={"replicates": 100}))


@pytest.fixture(scope="module")
def footage():
    frames, boxes, predictions = world.wild(5, frames=96, groups=24, full=30)
    number = frames["group"].str[1:].astype(int)
    frames = frames.assign(
        split=np.where(number < 6, "val", "deployment"),
        camera=np.where(number % 2, "left", "right"),
        day=np.where(number % 3, "2024-05-01", ""),
    )
    return frames, boxes, {"base": predictions.iloc[::2].reset_index(drop=True), "candidate": predictions}


@pytest.fixture(scope="module")
def result(footage):
    return evaluate(*footage, LABELS, PARAMS)


@pytest.mark.parametrize(
    ("axis", "column"), [("by_category", "category"), ("by_camera", "camera"), ("by_day", "day")]
)
def test_a_cut_through_the_frames_is_those_frames_alone(footage, result, axis, column):
    frames, boxes, predictions = footage
    field = frames[frames["split"] == "deployment"]
    given = result["splits"]["deployment"][axis]
    assert list(given) == sorted(field[column].unique())
    name = list(given)[-1]
    alone = evaluate(field[field[column] == name], boxes, predictions, LABELS, PARAMS)["splits"]["deployment"]
    part = given[name]
    for key in ("groups", "frames", "objects", "mcnemar"):
        assert part[key] == alone[key]
    for which in ("base", "candidate", "difference"):
        assert set(part[which]) == {"map50", "precision", "recall", "f1", "count_mae"}
        assert part[which] == {metric: alone[which][metric] for metric in part[which]}


def test_cameras_and_days_that_nobody_named_are_left_out(footage):
    frames, boxes, predictions = footage
    bare = frames.assign(camera="", day="")
    part = evaluate(bare, boxes, predictions, LABELS, PARAMS)["splits"]["deployment"]
    assert "by_camera" not in part and "by_day" not in part and "by_category" in part


def test_a_class_is_measured_as_if_it_were_the_only_one(footage, result):
    frames, boxes, predictions = footage
    given = result["splits"]["deployment"]
    assert list(given["by_class"]) == list(LABELS)
    for label in LABELS:
        alone = evaluate(frames, boxes, predictions, (label,), PARAMS)["splits"]["deployment"]
        part = given["by_class"][label]
        assert part["objects"] == alone["objects"] and part["frames"] == given["frames"]
        assert part["candidate"] == {name: alone["candidate"][name] for name in part["candidate"]}
        assert alone["by_class"][label] == {**part, "mcnemar": alone["mcnemar"]}
        library = given["candidate"]["coco"]["per_class"][label]["map50"]
        assert part["candidate"]["map50"]["estimate"] == pytest.approx(library, abs=1e-6)


def test_sizes_against_the_library(footage, result):
    frames, boxes, predictions = footage
    kept = frames[frames["split"] == "deployment"]
    truth = tables.truth(kept, boxes, LABELS)
    sides = truth["x2"] - truth["x1"], truth["y2"] - truth["y1"]
    crowd = truth["attributes"].str.contains("crowd")
    area = (sides[0] * sides[1])[~crowd]
    counted = accumulated(kept, truth, predictions["candidate"], LABELS, COCO_IOUS)
    bounds = {"small": (0, 32**2), "medium": (32**2, 96**2), "large": (96**2, 1e10)}
    given = result["splits"]["deployment"]["by_size"]
    assert list(given) == list(bounds)
    for place, (size, (low, high)) in enumerate(bounds.items(), start=1):
        precision = np.asarray(counted["precision"])[0, :, :, place, -1]
        assert given[size]["candidate"]["map50"]["estimate"] == pytest.approx(
            precision[precision > -1].mean(), abs=1e-6
        )
        assert given[size]["objects"] == ((area >= low) & (area <= high)).sum() > 0
        assert "count_mae" not in given[size]["candidate"]


def test_each_model_is_judged_at_what_was_chosen_for_it_on_val(footage, result):
    frames, boxes, predictions = footage
    val, field = (frames[frames["split"] == name] for name in ("val", "deployment"))
    assert result["thresholds"]["chosen_on"] == "val"
    for model, table in predictions.items():
        ids = val["frame_id"].tolist()
        chosen = choose(match(ids, tables.truth(val, boxes, LABELS), table, LABELS, [0.5]), 0.5)
        assert result["thresholds"][model] == {label: one.to_dict() for label, one in chosen.items()}
        # With what lies below them taken away, no threshold is needed any more.
        least = table["label"].map({label: one.score for label, one in chosen.items()})
        kept = {"base": table[table["score"] >= least]}
        alone = evaluate(
            field, boxes, kept, LABELS, PARAMS.model_copy(update={"score": 0.0}), same_model=True
        )
        own = result["splits"]["deployment"]["own"][model]
        assert own == {name: alone["splits"]["deployment"]["base"][name] for name in own}
        assert set(own) == {"precision", "recall", "f1", "count_mae"}
    own = result["splits"]["deployment"]["own"]
    gain = own["candidate"]["count_mae"]["estimate"] - own["base"]["count_mae"]["estimate"]
    assert own["difference"]["count_mae"]["estimate"] == pytest.approx(gain, abs=2e-6)


def test_a_label_that_is_not_on_val_keeps_the_common_threshold(footage):
    frames, boxes, predictions = footage
    on_val = boxes["frame_id"].isin(frames.loc[frames["split"] == "val", "frame_id"])
    rare = boxes[~(on_val & (boxes["label"] == "hand"))].reset_index(drop=True)
    result = evaluate(frames, rare, predictions, LABELS, PARAMS)
    assert result["thresholds"]["base"]["hand"] is None and result["thresholds"]["base"]["person"]
    said = [text for text in result["warnings"] if "no threshold of hand" in text]
    assert len(said) == 2 and said[0].endswith("its own is 0.25, as for all")


def test_counting_errors_can_be_a_gate():
    frames, boxes, predictions = world.line(4, 24, 0.97, spread=0.01)
    frames["split"] = "test"
    gate = world.Gate(metric="count_mae", bound=0.3, end="high", better="lower")
    params = world.eval_params(gates=(gate,))
    result = evaluate(frames, boxes, {"base": predictions}, ("person",), params, same_model=True)
    found = result["splits"]["test"]["candidate"]["count_mae"]
    seen = predictions[predictions["score"] >= 0.25].groupby("frame_id").size()
    wrong = [abs(int(seen.get(frame_id, 0)) - 1) for frame_id in frames["frame_id"]]
    assert found["estimate"] == pytest.approx(np.mean(wrong), abs=1e-6) and found["high"] < 0.3
    assert result["targets"][0]["value"] == "pass"
