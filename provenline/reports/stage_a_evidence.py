"""What stands behind Stage A's figures, typed: whom the detector misses, what it takes for a person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from provenline.reports.estimates import Estimate


@dataclass(frozen=True)
class Crowd:
    """Frames by how many people are in them.

    Attributes:
        name: ``none``, ``one`` or ``several``.
        groups: Groups with such frames.
        frames: Such frames.
        objects: Annotated people in them.
        false_finds: Detections that are no person.
        recall: Per frame; None where nobody is there.
        confidence: Median of the best confidence per frame.
        per_frame: False finds per frame.
        hit: Share of the frames with a false find.
    """

    name: str
    groups: int
    frames: int
    objects: int
    false_finds: int
    recall: Estimate | None
    confidence: Estimate | None
    per_frame: Estimate | None
    hit: Estimate | None


@dataclass(frozen=True)
class FalseFind:
    """One cause of false finds.

    Attributes:
        cause: ``duplicate``, ``localisation``, ``other_label`` or ``background``.
        label: What it lies on, for ``other_label``; else empty.
        count: False finds.
        frames: Frames with one.
        per_frame: False finds per frame.
    """

    cause: str
    label: str
    count: int
    frames: int
    per_frame: Estimate | None


@dataclass(frozen=True)
class Mode:
    """One failure mode; one person may have several.

    Attributes:
        name: Empty for those who have none.
        stated: People of whom it is known whether they have it.
        people: Who have it.
        missed: Those of them who were missed.
        share_of_missed: Their share of all who were missed.
        recall: Share of those who have it that was found.
        recall_of_others: Of those who do not.
        difference: The first minus the second.
    """

    name: str
    stated: int
    people: int
    missed: int
    share_of_missed: Estimate | None
    recall: Estimate | None
    recall_of_others: Estimate | None
    difference: Estimate | None


@dataclass(frozen=True)
class Combination:
    """People with exactly these failure modes: everybody is in one combination."""

    modes: tuple[str, ...]
    people: int
    missed: int


@dataclass(frozen=True)
class Value:
    """People of whom the annotators said one value of one attribute; "" where they said nothing."""

    attribute: str
    value: str
    people: int
    missed: int
    recall: Estimate | None


@dataclass(frozen=True)
class Outside:
    """What was reported.

    Attributes:
        detections: At the operating threshold.
        operator: The operator.
        other_people: Found, annotated as people, but not the operator.
        by_role: Of them, who they are as the annotators said; "" where they said nothing.
        false: The rest.
    """

    detections: int
    operator: int
    other_people: int
    by_role: Mapping[str, int]
    false: int


@dataclass(frozen=True)
class Details:
    """All of it, for all frames or for one operation.

    Attributes:
        people: Annotated people.
        missed: Who were not found.
        unsure: Who were missed, but seen below the threshold.
        crowds: By how many people are in the frame.
        false_finds: By cause; every false find has one.
        modes: Side by side; the last is of those with none.
        combinations: Most often missed first.
        said: Recall by what the annotators said.
        outside: Operator, others, false finds.
    """

    people: int
    missed: int
    unsure: int
    crowds: tuple[Crowd, ...]
    false_finds: tuple[FalseFind, ...]
    modes: tuple[Mode, ...]
    combinations: tuple[Combination, ...]
    said: tuple[Value, ...]
    outside: Outside


@dataclass(frozen=True)
class Sample:
    """How many frames were wanted, and how many of them were accepted for good before."""

    wanted: int
    accepted: int


@dataclass(frozen=True)
class Closer:
    """A closer look than the verdict needs.

    Attributes:
        sample: Which frames.
        quartiles: Of the best confidence in frames with people; empty where there are none.
        overall: All frames.
        categories: Per operation; empty where the footage names none.
    """

    sample: Sample
    quartiles: tuple[float, ...]
    overall: Details
    categories: Mapping[str, Details]
