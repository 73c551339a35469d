"""Base against candidate before anything is measured: one set of frames, matched once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from provenline import tables
from provenline.evaluation.average_precision import COCO_IOUS
from provenline.evaluation.false_alarms import hours
from provenline.evaluation.matching import BoolArray, FloatArray, Matches, match
from provenline.evaluation.slices import annotated

SPLITS = ("train", "val", "test", "deployment")
MODELS = ("base", "candidate")

ByModel = Mapping[str, Matches]


@dataclass(frozen=True)
class Case:
    """What is compared: annotated frames of the known splits, their objects, both models' matches."""

    frames: pd.DataFrame
    truth: pd.DataFrame
    predictions: Mapping[str, pd.DataFrame]
    matches: ByModel
    labels: tuple[str, ...]

    def splits(self) -> list[str]:
        """Return the splits that have an annotated frame, in the usual order."""
        there = set(self.frames["split"])
        return [split for split in SPLITS if split in there]

    def where(self, split: str, category: str | None = None) -> BoolArray:
        """Return which frames, (F,), are of a split (and of a category)."""
        return self.having(split, "category", category)

    def having(self, split: str, column: str, value: str | None) -> BoolArray:
        """Return which frames, (F,), are of a split and have a value in a column, any if None."""
        keep = (self.frames["split"] == split).to_numpy()
        return keep if value is None else keep & (self.frames[column] == value).to_numpy()


def prepare(
    frames: pd.DataFrame,
    boxes: pd.DataFrame,
    predictions: Mapping[str, pd.DataFrame],
    labels: Sequence[str],
    iou: float,
) -> Case:
    """Match both models' predictions once, for all splits and thresholds.

    Args:
        frames: Frames with a column ``split``; those of no known split are left out.
        boxes: Boxes of all of them.
        predictions: By model.
        labels: Labels that are looked at.
        iou: Of the operating point; COCO's ten thresholds are matched too.
    """
    known = frames[frames["split"].isin(SPLITS)]
    # A frame that nobody annotated was sampled all the same: its neighbour stands for no more footage.
    kept = annotated(known.assign(hours=hours(known)))
    truth = tables.truth(kept, boxes, tuple(labels))
    ids, ious = kept["frame_id"].tolist(), thresholds(iou)
    matches = {model: match(ids, truth, table, labels, ious) for model, table in predictions.items()}
    return Case(kept, truth, predictions, matches, tuple(labels))


def thresholds(iou: float) -> FloatArray:
    """Return COCO's ten thresholds of overlap, and ``iou`` where it is none of them."""
    return COCO_IOUS if np.isclose(COCO_IOUS, iou).any() else np.append(COCO_IOUS, iou)
