"""Reads what `eval` says of causes of errors, calibration and doubtful labels."""

from __future__ import annotations

from provenline.reports.document import Document
from provenline.reports.estimates import Estimate
from provenline.reports.label_readings import tally
from provenline.reports.why_evidence import (
    Bin,
    Calibration,
    Cause,
    Diagnosis,
    LabelErrors,
    Rate,
    Why,
)

KINDS = ("category", "size", "occlusion")


def why(given: Document) -> Why:
    """Read the part ``why``."""
    return Why(
        judged_on=given.text("judged_on", ""),
        iou=given.maybe("iou"),
        score=given.maybe("score"),
        models={model: _diagnosis(part) for model, part in given.parts("models")},
    )


def _diagnosis(given: Document) -> Diagnosis:
    return Diagnosis(
        budget=tuple(map(_cause, given.rows("budget"))),
        calibration=_calibration(given.part("calibration")) if given.has("calibration") else None,
    )


def _cause(row: Document) -> Cause:
    return Cause(
        cause=row.text("cause"),
        count=row.count("count"),
        misses=row.maybe_count("misses"),
        share=row.maybe("share"),
        gain=_gain(row),
        by={name: tally(row, f"by_{name}") for name in KINDS if row.has(f"by_{name}")},
        on=tally(row, "on"),
    )


def _gain(row: Document) -> Estimate | None:
    """Return the gain; a bare number is an estimate without an interval."""
    if isinstance(row.value.get("ap_gain"), dict):
        return row.estimate("ap_gain")
    return Estimate(row.number("ap_gain")) if row.has("ap_gain") else None


def _calibration(given: Document) -> Calibration:
    return Calibration(
        ece=given.estimate("ece"),
        bias=given.estimate("bias"),
        floor=given.maybe("floor"),
        detections=given.maybe_count("detections"),
        bins=tuple(map(_bin, given.rows("bins"))),
        hours=given.maybe("exposure.hours"),
        rates=tuple(map(_rate, given.rows("false_positives_per_hour"))),
        thresholds=tuple(map(_rate, given.rows("thresholds"))),
    )


def _bin(row: Document) -> Bin:
    return Bin(
        low=row.number("low"),
        high=row.number("high"),
        count=row.count("count"),
        confidence=row.maybe("confidence"),
        accuracy=row.maybe("accuracy"),
        interval=row.estimate("accuracy_interval"),
    )


def _rate(row: Document) -> Rate:
    hourly = row.has("bound_per_hour") or not row.has("bound_per_1000_frames")
    return Rate(
        score=row.maybe("score"),
        per_hour=row.estimate("per_hour"),
        per_frames=row.estimate("per_1000_frames"),
        recall=row.estimate("recall"),
        bound=row.maybe("bound_per_hour" if hourly else "bound_per_1000_frames"),
        hourly=hourly,
        reason=row.text("reason", ""),
    )


def label_errors(given: Document) -> LabelErrors | None:
    """Read the part ``label_errors``; None where nobody looked."""
    if not given.has("label_errors"):
        return None
    part = given.part("label_errors")
    return LabelErrors(
        looked_at=tally(part, "looked_at"),
        count=part.count("count"),
        by_kind=tally(part, "by_kind"),
        file=part.text("file", ""),
        least=part.maybe("least"),
    )
