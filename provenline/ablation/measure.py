"""One trained cell on the sets that it is judged on, with the draws of groups that all cells share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from provenline.evaluation.case import prepare
from provenline.evaluation.intervals import Statistic
from provenline.evaluation.params import EvalParams
from provenline.evaluation.parts import measure

Scores = Mapping[str, Mapping[str, Statistic]]
_MODEL = "base"  # the evaluator's name for a model that stands alone


def scores(
    frames: pd.DataFrame,
    boxes: pd.DataFrame,
    predictions: pd.DataFrame,
    labels: Sequence[str],
    sets: Sequence[str],
    metrics: Sequence[str],
    params: EvalParams,
) -> Scores:
    """Match a cell's predictions once, and return set -> metric -> number with its replicates.

    The draws of groups follow from the groups' names and the parameters alone. So two cells that were
    given the same frames may be subtracted replicate by replicate.

    Args:
        frames: Frames with a column ``split``.
        boxes: Boxes of all of them.
        predictions: Of the cell, down to the score floor.
        labels: Labels that are looked at.
        sets: Splits to measure on; those without annotated frames are left out.
        metrics: See ``AblationParams.metrics``.
        params: Overlap, operating threshold, intervals.
    """
    wanted = frames[frames["split"].isin(list(sets))]
    case = prepare(wanted, boxes, {_MODEL: predictions}, labels, params.iou)
    thresholds = {_MODEL: np.full(len(case.labels), params.score)}
    found = {}
    for name in case.splits():
        keep = case.where(name)
        matches = {_MODEL: case.matches[_MODEL].within(keep)}
        part = measure(case.frames[keep], matches, thresholds, metrics, params)
        found[name] = part.statistics[_MODEL]
    return found
