"""The tables on the split: the sides, class floors, copies, near duplicates, static cameras, gaps."""

from __future__ import annotations

from provenline.reports import words
from provenline.reports.evidence import Evidence, Split
from provenline.reports.split_evidence import Certificate, Floor, Leakage
from provenline.reports.tabular import Table, units

SIDES = ("train", "val", "test")


def tables(evidence: Evidence) -> list[Table]:
    """Return the tables that the evidence allows."""
    if evidence.split is None:
        return []
    given, unit = evidence.split, evidence.unit
    found = [sides(given, unit)]
    if given.floors:
        found.append(floors(given.floors))
    if given.certificate:
        found += _certified(given.certificate, unit)
    if evidence.leakage:
        found.append(leakage(evidence.leakage, unit))
    return found


def sides(given: Split, unit: str) -> Table:
    """Return Table 3: who is on which side."""
    rows = tuple(
        (part.name, part.groups, part.frames, part.annotated, part.without_objects, part.objects)
        for part in given.parts
    )
    sums = tuple(sum(int(row[place]) for row in rows) for place in range(1, 6))
    return Table(
        name="table_3_split",
        title=f"Table 3. The split, by {unit}",
        columns=("Side", units(unit), "Frames", "Annotated", "Nobody there", "Objects"),
        rows=(*rows, ("All", *sums)),
        total=True,
    )


def floors(given: tuple[Floor, ...]) -> Table:
    """Return Table 3b: whether each class has enough objects on each side."""
    return Table(
        name="table_3_floors",
        title="Table 3b. Objects per class against the floor",
        columns=("Class", "Side", "Objects", "Floor", "Met", "Why not"),
        rows=tuple(
            (one.label, one.side, one.objects, one.floor, "yes" if one.met else "NO", one.reason)
            for one in given
        ),
        note="A class with a handful of objects on a side measures nothing there.",
    )


def _certified(given: Certificate, unit: str) -> list[Table]:
    found = []
    if given.near_duplicates:
        found.append(_near(given, unit))
    if given.copies:
        found.append(_copies(given))
    if given.static_cameras:
        found.append(_static(given))
    if given.gaps:
        found.append(_gaps(given))
    return found


def _near(given: Certificate, unit: str) -> Table:
    return Table(
        name="table_3_near_duplicates",
        title="Table 3c. Frames of two sides that look the same to a perceptual hash",
        columns=(
            "Sides",
            "Pairs of frames",
            "Static camera's share",
            f"Pairs of {unit}s",
            "Unexplained",
            "Mirrored pairs",
        ),
        rows=tuple(
            (
                one.sides.replace("-", " and "),
                one.pairs,
                one.static_share,
                one.group_pairs,
                one.unexplained,
                one.mirrored,
            )
            for one in given.near_duplicates
        ),
        note=f"Unexplained: pairs of {unit}s that no static camera explains. Mirrored: frames of which one "
        "looks like the other's mirror image.",
    )


def _copies(given: Certificate) -> Table:
    return Table(
        name="table_3_copies",
        title="Table 3d. Media that show the same",
        columns=("One", "The other", "Sides", "Mirrored", "Correlation", "Frames"),
        rows=tuple(
            (
                one.first,
                one.second,
                " and ".join(dict.fromkeys(one.sides)) + ("" if one.same_side else ": A LEAK"),
                "yes" if one.mirrored else "no",
                one.correlation,
                one.frames,
            )
            for one in sorted(given.copies, key=lambda one: one.same_side)
        ),
    )


def _static(given: Certificate) -> Table:
    return Table(
        name="table_3_static_cameras",
        title="Table 3e. Static cameras, which make frames look alike without any leak",
        columns=("Camera", "Media", "Share of frames that come back"),
        rows=tuple((one.camera or "(not named)", one.media, one.share) for one in given.static_cameras),
    )


def _gaps(given: Certificate) -> Table:
    ordered = sorted(given.gaps, key=lambda one: (one.days is not None, one.days or 0.0))
    return Table(
        name="table_3_gaps",
        title="Table 3f. Days between the sides of one camera",
        columns=("Camera", "Sides", "Days apart", "Nearest media", "Consecutive"),
        rows=tuple(
            (
                one.camera or "(not named)",
                " and ".join(one.sides),
                one.days,
                " and ".join(one.media),
                one.consecutive,
            )
            for one in ordered
        ),
        note="n/a: the media list does not say when it was filmed. Consecutive: media that follow one "
        "another and lie on different sides.",
    )


def leakage(given: Leakage, unit: str) -> Table:
    """Return Table 3g: what a random split of frames would have scored."""
    rows = (
        ("Frames dealt at random", given.random),
        (f"No {unit} on two sides", given.grouped),
        ("What the leak would have printed more", given.difference),
        ("The same, with easier test frames taken off", given.net),
        ("On deployment footage, trained on random frames", given.field_random),
        (f"On deployment footage, trained on whole {unit}s", given.field_grouped),
    )
    tests = [
        f"{name}: {words.plural(number, unit)}"
        for name, number in (("at random", given.random_groups), ("kept whole", given.grouped_groups))
        if number is not None
    ]
    notes = [f"Test sets of {', '.join(tests)}." if tests else "", _capital(given.reason)]
    return Table(
        name="table_3_leakage",
        title=f"Table 3g. The leakage counterfactual ({words.metric(given.metric)})",
        columns=("Split", words.metric(given.metric)),
        rows=tuple(row for row in rows if row[1] is not None),
        note=" ".join(filter(None, notes)),
    )


def _capital(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}." if text else ""
