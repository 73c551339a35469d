"""Stage A: is the off-the-shelf detector good enough already?

Recall is the mean over frames with objects of the share that was found; frames without objects
count for false positives only.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from provenline import tables
from provenline.evaluation.gates import judge, settle
from provenline.evaluation.intervals import Statistic, rounded, wilson_clustered
from provenline.evaluation.matching import (
    BoolArray,
    FloatArray,
    IntArray,
    Matches,
    joined,
    match,
    overlaps,
    per_frame,
)
from provenline.evaluation.params import StageAParams
from provenline.evaluation.slices import Slice, annotated, categories, cut
from provenline.evaluation.workplaces import operators

OTHER_LABEL_IOU = 0.3  # a false positive that overlaps so much lies on that other thing
_DECISIONS = {"pass": "ship", "fail": "fine_tune", "inconclusive": "inconclusive"}


def select(frames: pd.DataFrame, params: StageAParams) -> pd.DataFrame:
    """Return the annotated frames of some groups of each category, chosen by the seed.

    Groups of one frame are photos and are left out, unless there is nothing else. Where no frame
    has a category there is nothing to balance: all groups are kept. A category's choice does not
    depend on the other categories.

    Args:
        frames: Frames, annotated or not.
        params: ``groups_per_category`` and ``seed``.
    """
    sizes = frames.groupby("group")["frame_id"].size()
    videos = sizes.index[sizes >= 2]
    kept = annotated(frames[frames["group"].isin(videos)] if len(videos) else frames)
    if not kept["category"].astype(bool).any():
        return kept
    chosen = [
        (category, group)
        for category in categories(kept)
        for group in _choose(category, kept.loc[kept["category"] == category, "group"], params)
    ]
    wanted = pd.MultiIndex.from_tuples(chosen, names=["category", "group"])
    return kept[pd.MultiIndex.from_frame(kept[["category", "group"]]).isin(wanted)].reset_index(drop=True)


def _choose(category: str, groups: pd.Series[str], params: StageAParams) -> list[str]:
    names = sorted(groups.unique())
    generator = np.random.default_rng([params.seed, zlib.crc32(category.encode())])
    return [names[place] for place in generator.permutation(len(names))[: params.groups_per_category]]


@dataclass(frozen=True)
class _Facts:
    """What was seen in each frame, each (F,)."""

    objects: FloatArray
    found: FloatArray
    detections: FloatArray
    best: FloatArray  # best confidence, 0 without a detection
    operators: FloatArray  # 1 where the operator is there
    operators_found: FloatArray

    def of(self, keep: BoolArray) -> _Facts:
        return _Facts(*(getattr(self, name)[keep] for name in self.__dataclass_fields__))


def measure(
    frames: pd.DataFrame,
    boxes: pd.DataFrame,
    predictions: pd.DataFrame,
    labels: Sequence[str],
    params: StageAParams,
) -> dict[str, Any]:
    """Measure a detector on annotated frames and decide: ship, fine-tune, or label more first.

    Args:
        frames: Frames, as ``select`` returns them.
        boxes: Boxes, all labels: those of other labels tell what false positives lie on.
        predictions: Of one model, down to its score floor.
        labels: Labels that are looked for.
        params: See there.

    Returns:
        A JSON object: counts, ``metrics`` (intervals), ``confidence`` (histogram and quartiles),
        ``false_positives``, ``by_category``, ``gates``, ``decision``, ``groups_needed``, ``warnings``.
    """
    whole = cut(frames, params.interval)
    truth = tables.truth(whole.frames, boxes, tuple(labels))
    matches = match(whole.frames["frame_id"].tolist(), truth, predictions, labels, [params.iou])
    facts = _facts(whole.frames, truth, matches, params)
    statistics = _statistics(whole, facts)
    result = {
        "labels": list(labels),
        "iou": params.iou,
        "score": params.score,
        **_counts(whole, facts),
        "frames_with_objects": int(np.count_nonzero(facts.objects)),
        "metrics": _intervals(statistics, params),
        "object_recall_wilson": wilson_clustered(
            whole.sums(facts.found), whole.sums(facts.objects), params.interval.confidence
        ),
        "confidence": _confidence(facts, params),
        "false_positives": _false_positives(whole.frames, boxes, predictions, matches, facts, params),
        "by_category": _by_category(whole.frames, facts, params),
    }
    return result | _decide(statistics, params) | {"warnings": _warnings(result, params)}


def confidence_rows(result: dict[str, Any]) -> list[dict[str, float]]:
    """Return the histogram of ``measure`` as rows of ``score`` (a bin's lower edge) and ``frames``."""
    histogram = result["confidence"]
    lower, counts = histogram["edges"][:-1], histogram["frames_with_objects"]
    return [{"score": edge, "frames": count} for edge, count in zip(lower, counts, strict=True)]


def _facts(frames: pd.DataFrame, truth: pd.DataFrame, matches: Matches, params: StageAParams) -> _Facts:
    counts = per_frame(matches, params.iou, params.score)
    best = np.zeros(matches.frames)
    np.maximum.at(best, matches.frame, matches.score)
    operator = operators(frames, truth, matches)
    there, seen = np.zeros(matches.frames), np.zeros(matches.frames)
    there[matches.truth_frame[operator]] = 1.0
    seen[matches.truth_frame[operator]] = matches.is_found(params.iou, params.score)[operator]
    return _Facts(counts.objects, counts.found, counts.detections, best, there, seen)


def _statistics(part: Slice, facts: _Facts) -> dict[str, Statistic]:
    occupied = facts.objects > 0
    share = np.divide(facts.found, facts.objects, out=np.zeros_like(facts.found), where=occupied)
    false = facts.detections - facts.found
    return {
        "recall": part.ratio(share, occupied.astype(np.float64), proportion=True),
        "object_recall": part.ratio(facts.found, facts.objects, proportion=True),
        "operator_found": part.ratio(facts.operators_found, facts.operators, proportion=True),
        "median_confidence": part.median(facts.best, occupied),
        "precision": part.ratio(facts.found, facts.detections, proportion=True),
        "false_positives_per_frame": part.ratio(false, np.ones_like(false)),
    }


def _intervals(statistics: dict[str, Statistic], params: StageAParams) -> dict[str, Any]:
    found = {name: statistic.interval(params.interval) for name, statistic in statistics.items()}
    return {name: interval and interval.to_dict() for name, interval in found.items()}


def _counts(part: Slice, facts: _Facts) -> dict[str, int]:
    return {
        "groups": len(part.resamples.groups),
        "frames": len(part.frames),
        "objects": int(facts.objects.sum()),
    }


def _by_category(frames: pd.DataFrame, facts: _Facts, params: StageAParams) -> dict[str, Any]:
    result = {}
    for category in categories(frames):
        keep = (frames["category"] == category).to_numpy()
        part, mine = cut(frames[keep], params.interval), facts.of(keep)
        result[category] = _counts(part, mine) | _intervals(_statistics(part, mine), params)
    return result


def _confidence(facts: _Facts, params: StageAParams) -> dict[str, Any]:
    edges = np.linspace(0.0, 1.0, params.confidence_bins + 1)
    occupied = facts.objects > 0
    best = facts.best[occupied]
    quartiles = (
        [rounded(float(value)) for value in np.quantile(best, [0.25, 0.5, 0.75])] if len(best) else None
    )
    return {
        "edges": [rounded(float(edge)) for edge in edges],
        "frames_with_objects": np.histogram(best, edges)[0].tolist(),
        "frames_without_objects": np.histogram(facts.best[~occupied], edges)[0].tolist(),
        "quartiles": quartiles,
        "median": quartiles[1] if quartiles else None,
    }


def _false_positives(
    frames: pd.DataFrame,
    boxes: pd.DataFrame,
    predictions: pd.DataFrame,
    matches: Matches,
    facts: _Facts,
    params: StageAParams,
) -> dict[str, Any]:
    false = np.flatnonzero((matches.truth[0] < 0) & (matches.score >= params.score))
    lying_on = _other_labels(frames, boxes, predictions, matches, false)
    count = facts.detections - facts.found
    result: dict[str, Any] = {"count": len(false)}
    for name, where in (("with", facts.objects > 0), ("without", facts.objects == 0)):
        result[f"frames_{name}_objects"] = {
            "frames": int(where.sum()),
            "frames_with_false_positives": int(np.count_nonzero(count[where])),
            "count": int(count[where].sum()),
        }
    result["on_other_label"] = lying_on
    result["elsewhere"] = len(false) - sum(lying_on.values())
    return result


def _other_labels(
    frames: pd.DataFrame, boxes: pd.DataFrame, predictions: pd.DataFrame, matches: Matches, false: IntArray
) -> dict[str, int]:
    """Count the false positives by the label, not looked for, of the box that they overlap most."""
    others = sorted(set(boxes["label"]) - set(matches.labels))
    there = tables.truth(frames, boxes, others)
    frame = pd.Index(frames["frame_id"]).get_indexer(pd.Index(there["frame_id"])).astype(np.int64)
    order = np.argsort(frame, kind="stable")
    detection, other = joined(matches.frame[false], frame[order])
    overlap = overlaps(
        predictions[tables.BOX].to_numpy(dtype=np.float64)[matches.row[false[detection]]],
        there[tables.BOX].to_numpy(dtype=np.float64)[order[other]],
    )
    pairs = pd.DataFrame({"detection": detection, "overlap": overlap, "place": order[other]})
    pairs = pairs[pairs["overlap"] >= OTHER_LABEL_IOU].sort_values("overlap", kind="stable")
    best = pairs.drop_duplicates("detection", keep="last")["place"].to_numpy()
    counts = there["label"].iloc[best].value_counts()
    return {label: int(counts.get(label, 0)) for label in others}


def _decide(statistics: dict[str, Statistic], params: StageAParams) -> dict[str, Any]:
    judged = [
        judge(gate, statistics[gate.metric].interval(params.interval), params.interval)
        for gate in params.gates
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
    for category, part in result["by_category"].items():
        if category and part["groups"] < params.groups_per_category:
            found.append(
                f"category {category!r} has {part['groups']} of {params.groups_per_category} groups wanted"
            )
    return found
