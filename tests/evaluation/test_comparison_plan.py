"""What the comparison plans: its rows against the tables they come from, and its sentences."""

from __future__ import annotations

import numpy as np
import pytest

from provenline.evaluation.compare import evaluate
from provenline.evaluation.params import Gate
from provenline.evaluation.plan_answers import answers, legend, sentence
from provenline.evaluation.plan_rows import spread_of
from provenline.evaluation.planning import EVEN, groups_for
from provenline.evaluation.variance import Components
from tests.evaluation import world

GATES = (Gate(metric="recall", bound=0.9, **world.HIGHER), Gate(metric="map50", bound=0.3, **world.HIGHER))
PARAMS = world.eval_params(gates=GATES, improvement=Gate(metric="map50", bound=0.0, **world.HIGHER))


@pytest.fixture(scope="module")
def footage():
    frames, boxes, base = world.line(1, 21, 0.86, per_group=12, spread=0.1)
    candidate = world.line(2, 21, 0.9, per_group=12, spread=0.08)[2]
    return frames.assign(split="deployment"), boxes, {"base": base, "candidate": candidate}


@pytest.fixture(scope="module")
def planned(footage):
    return evaluate(*footage, ("person",), PARAMS)["plan"]


def of(planned, about):
    return next(row for row in planned["rows"] if row["about"] == about)


def test_components_against_an_analysis_of_variance_of_the_table(footage, planned):
    """One person in each frame: the recall is a mean of zeros and ones."""
    frames, _, predictions = footage
    near = predictions["candidate"].query("score >= 0.25 and x1 < 300")["frame_id"]
    hits = frames["frame_id"].isin(near).to_numpy().astype(float).reshape(21, 12)
    between, within = 12 * hits.mean(axis=1).var(ddof=1), hits.var(axis=1, ddof=1).mean()
    row = of(planned, "recall of the candidate")
    assert (row["groups"], row["frames"], row["frames_per_group"]) == (21, 252, 12)
    assert row["estimate"] == pytest.approx(hits.mean(), abs=1e-6)
    assert row["frame_sd"] ** 2 == pytest.approx(within, rel=1e-4)
    assert row["group_sd"] ** 2 == pytest.approx((between - within) / 12, rel=1e-4)
    assert row["icc"] == pytest.approx((between - within) / (between + 11 * within), rel=1e-4)


def test_a_paired_difference_has_the_spread_of_the_differences(footage, planned):
    frames, _, predictions = footage
    found = {
        model: frames["frame_id"].isin(table.query("score >= 0.25 and x1 < 300")["frame_id"]).astype(float)
        for model, table in predictions.items()
    }
    gain = (found["candidate"] - found["base"]).to_numpy().reshape(21, 12).mean(axis=1)
    row = of(planned, "difference in recall")
    spread = row["group_sd"] ** 2 + row["frame_sd"] ** 2 / 12
    assert spread == pytest.approx(gain.var(ddof=1), rel=1e-4)
    apart = np.mean(found["candidate"]) - np.mean(found["base"])
    seen = Components(21, 12, spread**0.5, None, row["freedom"], row["skew"])
    needed = groups_for(seen, apart, 0.95, 0.8, "low")
    assert row["groups_needed"] == pytest.approx(needed, abs=1)


def test_average_precision_is_planned_from_its_bootstrap(planned):
    row = of(planned, "difference in map50")
    assert row["frame_sd"] is None and row["icc"] is None
    expected = 1.96 * row["group_sd"] / 21**0.5
    assert row["half_width"] == pytest.approx(expected, rel=0.15)


def test_gates_ask_and_what_is_settled_is_said_so(planned):
    recall, map50 = (of(planned, f"{name} of the candidate") for name in ("recall", "map50"))
    assert recall["cannot_tell"] == [recall["estimate"], 0.9] and recall["groups_needed"] > 21
    assert map50["cannot_tell"] is None and map50["reason"].endswith("from 0.30")
    assert recall["reason"].startswith("21 videos with 252 frames cannot tell 0.87 from 0.90; about ")
    assert f"about {recall['groups_needed']} videos could" in recall["reason"]


def test_categories_of_three_videos_borrow_the_spread_within_categories(planned):
    mine = [row for row in planned["rows"] if row["category"]]
    assert {row["category"] for row in mine} == {f"c{k}" for k in range(7)}
    assert {row["about"].split(",")[0] for row in mine} == {
        "recall of the candidate", "map50 of the candidate", "difference in recall", "difference in map50",
    }  # fmt: skip
    assert all(row["pooled"] and row["groups"] == 3 for row in mine)
    spreads = {row["group_sd"] for row in mine if row["about"].startswith("difference in recall")}
    assert len(spreads) == 1 and 0 < spreads.pop() < 0.3
    asked = [row for row in mine if row["of"] == "difference" and row["groups_needed"]]
    assert asked and all(row["groups_needed"] >= 10 for row in asked)


def test_a_category_with_enough_videos_has_its_own_spread():
    frames, boxes, base = world.line(1, 24, 0.86, spread=0.1, categories=2)
    candidate = world.line(2, 24, 0.9, spread=0.1)[2]
    models = {"base": base, "candidate": candidate}
    rows = evaluate(frames.assign(split="test"), boxes, models, ("person",), PARAMS)["plan"]["rows"]
    mine = [row for row in rows if row["category"] and row["about"].startswith("difference in recall")]
    assert not any(row["pooled"] for row in mine)
    assert len({(row["group_sd"], row["frame_sd"]) for row in mine}) == 2


def test_sentences_are_computed(planned):
    recall, gain = of(planned, "recall of the candidate"), of(planned, "difference in map50")
    assert f"recall of the candidate: {recall['reason']}" in planned["sentences"]
    assert f"difference in map50: {gain['reason']}" in planned["sentences"]
    assert any("more frames of the same videos could not" in text for text in planned["sentences"])
    assert planned["sentences"][-1].startswith(
        "difference in map50 by category, videos that could tell it (3 now): "
    )


def test_answers_to_a_wish(planned):
    rows = [{**of(planned, "recall of the candidate"), "source": "eval"}]
    row, wanted = rows[0], 0.03
    (one,) = answers(rows, wanted, None)
    assert one.groups == groups_for(spread_of(row), wanted, 0.95, EVEN) > 21
    assert one.frames is None and one.to_tell == row["groups_needed"]
    (surer,) = answers(rows, wanted, 0.95)
    assert surer.to_tell > one.to_tell and surer.groups == one.groups
    assert f"±0.03 takes about {one.groups} videos of 12 frames" in sentence([one], wanted)
    assert sentence([one], wanted).endswith("more frames of today's would not do, as videos differ.")
    (wide,) = answers(rows, 0.055, None)
    assert f"or about {wide.frames} frames of each of today's" in sentence([wide], 0.055)
    (done,) = answers(rows, 0.2, None)
    assert sentence([done], 0.2).endswith("already.")
    assert sentence(answers(rows, None, None), None) == f"recall of the candidate: {row['reason']}."
    assert "a chance of 95%" in legend([surer], 0.95) and "a chance of 80%" in legend([one], None)
