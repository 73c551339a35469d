"""Doubtful labels where the truth is known: `pytest -m slow -s -k doubtful` prints how many are found."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from provenline import tables
from provenline.detectors.base import predict_frames
from provenline.detectors.open import open_checkpoint
from provenline.detectors.params import ModelParams
from provenline.evaluation.label_errors import suspicions
from provenline.evaluation.near import near
from provenline.files import sha256_file
from provenline.simline.annotators import View, annotate
from provenline.simline.film import Film, truths
from provenline.simline.plan import plans
from tests.evaluation import planted, world
from tests.evaluation.test_label_errors import REAL, asked, chance
from tests.simline.conftest import annotator, footage, line

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
PERSON = ("person",)


def detector(weights: Path, imgsz: int):
    params = ModelParams(
        name="base", family="ultralytics", weights=weights, sha256=sha256_file(weights), imgsz=imgsz,
        labels={"person": "person"}, score_floor=0.01, nms_iou=0.7, max_detections=300,
    )  # fmt: skip
    return open_checkpoint(params, "cpu")


def said(about: str, rows: pd.DataFrame, errors: pd.DataFrame) -> tuple[float, float]:
    """Print and return the average precision of a ranking, and what chance gives."""
    hits = planted.is_planted(rows, errors) >= 0
    found, luck = planted.average_precision(hits, len(errors)), chance(hits, len(errors))
    print(f"\n{about}: {len(errors)} errors, average precision {found:.3f}, by chance {luck:.3f}")
    print(
        f"right are {hits[:10].mean():.2f} of the first 10, {hits[: len(errors)].mean():.2f} of the first n"
    )
    return found, luck


@pytest.mark.parametrize(
    ("name", "least", "times"), [("coco128_person", 0.4, 10), ("cctv_events_yolo", 0.15, 5)]
)
def test_doubtful_real_labels_by_a_real_detector(name, least, times):
    """The detector was trained on the photos of coco128_person, with the true labels, and never saw cctv."""
    frames, boxes = planted.yolo(REAL / name, None, PERSON)
    model = detector(REAL / "base_person/yolov8n_person_real.pt", 640)
    seen = predict_frames(model, frames, Path("/"), 8)
    found = []
    for seed in range(3):
        spoilt, errors = planted.spoiled(frames, boxes, PERSON, 0.05, seed)
        rows = suspicions(frames.assign(split="val"), spoilt, {"base": seen}, PERSON, asked())
        found.append(said(f"{name}, real detector, errors {seed}", rows, errors))
    precision, luck = np.mean(found, axis=0)
    assert precision > least and precision > times * luck


def labelled():
    """Have an annotator label simulated videos.

    Returns:
        Frames, the annotator's boxes, the people who are there, and the errors: people who are there and not
        drawn, and people who are drawn where there are none.
    """
    large = {"width": 640, "height": 360, "photos": 0, "mannequin_share": 0.6}
    size = footage(videos=(3, 3, 3, 3), seconds=(6.0, 6.5), **large)
    params, rng = line(development=size), np.random.default_rng(5)
    errs = annotator(miss_operator=0.04, miss_passer_by=0.08, invented=0.04, mannequin_as_person=0.15)
    rows, boxes, truth = [], [], []
    for plan in plans("development", size, params.seed):
        film = Film(plan, params.seed)
        for frame in film.frames(5):
            if frame.mask is None:
                continue
            name = f"{plan.name}_{frame.index:04d}"
            rows.append(world.frame(name, plan.name, plan.category))
            there = tuple(truths(frame.mask, frame.cast, film.stage.scene, (params.min_visible, 60)))
            drawn = annotate(View(plan.name, frame.index, 640, 360, idle=False, truths=there), errs, rng)
            boxes += [world.box(name, one.box, "mannequin" if one.mannequin else "person") for one in drawn]
            truth += [world.box(name, one.box) for one in there if one.kind != "mannequin"]
    frames, boxes, truth = world.frames_table(rows), world.boxes_table(boxes), world.boxes_table(truth)
    drawn = boxes[boxes["label"] == "person"]
    errors = [alone(truth, drawn).assign(kind="missing"), alone(drawn, truth).assign(kind="spurious")]
    return frames, boxes, truth, pd.concat(errors, ignore_index=True)


def alone(boxes, others):
    """Return the boxes on which none of the others lies."""
    frame, other = (pd.factorize(pd.concat([boxes, others])["frame_id"])[0][part] for part in (
        slice(None, len(boxes)), slice(len(boxes), None)))  # fmt: skip
    order = np.argsort(other, kind="stable")
    on = others[tables.BOX].to_numpy(float)[order]
    iou = near(frame, boxes[tables.BOX].to_numpy(float), other[order], on, 0.3).best(len(boxes))[1]
    return boxes[iou == 0]


def test_doubtful_labels_of_simulated_annotators():
    """Their errors are their own, mannequins taken for people among them; the detector is played."""
    frames, boxes, truth, errors = labelled()
    seen = planted.detector(frames, truth, PERSON, 3, recall=0.9, false=0.5)
    rows = suspicions(frames.assign(split="test"), boxes, {"base": seen}, PERSON, asked())
    kinds = errors["kind"].value_counts().to_dict()
    found, luck = said(f"simulated line, {len(frames)} frames, {len(boxes)} boxes, {kinds}", rows, errors)
    assert min(kinds.values()) >= 5
    assert found > 0.5 and found > 10 * luck
