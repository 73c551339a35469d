"""An engine held against its checkpoint on frames with a known truth: AP, its interval, thresholds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from provenline.evaluation.average_precision import COCO_IOUS
from provenline.evaluation.case import thresholds
from provenline.evaluation.intervals import Interval
from provenline.evaluation.matching import match
from provenline.evaluation.operating import Threshold, choose
from provenline.evaluation.params import IntervalParams
from provenline.evaluation.slices import cut


@dataclass(frozen=True)
class Held:
    """What truth adds to a comparison of predictions.

    Attributes:
        reference: AP50-95 of the checkpoint; None where nothing is to be found.
        engine: AP50-95 of the engine.
        difference: Engine minus checkpoint, with its interval over groups.
        groups: That the frames come from.
        thresholds: Of each: label -> the score with the largest F1 on these frames.
    """

    reference: float | None
    engine: float | None
    difference: Interval | None
    groups: int
    thresholds: Mapping[str, Mapping[str, Threshold | None]]

    def to_dict(self) -> dict[str, Any]:
        """Return the thresholds, chosen anew for each, as a JSON object."""
        return {
            whose: {label: one and one.to_dict() for label, one in found.items()}
            for whose, found in self.thresholds.items()
        }


def hold(
    frames: pd.DataFrame,
    truth: pd.DataFrame,
    reference: pd.DataFrame,
    engine: pd.DataFrame,
    labels: tuple[str, ...],
    iou: float,
    interval: IntervalParams,
    least: int = 1,
) -> Held:
    """Evaluate a checkpoint and its engine on the same annotated frames and the same draws of groups.

    Args:
        frames: Validation frames; a threshold that is chosen on others would flatter.
        truth: Boxes that count on them (``tables.truth``).
        reference: Predictions of the checkpoint.
        engine: Predictions of the engine.
        labels: Labels that are looked at.
        iou: Overlap from which on an object counts as found, for the thresholds.
        interval: How the interval is computed.
        least: Objects of a label that it takes to choose a threshold.
    """
    part = cut(frames, interval)
    ids, ious = part.frames["frame_id"].tolist(), thresholds(iou)
    matches = [match(ids, truth, table, labels, ious) for table in (reference, engine)]
    before, after = (part.average_precision(one, COCO_IOUS) for one in matches)
    return Held(
        reference=before.estimate,
        engine=after.estimate,
        difference=(after - before).interval(interval),
        groups=len(part.resamples.groups),
        thresholds=dict(
            zip(("reference", "engine"), (choose(one, iou, least) for one in matches), strict=True)
        ),
    )
