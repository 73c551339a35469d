"""Verdicts as a table."""

from __future__ import annotations

import pytest

from provenline.evaluation.gates import judge, settle, verdict
from provenline.evaluation.intervals import Interval
from provenline.evaluation.params import Gate
from tests.evaluation.world import INTERVAL


def interval(low, estimate, high, groups=30, error=None):
    error = (high - low) / 3.92 if error is None else error
    return Interval(estimate, low, high, 0.95, groups, "percentile", error)


TABLE = [
    # end, better, low, estimate, high, verdict on the bound 0.95
    ("low", "higher", 0.96, 0.97, 0.98, "pass"),
    ("low", "higher", 0.95, 0.97, 0.98, "inconclusive"),  # touched is not cleared
    ("low", "higher", 0.93, 0.97, 0.98, "inconclusive"),  # the estimate alone proves nothing
    ("low", "higher", 0.90, 0.92, 0.96, "inconclusive"),
    ("low", "higher", 0.80, 0.85, 0.90, "fail"),
    ("low", "higher", 0.80, 0.85, 0.95, "inconclusive"),
    ("high", "higher", 0.90, 0.92, 0.96, "pass"),  # not proven bad
    ("high", "higher", 0.80, 0.85, 0.90, "fail"),
    ("high", "lower", 0.80, 0.85, 0.90, "pass"),
    ("high", "lower", 0.90, 0.94, 0.96, "inconclusive"),
    ("high", "lower", 0.96, 0.97, 0.98, "fail"),
    ("low", "lower", 0.90, 0.96, 0.99, "pass"),
    ("low", "lower", 0.96, 0.97, 0.99, "fail"),
]


@pytest.mark.parametrize(("end", "better", "low", "estimate", "high", "expected"), TABLE)
def test_table(end, better, low, estimate, high, expected):
    gate = Gate(metric="recall", bound=0.95, end=end, better=better)
    said = verdict(gate, interval(low, estimate, high), INTERVAL)
    assert said.value == expected
    assert (said.groups_needed is None) == (expected != "inconclusive")
    assert "\n" not in said.reason


RECALL = Gate(metric="recall", bound=0.95, end="low", better="higher")


@pytest.mark.parametrize(
    ("groups", "value"), [(1, "inconclusive"), (9, "inconclusive"), (10, "pass"), (20, "pass")]
)
def test_no_verdict_under_ten_groups(groups, value):
    said = verdict(RECALL, interval(0.96, 0.97, 0.98, groups), INTERVAL)
    assert said.value == value
    assert ("no verdict under 10 groups" in said.reason) == (groups < 10)
    assert said.groups_needed == (10 - groups if groups < 10 else None)
    assert ("read with care" in said.reason) == (10 <= groups < 20)


def test_nothing_measured():
    assert verdict(RECALL, None, INTERVAL).value == "inconclusive"
    lonely = Interval(0.99, None, None, 0.95, 1, "none")
    assert verdict(RECALL, lonely, INTERVAL).groups_needed == 9


def test_groups_needed_follows_the_square_root():
    # Half as wide needs four times the groups: 30 more than the 30... three times 30 more.
    said = verdict(RECALL, interval(0.93, 0.97, 1.01, 30, error=0.04 / 1.959964), INTERVAL)
    assert said.groups_needed == 90
    assert "about 90 more groups give it an even chance" in said.reason
    on_it = verdict(RECALL, interval(0.93, 0.95, 0.97), INTERVAL)
    assert on_it.value == "inconclusive" and on_it.groups_needed is None
    same = verdict(Gate(metric="map50", bound=0.0, end="low", better="higher"), interval(0, 0, 0), INTERVAL)
    assert same.value == "inconclusive" and same.groups_needed is None


def test_several_gates_together():
    assert settle(["pass", "pass"]) == "pass"
    assert settle(["pass", "inconclusive"]) == "inconclusive"
    assert settle(["inconclusive", "fail"]) == "fail"
    assert settle([]) == "inconclusive"


def test_judge_is_plain():
    said = judge(RECALL, interval(0.96, 0.97, 0.98), INTERVAL)
    assert said["metric"] == "recall" and said["value"] == "pass" and said["groups_needed"] is None
