"""Our AP, faster-coco-eval's and pycocotools' are one number; replicates are those of copied frames."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from provenline.evaluation.average_precision import (
    COCO_IOUS,
    COCO_METRICS,
    RECALLS,
    average_precision,
    coco_metrics,
    curve,
    curves,
    mean_precision,
    precisions,
)
from provenline.evaluation.matching import AREAS, match
from tests.evaluation import world
from tests.evaluation.test_matching import LABELS, pycoco


def ours(frames, truth, predictions, weights, ious, size="all", *, labels=LABELS, single=False):
    names = sorted(frames["group"].unique())
    group = pd.Index(names).get_indexer(frames["group"])
    matches = match(frames["frame_id"], truth, predictions, labels, COCO_IOUS, AREAS[size])
    if not single:
        return average_precision(matches, group, weights, ious)
    return mean_precision(curves(matches, group, len(names), ious), weights, single=True)


def defined(value):
    """Return pycocotools' number; it has -1 where there is nothing to find."""
    return None if value == -1 else pytest.approx(value, abs=1e-6)


def without(frames, truth, predictions, what):
    if what == "truth":
        truth = truth.iloc[:0]
    if what == "one label":
        truth = truth[truth["label"] == "hand"]
    if what == "predictions":
        predictions = predictions.iloc[:0]
    if what == "anything but crowds":
        truth = truth[truth["attributes"] != "{}"]
    return frames, truth.reset_index(drop=True), predictions.reset_index(drop=True)


WORLDS = [
    *((world.wild, seed, "") for seed in range(6)),
    *((world.crowd, seed, "") for seed in range(2)),
    *((world.wild, 7, what) for what in ("truth", "one label", "predictions", "anything but crowds")),
]


@pytest.mark.parametrize(("build", "seed", "missing"), WORLDS)
def test_every_metric_is_that_of_pycocotools(build, seed, missing, capsys):
    tables = without(*build(seed), missing)
    evaluation = pycoco(*tables)
    library = coco_metrics(*tables, LABELS)
    assert capsys.readouterr().out == ""
    assert [library[name] for name in COCO_METRICS] == [defined(value) for value in evaluation.stats]
    # pycocotools prints no metrics per class: it is asked for one class after the other.
    for label in LABELS:
        alone = pycoco(*tables, only=label).stats
        assert [library["per_class"][label][name] for name in COCO_METRICS] == [defined(v) for v in alone]


@pytest.mark.parametrize(("build", "seed", "missing"), WORLDS)
def test_our_own_average_precision_is_that_of_pycocotools(build, seed, missing):
    tables = without(*build(seed), missing)
    one = np.ones((1, tables[0]["group"].nunique()))
    for label in (None, *LABELS):
        stats = dict(zip(COCO_METRICS, pycoco(*tables, only=label).stats, strict=True))
        labels = LABELS if label is None else (label,)
        found = {
            "map": ours(*tables, one, COCO_IOUS, labels=labels),
            "map50": ours(*tables, one, [0.5], labels=labels),
            "map75": ours(*tables, one, [0.75], labels=labels),
        } | {f"map_{size}": ours(*tables, one, COCO_IOUS, size, labels=labels) for size in list(AREAS)[1:]}
        for name, value in found.items():
            expected = np.nan if stats[name] == -1 else stats[name]
            assert value[0] == pytest.approx(expected, abs=1e-9, nan_ok=True), (label, name)


def test_weights_are_copies_of_groups():
    frames, truth, predictions = world.wild(11, frames=30, groups=5)
    # Distinct scores: among tied ones the order of copies is anybody's choice.
    predictions["score"] = np.random.default_rng(0).permutation(len(predictions)) / len(predictions) + 0.001
    weights = np.random.default_rng(1).multinomial(5, [0.2] * 5, size=6).astype(float)
    mine = ours(frames, truth, predictions, weights, COCO_IOUS)
    rough = ours(frames, truth, predictions, np.repeat(weights, 20, axis=0), COCO_IOUS, single=True)[::20]
    for row, value, near in zip(weights, mine, rough, strict=True):
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
        assert near == pytest.approx(reference, abs=1e-7)  # in single precision, all replicates at once


def test_blocks_change_nothing(monkeypatch):
    tables = world.wild(4, frames=60)
    weights = np.random.default_rng(1).multinomial(8, [0.125] * 8, size=100).astype(float)
    whole = ours(*tables, weights, COCO_IOUS, single=True)
    monkeypatch.setattr("provenline.evaluation.replicates._BLOCK", 1000)
    monkeypatch.setattr("provenline.evaluation.replicates._NARROW", 7)
    assert np.array_equal(whole, ours(*tables, weights, COCO_IOUS, single=True))


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
