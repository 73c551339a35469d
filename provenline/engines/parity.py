"""Does the engine say what its checkpoint says? A pure comparison of two tables of predictions."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from provenline.engines.held import Held
from provenline.engines.params import ParityParams
from provenline.evaluation.matching import match as evaluation_match
from provenline.evaluation.matching import overlaps
from provenline.tables import BOX

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]


class Pairs(NamedTuple):
    """Matched rows of two tables and how far they overlap, each (n,)."""

    left: Rows
    right: Rows
    iou: Floats


@dataclass(frozen=True)
class Parity:
    """How far an engine is from its checkpoint, on the same frames.

    Attributes:
        verdict: ``pass``, ``fail``, or ``inconclusive`` where nothing could be compared.
        reasons: One sentence per rule that did not hold, or why nothing could be compared.
        frames: Number of frames compared.
        score: Operating threshold of the comparison.
        reference: Detections of the checkpoint at or above the threshold.
        engine: Detections of the engine at or above the threshold.
        matched_reference: Share of the checkpoint's with a partner in the engine; None without any.
        matched_engine: Share of the engine's with a partner in the checkpoint; None without any.
        iou_mean: Mean overlap of the matched pairs; None without any.
        iou_min: Least overlap of the matched pairs; None without any.
        score_drift_mean: Mean absolute difference of the pairs' scores; None without any.
        score_drift_max: Largest absolute difference of the pairs' scores; None without any.
        ap_reference: AP50-95 of the checkpoint on these frames; None without truth.
        ap_engine: AP50-95 of the engine on these frames; None without truth.
        ap_difference: Engine minus checkpoint; None without truth.
        ap_low: Lower end of its interval over groups; None where there is none.
        ap_high: Upper end.
        groups: That the frames come from; 0 without truth.
        thresholds: Label -> score with the largest F1 on these frames, for checkpoint and engine.
    """

    verdict: str
    reasons: list[str]
    frames: int
    score: float
    reference: int
    engine: int
    matched_reference: float | None
    matched_engine: float | None
    iou_mean: float | None
    iou_min: float | None
    score_drift_mean: float | None
    score_drift_max: float | None
    ap_reference: float | None = None
    ap_engine: float | None = None
    ap_difference: float | None = None
    ap_low: float | None = None
    ap_high: float | None = None
    groups: int = 0
    thresholds: dict[str, Any] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON object."""
        return asdict(self)


def compare(
    reference: pd.DataFrame,
    engine: pd.DataFrame,
    frames: int,
    params: ParityParams,
    held: Held | None = None,
    min_groups: int = 0,
) -> Parity:
    """Compare the predictions of a checkpoint and of its engine.

    A detection at or above ``params.score`` looks for its partner among **all** of the other's, so
    that one which slips from just above the threshold to just below it counts as drift and not as a
    miss. Partners share frame and label and overlap by ``params.iou`` at least; the strongest
    chooses first, the one that it overlaps most.

    Args:
        reference: Predictions of the checkpoint, with the score floor of the detector.
        engine: Predictions of the engine on the same frames.
        frames: Number of frames that both saw (frames without detections have no rows).
        params: The gate.
        held: Both against the truth, where it is known.
        min_groups: Groups that a judgement of the interval takes.
    """
    there, back = match(reference, engine, params), match(engine, reference, params)
    ious = np.concatenate([there.iou, back.iou])
    drift = np.concatenate([_drift(reference, engine, there), _drift(engine, reference, back)])
    counts = [int((table["score"] >= params.score).sum()) for table in (reference, engine)]
    measured: dict[str, Any] = {
        "frames": frames,
        "score": params.score,
        "reference": counts[0],
        "engine": counts[1],
        "matched_reference": _share(len(there.iou), counts[0]),
        "matched_engine": _share(len(back.iou), counts[1]),
        "iou_mean": float(ious.mean()) if len(ious) else None,
        "iou_min": float(ious.min()) if len(ious) else None,
        "score_drift_mean": float(drift.mean()) if len(drift) else None,
        "score_drift_max": float(drift.max()) if len(drift) else None,
        **_against_truth(held),
    }
    verdict, reasons = _judge(measured, params, min_groups)
    return Parity(verdict=verdict, reasons=reasons, **measured)


def _against_truth(held: Held | None) -> dict[str, Any]:
    if held is None:
        return {}
    found = held.difference
    return {
        "ap_reference": held.reference,
        "ap_engine": held.engine,
        "ap_difference": found and found.estimate,
        "ap_low": found and found.low,
        "ap_high": found and found.high,
        "groups": held.groups,
        "thresholds": held.to_dict(),
    }


def _drift(ours: pd.DataFrame, theirs: pd.DataFrame, pairs: Pairs) -> Floats:
    mine, yours = ours["score"].to_numpy(float), theirs["score"].to_numpy(float)
    return np.asarray(np.abs(mine[pairs.left] - yours[pairs.right]), dtype=np.float64)


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _judge(measured: dict[str, Any], params: ParityParams, min_groups: int) -> tuple[str, list[str]]:
    if not measured["reference"] and not measured["engine"]:
        text = f"no detection reaches {params.score:g} in {measured['frames']} frames: nothing to compare"
        return "inconclusive", [text]
    reasons = []
    shares = {"checkpoint": measured["matched_reference"], "engine": measured["matched_engine"]}
    for whose, share in shares.items():
        if share is not None and share < params.min_matched_share:
            asked = f"{params.min_matched_share:.2%} are asked"
            reasons.append(f"only {share:.2%} of the {whose}'s boxes have a partner, {asked}")
    drift = measured["score_drift_max"]
    if drift is not None and drift > params.max_score_drift:
        reasons.append(f"a score drifts by {drift:.4f}, {params.max_score_drift:.4f} is allowed")
    open_questions = _judge_ap(measured, params, min_groups, reasons)
    if reasons:
        return "fail", reasons
    return ("inconclusive" if open_questions else "pass"), open_questions


def _judge_ap(
    measured: dict[str, Any], params: ParityParams, min_groups: int, reasons: list[str]
) -> list[str]:
    """Add to ``reasons`` why AP does not hold; return why it cannot be told."""
    difference, low = measured.get("ap_difference"), measured.get("ap_low")
    if difference is None:
        return []
    allowed = f"{params.max_ap_difference:.4f} is allowed"
    interval = "" if low is None else f" (interval {low:+.4f} to {measured['ap_high']:+.4f})"
    if params.judged == "estimate":
        if abs(difference) > params.max_ap_difference:
            reasons.append(f"AP50-95 differs by {difference:+.4f}{interval}, {allowed}")
        return []
    if low is None or measured["groups"] < min_groups:
        text = f"{measured['groups']} groups of validation frames do not tell what AP50-95 loses"
        return [f"{text} ({difference:+.4f} here), {min_groups} are needed"]
    if low < -params.max_ap_difference:
        reasons.append(f"AP50-95 may lose as much as {-low:.4f}: {difference:+.4f}{interval}, {allowed}")
    return []


def match(ours: pd.DataFrame, theirs: pd.DataFrame, params: ParityParams) -> Pairs:
    """Pair the detections of ``ours`` at or above the threshold with any of ``theirs``.

    Returns:
        Row of ours and row of theirs (counted from 0 in the tables as given), and their overlap.
    """
    asked = np.flatnonzero(ours["score"].to_numpy(float) >= params.score)
    mine = ours.iloc[asked]
    frames, labels = sorted(set(mine["frame_id"])), sorted(set(mine["label"]))
    matches = evaluation_match(frames, theirs, mine, labels, [params.iou])
    found = np.flatnonzero(matches.truth[0] >= 0)
    left, right = asked[matches.row[found]], matches.truth_row[matches.truth[0][found]]
    ious = overlaps(ours[BOX].to_numpy(float)[left], theirs[BOX].to_numpy(float)[right])
    return Pairs(left, right, ious)
