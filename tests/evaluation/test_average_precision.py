"""Our AP, faster-coco-eval's and pycocotools' are one number; replicates are those of copied frames."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from provenline.evaluation.average_precision import (
    COCO_IOUS,
    RECALLS,
    average_precision,
    coco_metrics,
    curve,
    precisions,
)
from provenline.evaluation.matching import match
from tests.evaluation import world
from tests.evaluation.test_matching import LABELS, pycoco


def ours(frames, truth, predictions, weights, ious, points=None):
    names = sorted(frames["group"].unique())
    group = pd.Index(names).get_indexer(frames["group"])
    matches = match(frames["frame_id"], truth, predictions, LABELS, COCO_IOUS)
    return average_precision(matches, group, weights, ious, points)


@pytest.mark.parametrize("seed", range(8))
def test_three_counters_agree(seed, capsys):
    frames, truth, predictions = world.crowd(seed, frames=60)
    library = coco_metrics(frames, truth, predictions, LABELS)
    assert capsys.readouterr().out == ""
    reference = pycoco(frames, truth, predictions).stats
    groups = np.ones((1, frames["group"].nunique()))
    assert ours(frames, truth, predictions, groups, COCO_IOUS)[0] == pytest.approx(reference[0], abs=1e-9)
    assert ours(frames, truth, predictions, groups, [0.5])[0] == pytest.approx(reference[1], abs=1e-9)
    names = ("map", "map50", "map75", None, None, None, "ar1", "ar10", "ar100")
    for name, value in zip(names, reference, strict=False):
        if name:
            assert library[name] == pytest.approx(value, abs=1e-6), name


def test_a_class_alone_is_its_share_of_per_class():
    frames, truth, predictions = world.crowd(2)
    library = coco_metrics(frames, truth, predictions, LABELS)
    alone = coco_metrics(frames, truth, predictions, ("hand",))
    assert library["per_class"]["hand"] == {"map": alone["map"], "map50": alone["map50"]}


def test_weights_are_copies_of_groups():
    frames, truth, predictions = world.crowd(11, frames=30, groups=5)
    # Distinct scores: among tied ones the order of copies is anybody's choice.
    predictions["score"] = np.random.default_rng(0).permutation(len(predictions)) / len(predictions) + 0.001
    weights = np.random.default_rng(1).multinomial(5, [0.2] * 5, size=6).astype(float)
    mine = ours(frames, truth, predictions, weights, COCO_IOUS)
    for row, value in zip(weights, mine, strict=True):
        copies = []
        for place, count in enumerate(row.astype(int)):
            names = frames.loc[frames["group"] == f"g{place}", "frame_id"]
            copies += [(name, f"{name}#{k}") for name in names for k in range(count)]
        key = pd.DataFrame(copies, columns=["frame_id", "copy"])

        def copied(table, key=key):
            grown = table.merge(key, on="frame_id")
            return grown.assign(frame_id=grown.pop("copy"))

        reference = pycoco(copied(frames), copied(truth), copied(predictions)).stats[0]
        assert value == pytest.approx(reference, abs=1e-9)


def test_fewer_points_move_replicates_hardly():
    frames, truth, predictions = world.crowd(4, frames=400, groups=20, detections=30)
    weights = np.random.default_rng(1).multinomial(20, [0.05] * 20, size=50).astype(float)
    exact = ours(frames, truth, predictions, weights, [0.5])
    thinned = ours(frames, truth, predictions, weights, [0.5], points=200)
    assert np.abs(exact - thinned).max() < 0.01
    assert np.std(exact) > 10 * np.abs(np.mean(exact - thinned)) / 3


@pytest.mark.parametrize("missing", ["truth", "predictions", "both"])
def test_undefined_is_none_and_nothing_found_is_zero(missing):
    frames, truth, predictions = world.crowd(1)
    truth = truth.iloc[:0] if missing in ("truth", "both") else truth
    predictions = predictions.iloc[:0] if missing in ("predictions", "both") else predictions
    library = coco_metrics(frames, truth, predictions, LABELS)
    mine = ours(frames, truth, predictions, np.ones((1, frames["group"].nunique())), [0.5])[0]
    if len(truth):
        assert library["map50"] == 0.0 and mine == 0.0
    else:
        assert library["map50"] is None and library["ar100"] is None and np.isnan(mine)


def test_the_envelope_by_hand():
    # Best first: hit, miss, hit; one object is never found.
    frames = world.frames_table([world.frame("a", "g")])
    places = [(0, 0, 10, 10), (20, 0, 30, 10), (40, 0, 50, 10)]
    truth = world.boxes_table([world.box("a", place) for place in places])
    wrong = world.prediction("a", (90, 90, 99, 99), 0.8)
    hits = [world.prediction("a", places[0], 0.9), world.prediction("a", places[1], 0.7)]
    matches = match(["a"], truth, world.predictions_table([*hits, wrong]), ("person",), [0.5])
    line = curve(matches, np.zeros(1, dtype=np.int64), 1, 0, 0.5)
    value = precisions(line, np.ones((1, 1)))[0]
    expected = np.where(RECALLS <= 1 / 3, 1.0, np.where(RECALLS <= 2 / 3, 2 / 3, 0.0))
    assert value == pytest.approx(expected)
    assert len(frames) == 1
