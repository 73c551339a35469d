"""What planning promises, held against simulated footage that has as many videos as were promised."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from provenline.evaluation.gates import verdict
from provenline.evaluation.intervals import Interval, draw, ratio
from provenline.evaluation.params import Gate
from provenline.evaluation.plan_rows import Figure, Question, apart, bound_of, gain_of, row, spread_of
from provenline.evaluation.planning import EVEN, MOST, frames_for, groups_for, half_width
from provenline.evaluation.variance import Components, components, influence, shaped
from tests.evaluation.world import HIGHER, INTERVAL

# Recall of 0.92 in videos that differ by 0.05, twelve frames of one person each.
TRUTH, GROUP_SD, FRAMES = 0.92, 0.05, 12
FRAME_SD = math.sqrt(TRUTH * (1 - TRUTH) - GROUP_SD**2)
PLAIN = Components(21, FRAMES, GROUP_SD, FRAME_SD)
GATE = Gate(metric="recall", bound=0.89, **HIGHER)


def footage(rng, groups, frames=FRAMES):
    """Return found persons per group: a beta distribution with this mean and spread."""
    total = TRUTH * (1 - TRUTH) / GROUP_SD**2 - 1
    shares = rng.beta(TRUTH * total, (1 - TRUTH) * total, groups)
    return rng.binomial(frames, shares).astype(float)


def recall(rng, groups, frames=FRAMES):
    """Return the recall over simulated footage."""
    found = footage(rng, groups, frames)
    names = [f"{k:04d}" for k in range(groups)]
    resamples = draw(names, INTERVAL.model_copy(update={"seed": int(rng.integers(1 << 30))}))
    return ratio(found, np.full(groups, float(frames)), resamples, proportion=True)


def measured(rng, groups, frames=FRAMES) -> Interval:
    """Return the project's own interval of recall over simulated footage."""
    return recall(rng, groups, frames).interval(INTERVAL)


def spread() -> Components:
    """Return the true components, with the shape that 21 videos show on average."""
    rng = np.random.default_rng(9)
    seen = [shaped(PLAIN, recall(rng, 21), 21 * FRAMES, few=False) for _ in range(200)]
    freedom, skew = (float(np.mean([getattr(one, name) for one in seen])) for name in ("freedom", "skew"))
    return replace(PLAIN, freedom=freedom, skew=skew, share=TRUTH, trials=1.0)


SPREAD = spread()


def width(interval: Interval) -> float:
    return (interval.high - interval.low) / 2


@pytest.mark.parametrize("wanted", [0.03, pytest.param(0.015, marks=pytest.mark.slow)])
def test_the_promised_videos_give_the_promised_half_width(wanted):
    groups = groups_for(SPREAD, wanted, 0.95, EVEN)
    rng = np.random.default_rng(0)
    seen = np.mean([width(measured(rng, groups)) for _ in range(150)])
    assert seen == pytest.approx(wanted, rel=0.06)
    # One video fewer would not do, by the formula itself.
    assert half_width(SPREAD, 0.95, groups) <= wanted < half_width(SPREAD, 0.95, groups - 1)


def test_the_promised_frames_give_the_promised_half_width():
    wanted = 0.037
    frames = frames_for(SPREAD, wanted, 0.95, EVEN)
    rng = np.random.default_rng(1)
    assert frames > FRAMES
    assert np.mean([width(measured(rng, 21, frames)) for _ in range(150)]) == pytest.approx(wanted, rel=0.06)
    assert half_width(SPREAD, 0.95, frames=frames) <= wanted < half_width(SPREAD, 0.95, frames=frames - 1)


def test_no_number_of_frames_makes_up_for_videos():
    limit = half_width(SPREAD, 0.95, frames=MOST)
    assert frames_for(SPREAD, limit * 0.99, 0.95, EVEN) is None
    assert frames_for(SPREAD, limit * 1.01, 0.95, EVEN) > 100
    rng = np.random.default_rng(2)
    assert np.mean([width(measured(rng, 21, 5000)) for _ in range(100)]) == pytest.approx(limit, rel=0.08)
    assert frames_for(Components(21, 12, 0.1, None), 0.01, 0.95, EVEN) is None


@pytest.mark.parametrize(
    "power", [0.8, *(pytest.param(power, marks=pytest.mark.slow) for power in (0.5, 0.9))]
)
def test_the_promised_videos_settle_the_verdict_as_often_as_promised(power):
    rng = np.random.default_rng(3)
    groups = groups_for(SPREAD, TRUTH - GATE.bound, 0.95, power, "low")
    passed = [verdict(GATE, measured(rng, groups), INTERVAL).value == "pass" for _ in range(500)]
    print(f"power {power}: {groups} videos, settled {np.mean(passed):.3f}")
    assert np.mean(passed) == pytest.approx(power, abs=0.05)


@pytest.mark.slow
def test_a_plan_from_21_videos_is_right_on_average_and_rough_in_each():
    """Plans from the spread seen, not from the truth: what `provenline plan` does."""
    rng = np.random.default_rng(4)
    planned = []
    group = np.repeat(np.arange(21), FRAMES)
    for _ in range(400):
        found = footage(rng, 21)
        hits = np.concatenate([np.arange(FRAMES) < one for one in found]).astype(float)
        whole = ratio(
            found, np.full(21, float(FRAMES)), draw(list(map(str, group)), INTERVAL), proportion=True
        )
        seen = components(influence(hits, np.ones_like(hits)), group)
        planned.append(groups_for(shaped(seen, whole, len(group), few=False), 0.02, 0.95, EVEN))
    right = groups_for(SPREAD, 0.02, 0.95, EVEN)
    low, middle, high = np.quantile(planned, [0.1, 0.5, 0.9])
    print(f"right {right}; planned from 21 videos: median {middle:.0f}, 80% within {low:.0f} to {high:.0f}")
    assert middle == pytest.approx(right, rel=0.12)
    assert 0.5 * right < low and high < 1.7 * right


def test_the_least_number_is_found_and_not_invented():
    for distance in (0.2, 0.05, 0.01):
        groups = groups_for(PLAIN, distance, 0.95, 0.8)
        assert groups == next(n for n in range(2, 10_000) if _reaches(n, distance))
    assert groups_for(PLAIN, 0.0, 0.95, 0.8) is None
    assert groups_for(PLAIN, 1e-6, 0.95, 0.8) is None  # more than a million
    assert groups_for(PLAIN, 0.02, 0.95, EVEN, frames=1000) < groups_for(PLAIN, 0.02, 0.95, EVEN)


def _reaches(groups, distance):
    from scipy.special import stdtrit

    quantile = stdtrit(groups - 1, 0.975) + stdtrit(groups - 1, 0.8)
    return quantile * math.sqrt((GROUP_SD**2 + FRAME_SD**2 / FRAMES) / groups) <= distance * (1 + 1e-9)


def interval(low, estimate, high, groups=21):
    return Interval(estimate, low, high, 0.95, groups, "bca", (high - low) / 4)


def figure(found, spread=PLAIN, of="candidate", groups=21):
    return Figure("recall", of, "", groups, groups * FRAMES, found, spread)


def test_the_sentence_is_computed():
    gate = Gate(metric="recall", bound=0.96, **HIGHER)
    found = interval(0.88, 0.92, 0.96)
    planned = row(figure(found), bound_of(gate, found, INTERVAL), INTERVAL, 0.8)
    needed = next(n for n in range(22, 10_000) if _reaches(n, 0.04))
    assert planned["reason"] == (
        f"21 videos with 252 frames cannot tell 0.92 from 0.96; about {needed} videos could"
    )
    assert planned["groups_needed"] == needed and planned["groups_more"] == needed - 21
    assert planned["cannot_tell"] == [0.92, 0.96] and planned["distance"] == pytest.approx(0.04)
    assert planned["half_width"] == pytest.approx(0.04) and planned["frames_per_group"] == 12
    again = spread_of(planned)
    assert (again.groups, again.frames) == (21, 12)
    assert again.variance(21) == pytest.approx(PLAIN.variance(21), rel=1e-4)


def test_a_settled_question_needs_nothing():
    found = interval(0.93, 0.95, 0.97)
    planned = row(figure(found), bound_of(GATE, found, INTERVAL), INTERVAL, 0.8)
    assert planned["reason"] == "21 videos with 252 frames tell 0.95 from 0.89"
    assert planned["cannot_tell"] is None and planned["groups_needed"] is None


def test_a_gain_is_told_from_the_base():
    gate = Gate(metric="recall", bound=0.0, **HIGHER)
    base, candidate, gain = (
        interval(0.88, 0.92, 0.95),
        interval(0.93, 0.96, 0.98),
        interval(-0.01, 0.04, 0.09),
    )
    asked = gain_of(gate, base, candidate, gain, INTERVAL)
    assert asked == Question(0.92, 0.96, pytest.approx(0.04), "low", settled=False)
    assert gain_of(gate, base, None, gain, INTERVAL) is None
    planned = row(figure(gain, of="difference"), asked, INTERVAL, 0.8)
    assert planned["about"] == "difference in recall"
    assert planned["reason"].startswith("21 videos with 252 frames cannot tell 0.92 from 0.96; about ")


def test_few_groups_take_as_many_as_a_verdict_does():
    found = interval(0.8, 0.95, 1.0, groups=3)
    asked = bound_of(Gate(metric="recall", bound=0.3, **HIGHER), found, INTERVAL)
    planned = row(figure(found, groups=3), asked, INTERVAL, 0.8)
    assert planned["groups_needed"] == INTERVAL.min_groups
    assert "3 videos with 36 frames cannot tell 0.95 from 0.30" in planned["reason"]


def test_what_cannot_be_planned_says_why():
    found = interval(0.88, 0.92, 0.962)
    asked = bound_of(Gate(metric="recall", bound=0.96, **HIGHER), found, INTERVAL)
    assert "there are too few of them" in row(figure(found, None), asked, INTERVAL, 0.8)["reason"]
    assert row(figure(found), None, INTERVAL, 0.8)["reason"] == "nothing is asked of it"
    assert row(figure(None), None, INTERVAL, 0.8)["reason"] == "not measurable"
    same = Question(0.92, 0.92, 0.0, "high", settled=False)
    assert row(figure(found), same, INTERVAL, 0.8)["reason"].endswith(
        "not even 10,000 videos would, so near they lie"
    )
    assert bound_of(GATE, None, INTERVAL) is None


def test_numbers_are_written_so_that_they_differ():
    assert apart(0.92, 0.96) == ("0.92", "0.96")
    assert apart(0.9512, 0.9521) == ("0.951", "0.952")
    assert apart(0.95, 0.95) == ("0.95", "0.95")
