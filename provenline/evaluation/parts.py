"""One part of the frames: both models' figures on it, their differences, and what they are made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from provenline.evaluation.average_precision import COCO_IOUS
from provenline.evaluation.case import MODELS, ByModel
from provenline.evaluation.counting import Fraction, fractions, is_found
from provenline.evaluation.intervals import Interval, Statistic
from provenline.evaluation.matching import BoolArray, FloatArray, Matches
from provenline.evaluation.params import EvalParams, IntervalParams
from provenline.evaluation.proportions import mcnemar
from provenline.evaluation.slices import Slice, cut

RATIOS = ("precision", "recall", "f1", "count_mae")
WHOLE = ("map50", "map", *RATIOS)
SLICED = ("map50", *RATIOS)
BY_SIZE = ("map50", "precision", "recall", "f1")  # a count of some sizes only would count nothing
DIFFERENCE = "difference"
_IOUS: dict[str, FloatArray] = {"map50": np.array([0.5]), "map": COCO_IOUS}


@dataclass(frozen=True)
class Part:
    """Both models on some frames.

    Attributes:
        slice: The frames and the draws of their groups.
        matches: By model.
        found: Objects that each model finds at its operating point, by model, (G,).
        fractions: By model and metric, for what is a ratio of sums.
        statistics: By model and metric; with both models ``difference`` too.
        params: Of the intervals.
    """

    slice: Slice
    matches: ByModel
    found: Mapping[str, BoolArray]
    fractions: Mapping[str, Mapping[str, Fraction]]
    statistics: Mapping[str, Mapping[str, Statistic]]
    params: IntervalParams

    @cached_property
    def intervals(self) -> dict[str, dict[str, Interval | None]]:
        """Intervals by model and metric; a candidate that is the base has the base's."""
        found = {
            model: {name: one.interval(self.params) for name, one in numbers.items()}
            for model, numbers in self.statistics.items()
        }
        return {"candidate": found["base"]} | found

    def statistic(self, of: str, metric: str) -> Statistic:
        """Return a figure of the base, the candidate (which may be the base) or the difference."""
        return self.statistics[of if of in self.statistics else "base"][metric]

    @property
    def paired(self) -> bool:
        """Whether there are two models."""
        return DIFFERENCE in self.statistics

    @property
    def groups(self) -> int:
        """Number of groups."""
        return len(self.slice.resamples.groups)

    @property
    def frames(self) -> int:
        """Number of frames."""
        return len(self.slice.frames)

    @property
    def objects(self) -> int:
        """Number of objects to find."""
        return len(self.matches["base"].truth_frame)

    def only(self, metrics: Sequence[str]) -> Part:
        """Return the same part with some of its metrics."""
        kept = {
            which: {name: numbers[name] for name in metrics} for which, numbers in self.statistics.items()
        }
        return replace(self, statistics=kept)

    def figures(self) -> dict[str, Any]:
        """Return base, candidate and difference as one JSON object."""
        return {
            which: {name: one and one.to_dict() for name, one in self.intervals[which].items()}
            if which in self.intervals
            else None
            for which in (*MODELS, DIFFERENCE)
        }

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON object: sizes, ``figures`` and ``mcnemar``."""
        return {
            "groups": self.groups,
            "frames": self.frames,
            "objects": self.objects,
            **self.figures(),
            "mcnemar": discordant(*(self.found[model] for model in MODELS)) if self.paired else None,
        }


def measure(
    frames: pd.DataFrame,
    matches: ByModel,
    scores: Mapping[str, FloatArray],
    metrics: Sequence[str],
    params: EvalParams,
) -> Part:
    """Measure both models on some frames.

    Args:
        frames: Sorted by ``frame_id``, all of them annotated.
        matches: Of these frames, by model.
        scores: Operating threshold of each label, by model, (L,).
        metrics: From ``WHOLE``.
        params: See there.
    """
    part = cut(frames, params.interval)
    counted = {model: fractions(one, params.iou, scores[model]) for model, one in matches.items()}
    statistics = {
        model: {name: _statistic(part, one, counted[model], name) for name in metrics}
        for model, one in matches.items()
    }
    if "candidate" in statistics:
        base, candidate = statistics["base"], statistics["candidate"]
        statistics[DIFFERENCE] = {name: candidate[name] - base[name] for name in metrics}
    found = {model: is_found(one, params.iou, scores[model]) for model, one in matches.items()}
    return Part(part, matches, found, counted, statistics, params.interval)


def _statistic(part: Slice, matches: Matches, counted: Mapping[str, Fraction], metric: str) -> Statistic:
    if metric in _IOUS:
        return part.average_precision(matches, _IOUS[metric])
    one = counted[metric]
    return part.ratio(one.numerator, one.denominator, proportion=one.proportion)


def discordant(base: BoolArray, candidate: BoolArray) -> dict[str, Any] | None:
    """Return the objects that one model finds and the other does not, with McNemar's exact p.

    A side figure: it takes objects as independent, which those of one video are not.

    Args:
        base: Which objects the base finds, (G,).
        candidate: Likewise.
    """
    if not len(base):
        return None
    base_only, candidate_only = int((base & ~candidate).sum()), int((~base & candidate).sum())
    return {
        "both": int((base & candidate).sum()),
        "base_only": base_only,
        "candidate_only": candidate_only,
        "neither": int((~base & ~candidate).sum()),
        "p_value": float(f"{mcnemar(base_only, candidate_only):.3g}"),
    }
