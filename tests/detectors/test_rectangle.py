"""An input that is no square finds what the square finds, where a picture is as large in both."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from scipy.optimize import linear_sum_assignment

from provenline.detectors.base import Detections
from provenline.detectors.open import open_checkpoint
from provenline.simline.film import Film
from provenline.simline.plan import plans
from tests.detectors.conftest import model_params
from tests.simline.conftest import footage

BASE = Path(__file__).parents[2] / "models/base/yolov8n_simline.pt"
SURE = 0.25


def pictures() -> list[np.ndarray]:
    """Return pictures of the simulated line, 640 x 360."""
    size = footage(videos=(1, 1), width=640, height=360, photos=0)
    films = [Film(plan, 5) for plan in plans("development", size, 5)]
    return [
        cv2.cvtColor(one.image, cv2.COLOR_YUV2BGR_I420) for film in films for one in [*film.frames(20)][:16]
    ]


def pairs(one: Detections, other: Detections) -> list[tuple[float, float]]:
    """Return overlap and difference in score of each sure detection of one side and its like on the other."""
    sure = one.boxes[one.scores >= SURE]
    corner = np.maximum(sure[:, None, :2], other.boxes[None, :, :2])
    shared = np.clip(np.minimum(sure[:, None, 2:], other.boxes[None, :, 2:]) - corner, 0, None).prod(axis=2)
    areas = [(boxes[:, 2:] - boxes[:, :2]).prod(axis=1) for boxes in (sure, other.boxes)]
    overlap = shared / (areas[0][:, None] + areas[1][None] - shared)
    rows, columns = linear_sum_assignment(-overlap)
    assert len(rows) == len(sure)
    drift = np.abs(one.scores[rows] - other.scores[columns])
    return list(zip(overlap[rows, columns].tolist(), drift.tolist(), strict=True))


def test_a_rectangle_finds_what_the_square_finds_in_pictures_of_16_to_9():
    """Only the grey differs, which the network looks into from the picture's edge."""
    images = pictures()
    found = [
        open_checkpoint(model_params(BASE, imgsz=imgsz), "cpu").predict(images) for imgsz in (320, [192, 320])
    ]
    both = [pair for one, other in zip(*found, strict=True) for pair in pairs(one, other) + pairs(other, one)]
    overlaps, drifts = np.array(both).T
    assert len(overlaps) > 200
    assert (overlaps >= 0.5).mean() > 0.98 and np.median(overlaps) > 0.9
    assert np.median(drifts) < 0.05
