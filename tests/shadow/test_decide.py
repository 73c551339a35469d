from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from statsmodels.stats.power import normal_sample_size_one_tail

from provenline.errors import InputError
from provenline.shadow.decide import decide, pinned, same_model
from provenline.shadow.params import LabelPlan
from provenline.shadow.plan import independent_pairs, intra_group_correlation, plan_labels
from tests.shadow.world import comparison, params

NINE_GROUPS = {f"g{i}": [int(i % 3 == j % 3) for j in range(60)] for i in range(9)}


@pytest.mark.parametrize("discordant", [0.1, 0.3, 0.9])
@pytest.mark.parametrize("gain", [0.02, 0.1])
@pytest.mark.parametrize(("confidence", "power"), [(0.95, 0.8), (0.9, 0.5), (0.99, 0.95)])
def test_the_sample_size_is_that_of_statsmodels(
    discordant: float, gain: float, confidence: float, power: float
) -> None:
    plan = LabelPlan(gain=gain, confidence=confidence, power=power)
    expected = normal_sample_size_one_tail(
        gain,
        power,
        (1 - confidence) / 2,
        std_null=discordant**0.5,
        std_alternative=(discordant - gain**2) ** 0.5,
    )
    assert independent_pairs(discordant, plan) == pytest.approx(expected, rel=1e-9)


def test_so_many_independent_pairs_have_the_power_they_promise() -> None:
    plan = LabelPlan(gain=0.06, confidence=0.95, power=0.8)
    count, generator = round(independent_pairs(0.25, plan)), np.random.default_rng(4)
    shares = [(0.25 + 0.06) / 2, (0.25 - 0.06) / 2, 0.75]
    won, lost, _ = generator.multinomial(count, shares, size=4000).T
    significant = (won - lost) / np.sqrt(won + lost) > 1.96  # McNemar's test
    assert np.mean(significant) == pytest.approx(0.8, abs=0.03)


def test_the_half_width_is_as_planned_when_frames_resemble_each_other() -> None:
    """Simulate correlated groups in which the candidate is always right: the interval is as planned."""
    groups, size, rho, rate = 400, 30, 0.2, 0.3
    wanted = LabelPlan(gain=0.03, confidence=0.95, power=0.5)
    generator = np.random.default_rng(5)

    def footage() -> np.ndarray:
        # A frame copies its group's draw with probability sqrt(rho): correlation rho between frames.
        own = generator.random((groups, size)) < rate
        shared = generator.random((groups, 1)) < rate
        return np.where(generator.random((groups, size)) < rho**0.5, shared, own)

    plan = plan_labels(
        comparison({f"g{i:03d}": list(row.astype(int)) for i, row in enumerate(footage())}), wanted
    )
    assert plan.intra_group_correlation == pytest.approx(rho, abs=0.04)
    assert plan.gain == wanted.gain
    means = [footage().ravel()[_sample(plan.frames, groups, size)].mean() for _ in range(400)]
    planned = wanted.gain / 1.96
    # The plan takes the discordant rate itself for the variance: larger than the real rate (1 - rate).
    assert planned * (1 - rate) ** 0.5 * 0.85 < np.std(means) < planned


def _sample(frames: int, groups: int, size: int) -> list[int]:
    """Return so many places, spread evenly over groups of one size."""
    share, rest = divmod(frames, groups)
    return [group * size + i for group in range(groups) for i in range(share + (group < rest))]


def test_the_correlation_is_found_and_needs_something_to_be_found_in() -> None:
    generator = np.random.default_rng(6)
    groups = np.repeat(np.arange(300), 12)
    effect = np.repeat(generator.normal(0, 1, 300), 12)
    values = effect + generator.normal(0, 2, 3600)  # 1 / (1 + 4)
    assert intra_group_correlation(values, groups) == pytest.approx(0.2, abs=0.04)
    assert intra_group_correlation(generator.normal(size=3600), groups) < 0.03
    assert intra_group_correlation(np.ones(5), np.arange(5)) == 0.0
    assert intra_group_correlation(np.ones(6), np.repeat([0, 1], 3)) == 0.0


def test_label_says_how_many_and_where() -> None:
    decision = decide(comparison(NINE_GROUPS), params())
    plan = decision.plan
    assert decision.decision == "label" and plan is not None
    assert decision.label_more == plan.frames
    # Every third frame differs in every group: as good as independent.
    expected = independent_pairs(1 / 3, LabelPlan(gain=0.1, confidence=0.95, power=0.5))
    assert plan.gain == 0.1 and plan.frames == plan.independent_frames == np.ceil(expected)
    assert f"{decision.label_more} frames labelled at random" in decision.reason
    assert "180 of 540 frames (33.3%) in 9 groups" in decision.reason
    json.dumps(decision.to_dict(), allow_nan=False)


def test_a_higher_precision_takes_more_labels() -> None:
    table = comparison({f"g{i:02d}": [int(j % 4 == 0) for j in range(100)] for i in range(20)})
    taken = [
        decide(table, params(plan={"gain": g, "confidence": 0.95, "power": 0.5})).label_more
        for g in (0.1, 0.05)
    ]
    assert 0 < taken[0] < taken[1]


def test_hold_where_no_number_of_labels_could_show_a_gain() -> None:
    alike = comparison({f"g{i}": [int(i < 1)] * 20 for i in range(9)})
    decision = decide(alike, params(plan={"gain": 0.05, "confidence": 0.95, "power": 0.8}))
    plan = decision.plan
    assert decision.decision == "hold" and decision.label_more == 0 and plan is not None
    assert plan.frames == 0 and plan.intra_group_correlation > 0.9
    assert plan.gain > plan.discordant_rate and plan.groups_wanted > 100
    assert f"about {plan.groups_wanted} such groups" in decision.reason
    json.dumps(decision.to_dict(), allow_nan=False)


def test_where_groups_are_too_few_labels_are_bought_only_as_far_as_they_pay() -> None:
    differ = {f"g{i:02d}": [int(i % 2 == 0 or j == 0) for j in range(40)] for i in range(20)}
    decision = decide(comparison(differ), params(plan={"gain": 0.02, "confidence": 0.95, "power": 0.8}))
    plan = decision.plan
    assert decision.decision == "label" and plan is not None
    assert plan.wanted_gain < plan.gain < plan.discordant_rate
    # The groups are nearly all of one kind: a handful of frames of each says all.
    assert 20 <= plan.frames <= 20 * 6 and plan.groups_wanted > 20
    assert f"0.02 is asked for and takes about {plan.groups_wanted} such groups" in decision.reason


def test_so_many_groups_as_are_said_to_be_needed_are_enough() -> None:
    def footage(groups: int) -> dict[str, list[int]]:
        return {
            f"g{i:03d}": [int((i * 7 + j) % 5 == 0 or i % 4 == 0) for j in range(20)] for i in range(groups)
        }

    wanted = params(plan={"gain": 0.08, "confidence": 0.95, "power": 0.5})
    few = decide(comparison(footage(12)), wanted).plan
    assert few is not None and few.gain > 0.08
    enough = decide(comparison(footage(round(few.groups_wanted * 1.1))), wanted).plan
    assert enough is not None and enough.gain == pytest.approx(0.08, rel=0.1)


@pytest.mark.parametrize(
    ("differ", "says"),
    [
        ({}, "no deployment footage"),
        ({"a": [1, 0], "b": [1, 1]}, "2 groups of deployment footage carry no decision, 3 are needed"),
        ({"a": [0, 0], "b": [0], "c": [0]}, "all 4 frames of 3 groups"),
    ],
)
def test_hold_where_there_is_nothing_to_learn_from(differ: dict[str, list[int]], says: str) -> None:
    decision = decide(comparison(differ), params())
    assert (decision.decision, decision.label_more, decision.plan) == ("hold", 0, None)
    assert says in decision.reason


def test_equal_fingerprints_are_the_same_model() -> None:
    assert same_model("a" * 64, "b" * 64) is None
    decision = same_model("a" * 64, "a" * 64)
    assert decision is not None and decision.decision == "same_model" and "nothing was run" in decision.reason


def test_a_bundle_that_is_not_the_pinned_one_is_refused(tmp_path: Path) -> None:
    from tests.engines.world import bundle

    folder = bundle(tmp_path / "b")
    pinned(folder, "")
    pinned(folder, "a" * 64)
    with pytest.raises(InputError, match="pinned to bbbbbbbbbbbb"):
        pinned(folder, "b" * 64)
