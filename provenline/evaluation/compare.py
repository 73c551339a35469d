"""Base against candidate: the same frames, the same evaluator, the same draws of groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from provenline.evaluation.case import MODELS, SPLITS, Case, prepare
from provenline.evaluation.comparison_plan import plan
from provenline.evaluation.gates import judge
from provenline.evaluation.holm import family
from provenline.evaluation.measured import Measured, measure_split, views
from provenline.evaluation.operating import Threshold, at, choose
from provenline.evaluation.params import EvalParams
from provenline.evaluation.parts import DIFFERENCE, Part
from provenline.evaluation.rules import advise, better, non_inferiority
from provenline.evaluation.seeds import Trainings, ground_sha256, judge_recipe

__all__ = ["MODELS", "SPLITS", "Case", "evaluate", "prepare"]

CHOSEN_ON = "val"
FAMILY = "by_category"
IN_FAMILY = ("recall", "map50")

Chosen = Mapping[str, Mapping[str, Threshold | None]]


def evaluate(
    frames: pd.DataFrame,
    boxes: pd.DataFrame,
    predictions: Mapping[str, pd.DataFrame],
    labels: Sequence[str],
    params: EvalParams,
    *,
    same_model: bool = False,
    trainings: Trainings | None = None,
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
        trainings: The candidate's, and those that differ from it by seed alone; None: nothing is said of
            the recipe that it was trained by.

    Returns:
        A JSON object: ``splits`` (of each both models, their difference, ``own``, and the same by
        category, camera, day, size and class), ``thresholds``, ``judged_on``, ``targets``,
        ``improvement``, ``better``, ``seeds`` (see ``seeds.judge_recipe``), ``holm``,
        ``non_inferiority``, ``rule`` (the last four None for one model), ``plan`` and ``warnings``.
        Where the spread between seeds is known, ``better`` asks for the recipe's gain too.
    """
    tables_of = {model: predictions[model] for model in (MODELS[:1] if same_model else MODELS)}
    case = prepare(frames, boxes, tables_of, labels, params.iou)
    chosen = {
        model: choose(one.within(case.where(CHOSEN_ON)), params.iou) for model, one in case.matches.items()
    }
    own = {model: at(found, params.score) for model, found in chosen.items()}
    seen = views(case, params.iou)
    measured = {split: measure_split(case, split, seen, own, params) for split in case.splits()}
    there = [name for name in ("deployment", "test") if name in measured and measured[name].whole.objects]
    judged_on = there[0] if there else None
    whole = measured[judged_on].whole if judged_on and not same_model else None
    seeds, gain = None, None
    if whole and trainings:
        ground = ground_sha256(frames, boxes, labels, str(judged_on), params)
        seeds, gain = judge_recipe(whole, trainings, ground, params)
    verdicts = _judge(measured[judged_on] if judged_on else None, same_model, params)
    return {
        "labels": list(labels),
        "iou": params.iou,
        "score": params.score,
        "same_model": same_model,
        "splits": {split: one.to_dict() for split, one in measured.items()},
        "thresholds": {"chosen_on": CHOSEN_ON, **_thresholds(chosen)},
        "judged_on": judged_on,
        **verdicts,
        "seeds": seeds,
        "better": verdicts["better"] and (gain is None or better(gain, params.interval)),
        "warnings": [
            *_warnings(measured, judged_on, same_model, params),
            *_unchosen(chosen, params.score),
        ],
    }


def _judge(measured: Measured | None, same_model: bool, params: EvalParams) -> dict[str, Any]:
    whole = measured.whole if measured else None
    found = whole.intervals if whole else {}
    candidate, gains = found.get("candidate", {}), found.get(DIFFERENCE, {})
    gain = gains.get(params.improvement.metric)
    compared: dict[str, Any] = {"improvement": None, "holm": None, "non_inferiority": None, "rule": None}
    if not same_model:
        name = f"difference in {params.improvement.metric}"
        compared = {
            "improvement": judge(params.improvement, gain, params.interval, name),
            "holm": _holm(measured.cuts[FAMILY] if measured else {}, params),
            "non_inferiority": non_inferiority(
                params.non_inferiority, gains.get(params.non_inferiority.metric), params.interval
            ),
            "rule": _rule(whole, params),
        }
    return {
        "targets": [judge(gate, candidate.get(gate.metric), params.interval) for gate in params.gates],
        **compared,
        "better": better(gain, params.interval),
        "plan": plan(whole, measured.cuts[FAMILY], params)
        if measured and whole
        else {"rows": [], "sentences": []},
    }


def _rule(whole: Part | None, params: EvalParams) -> dict[str, Any]:
    if whole is None:
        return advise(params.rule, None, params.interval)
    metric = params.rule.metric
    relative = whole.statistics[DIFFERENCE][metric] / whole.statistics["base"][metric]
    return advise(params.rule, relative.interval(params.interval), params.interval)


def _holm(categories: Mapping[str, Part], params: EvalParams) -> dict[str, Any]:
    named = {name: part for name, part in categories.items() if name}
    result = {}
    for metric in IN_FAMILY:
        differences = {name: part.statistics[DIFFERENCE][metric] for name, part in named.items()}
        rows = family(differences, params.holm_level, params.interval)
        result[metric] = {"family": FAMILY, "level": params.holm_level, "rows": rows}
    return result


def _thresholds(chosen: Chosen) -> dict[str, Any]:
    found = {
        model: {label: one and one.to_dict() for label, one in by_label.items()}
        for model, by_label in chosen.items()
    }
    return {"candidate": found["base"]} | found


def _unchosen(chosen: Chosen, score: float) -> list[str]:
    """Say where no threshold could be chosen, so that the common one stands for it."""
    return [
        f"no threshold of {label} for the {model} can be chosen on {CHOSEN_ON}, where it finds none: "
        f"its own is {score:g}, as for all"
        for model, by_label in chosen.items()
        for label, one in by_label.items()
        if one is None
    ]


def _warnings(
    measured: Mapping[str, Measured], judged_on: str | None, same_model: bool, params: EvalParams
) -> list[str]:
    found = []
    if same_model:
        found.append("the candidate is the base, by its fingerprint: there is no difference to judge")
    if judged_on is None:
        found.append("neither deployment nor test has an annotated object: nothing can be judged")
    elif judged_on == "test":
        found.append("judged on test: there is no annotated deployment footage")
    groups = measured[judged_on].whole.groups if judged_on else 0
    if judged_on and groups < params.interval.warn_groups:
        found.append(
            f"{judged_on} has {groups} groups: intervals under {params.interval.warn_groups} are rough"
        )
    return found
