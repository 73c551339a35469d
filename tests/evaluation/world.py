"""Seeded tables: frames in groups, objects, and detectors of known quality."""

from __future__ import annotations

import numpy as np
import pandas as pd

from provenline import tables
from provenline.evaluation.params import (
    EvalParams,
    Gate,
    IntervalParams,
    NonInferiority,
    Rule,
    StageAParams,
    WhyParams,
)

INTERVAL = IntervalParams(
    method="bca", confidence=0.95, replicates=200, seed=0, warn_groups=20, min_groups=10
)
HIGHER = {"end": "low", "better": "higher"}
WHY = WhyParams.model_validate(
    {
        "budget": {"foreground": 0.5, "background": 0.1, "occlusion": ["hands_only", "occluded"]},
        "calibration": {
            "floor": 0.05, "bins": 10, "binning": "equal_mass", "scores": [0.25, 0.5],
            "bounds_per_hour": [60], "bounds_per_1000_frames": [100],
        },
        "label_errors": {"prior": 0.05, "floor": 0.5, "most": 500},
    }
)  # fmt: skip

PEOPLE = {
    "role": "role",
    "attributes": ("occluded", "hands_only", "role"),
    "failure_modes": (
        {"name": "occluded", "kind": "attribute", "attribute": "occluded", "value": "true"},
        {"name": "hands only", "kind": "attribute", "attribute": "hands_only", "value": "true"},
        {"name": "small", "kind": "small", "share": 0.01},
        {"name": "cut off", "kind": "border", "pixels": 2.0},
        {"name": "near a mannequin", "kind": "near", "label": "mannequin", "reach": 0.5},
    ),
}


def frame(frame_id: str, group: str, category: str = "", **more) -> dict:
    row = {
        "frame_id": frame_id, "path": f"{frame_id}.jpg", "plan": "every", "media": group, "media_sha256": "0",
        "time_ms": 0, "width": 640, "height": 360, "camera": "", "day": "", "category": category,
        "group": group,
        "workplace": None, "dhash": "0" * 16, "annotated": True, "annotator": "ana",
    }  # fmt: skip
    return row | more


def box(frame_id: str, xyxy, label: str = "person", annotator: str = "ana") -> dict:
    return {
        "frame_id": frame_id,
        "annotator": annotator,
        "label": label,
        "polygon": None,
        "attributes": "{}",
    } | dict(zip(tables.BOX, map(float, xyxy), strict=True))


def prediction(frame_id: str, xyxy, score: float, label: str = "person") -> dict:
    return {"frame_id": frame_id, "model": "m", "label": label, "score": float(score), "mask": None} | dict(
        zip(tables.BOX, map(float, xyxy), strict=True)
    )


def frames_table(rows) -> pd.DataFrame:
    return tables.table(rows, tables.FRAMES)


def boxes_table(rows) -> pd.DataFrame:
    return tables.table(rows, tables.BOXES)


def predictions_table(rows) -> pd.DataFrame:
    return tables.table(rows, tables.PREDICTIONS)


def crowd(seed: int, frames: int = 40, groups: int = 8, labels=("person", "hand"), detections: int = 25):
    """Random frames, objects and detections: tied scores, equal overlaps, empty frames on either side."""
    rng = np.random.default_rng(seed)
    rows, objects, found = [], [], []
    for place in range(frames):
        frame_id = f"f{place:04d}"
        rows.append(frame(frame_id, f"g{place % groups}", f"c{place % groups % 3}"))
        mine = []
        for _ in range(rng.integers(0, 6) if place % 7 else 0):
            corner = rng.integers(0, 200, 2)
            mine.append([*corner, *(corner + rng.integers(20, 120, 2))])
            objects.append(box(frame_id, mine[-1], str(rng.choice(labels))))
            if rng.random() < 0.3:  # the same place twice: equal overlaps
                objects.append(objects[-1])
        for _ in range(rng.integers(0, detections) if place % 5 else 0):
            if mine and rng.random() < 0.6:
                xyxy = np.array(mine[rng.integers(len(mine))]) + rng.integers(-8, 9, 4)
            else:
                corner = rng.integers(0, 200, 2)
                xyxy = [*corner, *(corner + rng.integers(20, 120, 2))]
            # One decimal: many ties, within frames and between them.
            found.append(prediction(frame_id, xyxy, rng.integers(1, 11) / 10, str(rng.choice(labels))))
    return frames_table(rows), boxes_table(objects), predictions_table(found)


def wild(seed: int, frames: int = 40, groups: int = 8, labels=("person", "hand"), full: int = 130):
    """Everything that COCO's rules are for: boxes of all sizes (also exactly 32 and 96 pixels wide),
    crowds with several detections on them, ties, equal overlaps, frames with nothing on either side,
    and one with more detections of one label than may take part."""
    rng = np.random.default_rng(seed)
    rows, objects, found = [], [], []

    def somewhere():
        corner = rng.integers(0, 400, 2)
        sides = (
            rng.integers(8, 200, 2) if rng.random() < 0.6 else np.repeat(rng.choice([12, 32, 64, 96, 150]), 2)
        )
        return np.array([*corner, *(corner + sides)], dtype=float)

    for place in range(frames):
        frame_id = f"f{place:04d}"
        rows.append(frame(frame_id, f"g{place % groups}", f"c{place % groups % 3}"))
        mine = []
        for _ in range(rng.integers(0, 7) if place % 7 else 0):
            mine.append(somewhere())
            one = box(frame_id, mine[-1], str(rng.choice(labels)))
            if rng.random() < 0.2:
                one["attributes"] = '{"iscrowd": "true", "occluded": "no"}'
            objects += [one, one] if rng.random() < 0.2 else [one]  # twice: equal overlaps
        for _ in range(full if place == 3 else rng.integers(0, 30) if place % 5 else 0):
            near = mine and rng.random() < 0.7
            xyxy = mine[rng.integers(len(mine))] + rng.integers(-6, 7, 4) if near else somewhere()
            xyxy[2:] = np.maximum(xyxy[2:], xyxy[:2] + 2)
            label = labels[0] if place == 3 else str(rng.choice(labels))
            found.append(prediction(frame_id, xyxy, rng.integers(1, 21) / 20, label))
    return frames_table(rows), boxes_table(objects), predictions_table(found)


def line(
    seed: int, groups: int, recall: float, *, per_group: int = 8, spread: float = 0.05, categories: int = 7
):
    """Frames with one person each, and a detector that finds this share, differing by group."""
    rng = np.random.default_rng(seed)
    rows, objects, found = [], [], []
    for g in range(groups):
        share = np.clip(recall + rng.normal(0, spread), 0, 1)
        for k in range(per_group):
            frame_id = f"g{g:03d}_{k:03d}"
            rows.append(frame(frame_id, f"g{g:03d}", f"c{g % categories}", time_ms=k * 1000))
            objects.append(box(frame_id, (100, 100, 200, 300)))
            if rng.random() < share:
                found.append(prediction(frame_id, (102, 101, 201, 299), rng.uniform(0.5, 0.95)))
            if rng.random() < 0.1:
                found.append(prediction(frame_id, (400, 100, 500, 300), rng.uniform(0.05, 0.6)))
    return frames_table(rows), boxes_table(objects), predictions_table(found)


def eval_params(**more) -> EvalParams:
    gates = (Gate(metric="map50", bound=0.6, **HIGHER), Gate(metric="recall", bound=0.8, **HIGHER))
    improvement = Gate(metric="recall", bound=0.0, **HIGHER)
    values = {
        "iou": 0.5, "score": 0.25, "gates": gates, "improvement": improvement, "interval": INTERVAL,
        "non_inferiority": NonInferiority(metric="recall", margin=0.02), "holm_level": 0.05, "power": 0.8,
        "rule": Rule(metric="map50", deploy=0.2, more_data=0.1), "why": WHY,
    }  # fmt: skip
    return EvalParams(**(values | more))


def stage_a_params(**more) -> StageAParams:
    gates = (
        Gate(metric="recall", bound=0.95, **HIGHER),
        Gate(metric="median_confidence", bound=0.55, **HIGHER),
    )
    values = {
        "frames": 100_000, "groups_per_category": 3, "seed": 0, "iou": 0.5, "score": 0.25, "gates": gates,
        "interval": INTERVAL, "confidence_bins": 20, "near_iou": 0.1, "power": 0.8, **PEOPLE,
    }  # fmt: skip
    return StageAParams(**(values | more))
