"""Reads what `annotate-import` says beyond its counts; every part may be missing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from provenline.errors import InputError
from provenline.reports.document import Document
from provenline.reports.evidence import Estimate
from provenline.reports.label_evidence import (
    AgreementDetails,
    CategoryAgreement,
    Ceiling,
    Disagreement,
    LabelDetails,
    Numbering,
    Reconciled,
    Regions,
)

MEASURES = ("presence", "count")
HUMAN = {"map50": "human_ap50", "map": "human_ap50_95"}
FACTS = {
    "kind": "who counts where several looked",
    "frames": "frames, by how they were decided",
    "objects": "objects, by what became of them",
    "votes": "votes that an object needs",
    "iou": "overlap from which two boxes are one object",
}
REACH = {"map50": "ap50", "map": "ap50_95"}


def details(given: Document) -> LabelDetails:
    """Read the reconciliation and its neighbours of metrics/annotate_import.json."""
    return LabelDetails(
        reconciliation=tuple(map(_reconciled, given.rows("reconciliation"))),
        numbering=tuple(map(_numbering, given.rows("numbering"))),
        adjudication=_facts(given.part("adjudication").value) if given.has("adjudication") else {},
        skipped=tally(given, "skipped"),
    )


def tally(given: Document, key: str) -> Mapping[str, int]:
    """Return an object of whole numbers whose names may hold dots; empty where it is absent."""
    if not given.has(key):
        return {}
    part = given.part(key)
    return {
        str(name): Document(given.file, {"n": number}, f"{part.place}.{name}").count("n")
        for name, number in part.value.items()
    }


def _reconciled(row: Document) -> Reconciled:
    return Reconciled(
        file=row.text("file"),
        annotator=row.text("annotator", ""),
        label=row.text("label", ""),
        to=tally(row, "to"),
        read=row.count("read"),
        kept=row.count("kept"),
        converted=row.maybe_count("converted") or 0,
        clipped=row.maybe_count("clipped") or 0,
        not_sampled=row.maybe_count("not_sampled") or 0,
        set_aside=tally(row, "set_aside"),
        with_image=row.maybe_count("set_aside_with_image") or 0,
        image_reasons=tally(row, "image_reasons"),
    )


def _numbering(row: Document) -> Numbering:
    return Numbering(
        media=row.text("media"),
        offset=row.maybe_count("offset"),
        pictures=row.maybe_count("pictures") or 0,
        verdict=row.text("verdict", ""),
        tool_frames=row.maybe_count("tool_frames" if row.has("tool_frames") else "announced"),
        our_frames=row.maybe_count("our_frames" if row.has("our_frames") else "frames"),
    )


def _facts(given: Mapping[str, Any]) -> dict[str, str]:
    """Return settings and counts as headings and short texts, whatever they are called."""
    found: dict[str, str] = {}
    for name, value in given.items():
        if isinstance(value, Mapping):
            text = ", ".join(f"{key}: {inner}" for key, inner in value.items())
        elif isinstance(value, list):
            text = ", ".join(map(str, value))
        else:
            text = "" if value is None else str(value)
        if text:
            found[FACTS.get(str(name), str(name).replace("_", " "))] = text
    return found


def agreement_details(given: Document, worst: Document) -> AgreementDetails:
    """Read what stands beside the gated measures.

    Args:
        given: The part ``agreement`` of metrics/annotate_import.json.
        worst: The worst pair in it.
    """
    alpha = given.part("krippendorff") if given.has("krippendorff") else None
    return AgreementDetails(
        alpha={name: alpha.estimate(name) for name in MEASURES} if alpha else {},
        alpha_annotators=_how_many(alpha.value.get("annotators")) if alpha else 0,
        regions=_regions(worst.part("regions")) if worst.has("regions") else None,
        curve=tuple(_curve(worst)),
        categories=tuple(map(_category, worst.rows("categories"))),
        ceiling=_ceiling(given.part("ceiling"), given.text("label", "")) if given.has("ceiling") else None,
        disagreements=tuple(map(_disagreement, given.rows("disagreements"))),
        disagreement_counts=tally(given, "disagreement_counts"),
    )


def _how_many(annotators: object) -> int:
    return (
        annotators if isinstance(annotators, int) else len(annotators) if isinstance(annotators, list) else 0
    )


def _regions(given: Document) -> Regions:
    grid = given.items("grid")
    if len(grid) != 2 or not all(isinstance(side, int) for side in grid):
        raise InputError("is not [rows, columns]", file=given.file, place=f"{given.place}.grid")
    return Regions((grid[0], grid[1]), given.estimate("kappa_presence"), given.estimate("kappa_count"))


def _curve(worst: Document) -> list[tuple[float, Estimate]]:
    points = [(row.number("iou"), row.estimate("object_f1")) for row in worst.rows("curve")]
    return sorted((iou, one) for iou, one in points if one is not None and one.value is not None)


def _category(row: Document) -> CategoryAgreement:
    return CategoryAgreement(
        name=row.text("category", ""),
        images=row.count("images"),
        groups=row.count("groups"),
        presence=row.estimate("kappa_presence"),
        object_f1=row.estimate("object_f1"),
        mean_iou=row.estimate("mean_matched_iou"),
    )


def _ceiling(given: Document, label: str) -> Ceiling:
    return Ceiling(
        human={name: given.estimate(key) for name, key in HUMAN.items()},
        reach={name: given.estimate(key) for name, key in REACH.items()},
        method=given.text("method", ""),
        label=label,
    )


def _disagreement(row: Document) -> Disagreement:
    names = row.texts("annotators")
    if len(names) != 2:
        raise InputError("are not two", file=row.file, place=f"{row.place}.annotators")
    given = row.part("boxes").value if row.has("boxes") else {}
    first, second = (
        tuple(_box(row, box) for box in given.get(letter) or given.get(name) or [])
        for letter, name in zip("ab", names, strict=True)
    )
    return Disagreement(
        media=row.text("media"),
        time_ms=row.count("time_ms"),
        annotators=names,
        kind=row.text("kind"),
        boxes=(first, second),
        iou=row.maybe("iou"),
    )


def _box(row: Document, box: object) -> tuple[float, ...]:
    if not isinstance(box, list) or len(box) != 4 or not all(isinstance(x, (int, float)) for x in box):
        raise InputError("is not [x1, y1, x2, y2]", file=row.file, place=f"{row.place}.boxes")
    return tuple(map(float, box))
