"""Matches against pycocotools' own, and their slices against matching anew."""

from __future__ import annotations

import contextlib
import io

import numpy as np
import pytest

from provenline.evaluation.average_precision import COCO_IOUS
from provenline.evaluation.matching import match, overlaps, per_frame
from tests.evaluation import world

LABELS = ("person", "hand")


def pycoco(frames, truth, predictions, labels=LABELS):
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    image = {name: place + 1 for place, name in enumerate(frames["frame_id"])}

    def rows(table):
        return [
            {
                "id": place + 1, "image_id": image[row.frame_id], "category_id": labels.index(row.label) + 1,
                "bbox": [row.x1, row.y1, row.x2 - row.x1, row.y2 - row.y1], "iscrowd": 0,
                "area": (row.x2 - row.x1) * (row.y2 - row.y1), "score": getattr(row, "score", 1.0),
            }
            for place, row in enumerate(table.itertuples()) if row.frame_id in image and row.label in labels
        ]  # fmt: skip

    with contextlib.redirect_stdout(io.StringIO()):
        truths = COCO()
        truths.dataset = {
            "images": [{"id": number} for number in image.values()],
            "annotations": rows(truth),
            "categories": [{"id": place + 1, "name": name} for place, name in enumerate(labels)],
            "info": {},
        }
        truths.createIndex()
        evaluation = COCOeval(truths, truths.loadRes(rows(predictions)), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return evaluation


@pytest.mark.parametrize("seed", range(4))
def test_the_same_pairs_as_pycocotools(seed):
    frames, truth, predictions = world.crowd(seed)
    found = match(frames["frame_id"], truth, predictions, LABELS, COCO_IOUS)
    evaluation = pycoco(frames, truth, predictions)
    everything = evaluation.evalImgs[: len(evaluation.evalImgs)]
    seen = 0
    for image in everything:
        if image is None or image["aRng"] != [0, 1e10]:
            continue
        mine = (found.frame == image["image_id"] - 1) & (found.label == image["category_id"] - 1)
        # pycocotools counts from 1 and has 0 for "none"; ids are rows + 1 here.
        rows = np.append(found.truth_row + 1, 0)[found.truth[:, mine]]
        assert (found.row[mine] + 1).tolist() == image["dtIds"]
        assert np.array_equal(rows, image["dtMatches"])
        seen += len(image["dtIds"])
    assert seen == len(predictions)


def test_within_equals_matching_the_part():
    frames, truth, predictions = world.crowd(7)
    keep = (frames["category"] == "c1").to_numpy()
    part = match(frames["frame_id"], truth, predictions, LABELS, COCO_IOUS).within(keep)
    anew = match(frames["frame_id"][keep], truth, predictions, LABELS, COCO_IOUS)
    for name in anew.__dataclass_fields__:
        assert np.array_equal(getattr(part, name), getattr(anew, name)), name


def test_at_most_a_hundred_detections_of_a_frame():
    frames = world.frames_table([world.frame("a", "g")])
    truth = world.boxes_table([world.box("a", (0, 0, 10, 10))])
    far = [world.prediction("a", (50, 50, 60, 60), 0.9) for _ in range(100)]
    predictions = world.predictions_table([*far, world.prediction("a", (0, 0, 10, 10), 0.5)])
    found = match(frames["frame_id"], truth, predictions, ("person",), [0.5])
    assert len(found.score) == 100
    assert found.found.tolist() == [[-1]]


def test_blocks_of_pairs_do_not_change_the_result(monkeypatch):
    frames, truth, predictions = world.crowd(3)
    whole = match(frames["frame_id"], truth, predictions, LABELS, COCO_IOUS)
    monkeypatch.setattr("provenline.evaluation.matching._BLOCK", 7)
    blocks = match(frames["frame_id"], truth, predictions, LABELS, COCO_IOUS)
    assert np.array_equal(whole.truth, blocks.truth)


@pytest.mark.parametrize("missing", ["truth", "predictions", "both", "frames"])
def test_nothing_to_match(missing):
    frames, truth, predictions = world.crowd(1)
    truth = truth.iloc[:0] if missing in ("truth", "both") else truth
    predictions = predictions.iloc[:0] if missing in ("predictions", "both") else predictions
    frames = frames.iloc[:0] if missing == "frames" else frames
    found = match(frames["frame_id"], truth, predictions, LABELS, COCO_IOUS)
    assert (found.truth == -1).all() and (found.found == -1).all()
    counts = per_frame(found, 0.5, 0.1)
    assert len(counts.objects) == len(frames) and counts.found.sum() == 0


def test_a_threshold_after_matching_equals_one_before():
    frames, truth, predictions = world.crowd(5)
    after = per_frame(match(frames["frame_id"], truth, predictions, LABELS, [0.5]), 0.5, 0.65)
    kept = predictions[predictions["score"] >= 0.65]
    before = per_frame(match(frames["frame_id"], truth, kept, LABELS, [0.5]), 0.5, 0.0)
    assert np.array_equal(after.found, before.found)
    assert np.array_equal(after.detections, before.detections)


def test_overlap_by_hand():
    a = np.array([[0.0, 0, 10, 10], [0, 0, 10, 10], [0, 0, 0, 0]])
    b = np.array([[5.0, 0, 15, 10], [20, 20, 30, 30], [0, 0, 0, 0]])
    assert overlaps(a, b).tolist() == [1 / 3, 0.0, 0.0]
