"""Reliability and its error against plain loops, and against detectors whose calibration is known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from provenline.evaluation.calibration import reliability, sums_of
from provenline.evaluation.matching import match
from provenline.evaluation.slices import cut
from tests.evaluation import world
from tests.evaluation.test_matching import LABELS

EQUAL_MASS = world.WHY.calibration
EQUAL_WIDTH = EQUAL_MASS.model_copy(update={"binning": "equal_width", "floor": 0.0})


def measured(frames, truth, predictions, params=EQUAL_MASS, labels=LABELS, interval=world.INTERVAL):
    part = cut(frames, interval)
    matches = match(part.frames["frame_id"], truth, predictions, labels, [0.5])
    return reliability(part, matches, 0.5, params, interval), matches


def unrounded(predictions):
    """Scores of one decimal lie on the edges of bins, where the last digit decides."""
    return predictions.assign(score=predictions["score"] - 0.013)


@pytest.mark.parametrize(("build", "seed"), [(world.crowd, 1), (world.wild, 2)])
def test_the_error_is_that_of_a_loop(build, seed):
    frames, truth, predictions = build(seed)
    result, matches = measured(frames, truth, unrounded(predictions), EQUAL_WIDTH)
    wide = [[] for _ in range(10)]
    for score, hit, false in zip(matches.score, matches.is_hit(0.5), matches.is_false(0.5), strict=True):
        if hit or false:  # on crowds they are neither
            wide[int(score * 10)].append((score, hit))
    total = sum(map(len, wide))
    error = sum(abs(sum(s - h for s, h in one)) for one in wide) / total
    assert result["detections"] == total
    assert result["ece"]["estimate"] == pytest.approx(error, abs=1e-6)
    for one, row in zip(wide, result["bins"], strict=True):
        assert row["count"] == len(one)
        if one:
            assert row["confidence"] == pytest.approx(np.mean([s for s, _ in one]), abs=1e-6)
            assert row["accuracy"] == pytest.approx(np.mean([h for _, h in one]), abs=1e-6)
            assert row["accuracy_interval"]["low"] <= row["accuracy"] <= row["accuracy_interval"]["high"]
        else:
            assert row["confidence"] is None and row["accuracy"] is None
    everything = [pair for one in wide for pair in one]
    assert result["bias"]["estimate"] == pytest.approx(np.mean([s - h for s, h in everything]), abs=1e-6)


def test_bins_of_equal_mass_hold_equally_many_and_none_under_the_floor():
    frames, truth, predictions = world.crowd(4, frames=120)
    scores = np.random.default_rng(0).random(len(predictions))
    result, matches = measured(frames, truth, predictions.assign(score=scores))
    assert result["detections"] == (matches.score >= 0.05).sum()
    counts = [row["count"] for row in result["bins"]]
    assert len(counts) == 10 and max(counts) - min(counts) <= 2
    assert result["bins"][0]["low"] == 0.05 and result["bins"][-1]["high"] == 1.0
    tied, _ = measured(frames, truth, predictions.assign(score=0.5))
    assert sum(row["count"] for row in tied["bins"]) == tied["detections"] > 0


def sure(seed, groups, claim, frames=12, each=6):
    """Detections that come true as often as they say, and then say ``claim`` of it."""
    rng = np.random.default_rng(seed)
    rows, objects, found = [], [], []
    for g in range(groups):
        for k in range(frames):
            frame_id = f"g{g:02d}_{k:02d}"
            rows.append(world.frame(frame_id, f"g{g:02d}"))
            for place in range(each):
                honest, xyxy = rng.uniform(0.06, 0.99), (100 * place, 0, 100 * place + 50, 50)
                found.append(world.prediction(frame_id, xyxy, claim(honest)))
                if rng.random() < honest:
                    objects.append(world.box(frame_id, xyxy))
    return world.frames_table(rows), world.boxes_table(objects), world.predictions_table(found)


def test_honest_boastful_and_modest_detectors_are_told_apart():
    honest, _ = measured(*sure(1, 24, lambda p: p))
    boastful, _ = measured(*sure(1, 24, lambda p: p**0.5))
    modest, _ = measured(*sure(1, 24, lambda p: max(p**2, 0.05)))
    assert honest["bias"]["low"] < 0 < honest["bias"]["high"] and honest["ece"]["estimate"] < 0.04
    assert boastful["bias"]["low"] > 0.05 and modest["bias"]["high"] < -0.05
    # The truth: the mean of sqrt(p) - p over p from 0.06 to 0.99.
    p = np.linspace(0.06, 0.99, 10_001)
    truth = float(np.mean(np.sqrt(p) - p))
    assert boastful["bias"]["low"] < truth < boastful["bias"]["high"]
    assert boastful["ece"]["estimate"] == pytest.approx(truth, abs=0.03)


@pytest.mark.slow
def test_the_interval_of_the_bias_holds_the_truth_as_often_as_it_says():
    held = 0
    for seed in range(100):
        frames, truth, predictions = sure(100 + seed, 20, lambda p: p, frames=3, each=4)
        bias = measured(frames, truth, predictions)[0]["bias"]
        held += bias["low"] <= 0.0 <= bias["high"]
    assert held >= 88  # 93 to 97 are meant; under 88 of 100 has a chance of 1 in 500 at 0.95


def test_replicates_are_those_of_copied_groups():
    frames, truth, predictions = world.crowd(6, frames=30, groups=3)
    part = cut(frames, world.INTERVAL)
    matches = match(part.frames["frame_id"], truth, unrounded(predictions), LABELS, [0.5])
    sums = sums_of(part, matches, 0.5, EQUAL_WIDTH)
    weights = np.array([[2.0, 0.0, 1.0]])
    copies = pd.concat(
        [matches_table(part, matches, group) for group, times in enumerate((2, 0, 1)) for _ in range(times)]
    )
    bins = (copies["score"] * 10).astype(int)
    gap = (copies["score"] - copies["hit"]).groupby(bins).sum().abs().sum() / len(copies)
    assert sums.error(weights)[0] == pytest.approx(gap, abs=1e-9)


def matches_table(part, matches, group):
    mine = part.group[matches.frame] == group
    return pd.DataFrame({"score": matches.score[mine], "hit": matches.is_hit(0.5)[mine].astype(float)})


def test_no_detections():
    frames, truth, predictions = world.crowd(2)
    result, _ = measured(frames, truth, predictions.iloc[:0])
    assert result["detections"] == 0 and result["bins"] == []
    assert result["ece"] is None and result["bias"] is None
