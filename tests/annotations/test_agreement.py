from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from provenline.annotations import agreement
from provenline.annotations.matching import match
from tests.annotations.world import agreement_params


def boxes(rng: np.random.Generator, count: int) -> np.ndarray:
    corner = rng.uniform(0, 60, (count, 2))
    return np.hstack([corner, corner + rng.uniform(5, 40, (count, 2))])


def shaken(rng: np.random.Generator, true: np.ndarray, miss: float, invent: float) -> np.ndarray:
    kept = true[rng.random(len(true)) >= miss]
    kept = kept + rng.normal(0, 1.0, kept.shape)
    return np.vstack([kept, boxes(rng, int(rng.random() < invent))])


def two_annotators(seed: int, groups: int = 24, each: int = 6, miss: float = 0.1, invent: float = 0.1):
    rng = np.random.default_rng(seed)
    keys = [(f"v{g:02d}", 500 * n) for g in range(groups) for n in range(each)]
    truth = {key: boxes(rng, int(rng.integers(0, 4))) for key in keys}
    ratings = {name: {key: shaken(rng, truth[key], miss, invent) for key in keys} for name in ("ana", "bea")}
    return ratings, {key: key[0] for key in keys}


@pytest.mark.parametrize("seed", range(5))
def test_estimates_agree_with_independent_ones(seed):
    ratings, groups = two_annotators(seed)
    result, reason = agreement.measure(ratings, groups, agreement_params())
    (pair,) = result["pairs"]
    ana, bea = ([len(ratings[name][key]) for key in sorted(groups)] for name in ("ana", "bea"))
    assert reason == ""
    assert pair["kappa_count"]["value"] == pytest.approx(cohen_kappa_score(ana, bea))
    presence = cohen_kappa_score([n > 0 for n in ana], [n > 0 for n in bea])
    assert pair["kappa_presence"]["value"] == pytest.approx(presence)
    matched = [match(ratings["ana"][key], ratings["bea"][key], 0.5) for key in groups]
    ious = np.concatenate(matched)
    assert pair["object_f1"]["value"] == pytest.approx(2 * len(ious) / (sum(ana) + sum(bea)))
    assert pair["mean_matched_iou"]["value"] == pytest.approx(ious.mean())
    assert pair["median_matched_iou"]["value"] == pytest.approx(np.median(ious))
    assert sum(pair["presence"].values()) == pair["images"] == len(groups)
    for name in ("kappa_presence", "kappa_count", "object_f1", "mean_matched_iou", "median_matched_iou"):
        assert pair[name]["low"] <= pair[name]["value"] <= pair[name]["high"]


def test_same_seed_same_result_whatever_the_order():
    ratings, groups = two_annotators(3)
    turned = {name: dict(reversed(list(images.items()))) for name, images in reversed(ratings.items())}
    first = agreement.measure(ratings, groups, agreement_params())
    assert first == agreement.measure(turned, groups, agreement_params())
    assert first != agreement.measure(ratings, groups, agreement_params(seed=2))


def test_only_common_images_count():
    ratings, groups = two_annotators(1)
    some = dict(list(ratings["bea"].items())[:50])
    (pair,) = agreement.measure({**ratings, "bea": some}, groups, agreement_params())[0]["pairs"]
    assert pair["images"] == 50


def test_nothing_to_compare_has_a_reason():
    ratings, groups = two_annotators(1)
    assert agreement.measure({}, groups, agreement_params()) == (
        None,
        "agreement needs two annotators, the exports are of 0",
    )
    alone, reason = agreement.measure({"ana": ratings["ana"]}, groups, agreement_params())
    assert alone is None
    assert "needs two annotators" in reason
    apart, reason = agreement.measure({"ana": ratings["ana"], "bea": {}}, groups, agreement_params())
    assert apart is None
    assert reason == "no image was labelled by two annotators"


def test_constant_raters_leave_kappa_undefined():
    keys = [(f"v{n}", 0) for n in range(30)]
    here = {key: np.array([[0.0, 0.0, 10.0, 10.0]]) for key in keys}
    result, _ = agreement.measure({"a": here, "b": here}, {key: key[0] for key in keys}, agreement_params())
    (pair,) = result["pairs"]
    assert pair["kappa_presence"]["value"] is None
    assert "not defined" in pair["kappa_presence"]["reason"]
    assert pair["object_f1"]["value"] == 1
    assert result["verdict"] == "inconclusive"
    nobody = {key: np.empty((0, 4)) for key in keys}
    result, _ = agreement.measure(
        {"a": nobody, "b": nobody}, {key: key[0] for key in keys}, agreement_params()
    )
    assert result["pairs"][0]["object_f1"]["value"] is None
    assert result["pairs"][0]["median_matched_iou"]["reason"] == "no matched object"


def test_a_difference_that_rests_on_one_group_has_no_interval():
    keys = [(f"v{n}", 0) for n in range(30)]
    someone, nobody = np.array([[0.0, 0.0, 10.0, 10.0]]), np.empty((0, 4))
    same = {key: nobody if key == keys[0] else someone for key in keys}
    result, _ = agreement.measure({"a": same, "b": same}, {key: key[0] for key in keys}, agreement_params())
    assert result["pairs"][0]["kappa_presence"]["low"] is None
    assert result["verdict"] == "inconclusive"
    assert "too few groups" in result["reason"]


@pytest.mark.parametrize(
    ("value", "low", "high", "groups", "verdict"),
    [
        (0.95, 0.85, 0.99, 40, "pass"),
        (0.95, 0.849, 0.99, 40, "inconclusive"),
        (0.6, 0.4, 0.849, 40, "fail"),
        (0.6, 0.4, 0.85, 40, "inconclusive"),
        (0.99, 0.98, 1.0, 9, "inconclusive"),
        (0.99, 0.98, 1.0, 10, "pass"),
        (None, None, None, 40, "inconclusive"),
    ],
)
def test_the_gate_is_decided_by_the_interval(value, low, high, groups, verdict):
    judged = agreement.judge({"value": value, "low": low, "high": high, "reason": "why"}, 0.85, groups, 10)
    assert judged["verdict"] == verdict
    assert judged["reason"]


def test_an_open_gate_says_how_many_groups_would_settle_it():
    # The lower side is 0.1 wide and has to become 0.05: four times the groups.
    judged = agreement.judge({"value": 0.9, "low": 0.8, "high": 0.95, "reason": ""}, 0.85, 20, 10)
    assert judged["more_groups"] == 60
    assert (
        agreement.judge({"value": 0.9, "low": 0.8, "high": 0.95, "reason": ""}, 0.85, 7, 10)["more_groups"]
        == 3
    )


def test_how_many_groups_a_verdict_needs_is_a_parameter():
    ratings, groups = two_annotators(2, groups=12, miss=0.0, invent=0.0)
    reasons = [
        agreement.measure(ratings, groups, agreement_params(min_groups=least))[0]["reason"]
        for least in (12, 13)
    ]
    assert "contains" in reasons[0] and reasons[1] == "12 groups; a verdict needs at least 13"


def test_the_result_is_json_and_says_what_was_asked_for():
    ratings, groups = two_annotators(4)
    result, _ = agreement.measure(
        ratings, groups, agreement_params(), sizes=dict.fromkeys(groups, (100, 100)), categories=groups
    )
    assert json.loads(json.dumps(result, allow_nan=False)) == result
    assert (result["min_groups"], result["warn_groups"], result["confidence"]) == (10, 20, 0.95)
    assert len(result["pairs"][0]["categories"]) == 24
    for part in (result["krippendorff"]["count"], result["ceiling"]["ap50"], result["ceiling"]["human_ap50"]):
        assert part["low"] <= part["value"] <= part["high"]
    assert 0 < len(result["disagreements"]) <= 12


def test_of_three_annotators_the_worst_pair_is_gated():
    ratings, groups = two_annotators(5, groups=90, miss=0.0, invent=0.0)
    rng = np.random.default_rng(0)
    ratings["cleo"] = {key: boxes(rng, int(rng.integers(0, 2))) for key in groups}
    result, _ = agreement.measure(ratings, groups, agreement_params())
    verdicts = {tuple(pair["annotators"]): pair["verdict"] for pair in result["pairs"]}
    assert verdicts == {("ana", "bea"): "pass", ("ana", "cleo"): "fail", ("bea", "cleo"): "fail"}
    assert result["verdict"] == "fail"
    assert "cleo" in result["worst_pair"]
