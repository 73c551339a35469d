from __future__ import annotations

import pytest

from provenline.evaluation.intervals import Interval
from provenline.shadow.plan import Plan
from provenline.shadow.verdict import asked, judge
from tests.shadow.world import params

PLAN = Plan(100, 0.1, 0.1, 9, 9, 0.2, 0.0, 1.0, 100)
COUNTS = {"frames": 100, "labelled": 100, "missing": 0, "left": 500}


def interval(low: float, high: float) -> Interval:
    return Interval((low + high) / 2, low, high, 0.95, 9, "bca")


def gains(low: float, high: float, **others: tuple[float, float]) -> dict[str, Interval | None]:
    ends = {"recall": (0.0, 0.02), "precision": (-0.01, 0.02), "presence_error": (-0.02, 0.01)} | others
    found: dict[str, Interval | None] = {name: interval(*pair) for name, pair in ends.items()}
    net = interval(0.2 * low, 0.2 * high)
    return found | {"error_reduction": interval(low, high), "net_gain": net}


@pytest.mark.parametrize(
    ("found", "round_", "word", "says"),
    [
        (gains(0.1, 0.5), "v0", "promote", "at least 20%"),
        (gains(0.01, 0.17), "v0", "hold", "more training data"),
        (gains(0.01, 0.17), "v0.1", "promote", "at least 5%"),
        (gains(0.01, 0.07), "v0.1", "hold", "more training data"),
        (gains(0.1, 0.25), "v0", "hold", "20% of production's errors are to be gone"),
        (gains(-0.4, -0.1), "v0", "reject", "training"),
        (gains(0.1, 0.5, precision=(-0.2, -0.05)), "v0", "reject", "beyond the margin: precision"),
        (gains(0.1, 0.5, presence_error=(0.05, 0.2)), "v0", "reject", "beyond the margin: presence error"),
        (gains(0.1, 0.5, presence_error=(-0.2, -0.05)), "v0", "promote", "Proven better"),
        (gains(0.1, 0.5, recall=(-0.05, 0.2)), "v0", "label", "within the margin: recall"),
        (gains(-0.1, 0.1), "v0", "hold", "surely not by 20%"),
        (gains(-0.2, 0.5), "v0", "label", "Not proven either way"),
    ],
)
def test_each_decision(found: dict[str, Interval | None], round_: str, word: str, says: str) -> None:
    decision = judge(found, 9, COUNTS, params(round=round_), PLAN)
    assert decision.decision == word and says in decision.reason
    assert (decision.label_more > 0) == (word == "label")
    assert "100 labelled frames in 9 groups" in decision.reason and "recall" in decision.reason


def test_too_few_groups_carry_no_verdict() -> None:
    decision = judge(gains(0.1, 0.5), 2, COUNTS, params(), PLAN)
    assert decision.decision == "hold" and "2 groups carry no verdict, 3 are needed" in decision.reason


def test_missing_labels_are_asked_for() -> None:
    counts = COUNTS | {"labelled": 97, "missing": 3}
    decision = judge(gains(0.1, 0.5), 9, counts, params(), PLAN)
    assert (decision.decision, decision.label_more) == ("label", 3)
    counts = COUNTS | {"labelled": 98, "missing": 2}
    assert judge(gains(0.1, 0.5), 9, counts, params(), PLAN).decision == "promote"


def test_more_labels_are_asked_for_as_the_width_needs_and_no_more_than_there_are() -> None:
    # Half-width 0.35 at an estimate of 0.15: (0.35 / 0.15)^2 times the labels.
    wide = judge(gains(-0.2, 0.5), 9, COUNTS, params(), PLAN)
    assert wide.label_more == pytest.approx(100 * ((0.35 / 0.15) ** 2 - 1), abs=1)
    few = judge(gains(-0.2, 0.5), 9, COUNTS | {"left": 40}, params(), PLAN)
    assert few.label_more == 40
    none = judge(gains(-0.2, 0.5), 9, COUNTS | {"left": 0}, params(), PLAN)
    assert none.decision == "hold" and "add footage" in none.reason


def test_no_interval_is_no_gain() -> None:
    found = gains(0.1, 0.5) | {"net_gain": None}
    assert judge(found, 9, COUNTS, params(), PLAN).decision == "hold"
    unknown = gains(0.1, 0.5) | {"recall": None}
    assert judge(unknown, 9, COUNTS, params(), PLAN).decision == "label"


@pytest.mark.parametrize("estimate", [0.125, 0.3])
def test_a_share_without_an_interval_rules_nothing_out(estimate: float) -> None:
    few = Interval(estimate, None, None, 0.95, 9, "none")
    decision = judge(gains(-0.1, 0.2) | {"error_reduction": few}, 9, COUNTS, params(), PLAN)
    assert (decision.decision, decision.label_more) == ("label", 100)
    assert "surely" not in decision.reason and "too few groups hold an error" in decision.reason


@pytest.mark.parametrize(("name", "least"), [("v0", 0.2), ("v1", 0.2), ("v0.1", 0.05), ("v0.1.2", 0.05)])
def test_a_later_round_is_asked_for_less(name: str, least: float) -> None:
    assert asked(params(round=name)) == least
