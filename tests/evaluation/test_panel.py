"""Scores become probabilities, and several models one witness."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.isotonic import IsotonicRegression

from provenline.evaluation.panel import calibrated, panel
from tests.evaluation import world


@pytest.mark.parametrize("decimals", [1, 8])
def test_scores_are_calibrated_as_scikit_learn_does_it(decimals):
    rng = np.random.default_rng(decimals)
    score = np.round(rng.uniform(0.05, 0.95, 300), decimals)
    hit = rng.random(300) < score**2
    # One right detection at the lowest score and one wrong at the highest are added.
    more = np.concatenate([score, [score.min(), score.max()]])
    peer = IsotonicRegression().fit(more, np.concatenate([hit, [True, False]]))
    assert calibrated(score, hit) == pytest.approx(peer.predict(score), abs=1e-9)


def test_nothing_is_certain():
    assert calibrated(np.zeros(0), np.zeros(0, bool)).shape == (0,)
    assert calibrated(np.full(8, 0.9), np.ones(8, bool)) == pytest.approx(0.9)
    assert calibrated(np.full(8, 0.1), np.zeros(8, bool)) == pytest.approx(0.1)


def three(frames=40):
    """Frames with one person that both see, one that only b sees, and what a alone sees falsely."""
    rows, objects, a, b = [], [], [], []
    for k in range(frames):
        name = f"f{k:02d}"
        rows.append(world.frame(name, "g"))
        one, two, nothing = (0, 0, 100, 100), (200, 0, 300, 100), (400, 0, 500, 100)
        objects += [world.box(name, one), world.box(name, two)]
        a += [world.prediction(name, (2, 0, 100, 100), 0.6), world.prediction(name, nothing, 0.3)]
        b += [world.prediction(name, (0, 3, 100, 100), 0.7), world.prediction(name, two, 0.5)]
    tables = world.frames_table(rows), world.boxes_table(objects)
    return *tables, {"a": world.predictions_table(a), "b": world.predictions_table(b)}


def test_what_both_see_is_one_thing_and_surer_than_what_one_sees():
    frames, truth, predictions = three()
    seen = panel(frames["frame_id"].tolist(), truth, predictions, ["person"], 0.5)
    assert len(seen) == 3 * len(frames)
    of = dict(list(seen.groupby("witness")))
    assert set(of) == {"a", "b", "both"} and (of["both"].groupby("frame_id").size() == 1).all()
    # Of the box that both see, that of the surer one is kept, with its own score.
    assert of["both"][["x1", "y1"]].drop_duplicates().to_numpy().tolist() == [[0.0, 3.0]]
    assert set(of["both"]["score"]) == {0.7} and set(of["a"]["score"]) == {0.3}
    assert of["both"]["p"].min() >= of["b"]["p"].min() > 0.9 > 0.1 > of["a"]["p"].max()


def test_one_model_is_a_panel_too_and_order_and_labels_do_not_matter():
    frames, truth, predictions = three()
    ids = frames["frame_id"].tolist()
    alone = panel(ids, truth, {"a": predictions["a"]}, ["person"], 0.5)
    assert set(alone["witness"]) == {"a"} and len(alone) == 2 * len(frames)
    shuffled = {name: table.sample(frac=1, random_state=1) for name, table in predictions.items()}
    columns = ["frame_id", "x1", "y1", "p", "witness"]
    one, other = (
        panel(ids, truth, tables, ["person"], 0.5)[columns].sort_values(columns).to_numpy().tolist()
        for tables in (predictions, shuffled)
    )
    assert one == other
    apart = {"a": predictions["a"], "b": predictions["b"].assign(label="hand")}
    assert "both" not in set(panel(ids, truth, apart, ["person", "hand"], 0.5)["witness"])


def test_no_detections_and_no_objects():
    frames, truth, predictions = three()
    ids = frames["frame_id"].tolist()
    none = {name: table.iloc[:0] for name, table in predictions.items()}
    assert len(panel(ids, truth, none, ["person"], 0.5)) == 0
    half = {"a": predictions["a"], "b": none["b"]}
    assert set(panel(ids, truth, half, ["person"], 0.5)["witness"]) == {"a"}
    assert panel(ids, truth.iloc[:0], predictions, ["person"], 0.5)["p"].max() < 0.1
    assert len(panel(ids, truth, {}, ["person"], 0.5)) == 0
