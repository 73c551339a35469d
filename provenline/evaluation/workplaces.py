"""Who of the people in a frame is the operator."""

from __future__ import annotations

import numpy as np
import pandas as pd

from provenline import tables
from provenline.evaluation.matching import FloatArray, IntArray, Matches, areas, intersections


def operators(frames: pd.DataFrame, truth: pd.DataFrame, matches: Matches) -> IntArray:
    """Return the objects (positions in ``matches``) that are the operators of their frames.

    The operator is the one on the frame's work place: whose centre lies on it, and of several (or
    none) such who overlaps it most. A frame whose work place touches nobody has no operator; a
    frame without a work place has the largest as its operator.
    """
    box = truth[tables.BOX].to_numpy(dtype=np.float64)[matches.truth_row]
    place = _workplaces(frames)[matches.truth_frame]
    named = ~np.isnan(place[:, 0])
    centre = (box[:, :2] + box[:, 2:]) / 2
    on_it = ((centre >= place[:, :2]) & (centre < place[:, 2:])).all(axis=1)
    shared = np.where(named, intersections(box, np.nan_to_num(place)), areas(box))
    order = np.lexsort((shared, on_it, matches.truth_frame))
    frame = matches.truth_frame[order]
    last = order[np.append(frame[1:] != frame[:-1], True)] if len(order) else order
    return last[shared[last] > 0]


def _workplaces(frames: pd.DataFrame) -> FloatArray:
    """Return the work places in pixels, (F, 4), NaN where there is none."""
    result = np.full((len(frames), 4), np.nan)
    for place, box in enumerate(frames["workplace"]):
        if box is not None and np.ndim(box):
            result[place] = box
    return result
