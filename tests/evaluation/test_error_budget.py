"""Every error has one cause, as loops over TIDE's definitions say; mended, they give pycocotools' AP."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from provenline.evaluation.average_precision import average_precision
from provenline.evaluation.error_budget import CAUSES, RIGHT, causes, mended
from provenline.evaluation.error_table import budget, cells, listed, names_of, objects_by, occlusions, sizes
from provenline.evaluation.matching import match, overlaps
from provenline.tables import BOX
from tests.evaluation import world
from tests.evaluation.test_matching import LABELS, pycoco

PARAMS = world.WHY.budget
F, B = PARAMS.foreground, PARAMS.background


def iou(one, other):
    return overlaps(np.array([one], float), np.array([other], float))[0]


def on_crowd(one, crowd):
    sides = np.minimum(one[2:], crowd[2:]) - np.maximum(one[:2], crowd[:2])
    return max(sides[0], 0) * max(sides[1], 0) / ((one[2] - one[0]) * (one[3] - one[1]))


def naive(frames, truth, predictions, score):
    """Match and classify frame by frame, box by box.

    Returns:
        The detections that take part as dicts, and the cause of each missed object by its row.
    """
    found, misses = [], {}
    box_of, crowd = truth[BOX].to_numpy(float), truth["attributes"].str.contains("iscrowd").to_numpy()
    for frame_id in frames["frame_id"]:
        there = np.flatnonzero((truth["frame_id"] == frame_id).to_numpy())
        objects = [row for row in there if not crowd[row]]
        label = truth["label"].to_numpy()
        mine, used = [], set()
        for name in LABELS:
            rows = np.flatnonzero((predictions["frame_id"] == frame_id) & (predictions["label"] == name))
            order = np.argsort(-predictions["score"].to_numpy()[rows], kind="stable")[:100]
            for row in rows[order]:
                xyxy = predictions[BOX].to_numpy(float)[row]
                one = {"row": row, "label": name, "box": xyxy, "score": predictions["score"].iloc[row]}
                free = [
                    o for o in objects if label[o] == name and o not in used and iou(xyxy, box_of[o]) >= F
                ]
                one["object"] = max(free, key=lambda o: (iou(xyxy, box_of[o]), o), default=None)
                one["frame"] = frame_id
                crowds = [o for o in there if crowd[o] and label[o] == name]
                one["ignored"] = one["object"] is None and any(on_crowd(xyxy, box_of[o]) >= F for o in crowds)
                if one["object"] is not None:
                    used.add(one["object"])
                mine.append(one)
        seen = {one["object"] for one in mine if one["object"] is not None and one["score"] >= score}
        blame = {}
        for one in mine:
            one["cause"] = one["on"] = None
            if one["object"] is not None or one["ignored"] or one["score"] < score:
                continue
            own = [(iou(one["box"], box_of[o]), -o) for o in objects if label[o] == one["label"]]
            other = [(iou(one["box"], box_of[o]), -o) for o in objects if label[o] != one["label"]]
            (own_iou, own_at), (other_iou, other_at) = max(own, default=(0, 1)), max(other, default=(0, 1))
            if B <= own_iou < F:
                one["cause"], one["on"] = "localisation", -own_at
            elif other_iou >= F:
                one["cause"], one["on"] = "wrong_class", -other_at
            elif own_iou >= F:
                one["cause"] = "duplicate"
            else:
                one["cause"] = "confusion_both" if max(own_iou, other_iou) > B else "background"
            if one["on"] is not None and one["score"] > blame.get(one["on"], (0, ""))[0]:
                blame[one["on"]] = (one["score"], one["cause"])
        misses |= {o: blame.get(o, (0, "missed"))[1] for o in objects if o not in seen}
        found += mine
    return found, misses


def some(build, seed):
    """Return a world with scores that are all different: of tied ones the order is anybody's choice."""
    frames, truth, predictions = build(seed, frames=24)
    scores = np.random.default_rng(seed).permutation(len(predictions)) + 1
    return frames, truth, predictions.assign(score=scores / (len(predictions) + 1))


@pytest.mark.parametrize("score", [0.0, 0.4])
@pytest.mark.parametrize(("build", "seed"), [(world.crowd, 1), (world.crowd, 2), (world.wild, 3)])
def test_causes_are_those_of_a_loop_and_add_up(build, seed, score):
    frames, truth, predictions = some(build, seed)
    matches = match(frames["frame_id"], truth, predictions, LABELS, [F, 0.75])
    errors = causes(matches, truth, predictions, PARAMS, score)
    found, misses = naive(frames, truth, predictions, score)

    expected = {one["row"]: one["cause"] for one in found if one["cause"]}
    false = np.flatnonzero(errors.detection != RIGHT)
    assert {matches.row[d]: CAUSES[errors.detection[d]] for d in false} == expected
    missed = np.flatnonzero(errors.object != RIGHT)
    assert {matches.truth_row[g]: CAUSES[errors.object[g]] for g in missed} == misses
    assert set(expected.values()) | set(misses.values()) == set(CAUSES)  # the world has them all

    # Counts sum up to misses plus false positives, whichever way they are cut.
    total = (matches.is_false(F) & (matches.score >= score)).sum() + (~matches.is_found(F, score)).sum()
    table = listed(errors, frames, matches, truth, predictions, truth.iloc[:0], PARAMS)
    rows = budget(table, names_of(frames, PARAMS.occlusion))
    assert len(table) == total == sum(row["count"] for row in rows) > 50
    for row in rows:
        assert row["count"] == row["misses"] + row["false_positives"]
        for by in ("by_category", "by_size", "by_occlusion"):
            assert sum(row[by].values()) == row["count"]
    assert sum(cell["misses"] + cell["false_positives"] for cell in cells(table)) == total
    json.dumps([rows, cells(table)], allow_nan=False)


def plain_ap(lists, objects):
    """AP at 101 recalls, mean over labels, from (score, right) per label."""
    values = []
    for label in LABELS:
        if not objects[label]:
            continue
        right = np.array([hit for _, hit in sorted(lists[label], reverse=True)], float)
        precision = np.cumsum(right) / np.arange(1, len(right) + 1)
        recall = np.cumsum(right) / objects[label]
        grid = [max(precision[recall >= r - 1e-12], default=0.0) for r in np.linspace(0, 1, 101)]
        values.append(np.mean(grid))
    return np.mean(values)


def oracle(cause, found, misses, truth):
    """TIDE's fix of one cause on lists of right and wrong detections: no box is moved, nothing is matched."""
    objects = {label: int((truth["label"] == label).sum()) for label in LABELS}
    crowd = truth["attributes"].str.contains("iscrowd")
    for label in LABELS:
        objects[label] -= int((crowd & (truth["label"] == label)).sum())
    if cause == "missed":
        for row, why in misses.items():
            objects[truth["label"].iloc[row]] -= why == "missed"
    lists = {label: [] for label in LABELS}
    used = {one["object"] for one in found} - {None}
    best = {}
    for one in found:
        if one["cause"] == cause and one["on"] is not None and one["on"] not in used:
            best[one["on"]] = max(best.get(one["on"], 0), one["score"])
    for one in found:
        if one["ignored"]:
            continue
        if one["cause"] != cause:
            lists[one["label"]].append((one["score"], one["object"] is not None))
        elif best.get(one["on"]) == one["score"]:
            lists[truth["label"].iloc[one["on"]]].append((one["score"], True))
    return plain_ap(lists, objects)


@pytest.mark.parametrize(("build", "seed"), [(world.crowd, 5), (world.wild, 6)])
def test_mending_a_cause_gives_the_ap_of_pycocotools_and_of_a_plain_oracle(build, seed):
    frames, truth, predictions = some(build, seed)
    ids, group = frames["frame_id"], np.zeros(len(frames), int)
    matches = match(ids, truth, predictions, LABELS, [F])
    errors = causes(matches, truth, predictions, PARAMS, 0.0)
    found, misses = naive(frames, truth, predictions, 0.0)
    now = average_precision(matches, group, np.ones((1, 1)), [F])[0]
    for code, cause in enumerate(CAUSES):
        fixed = mended(errors, code, matches, truth, predictions, F)
        then = match(ids, *fixed, LABELS, [F])
        mine = average_precision(then, group, np.ones((1, 1)), [F])[0]
        peer = pycoco(frames, *(table.reset_index(drop=True) for table in fixed)).stats[1]
        assert mine == pytest.approx(peer, abs=1e-9), cause
        assert mine == pytest.approx(oracle(cause, found, misses, truth), abs=1e-9), cause
        assert mine > now, cause
    pd.testing.assert_frame_equal(truth, some(build, seed)[1])  # what was given is as it was
    pd.testing.assert_frame_equal(predictions, some(build, seed)[2])


def test_mending_everything_leaves_nothing_to_mend():
    frames, truth, predictions = some(world.crowd, 8)
    for _ in range(20):
        matches = match(frames["frame_id"], truth, predictions, LABELS, [F])
        errors = causes(matches, truth, predictions, PARAMS, 0.0)
        there = sorted(set(errors.detection) | set(errors.object) - {RIGHT})
        there = [code for code in there if code != RIGHT]
        if not there:
            break
        truth, predictions = mended(errors, there[0], matches, truth, predictions, F)
        truth, predictions = truth.reset_index(drop=True), predictions.reset_index(drop=True)
    assert len(truth) and len(predictions)
    assert pycoco(frames, truth, predictions).stats[1] == pytest.approx(1.0)


def said(**attributes):
    return json.dumps({name: "true" if value else "false" for name, value in attributes.items()})


def test_one_error_of_each_cause():
    frames = world.frames_table([world.frame("f", "g", "Collar", width=2000), world.frame("e", "g", "Cuffs")])
    person, hand, far = (0, 0, 100, 100), (300, 0, 400, 100), (600, 0, 620, 20)
    objects = [world.box("f", person), world.box("f", hand, "hand"), world.box("f", far)]
    objects[0]["attributes"], objects[2]["attributes"] = (
        said(occluded=True, hands_only=True),
        said(occluded=1),
    )
    dummy = world.boxes_table([world.box("f", (1200, 0, 1300, 100), "mannequin")])
    found = [
        world.prediction("f", person, 0.9),
        world.prediction("f", (5, 0, 100, 100), 0.8),  # duplicate
        world.prediction("f", (0, 0, 100, 30), 0.7),  # on a person who has been found, but badly placed
        world.prediction("f", hand, 0.6),  # a hand taken for a person: one miss, one false positive
        world.prediction("f", (300, 0, 400, 30), 0.5),  # neither its place nor its label
        world.prediction("f", (1200, 0, 1300, 90), 0.4),  # on a mannequin: nothing that is looked for
        world.prediction("e", (0, 0, 200, 200), 0.3),  # on nothing at all
        world.prediction("e", (0, 0, 200, 200), 0.1),  # under the threshold
    ]
    truth, predictions = world.boxes_table(objects), world.predictions_table(found)
    matches = match(frames["frame_id"], truth, predictions, LABELS, [F])
    errors = causes(matches, truth, predictions, PARAMS, 0.25)
    table = listed(errors, frames, matches, truth, predictions, dummy, PARAMS)
    columns = ["error", "cause", "frame_id", "category", "size", "occlusion", "other"]
    assert sorted(table[columns].itertuples(index=False, name=None)) == sorted(
        [
            ("miss", "missed", "f", "Collar", "small", "occluded", ""),
            ("miss", "wrong_class", "f", "Collar", "large", "clear", ""),
            ("false_positive", "duplicate", "f", "Collar", "large", "hands_only", ""),
            ("false_positive", "localisation", "f", "Collar", "medium", "hands_only", ""),
            ("false_positive", "wrong_class", "f", "Collar", "large", "clear", ""),
            ("false_positive", "confusion_both", "f", "Collar", "medium", "clear", ""),
            ("false_positive", "background", "f", "Collar", "medium", "none", "mannequin"),
            ("false_positive", "background", "e", "Cuffs", "large", "none", ""),
        ]
    )
    rows = {row["cause"]: row for row in budget(table, names_of(frames, PARAMS.occlusion))}
    assert list(rows) == list(CAUSES)
    assert rows["background"]["on"] == {"mannequin": 1} and rows["missed"]["on"] == {}
    assert rows["wrong_class"]["count"] == 2 and rows["wrong_class"]["share"] == 0.25
    assert rows["background"]["by_category"] == {"Collar": 1, "Cuffs": 1}
    assert objects_by(frames, matches, truth, PARAMS.occlusion) == {
        "category": {"Collar": 3, "Cuffs": 0},
        "size": {"small": 1, "medium": 0, "large": 2},
        "occlusion": {"hands_only": 1, "occluded": 1, "clear": 1},
    }


def test_no_errors_and_nothing_at_all():
    frames, truth, predictions = world.crowd(3)
    for objects, found in ((truth.iloc[:0], predictions.iloc[:0]), (truth, predictions.iloc[:0])):
        matches = match(frames["frame_id"], objects, found, LABELS, [F])
        errors = causes(matches, objects, found, PARAMS, 0.0)
        table = listed(errors, frames, matches, objects, found, truth.iloc[:0], PARAMS)
        rows = budget(table, names_of(frames, PARAMS.occlusion))
        assert rows[0]["count"] == len(table) == len(matches.truth_row)
        assert rows[0]["share"] == (1.0 if len(objects) else None)
        assert sum(cell["misses"] for cell in cells(table)) == len(table)
        for code, cause in enumerate(CAUSES):
            left, _ = mended(errors, code, matches, objects, found, F)
            assert len(left) == (0 if cause == "missed" else len(objects))


def test_sizes_and_what_hides():
    assert sizes(np.array([0, 32.0**2 - 1, 32**2, 96**2 - 1, 96**2])).tolist() == [
        "small", "small", "medium", "medium", "large"
    ]  # fmt: skip
    boxes = world.boxes_table([world.box("f", (0, 0, 1, 1)) for _ in range(4)])
    boxes["attributes"] = [
        said(occluded=True),
        said(occluded=True, hands_only=True),
        "{}",
        '{"occluded": "0"}',
    ]
    assert occlusions(boxes, ("hands_only", "occluded")).tolist() == [
        "occluded", "hands_only", "clear", "clear"
    ]  # fmt: skip
    assert occlusions(boxes, ()).tolist() == ["clear"] * 4
