"""All that `eval` says of two models: how good, which is better, why they err, which labels look wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from provenline.evaluation.case import MODELS, prepare
from provenline.evaluation.compare import evaluate
from provenline.evaluation.curves import curves
from provenline.evaluation.label_errors import summary, suspicions
from provenline.evaluation.params import EvalParams
from provenline.evaluation.seeds import Trainings
from provenline.evaluation.why import why

BINS = 20  # of the histogram of confidences


@dataclass(frozen=True)
class Assessment:
    """What `eval` found.

    Attributes:
        result: What ``compare.evaluate`` returns, with ``why`` and ``label_errors``.
        curves: See ``curves.curves``.
        suspicions: See ``label_errors.suspicions``.
    """

    result: dict[str, Any]
    curves: dict[str, list[dict[str, Any]]]
    suspicions: pd.DataFrame


def assess(
    frames: pd.DataFrame,
    boxes: pd.DataFrame,
    predictions: Mapping[str, pd.DataFrame],
    labels: Sequence[str],
    params: EvalParams,
    *,
    same_model: bool = False,
    trainings: Trainings | None = None,
) -> Assessment:
    """Compare two models, diagnose each, and look for labels that both make doubtful.

    Args:
        frames: See ``compare.evaluate``, as are the others.
        boxes: Boxes of all labels.
        predictions: Of ``base`` and ``candidate``.
        labels: Labels that are looked at.
        params: See there.
        same_model: The candidate is the base: only the base is diagnosed.
        trainings: See ``compare.evaluate``.
    """
    result = evaluate(frames, boxes, predictions, labels, params, same_model=same_model, trainings=trainings)
    used = {model: predictions[model] for model in (MODELS[:1] if same_model else MODELS)}
    case = prepare(frames, boxes, used, labels, params.iou)
    doubtful = suspicions(frames, boxes, used, labels, params.why)
    diagnosed = {
        "why": why(case, boxes, result["judged_on"], params),
        "label_errors": summary(doubtful, frames, params.why.label_errors.floor),
    }
    drawn = curves(frames, boxes, predictions, labels, params, bins=BINS)
    return Assessment({**result, **diagnosed}, drawn, doubtful)
