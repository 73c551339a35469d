"""Base against candidate: the same frames, the same evaluator, the same draws of groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from provenline import tables
from provenline.evaluation.average_precision import COCO_IOUS, coco_metrics
from provenline.evaluation.gates import judge
from provenline.evaluation.intervals import Interval, Statistic, mcnemar, rounded
from provenline.evaluation.matching import BoolArray, Matches, match, per_frame
from provenline.evaluation.operating import best_score
from provenline.evaluation.params import EvalParams
from provenline.evaluation.slices import Slice, annotated, categories, cut

SPLITS = ("train", "val", "test", "deployment")
MODELS = ("base", "candidate")


@dataclass(frozen=True)
class Case:
    """What is compared: annotated frames of the known splits, their objects, both models' matches."""

    frames: pd.DataFrame
    truth: pd.DataFrame
    predictions: Mapping[str, pd.DataFrame]
    matches: Mapping[str, Matches]
    labels: tuple[str, ...]

    def splits(self) -> list[str]:
        """Return the splits that have an annotated frame, in the usual order."""
        there = set(self.frames["split"])
        return [split for split in SPLITS if split in there]

    def where(self, split: str, category: str | None = None) -> BoolArray:
        """Return which frames, (F,), are of a split (and of a category)."""
        keep = (self.frames["split"] == split).to_numpy()
        return keep if category is None else keep & (self.frames["category"] == category).to_numpy()


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
    kept = annotated(frames[frames["split"].isin(SPLITS)])
    truth = tables.truth(kept, boxes, tuple(labels))
    ious = COCO_IOUS if np.isclose(COCO_IOUS, iou).any() else np.append(COCO_IOUS, iou)
    ids = kept["frame_id"].tolist()
    matches = {model: match(ids, truth, table, labels, ious) for model, table in predictions.items()}
    return Case(kept, truth, predictions, matches, tuple(labels))


def evaluate(
    frames: pd.DataFrame,
    boxes: pd.DataFrame,
    predictions: Mapping[str, pd.DataFrame],
    labels: Sequence[str],
    params: EvalParams,
    *,
    same_model: bool = False,
) -> dict[str, Any]:
    """Evaluate both models on every split, and the difference on the same draws of groups.

    The improvement and the candidate's targets are judged on the deployment footage if it has an
    object to find, else on test.

    Args:
        frames: Frames with a column ``split`` (train, val, test, deployment; else left out).
        boxes: Boxes of all of them.
        predictions: Of ``base`` and ``candidate``, down to their score floor. With ``same_model``
            ``base`` is enough.
        labels: Labels that are looked at.
        params: See there.
        same_model: The candidate is the base: nothing is compared.

    Returns:
        A JSON object: ``splits`` (per split both models, their difference, categories),
        ``judged_on``, ``targets``, ``improvement``, ``better``, ``best_threshold``, ``warnings``.
    """
    tables_of = {model: predictions[model] for model in (MODELS[:1] if same_model else MODELS)}
    case = prepare(frames, boxes, tables_of, labels, params.iou)
    splits, found = {}, {}
    for split in case.splits():
        splits[split], found[split] = _split(case, split, params)
    judged_on = next((name for name in ("deployment", "test") if splits.get(name, {}).get("objects")), None)
    return {
        "labels": list(labels),
        "iou": params.iou,
        "score": params.score,
        "same_model": same_model,
        "splits": splits,
        **_judge(found.get(judged_on or "", {}), judged_on, same_model, params),
        "best_threshold": _thresholds(case, params.iou),
        "warnings": _warnings(splits, judged_on, same_model, params),
    }


def _split(case: Case, split: str, params: EvalParams) -> tuple[dict[str, Any], dict[str, Any]]:
    result, found = _part(case, case.where(split), params, with_map=True)
    part = case.frames[case.where(split)]
    for model in MODELS:
        # The candidate that is the base has the base's predictions.
        table = case.predictions.get(model, case.predictions["base"])
        result[model]["coco"] = coco_metrics(part, case.truth, table, case.labels)
    result["by_category"] = {
        category: _part(case, case.where(split, category), params, with_map=False)[0]
        for category in categories(part)
    }
    return result, found


def _part(
    case: Case, keep: BoolArray, params: EvalParams, *, with_map: bool
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the JSON object of some frames, and the intervals in it."""
    part = cut(case.frames[keep], params.interval)
    matches = {model: records.within(keep) for model, records in case.matches.items()}
    statistics = {model: _statistics(part, records, params, with_map) for model, records in matches.items()}
    found: dict[str, Any] = {
        model: {name: one.interval(params.interval) for name, one in numbers.items()}
        for model, numbers in statistics.items()
    }
    paired = "candidate" in found
    if paired:
        base, candidate = statistics["base"], statistics["candidate"]
        differences = {name: candidate[name] - base[name] for name in base}
        found["difference"] = {name: one.interval(params.interval) for name, one in differences.items()}
    else:
        found["candidate"] = found["base"]
    result = {
        "groups": len(part.resamples.groups),
        "frames": len(part.frames),
        "objects": len(matches["base"].truth_frame),
        "base": _plain(found["base"]),
        "candidate": _plain(found["candidate"]),
        "difference": _plain(found["difference"]) if paired else None,
        "mcnemar": _mcnemar(matches, params) if paired else None,
    }
    return result, found


def _statistics(part: Slice, matches: Matches, params: EvalParams, with_map: bool) -> dict[str, Statistic]:
    counts = per_frame(matches, params.iou, params.score)
    result = {"map50": part.average_precision(matches, [0.5])}
    if with_map:
        result["map"] = part.average_precision(matches, COCO_IOUS)
    return result | {
        "precision": part.ratio(counts.found, counts.detections, proportion=True),
        "recall": part.ratio(counts.found, counts.objects, proportion=True),
        "f1": part.ratio(2 * counts.found, counts.objects + counts.detections),
    }


def _plain(found: dict[str, Interval | None]) -> dict[str, Any]:
    return {name: interval and interval.to_dict() for name, interval in found.items()}


def _mcnemar(matches: dict[str, Matches], params: EvalParams) -> dict[str, Any] | None:
    """Return the objects that one model finds and the other does not, with McNemar's exact p.

    A side figure: it takes objects as independent, which those of one video are not.
    """
    if not len(matches["base"].truth_frame):
        return None
    base, candidate = (matches[model].is_found(params.iou, params.score) for model in MODELS)
    both, base_only = int((base & candidate).sum()), int((base & ~candidate).sum())
    candidate_only, neither = int((~base & candidate).sum()), int((~base & ~candidate).sum())
    return {
        "both": both,
        "base_only": base_only,
        "candidate_only": candidate_only,
        "neither": neither,
        "p_value": float(f"{mcnemar(base_only, candidate_only):.3g}"),
    }


def _judge(
    found: dict[str, Any], judged_on: str | None, same_model: bool, params: EvalParams
) -> dict[str, Any]:
    candidate, difference = found.get("candidate", {}), found.get("difference", {})
    gain = difference.get(params.improvement.metric)
    proven = gain is not None and gain.low is not None and gain.groups >= params.interval.min_groups
    return {
        "judged_on": judged_on,
        "targets": [judge(gate, candidate.get(gate.metric), params.interval) for gate in params.gates],
        "improvement": None
        if same_model
        else judge(params.improvement, gain, params.interval, f"difference in {params.improvement.metric}"),
        "better": bool(proven and gain.low > 0),
    }


def _thresholds(case: Case, iou: float) -> dict[str, float | None]:
    """Return the score of the largest F1 on val, for information: both are judged at one score."""
    found = {
        model: rounded(best_score(records.within(case.where("val")), iou))
        for model, records in case.matches.items()
    }
    return {model: found.get(model, found["base"]) for model in MODELS}


def _warnings(
    splits: dict[str, Any], judged_on: str | None, same_model: bool, params: EvalParams
) -> list[str]:
    found = []
    if same_model:
        found.append("the candidate is the base, by its fingerprint: there is no difference to judge")
    if judged_on is None:
        found.append("neither deployment nor test has an annotated object: nothing can be judged")
    elif judged_on == "test":
        found.append("judged on test: there is no annotated deployment footage")
    groups = splits[judged_on]["groups"] if judged_on else 0
    if judged_on and groups < params.interval.warn_groups:
        found.append(
            f"{judged_on} has {groups} groups: intervals under {params.interval.warn_groups} are rough"
        )
    return found
