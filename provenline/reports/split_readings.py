"""Reads the certificate, the class floors and the ledger of `split`, and the leakage counterfactual."""

from __future__ import annotations

from typing import Any, cast

from provenline.errors import InputError
from provenline.reports.document import Document
from provenline.reports.evidence import Verdict
from provenline.reports.label_readings import tally
from provenline.reports.split_evidence import (
    Certificate,
    Copy,
    Floor,
    Gap,
    Leakage,
    Ledger,
    NearDuplicates,
    StaticCamera,
)

VERDICTS = {"clean": "pass", "leak": "fail", "unproven": "inconclusive"}


def certificate(split: Document) -> Certificate | None:
    """Read the certificate of metrics/split.json; None where the file is older than certificates.

    Raises:
        InputError: A value is not what it should be, or the verdict is another word.
    """
    if not split.has("certificate"):
        return None
    given = split.part("certificate")
    word = given.text("verdict")
    if word not in VERDICTS:
        raise InputError(f"unknown verdict '{word}'", file=given.file, place=f"{given.place}.verdict")
    worst = {
        name: tuple(map(_text, part.items("worst"))) for name, part in split.parts("audit.near_duplicates")
    }
    counted = given.part("components") if given.has("components") else None
    return Certificate(
        verdict=cast("Verdict", VERDICTS[word]),
        reasons=given.texts("reasons"),
        unit=given.text("unit", "group"),
        by=given.texts("by"),
        copies=tuple(map(_copy, given.rows("copies"))),
        cannot_tell=tuple(_text(item) for item in given.items("cannot_tell")),
        near_duplicates=tuple(
            _near(name, part, worst.get(name, ())) for name, part in given.parts("near_duplicates")
        ),
        components=counted.maybe_count("count") if counted else None,
        largest_component=counted.maybe_count("largest") if counted else None,
        static_cameras=tuple(map(_static, given.rows("static_cameras"))),
        gaps=tuple(map(_gap, given.rows("gaps"))),
        checked=tally(given, "checked"),
    )


def _copy(row: Document) -> Copy:
    sides = row.texts("splits")
    return Copy(
        first=row.text("first"),
        second=row.text("second"),
        mirrored=bool(row.value.get("mirrored")),
        correlation=row.maybe("correlation"),
        frames=row.maybe_count("frames"),
        sides=sides,
        same_side=bool(row.value.get("same_side", len(set(sides)) <= 1)),
    )


def _near(name: str, part: Document, worst: tuple[str, ...]) -> NearDuplicates:
    nested = isinstance(part.value.get("mirrored"), dict)
    return NearDuplicates(
        sides=name,
        pairs=part.count("pairs"),
        mirrored=part.maybe_count("mirrored.pairs" if nested else "mirrored"),
        group_pairs=part.maybe_count("group_pairs"),
        static_share=part.maybe("static_share"),
        unexplained=part.maybe_count("unexplained_group_pairs"),
        worst=tuple(map(_text, part.items("worst"))) or worst,
    )


def _static(row: Document) -> StaticCamera:
    return StaticCamera(
        camera=row.text("camera", ""),
        media=row.count("media" if row.has("media") else "groups"),
        share=row.maybe("recurring" if row.has("recurring") else "share"),
    )


def _gap(row: Document) -> Gap:
    return Gap(
        camera=row.text("camera", ""),
        sides=row.texts("splits"),
        days=row.maybe("gap_days"),
        media=row.texts("media"),
        consecutive=row.maybe_count("consecutive"),
    )


def _text(item: Any) -> str:
    """Write one finding as a short text, whatever the stage calls its parts."""
    if not isinstance(item, dict):
        return str(item)
    parts = []
    for name, value in item.items():
        if isinstance(value, bool):
            parts += [name] if value else []
        elif isinstance(value, list):
            parts.append(" and ".join(map(str, value)))
        elif value is not None:
            parts.append(f"{value:g} {name}" if isinstance(value, (int, float)) else str(value))
    return ", ".join(parts)


def floors(given: Document) -> tuple[Floor, ...]:
    """Read ``class_floor`` of metrics/split.json."""
    return tuple(
        Floor(
            label=row.text("class"),
            side=row.text("split"),
            objects=row.count("objects"),
            floor=row.count("floor"),
            met=bool(row.value.get("met")),
            reason=row.text("reason", ""),
        )
        for row in given.rows("class_floor")
    )


def ledger(given: Document) -> Ledger:
    """Read the part ``ledger`` of metrics/split.json."""
    sealed = given.value.get("sealed")
    return Ledger(given.count("rows"), given.text("sha256", ""), sealed if isinstance(sealed, bool) else None)


def leakage(given: Document) -> Leakage:
    """Read metrics/leakage.json, which `make leakage` writes."""
    names = ("random", "grouped", "difference", "net", "field_random", "field_grouped")
    return Leakage(
        metric=given.text("metric"),
        **{name: given.estimate(name) for name in names},
        random_groups=given.maybe_count("random_groups"),
        grouped_groups=given.maybe_count("grouped_groups"),
        reason=given.text("reason", ""),
        split_sha256=given.text("split_sha256", ""),
    )
