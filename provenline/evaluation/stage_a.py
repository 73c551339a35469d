"""Stage A: is the off-the-shelf detector good enough already?

One measurement for all frames and for each category: recall, confidence, whom it misses and what it
takes for a person; then the decision, from the intervals.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import pandas as pd

from provenline.evaluation.gates import judge, settle
from provenline.evaluation.intervals import Statistic, wilson_clustered
from provenline.evaluation.params import AttributeMode, StageAParams
from provenline.evaluation.slices import Slice, categories, cut
from provenline.evaluation.stage_a_facts import by_people, confidence, counts, intervals, statistics
from provenline.evaluation.stage_a_finds import false_positives, outside_operator
from provenline.evaluation.stage_a_misses import by_attribute, failures
from provenline.evaluation.stage_a_plan import Measured, plan
from provenline.evaluation.stage_a_sample import sample_facts, select
from provenline.evaluation.stage_a_seen import Seen, see

__all__ = ["confidence_rows", "measure", "select"]

_DECISIONS = {"pass": "ship", "fail": "fine_tune", "inconclusive": "inconclusive"}


def measure(
    frames: pd.DataFrame,
    boxes: pd.DataFrame,
    predictions: pd.DataFrame,
    labels: Sequence[str],
    params: StageAParams,
    held: Collection[str] = (),
) -> dict[str, Any]:
    """Measure a detector on annotated frames and decide: ship, fine-tune, or label more first.

    Args:
        frames: Frames, as ``select`` returns them.
        boxes: Boxes, all labels: those of other labels tell what false positives lie on.
        predictions: Of one model, down to its score floor.
        labels: Labels that are looked for.
        params: See there.
        held: ``frame_id`` of the frames that the ledger of accepted ones holds.

    Returns:
        A JSON object: counts, ``sample``, ``metrics`` (intervals), ``by_people``, ``confidence``
        (histogram and quartiles), ``false_positives``, ``outside_operator``, ``failures``,
        ``by_attribute``, ``by_category`` (the same for each), ``plan``, ``gates``, ``decision``,
        ``groups_needed``, ``warnings``.
    """
    whole = cut(frames, params.interval)
    seen = see(whole.frames, boxes, predictions, labels, params)
    numbers = statistics(whole, seen.facts)
    parts = _by_category(whole.frames, seen, params)
    result = {
        "labels": list(labels),
        "iou": params.iou,
        "score": params.score,
        **counts(whole, seen.facts),
        "frames_with_objects": int(np.count_nonzero(seen.facts.objects)),
        "sample": sample_facts(whole.frames, held, params),
        "metrics": intervals(numbers, params.interval),
        "object_recall_wilson": wilson_clustered(
            whole.sums(seen.facts.found), whole.sums(seen.facts.objects), params.interval.confidence
        ),
        **_described(whole, seen, params),
        "by_category": {name: _category(part, mine, params) for name, (part, mine) in parts.items()},
        "plan": plan(
            Measured(whole, seen.facts),
            {name: Measured(part, mine.facts) for name, (part, mine) in parts.items()},
            params,
        ),
    }
    return result | _decide(numbers, params) | {"warnings": _warnings(result, params)}


def confidence_rows(result: dict[str, Any]) -> list[dict[str, float]]:
    """Return the histogram of ``measure`` as rows of ``score`` (a bin's lower edge) and ``frames``."""
    histogram = result["confidence"]
    lower, frames = histogram["edges"][:-1], histogram["frames_with_objects"]
    return [{"score": edge, "frames": count} for edge, count in zip(lower, frames, strict=True)]


def _described(part: Slice, seen: Seen, params: StageAParams) -> dict[str, Any]:
    return {
        "by_people": by_people(part, seen.facts, params),
        "confidence": confidence(part, seen.facts, params),
        "false_positives": false_positives(part, seen.facts, seen.finds, params),
        "outside_operator": outside_operator(seen.finds),
        "failures": failures(part, seen.people, params),
        "by_attribute": by_attribute(part, seen.people, params),
    }


def _by_category(frames: pd.DataFrame, seen: Seen, params: StageAParams) -> dict[str, tuple[Slice, Seen]]:
    result = {}
    for category in categories(frames):
        keep = (frames["category"] == category).to_numpy()
        result[category] = cut(frames[keep], params.interval), seen.of(keep)
    return result


def _category(part: Slice, mine: Seen, params: StageAParams) -> dict[str, Any]:
    numbers = intervals(statistics(part, mine.facts), params.interval)
    return counts(part, mine.facts) | numbers | _described(part, mine, params)


def _decide(numbers: dict[str, Statistic], params: StageAParams) -> dict[str, Any]:
    judged = [
        judge(gate, numbers[gate.metric].interval(params.interval), params.interval) for gate in params.gates
    ]
    needed = [gate["groups_needed"] for gate in judged if gate["groups_needed"] is not None]
    decision = _DECISIONS[settle([gate["value"] for gate in judged])]
    return {
        "gates": judged,
        "decision": decision,
        "groups_needed": max(needed) if needed and decision == "inconclusive" else None,
    }


def _warnings(result: dict[str, Any], params: StageAParams) -> list[str]:
    found = []
    if not result["objects"]:
        found.append(f"no annotated {' or '.join(result['labels'])} in {result['frames']} annotated frames")
    if result["groups"] < params.interval.warn_groups:
        found.append(f"{result['groups']} groups: intervals under {params.interval.warn_groups} are rough")
    return [
        *found,
        *_sample_warnings(result, params),
        *(_unstated(result, params) if result["objects"] else ()),
    ]


def _sample_warnings(result: dict[str, Any], params: StageAParams) -> list[str]:
    found, sample = [], result["sample"]
    if result["frames"] < sample["wanted"]:
        found.append(f"{result['frames']} of {sample['wanted']} frames wanted are there")
    if sample["accepted_gone"]:
        found.append(f"{sample['accepted_gone']} frames of the accepted sample are gone or not annotated")
    wanted = params.groups_per_category
    for category, part in result["by_category"].items():
        if category and wanted and part["groups"] < wanted:
            found.append(f"category {category!r} has {part['groups']} of {wanted} groups wanted")
    return found


def _unstated(result: dict[str, Any], params: StageAParams) -> list[str]:
    """Say which failure modes cannot be counted, because the annotators never said who has them."""
    asked = {mode.name: mode.attribute for mode in params.failure_modes if isinstance(mode, AttributeMode)}
    silent = [
        row["name"] for row in result["failures"]["modes"] if row["name"] in asked and not row["stated"]
    ]
    return [
        f"failure mode {name!r} is not counted: no annotation carries the attribute {asked[name]!r}"
        for name in silent
    ]
