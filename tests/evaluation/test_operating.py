"""Thresholds chosen on val and counts at them, against counting one by one."""

from __future__ import annotations

import numpy as np
import pytest

from provenline.evaluation.counting import fractions, is_found
from provenline.evaluation.matching import match
from provenline.evaluation.operating import at, choose
from tests.evaluation import world

LABELS = ("person", "hand")


def counted(frames, truth, predictions, label, score):
    """Count found, objects and detections of one label, with what lies below the threshold taken away."""
    kept = predictions[(predictions["score"] >= score) & (predictions["label"] == label)]
    matches = match(frames["frame_id"].tolist(), truth, kept, [label], [0.5])
    return int((matches.found[0] >= 0).sum()), len(matches.truth_frame), len(kept)


def f1(found, objects, detections):
    return 2 * found / (objects + detections)


@pytest.mark.parametrize("seed", range(4))
def test_each_labels_threshold_is_the_best_of_all(seed):
    frames, truth, predictions = world.crowd(seed)
    matches = match(frames["frame_id"].tolist(), truth, predictions, LABELS, [0.5])
    for label, best in choose(matches, 0.5).items():
        scores = sorted(predictions["score"].unique())
        every = {score: counted(frames, truth, predictions, label, score) for score in scores}
        largest = max(f1(*one) for one in every.values())
        assert best.f1 == pytest.approx(largest)
        assert best.score == max(score for score, one in every.items() if f1(*one) == pytest.approx(largest))
        found, objects, detections = every[best.score]
        between = np.nextafter(best.below, 1)
        assert counted(frames, truth, predictions, label, between) == every[best.score]
        assert (best.precision, best.recall) == pytest.approx((found / detections, found / objects))


def test_nothing_to_choose_from():
    frames, truth, predictions = world.crowd(1)
    ids = frames["frame_id"].tolist()
    nothing = {"person": None, "hand": None}
    assert choose(match(ids, truth.iloc[:0], predictions, LABELS, [0.5]), 0.5) == nothing
    assert choose(match(ids, truth, predictions.iloc[:0], LABELS, [0.5]), 0.5) == nothing
    only = choose(match(ids, truth[truth["label"] == "hand"], predictions, LABELS, [0.5]), 0.5)
    assert only["person"] is None and only["hand"] is not None
    assert at(only, 0.25).tolist() == [0.25, only["hand"].score]
    hands = int((truth["label"] == "hand").sum())
    matches = match(ids, truth, predictions, LABELS, [0.5])
    assert (
        choose(matches, 0.5, hands)["hand"] == only["hand"]
        and choose(matches, 0.5, hands + 1)["hand"] is None
    )


def test_what_is_ignored_chooses_no_threshold():
    truth = world.boxes_table([world.box("a", (0, 0, 50, 50)), world.box("a", (200, 0, 400, 200))])
    truth.loc[1, "attributes"] = '{"iscrowd": "1"}'
    on_crowd = [world.prediction("a", (210 + 20 * k, 10, 230 + 20 * k, 60), 0.9) for k in range(5)]
    predictions = world.predictions_table([*on_crowd, world.prediction("a", (0, 0, 50, 50), 0.6)])
    matches = match(["a"], truth, predictions, ["person"], [0.5])
    chosen = choose(matches, 0.5)["person"]
    assert (chosen.score, chosen.f1, chosen.precision) == (0.6, 1.0, 1.0)
    counts = fractions(matches, 0.5, np.array([0.5]))
    assert counts["count_mae"].numerator.tolist() == [0.0]
    assert counts["precision"].denominator.tolist() == [1.0]


@pytest.mark.parametrize("seed", range(3))
def test_fractions_against_loops(seed):
    frames, truth, predictions = world.crowd(seed)
    ids = frames["frame_id"].tolist()
    scores = np.array([0.4, 0.7])
    given = fractions(match(ids, truth, predictions, LABELS, [0.5, 0.75]), 0.75, scores)
    for place, frame_id in enumerate(ids):
        mine, seen = (table[table["frame_id"] == frame_id] for table in (truth, predictions))
        wrong, hits, objects, detections = [], 0, 0, 0
        for label, score in zip(LABELS, scores, strict=True):
            own, kept = (
                mine[mine["label"] == label],
                seen[(seen["label"] == label) & (seen["score"] >= score)],
            )
            matches = match([frame_id], own, kept, [label], [0.75])
            hits += int((matches.found[0] >= 0).sum())
            objects, detections = objects + len(own), detections + len(kept)
            wrong.append(abs(len(kept) - len(own)))
        assert given["recall"].numerator[place] == given["precision"].numerator[place] == hits
        assert (given["recall"].denominator[place], given["precision"].denominator[place]) == (
            objects,
            detections,
        )
        assert (given["f1"].numerator[place], given["f1"].denominator[place]) == (
            hits,
            (objects + detections) / 2,
        )
        assert given["count_mae"].numerator[place] == pytest.approx(sum(wrong) / 2)
        assert given["count_mae"].denominator[place] == 1


def test_found_objects_follow_their_own_labels_threshold():
    frames, truth, predictions = world.crowd(2)
    matches = match(frames["frame_id"].tolist(), truth, predictions, LABELS, [0.5])
    person = matches.truth_label == 0
    found = is_found(matches, 0.5, np.array([0.3, 0.8]))
    assert (found[person] == matches.is_found(0.5, 0.3)[person]).all()
    assert (found[~person] == matches.is_found(0.5, 0.8)[~person]).all()
    assert found[person].any() and found[~person].any()
