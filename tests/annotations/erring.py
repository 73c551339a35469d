"""Annotators who err by a known amount on a known truth, and the AP that the truth then reaches."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from provenline.annotations.ratings import Floats, Key

SIZE = (640, 480)


class Errors(NamedTuple):
    """How an annotator errs: shares of the objects, and of a box's sides (one sigma)."""

    miss: float
    invent: float
    jitter: float


def objects(rng: np.random.Generator, count: int) -> Floats:
    sides = rng.uniform(30, 140, (count, 2))
    corner = rng.uniform(0, 1, (count, 2)) * (np.array(SIZE) - sides)
    return np.hstack([corner, corner + sides])


def truth(rng: np.random.Generator, groups: int, each: int) -> dict[Key, Floats]:
    keys = [(f"v{g:03d}", 500 * n) for g in range(groups) for n in range(each)]
    return {key: objects(rng, int(rng.integers(0, 6))) for key in keys}


def annotate(rng: np.random.Generator, true: Mapping[Key, Floats], errors: Errors) -> dict[Key, Floats]:
    return {key: _draw(rng, boxes, errors) for key, boxes in true.items()}


def _draw(rng: np.random.Generator, boxes: Floats, errors: Errors) -> Floats:
    seen = boxes[rng.random(len(boxes)) >= errors.miss]
    sides = np.tile(seen[:, 2:] - seen[:, :2], 2)
    shaken = seen + rng.normal(0, errors.jitter, seen.shape) * sides
    invented = objects(rng, int(rng.binomial(len(boxes), errors.invent)))
    return np.vstack([shaken, invented])


def coco_ap(labels: Mapping[Key, Floats], found: Mapping[Key, Floats]) -> tuple[float, float]:
    """Return AP50 and AP50-95 by pycocotools; all detections have one score."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    keys = sorted(labels)
    with contextlib.redirect_stdout(io.StringIO()):
        dataset = COCO()
        dataset.dataset = {
            "images": [{"id": n + 1, "width": SIZE[0], "height": SIZE[1]} for n in range(len(keys))],
            "annotations": _coco(keys, labels),
            "categories": [{"id": 1, "name": "person"}],
        }
        dataset.createIndex()
        evaluation = COCOeval(dataset, dataset.loadRes(_coco(keys, found)), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
    precision = evaluation.eval["precision"][:, :, 0, 0, -1].mean(axis=1)
    return float(precision[0]), float(precision.mean())


def _coco(keys: list[Key], boxes: Mapping[Key, Floats]) -> list[dict]:
    rows = [(number, box) for number, key in enumerate(keys) for box in boxes[key].tolist()]
    return [
        {
            "id": place + 1,
            "image_id": number + 1,
            "category_id": 1,
            "bbox": [x1, y1, x2 - x1, y2 - y1],
            "area": (x2 - x1) * (y2 - y1),
            "iscrowd": 0,
            "score": 1.0,
        }
        for place, (number, (x1, y1, x2, y2)) in enumerate(rows)
    ]
