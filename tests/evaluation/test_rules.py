"""Non-inferiority, the field's rules and "better" as tables."""

from __future__ import annotations

import pytest

from provenline.evaluation.params import NonInferiority, Rule
from provenline.evaluation.rules import advise, better, non_inferiority
from tests.evaluation.test_gates import interval
from tests.evaluation.world import INTERVAL

MARGIN = NonInferiority(metric="recall", margin=0.02)
COUNTS = NonInferiority(metric="count_mae", margin=0.1)
RULE = Rule(metric="map50", deploy=0.2, more_data=0.1)


@pytest.mark.parametrize(
    ("given", "low", "estimate", "high", "groups", "value"),
    [
        (MARGIN, -0.01, 0.01, 0.03, 30, "pass"),  # no gain is proven, and none is asked for
        (MARGIN, -0.03, 0.01, 0.05, 30, "inconclusive"),
        (MARGIN, -0.02, 0.0, 0.02, 30, "inconclusive"),  # touched is not cleared
        (MARGIN, -0.09, -0.06, -0.03, 30, "fail"),
        (MARGIN, -0.01, 0.01, 0.03, 9, "inconclusive"),
        (COUNTS, -0.2, 0.0, 0.05, 30, "pass"),  # lower is better
        (COUNTS, -0.2, 0.0, 0.15, 30, "inconclusive"),
        (COUNTS, 0.15, 0.2, 0.25, 30, "fail"),
    ],
)
def test_non_inferiority(given, low, estimate, high, groups, value):
    said = non_inferiority(given, interval(low, estimate, high, groups), INTERVAL)
    assert (said["metric"], said["margin"], said["value"]) == (given.metric, given.margin, value)
    assert said["reason"].startswith(f"difference in {given.metric} {estimate:.3f}")
    assert (said["groups_needed"] is None) == (value != "inconclusive")


def test_non_inferiority_without_a_measurement():
    assert non_inferiority(MARGIN, None, INTERVAL)["value"] == "inconclusive"


@pytest.mark.parametrize(
    ("low", "high", "value", "words"),
    [
        (0.21, 0.4, "deploy", "more than 20%"),
        (0.2, 0.4, "inconclusive", "holds 20%"),
        (0.05, 0.3, "inconclusive", "holds 10% and 20%"),
        (0.12, 0.18, "inconclusive", "the rule says nothing"),
        (0.02, 0.09, "more_data", "less than 10%: more data"),
        (-0.04, 0.05, "more_data", "less than 10%, if any"),
        (-0.04, 0.25, "inconclusive", "holds 0% and 10% and 20%"),
        (-0.3, -0.01, "training_problem", "worse"),
        (-0.3, 0.11, "inconclusive", "holds 0% and 10%"),
    ],
)
def test_rule(low, high, value, words):
    said = advise(RULE, interval(low, (low + high) / 2, high), INTERVAL)
    assert said["value"] == value and words in said["reason"]
    assert said["relative"]["low"] == low and said["reason"].startswith("relative gain in map50")


def test_no_rule_without_enough_groups():
    assert advise(RULE, interval(0.3, 0.4, 0.5, groups=9), INTERVAL)["value"] == "inconclusive"
    unknown = advise(RULE, None, INTERVAL)
    assert unknown["value"] == "inconclusive" and unknown["relative"] is None
    assert "not measurable" in unknown["reason"]


@pytest.mark.parametrize(
    ("low", "groups", "expected"), [(0.01, 10, True), (0.01, 9, False), (0.0, 30, False), (-0.01, 30, False)]
)
def test_better_only_when_the_interval_says_so(low, groups, expected):
    assert better(interval(low, 0.1, 0.2, groups), INTERVAL) is expected
    assert not better(None, INTERVAL)


def test_bounds_in_the_wrong_order_are_refused():
    with pytest.raises(ValueError, match="more_data must not be above deploy"):
        Rule(metric="map50", deploy=0.1, more_data=0.2)
    with pytest.raises(ValueError, match="unknown metric 'count_mae'"):
        Rule(metric="count_mae", deploy=0.2, more_data=0.1)
    with pytest.raises(ValueError, match="unknown metric 'map51'"):
        NonInferiority(metric="map51", margin=0.1)
