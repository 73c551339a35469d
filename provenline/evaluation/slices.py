"""A set of frames with the draws of its groups: what every statistic is computed on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from provenline.errors import InputError
from provenline.evaluation import intervals
from provenline.evaluation.average_precision import curves, mean_precision
from provenline.evaluation.intervals import Resamples, Statistic
from provenline.evaluation.matching import BoolArray, FloatArray, IntArray, Matches
from provenline.evaluation.params import IntervalParams


@dataclass(frozen=True)
class Slice:
    """Annotated frames and the replicates of their groups.

    Attributes:
        frames: One row per frame, sorted by ``frame_id``.
        group: Position of each frame's group in ``resamples.groups``, (F,).
        resamples: Drawn once for this slice, so that its statistics are paired.
    """

    frames: pd.DataFrame
    group: IntArray
    resamples: Resamples

    def sums(self, values: FloatArray) -> FloatArray:
        """Return the sum per group, (G,), of a quantity per frame, (F,)."""
        sums = np.bincount(self.group, weights=values, minlength=len(self.resamples.groups))
        return sums.astype(np.float64)

    def ratio(self, numerator: FloatArray, denominator: FloatArray, *, proportion: bool = False) -> Statistic:
        """Return sum(numerator) / sum(denominator) of quantities per frame, (F,) each."""
        return intervals.ratio(
            self.sums(numerator), self.sums(denominator), self.resamples, proportion=proportion
        )

    def median(self, values: FloatArray, keep: BoolArray) -> Statistic:
        """Return the median of a quantity per frame over the frames that are kept."""
        return intervals.median(values[keep], self.group[keep], self.resamples)

    def average_precision(self, matches: Matches, ious: Sequence[float] | FloatArray) -> Statistic:
        """Return the mean average precision over labels and thresholds; ``matches`` of these frames."""
        drawn, left_out = self.resamples.weights, self.resamples.left_out
        lines = curves(matches, self.group, drawn.shape[1], ious)
        estimate = float(mean_precision(lines, np.ones((1, drawn.shape[1])))[0])
        values = mean_precision(lines, np.concatenate([drawn, left_out]), single=True)
        return Statistic(
            estimate=None if np.isnan(estimate) else estimate,
            replicates=values[: len(drawn)],
            groups=len(np.unique(self.group[matches.truth_frame])),
            trials=float(len(matches.truth_frame)),
            jackknife=values[len(drawn) :],
        )


def annotated(frames: pd.DataFrame) -> pd.DataFrame:
    """Return the frames somebody looked at, sorted by ``frame_id``.

    Raises:
        InputError: A frame is listed twice: the same footage in two lists, or in two splits.
    """
    kept = frames[frames["annotated"].astype(bool)].sort_values("frame_id", kind="stable")
    twice = kept["frame_id"][kept["frame_id"].duplicated()]
    if len(twice):
        raise InputError(
            f"frame {twice.iloc[0]} is listed twice",
            mend="List each video in one footage only: what is trained on cannot be tested on",
        )
    return kept.reset_index(drop=True)


def cut(frames: pd.DataFrame, params: IntervalParams) -> Slice:
    """Make a slice of the annotated ones among ``frames``."""
    kept = annotated(frames)
    resamples = intervals.draw(kept["group"].tolist(), params)
    group = pd.Index(list(resamples.groups), dtype=object).get_indexer(pd.Index(kept["group"], dtype=object))
    return Slice(kept, group.astype(np.int64), resamples)


def categories(frames: pd.DataFrame) -> list[str]:
    """Return the categories of some frames, sorted; one category ``""`` where nobody named any."""
    return sorted(frames["category"].unique().tolist())
