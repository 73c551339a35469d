"""The tables behind Table 1: by number of people, failure modes, attributes, causes, per operation."""

from __future__ import annotations

from collections.abc import Mapping

from provenline.reports.stage_a_evidence import Closer, Details, FalseFind, Mode
from provenline.reports.tabular import Cell, Table, named, units

CROWDS = {"none": "Nobody", "one": "One", "several": "Several"}
_CAUSES = {
    "duplicate": "found twice",
    "localisation": "badly placed",
    "background": "nothing annotated",
}
NONE = "none of these"
NOT_SAID = "not stated"


def tables(given: Closer | None, unit: str) -> list[Table]:
    """Return Tables 1b to 1g; none where the run is older than they are."""
    if given is None:
        return []
    found = [crowds(given.overall, unit), failures(given.overall), causes(given.overall)]
    if given.overall.said:
        found.append(attributes(given.overall))
    if given.categories:
        found += [operations(given), operations_by_crowd(given, unit)]
    return found


def cause(given: FalseFind) -> str:
    """Return what false finds of a cause are, in words.

    >>> cause(FalseFind("other_label", "mannequin", 1, 1, None))
    'mannequin'
    """
    return given.label if given.cause == "other_label" else _CAUSES.get(given.cause, given.cause)


def mode(given: Mode) -> str:
    """Return a failure mode's name, or words for having none."""
    return given.name or NONE


def said(text: str) -> str:
    """Return what annotators said, readably.

    >>> said("passer_by"), said("")
    ('passer by', 'not stated')
    """
    return text.replace("_", " ") or NOT_SAID


def crowds(given: Details, unit: str) -> Table:
    """Return Table 1b: apart for frames with nobody, one and several people."""
    return Table(
        name="table_1_crowds",
        title="Table 1b. The off-the-shelf detector by how many people are there",
        columns=(
            "People in the frame",
            units(unit),
            "Frames",
            "People",
            "Recall",
            "Median confidence",
            "False / frame",
            "Frames with a false find",
        ),
        rows=tuple(
            (
                CROWDS.get(one.name, one.name),
                one.groups,
                one.frames,
                one.objects,
                one.recall,
                one.confidence,
                one.per_frame,
                one.hit,
            )
            for one in given.crowds
        ),
        note="Where nobody is there is nothing to recall: such frames show what an empty place is taken for.",
    )


def failures(given: Details) -> Table:
    """Return Table 1c: the failure modes of those who were missed."""
    rows: list[tuple[Cell, ...]] = [_failure(one) for one in given.modes]
    whole = ("All", given.people, given.missed, None, None, None, None)
    return Table(
        name="table_1_failures",
        title="Table 1c. Whom the off-the-shelf detector misses",
        columns=(
            "Failure mode",
            "People",
            "Missed",
            "Share of the missed",
            "Found",
            "Others found",
            "Difference",
        ),
        rows=(*rows, whole),
        signed=frozenset({"Difference"}),
        total=True,
        note="One person may have several failure modes, so the rows do not add up. Found: the share of "
        "these people that was found; the difference to the others is paired. It shows who is missed, "
        "not why: modes go together.",
    )


def _failure(one: Mode) -> tuple[Cell, ...]:
    if not one.stated:
        return (mode(one), NOT_SAID, NOT_SAID, None, None, None, None)
    shares = (one.share_of_missed, one.recall, one.recall_of_others, one.difference)
    return (mode(one), one.people, one.missed, *shares)


def attributes(given: Details) -> Table:
    """Return Table 1d: recall by what the annotators said of somebody."""
    return Table(
        name="table_1_attributes",
        title="Table 1d. People found, by what the annotators said of them",
        columns=("Attribute", "Value", "People", "Missed", "Found"),
        rows=tuple(
            (said(one.attribute), said(one.value), one.people, one.missed, one.recall) for one in given.said
        ),
    )


def causes(given: Details) -> Table:
    """Return Table 1e: what false finds are."""
    rows = [(cause(one), one.count, one.frames, one.per_frame) for one in given.false_finds]
    return Table(
        name="table_1_causes",
        title="Table 1e. What the off-the-shelf detector takes for a person",
        columns=("What it is", "False finds", "Frames with one", "Per frame"),
        rows=(*rows, ("All", sum(one.count for one in given.false_finds), None, None)),
        total=True,
        note="A false find is what it overlaps most. Found twice: a second box on a person. Badly placed: on "
        "a person, but with too little overlap. Nothing annotated: a machine, or the background.",
    )


def operations(given: Closer) -> Table:
    """Return Table 1f: counts of misses by failure mode and of false finds by cause, per operation."""
    modes = [one for one in given.overall.modes if one.stated]
    kinds = list(given.overall.false_finds)
    rows = [_operation(named(name), one, modes, kinds) for name, one in given.categories.items()]
    rows.append(_operation("All", given.overall, modes, kinds))
    return Table(
        name="table_1_operations",
        title="Table 1f. Misses by failure mode and false finds by cause, per operation",
        columns=(
            "Operation",
            "People",
            "Missed",
            *(f"Missed: {mode(one)}" for one in modes),
            "False finds",
            *(f"False: {cause(one)}" for one in kinds),
        ),
        rows=tuple(rows),
        total=True,
        note="Counts. One who was missed may have several failure modes; a false find has one cause.",
    )


def _operation(name: str, given: Details, modes: list[Mode], kinds: list[FalseFind]) -> tuple[Cell, ...]:
    missed = {one.name: one.missed for one in given.modes}
    false = false_by_kind(given)
    return (
        name,
        given.people,
        given.missed,
        *(missed.get(one.name, 0) for one in modes),
        given.outside.false,
        *(false.get((one.cause, one.label), 0) for one in kinds),
    )


def false_by_kind(given: Details) -> Mapping[tuple[str, str], int]:
    """Return the false finds by cause and label."""
    return {(one.cause, one.label): one.count for one in given.false_finds}


def operations_by_crowd(given: Closer, unit: str) -> Table:
    """Return Table 1g: recall and false finds by number of people, per operation."""
    rows = [
        (
            named(name),
            CROWDS.get(one.name, one.name),
            one.groups,
            one.frames,
            one.recall,
            one.per_frame,
            one.hit,
        )
        for name, details in given.categories.items()
        for one in details.crowds
        if one.frames
    ]
    return Table(
        name="table_1_operations_crowds",
        title="Table 1g. Recall and false finds by operation and number of people",
        columns=(
            "Operation",
            "People in the frame",
            units(unit),
            "Frames",
            "Recall",
            "False / frame",
            "Frames with a false find",
        ),
        rows=tuple(rows),
    )
