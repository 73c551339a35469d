"""Reads what `extract`, `annotate-import` and `split` say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from provenline.reports import label_readings, split_readings
from provenline.reports.document import Document
from provenline.reports.evidence import (
    Agreement,
    Annotation,
    Extraction,
    Provenance,
    Round,
    Split,
    SplitPart,
)
from provenline.reports.readings import verdict


def extraction(given: Document) -> Extraction:
    """Read metrics/extract.json."""
    return Extraction(
        videos=given.count("media.videos"),
        photos=given.count("media.photos"),
        frames=given.count("frames"),
        groups=given.count("groups"),
        seconds=given.number("seconds"),
        set_aside=tuple((row.text("media"), row.text("reason")) for row in given.rows("set_aside")),
    )


def annotation(given: Document) -> Annotation:
    """Read metrics/annotate_import.json."""
    kept: Counter[str] = Counter()
    for row in given.rows("labels"):
        kept.update(counts(row, "to"))
    return Annotation(
        format=given.text("format"),
        frames=given.count("frames.total"),
        annotated=given.count("frames.annotated"),
        without_objects=given.count("frames.without_objects"),
        objects=given.count("objects.kept"),
        labels=dict(sorted(kept.items())),
        clipped=given.count("clipped"),
        set_aside=tuple(
            (": ".join(filter(None, (Path(row.text("file")).name, row.text("place")))), row.text("reason"))
            for row in given.rows("set_aside")
        ),
        agreement=_agreement(given.part("agreement")) if given.has("agreement") else None,
        agreement_reason=given.text("agreement_reason", ""),
        warnings=given.texts("warnings"),
        details=label_readings.details(given),
    )


def _agreement(given: Document) -> Agreement | None:
    worst = given.texts("worst_pair")
    for pair in given.rows("pairs"):
        if pair.texts("annotators") == worst:
            names = ("kappa_presence", "kappa_count", "object_f1", "mean_matched_iou", "median_matched_iou")
            return Agreement(
                annotators=worst,
                images=pair.count("images"),
                groups=pair.count("groups"),
                verdict=verdict(given, "verdict"),
                reason=given.text("reason", ""),
                min_kappa=given.number("min_kappa"),
                measures={name: pair.estimate(name) for name in names},
                details=label_readings.agreement_details(given, pair),
            )
    return None


def split(given: Document) -> Split:
    """Read metrics/split.json."""
    audit = given.part("audit")
    return Split(
        sha256=given.text("assignment.sha256"),
        parts=tuple(_part(name, part) for name, part in given.parts("dataset.splits")),
        groups_disjoint=bool(audit.value.get("groups_disjoint")),
        media_disjoint=bool(audit.value.get("media_disjoint")),
        near_duplicate_bits=audit.count("near_duplicate_bits"),
        near_duplicates={name: pair.count("pairs") for name, pair in audit.parts("near_duplicates")},
        from_ledger=given.count("from_ledger"),
        new=given.count("new"),
        certificate=split_readings.certificate(given),
        floors=split_readings.floors(given),
        ledger=split_readings.ledger(given.part("ledger")) if given.has("ledger") else None,
        warnings=given.texts("warnings"),
    )


def _part(name: str, given: Document) -> SplitPart:
    return SplitPart(
        name=name,
        groups=given.count("groups"),
        frames=given.count("frames") + given.count("not_annotated"),
        annotated=given.count("frames"),
        without_objects=given.count("frames_without_objects"),
        objects=sum(counts(given, "objects").values()),
    )


def counts(given: Document, key: str) -> Mapping[str, int]:
    """Return an object of whole numbers; a name may hold dots."""
    part = given.value.get(key) if "." not in key else None
    found = Document(given.file, part, key) if part is not None else given.part(key)
    return {
        str(name): int(Document(given.file, {"n": n}, f"{key}.{name}").count("n"))
        for name, n in found.value.items()
    }


def brought(given: Document) -> Round:
    """Read data/rounds/<round>/round.json."""
    return Round(
        name=given.text("round"),
        frames=given.count("frames"),
        groups=given.count("groups"),
        without_objects=given.count("frames_without_objects"),
        reasons=counts(given, "reasons"),
        objects=counts(given, "objects"),
        media=given.count("media.count"),
        said={name: counts(given.part("media"), name) for name in ("provenance", "consent", "licence")},
    )


def provenance(given: Document) -> Provenance | None:
    """Read what metrics/extract.json says of the media list; None where it says nothing."""
    if not given.has("sources"):
        return None
    part = given.part("sources")
    return Provenance(
        media=part.count("media"),
        groups=part.count("groups"),
        cameras=part.count("cameras"),
        days=part.count("days"),
        provenance=counts(part, "provenance"),
        consent=counts(part, "consent"),
        licence=counts(part, "licence"),
        sha256=given.text("media_list.sha256", ""),
    )
