"""What an import says about itself: counts of frames, and what a person should know."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from provenline.annotations.params import AnnotateParams


def frame_counts(
    marked: pd.DataFrame, boxes: pd.DataFrame, annotators: Mapping[str, set[str]]
) -> dict[str, Any]:
    """Count the frames that somebody looked at.

    Args:
        marked: Frames table with ``annotated`` and ``annotator`` set.
        boxes: Boxes table.
        annotators: frame_id to who labelled it.
    """
    annotated = marked[marked["annotated"]]
    counting = boxes.merge(annotated[["frame_id", "annotator"]], on=["frame_id", "annotator"])
    reference = annotated["annotator"].value_counts()
    return {
        "total": len(marked),
        "annotated": len(annotated),
        "not_annotated": len(marked) - len(annotated),
        "without_objects": int((~annotated["frame_id"].isin(counting["frame_id"])).sum()),
        "by_several": sum(len(names) > 1 for names in annotators.values()),
        "reference": {name: int(reference[name]) for name in sorted(reference.index)},
    }


def annotated(report: Mapping[str, Any]) -> str:
    """Say how many frames somebody looked at, and how many nobody did: an export may be a part of the work.

    >>> frames = {"total": 5, "annotated": 3, "not_annotated": 2}
    >>> annotated({"format": "yolo", "frames": frames, "without_label_file": {"anna": 1}})
    '3 of 5 frames annotated; 2 in no export: not looked at, not empty; images without a label file: 1'
    """
    frames, files = report["frames"], sum(report["without_label_file"].values())
    text = f"{frames['annotated']} of {frames['total']} frames annotated"
    if report["format"] != "none" and frames["not_annotated"]:
        text += f"; {frames['not_annotated']} in no export: not looked at, not empty"
    return f"{text}; images without a label file: {files}" if files else text


def warnings(report: Mapping[str, Any], params: AnnotateParams) -> list[str]:
    """Return what a person should know before trusting the boxes."""
    found: list[str] = []
    if passed := report["passed_over"]:
        shown = ", ".join(f"'{name}'" for name in passed[:5]) + (", ..." if len(passed) > 5 else "")
        found.append(f"beside the exports lies what holds none of this format, passed over: {shown}")
    missing = sum(report["without_label_file"].values())
    if missing:
        found.append(f"{missing} images have no label file: they count as not annotated, not as empty")
    strangers = [name for name in params.primary if name not in report["annotators"]]
    if strangers and params.format != "none":
        found.append(f"no export of {', '.join(strangers)}, whom annotate_import.primary names")
    if params.format != "none" and not report["frames"]["annotated"]:
        found.append("no sampled frame is annotated: do the export and the sampling plan fit together?")
    skipped = {kind: n for kind, n in report["skipped"].items() if kind.split()[0] != "tag"}
    if skipped:
        kinds = ", ".join(f"{kind} {count}" for kind, count in skipped.items())
        found.append(f"shapes that are no box, polygon, quad or mask were left out: {kinds}")
    found += _on_unequal(report)
    return found + _on_adjudication(report["adjudication"]) + _on_agreement(report["agreement"])


def _on_unequal(report: Mapping[str, Any]) -> list[str]:
    """Name the labels that an export lacks and others have: its frames are trained on as free of them."""
    exports = [name for name in report["frames"]["reference"] if name in report["annotators"]]
    drawn: dict[str, set[str]] = {name: set() for name in exports}
    for row in report["reconciliation"]:
        drawn.get(row["annotator"], set()).update(row["to"])
    everything = set().union(*drawn.values())
    return [
        f"'{name}' has no {', '.join(sorted(lacking))}, which other exports have: its frames count as without"
        for name, labels in drawn.items()
        if (lacking := everything - labels)
    ]


def _on_adjudication(report: Mapping[str, Any]) -> list[str]:
    kind, frames = report["kind"], report["frames"]
    if kind == "named" or frames[kind] or not frames["named"]:
        return []
    why = "fewer annotators than votes looked" if kind == "consensus" else "that export does not hold it"
    return [f"no frame was decided by {kind}: at each, {why}"]


def _on_agreement(result: Mapping[str, Any] | None) -> list[str]:
    found: list[str] = []
    if result is None:
        return found
    for pair in result["pairs"]:
        names = " and ".join(pair["annotators"])
        if pair["groups"] < result["warn_groups"]:
            few = f"the agreement of {names} rests on {pair['groups']} groups, fewer than"
            found.append(f"{few} {result['warn_groups']}: its intervals are rough")
        kappa = pair["kappa_presence"]
        if kappa["low"] is not None and kappa["low"] == kappa["high"]:
            found.append(f"{names} never disagree on presence: the interval of kappa has no width")
    return found
