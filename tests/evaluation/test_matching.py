"""Matches against pycocotools' own, and their slices against matching anew."""

from __future__ import annotations

import contextlib
import io
import json

import numpy as np
import pandas as pd
import pytest

from provenline.annotations import coco
from provenline.evaluation.average_precision import COCO_IOUS
from provenline.evaluation.crowds import crowds
from provenline.evaluation.matching import AREAS, match, overlaps, per_frame
from tests.evaluation import world

LABELS = ("person", "hand")


def pycoco(frames, truth, predictions, labels=LABELS, only=None):
    """Return pycocotools' evaluation, of one label alone if asked."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    image = {name: place + 1 for place, name in enumerate(frames["frame_id"])}

    def rows(table):
        return [
            {
                "id": place + 1, "image_id": image[row.frame_id], "category_id": labels.index(row.label) + 1,
                "bbox": [row.x1, row.y1, row.x2 - row.x1, row.y2 - row.y1],
                "iscrowd": int("iscrowd" in getattr(row, "attributes", "")),
                "area": (row.x2 - row.x1) * (row.y2 - row.y1), "score": getattr(row, "score", 1.0),
            }
            for place, row in enumerate(table.itertuples()) if row.frame_id in image and row.label in labels
        ]  # fmt: skip

    with contextlib.redirect_stdout(io.StringIO()):
        truths, found = COCO(), COCO()
        for table, annotations in ((truths, rows(truth)), (found, [])):
            table.dataset = {
                "images": [{"id": number} for number in image.values()],
                "annotations": annotations,
                "categories": [{"id": place + 1, "name": name} for place, name in enumerate(labels)],
                "info": {},
            }
            table.createIndex()
        if len(predictions):  # loadRes takes no empty list
            found = truths.loadRes(rows(predictions))
        evaluation = COCOeval(truths, found, "bbox")
        if only is not None:
            evaluation.params.catIds = [labels.index(only) + 1]
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return evaluation


@pytest.mark.parametrize("size", AREAS)
@pytest.mark.parametrize("seed", range(3))
def test_the_same_pairs_as_pycocotools(seed, size):
    frames, truth, predictions = world.wild(seed)
    found = match(frames["frame_id"], truth, predictions, LABELS, COCO_IOUS, AREAS[size])
    evaluation = pycoco(frames, truth, predictions)
    limits = dict(zip(evaluation.params.areaRngLbl, evaluation.params.areaRng, strict=True))[size]
    seen = objects = 0
    for image in evaluation.evalImgs:
        if image is None or image["aRng"] != limits:
            continue
        mine = (found.frame == image["image_id"] - 1) & (found.label == image["category_id"] - 1)
        # pycocotools counts from 1 and has 0 for "none"; ids are rows + 1 here.
        rows = np.append(found.truth_row + 1, 0)[found.truth[:, mine]]
        assert (found.row[mine] + 1).tolist() == image["dtIds"]
        assert np.array_equal(found.ignored[:, mine], image["dtIgnore"])
        assert np.array_equal(rows, np.where(image["dtIgnore"], 0, image["dtMatches"]))
        counts = np.flatnonzero(np.asarray(image["gtIgnore"]) == 0)
        here = (found.truth_frame == image["image_id"] - 1) & (found.truth_label == image["category_id"] - 1)
        assert (found.truth_row[here] + 1).tolist() == [image["gtIds"][place] for place in counts]
        by = np.append(found.row + 1, 0)[found.found[:, here]]
        assert np.array_equal(by, image["gtMatches"][:, counts])
        seen, objects = seen + len(image["dtIds"]), objects + len(counts)
    assert (seen, objects) == (len(found.row), len(found.truth_row))
    assert found.ignored.any() and (found.truth >= 0).any()


def test_a_crowd_is_neither_found_nor_missed():
    frames = world.frames_table([world.frame("a", "g")])
    many = world.box("a", (0, 0, 100, 100)) | {"attributes": '{"iscrowd": "true"}'}
    one = world.box("a", (0, 0, 10, 10))
    on_it = [world.prediction("a", (20 * k, 50, 20 * k + 9, 59), 0.9) for k in range(4)]
    off = world.prediction("a", (200, 200, 220, 220), 0.8)
    predictions = world.predictions_table([*on_it, world.prediction("a", (0, 0, 10, 10), 0.5), off])
    found = match(["a"], world.boxes_table([many, one]), predictions, ("person",), [0.5])
    assert len(found.truth_frame) == 1 and found.is_found(0.5, 0.0).tolist() == [True]
    assert found.is_hit(0.5).tolist() == [False] * 4 + [False, True]
    assert found.is_false(0.5).tolist() == [False] * 4 + [True, False]
    counts = per_frame(found, 0.5, 0.0)
    assert (counts.objects[0], counts.found[0], counts.detections[0]) == (1, 1, 2)
    assert len(frames) == 1


def test_crowds_as_the_formats_write_them(tmp_path):
    path = tmp_path / "coco.json"
    shape = {"bbox": [0, 0, 10, 10], "category_id": 1, "image_id": 1}
    annotations = [shape | {"id": 1, "iscrowd": 1}, shape | {"id": 2, "iscrowd": 0}, shape | {"id": 3}]
    images, categories = (
        [{"id": 1, "file_name": "a.jpg", "width": 20, "height": 20}],
        [{"id": 1, "name": "p"}],
    )
    path.write_text(json.dumps({"images": images, "categories": categories, "annotations": annotations}))
    read = [json.dumps(dict(one.attributes)) for one in coco.read(path)[0].objects]
    told = ['{"is_crowd": "True"}', '{"iscrowd": 1}', '{"iscrowd": "0"}', '{"label": "a crowd"}', "{}"]
    assert (
        crowds(pd.DataFrame({"attributes": read + told})).tolist()
        == [True, False, False, True, True] + [False] * 3
    )
    assert crowds(pd.DataFrame({"frame_id": ["a"]})).tolist() == [False]


def test_within_equals_matching_the_part():
    frames, truth, predictions = world.wild(7)
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
    frames, truth, predictions = world.wild(5)
    after = per_frame(match(frames["frame_id"], truth, predictions, LABELS, [0.5]), 0.5, 0.65)
    kept = predictions[predictions["score"] >= 0.65]
    before = per_frame(match(frames["frame_id"], truth, kept, LABELS, [0.5]), 0.5, 0.0)
    assert np.array_equal(after.found, before.found)
    assert np.array_equal(after.detections, before.detections)


def test_each_label_may_count_from_a_score_of_its_own():
    frames, truth, predictions = world.wild(5)
    least = np.linspace(0.2, 0.8, len(LABELS))
    together = match(frames["frame_id"], truth, predictions, LABELS, [0.5])
    after = per_frame(together, 0.5, least)
    rows = dict(zip(LABELS, least, strict=True))
    kept = predictions[predictions["score"] >= predictions["label"].map(rows)]
    before = per_frame(match(frames["frame_id"], truth, kept, LABELS, [0.5]), 0.5, 0.0)
    np.testing.assert_array_equal(after.found, before.found)
    np.testing.assert_array_equal(after.detections, before.detections)
    assert after.found.sum() < per_frame(together, 0.5, least.min()).found.sum()


def test_overlap_by_hand():
    a = np.array([[0.0, 0, 10, 10], [0, 0, 10, 10], [0, 0, 0, 0]])
    b = np.array([[5.0, 0, 15, 10], [20, 20, 30, 30], [0, 0, 0, 0]])
    assert overlaps(a, b).tolist() == [1 / 3, 0.0, 0.0]
