"""Reads the closer look of metrics/stage_a_eval.json; older files do not have it."""

from __future__ import annotations

from provenline.reports.document import Document
from provenline.reports.readings import named
from provenline.reports.stage_a_evidence import (
    Closer,
    Combination,
    Crowd,
    Details,
    FalseFind,
    Mode,
    Outside,
    Sample,
    Value,
)


def closer(given: Document) -> Closer | None:
    """Read whom the detector misses and what it takes for a person; None in files of older runs."""
    if not given.has("failures"):
        return None
    return Closer(
        sample=Sample(given.count("sample.wanted"), given.count("sample.accepted")),
        quartiles=tuple(float(value) for value in given.items("confidence.quartiles")),
        overall=_details(given),
        categories={name: _details(part) for name, part in named(given.parts("by_category"))},
    )


def _details(given: Document) -> Details:
    return Details(
        people=given.count("failures.people"),
        missed=given.count("failures.missed"),
        unsure=given.count("failures.unsure"),
        crowds=tuple(_crowd(name, part) for name, part in given.parts("by_people")),
        false_finds=tuple(map(_false_find, given.rows("false_positives.causes"))),
        modes=tuple(map(_mode, given.rows("failures.modes"))),
        combinations=tuple(
            Combination(row.texts("modes"), row.count("people"), row.count("missed"))
            for row in given.rows("failures.combinations")
        ),
        said=tuple(
            Value(attribute, value, part.count("people"), part.count("missed"), part.estimate("recall"))
            for attribute, values in given.parts("by_attribute")
            for value, part in _parts(values)
        ),
        outside=_outside(given.part("outside_operator")),
    )


def _parts(given: Document) -> list[tuple[str, Document]]:
    """Return the objects of an object with their names, which may hold dots or be empty."""
    return [
        (str(name), Document(given.file, value, f"{given.place}.{name}"))
        for name, value in given.value.items()
    ]


def _crowd(name: str, given: Document) -> Crowd:
    return Crowd(
        name=name,
        groups=given.count("groups"),
        frames=given.count("frames"),
        objects=given.count("objects"),
        false_finds=given.count("false_positives"),
        recall=given.estimate("recall"),
        confidence=given.estimate("median_confidence"),
        per_frame=given.estimate("false_positives_per_frame"),
        hit=given.estimate("frames_with_false_positives"),
    )


def _false_find(given: Document) -> FalseFind:
    return FalseFind(
        cause=given.text("cause"),
        label=given.text("label"),
        count=given.count("count"),
        frames=given.count("frames"),
        per_frame=given.estimate("per_frame"),
    )


def _mode(given: Document) -> Mode:
    return Mode(
        name=given.text("name"),
        stated=given.count("stated"),
        people=given.count("people"),
        missed=given.count("missed"),
        share_of_missed=given.estimate("share_of_missed"),
        recall=given.estimate("recall"),
        recall_of_others=given.estimate("recall_of_others"),
        difference=given.estimate("difference"),
    )


def _outside(given: Document) -> Outside:
    return Outside(
        detections=given.count("detections"),
        operator=given.count("operator"),
        other_people=given.count("other_people"),
        by_role={str(role): int(count) for role, count in given.part("by_role").value.items()},
        false=given.count("false"),
    )
