"""Why each model errs where it is judged: causes of errors, and what its confidences are worth."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from provenline import tables
from provenline.evaluation.calibration import reliability
from provenline.evaluation.case import Case
from provenline.evaluation.error_budget import CAUSES, causes, mended
from provenline.evaluation.error_table import budget, cells, listed, names_of, objects_by
from provenline.evaluation.false_alarms import Watch, bounded, rates
from provenline.evaluation.matching import Matches, match
from provenline.evaluation.params import EvalParams
from provenline.evaluation.slices import Slice, cut

CHOSEN_ON = "val"


def why(case: Case, boxes: pd.DataFrame, judged_on: str | None, params: EvalParams) -> dict[str, Any] | None:
    """Diagnose each model of a case on the set that the claims rest on.

    Args:
        case: Both models' matches; with one model, that one is diagnosed.
        boxes: Boxes of all labels: a false positive may lie on something that is not looked for.
        judged_on: The split that is judged; thresholds are chosen on ``val``. None: nothing is judged.
        params: See there.

    Returns:
        A JSON object: ``judged_on``, ``iou``, ``background``, ``score``, and of each of ``models`` the
        ``errors``, ``objects``, ``detections``, ``budget``, ``cells``, ``objects_by`` and ``calibration``.
    """
    if judged_on is None:
        return None
    return {
        "judged_on": judged_on,
        "iou": params.why.budget.foreground,
        "background": params.why.budget.background,
        "score": params.score,
        "models": {model: _diagnosis(case, model, boxes, judged_on, params) for model in case.matches},
    }


def _diagnosis(
    case: Case, model: str, boxes: pd.DataFrame, judged_on: str, params: EvalParams
) -> dict[str, Any]:
    keep = case.where(judged_on)
    part, matches = cut(case.frames[keep], params.interval), case.matches[model].within(keep)
    return {
        "objects": len(matches.truth_frame),
        "detections": int((matches.score >= params.score).sum()),
        **_budget(case, model, part, matches, boxes, params),
        "calibration": _calibration(case, model, part, matches, params),
    }


def _budget(
    case: Case, model: str, part: Slice, matches: Matches, boxes: pd.DataFrame, params: EvalParams
) -> dict[str, Any]:
    asked, found = params.why.budget, case.predictions[model]
    others = tables.truth(part.frames, boxes, sorted(set(boxes["label"]) - set(case.labels)))
    errors = causes(matches, case.truth, found, asked, params.score)
    table = listed(errors, part.frames, matches, case.truth, found, others, asked)
    gains = _gains(case, model, part, matches, params)
    rows = budget(table, names_of(part.frames, asked.occlusion))
    return {
        "errors": len(table),
        "budget": [row | {"ap_gain": gains[row["cause"]]} for row in rows],
        "cells": cells(table),
        "objects_by": objects_by(part.frames, matches, case.truth, asked.occlusion),
    }


def _gains(case: Case, model: str, part: Slice, matches: Matches, params: EvalParams) -> dict[str, Any]:
    """Return how much AP mending each cause would give, with its interval."""
    asked, found = params.why.budget, case.predictions[model]
    iou, ids = asked.foreground, part.frames["frame_id"].tolist()
    errors = causes(matches, case.truth, found, asked, 0.0)
    now = part.average_precision(matches, [iou])
    gains = {}
    for code, cause in enumerate(CAUSES):
        truth, better = mended(errors, code, matches, case.truth, found, iou)
        then = part.average_precision(match(ids, truth, better, case.labels, [iou]), [iou])
        # Mending what is not there gains nothing, which is no share of anything: no trials, no interval.
        gain = replace(then - now, trials=None).interval(params.interval)
        gains[cause] = None if gain is None else gain.to_dict()
    return gains


def _calibration(case: Case, model: str, part: Slice, matches: Matches, params: EvalParams) -> dict[str, Any]:
    asked, iou, every = params.why.calibration, params.iou, case.frames["hours"].to_numpy(dtype=np.float64)
    val = case.where(CHOSEN_ON)
    judged = Watch(part, matches, iou, every[np.isin(case.frames["frame_id"], part.frames["frame_id"])])
    chosen = Watch(cut(case.frames[val], params.interval), case.matches[model].within(val), iou, every[val])
    return {
        **reliability(part, matches, iou, asked, params.interval),
        "exposure": judged.exposure(),
        "false_positives_per_hour": rates(judged, asked.scores, params.interval),
        "thresholds": bounded(chosen, judged, asked, params.interval),
    }
