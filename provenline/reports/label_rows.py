"""The tables on labels: agreement, agreement per operation, what became of each label, frame numbers."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePath

from provenline.reports import words
from provenline.reports.evidence import Agreement, Annotation, Estimate, Evidence
from provenline.reports.label_evidence import Reconciled
from provenline.reports.tabular import Cell, Table, named, units

ALPHA = {"presence": "Krippendorff's alpha, somebody there", "count": "Krippendorff's alpha, how many people"}


def tables(evidence: Evidence) -> list[Table]:
    """Return the tables that the evidence allows."""
    sides = (("development", evidence.development), ("deployment", evidence.deployment))
    known = [(name, side.annotation) for name, side in sides if side.annotation]
    found: list[Table] = []
    if agreed := first_agreement(evidence):
        found.append(agreement(agreed))
        if len(agreed.details.categories) > 1:
            found.append(categories(agreed, evidence.unit))
    if any(one.details.reconciliation for _, one in known):
        found.append(reconciliation(known))
    if any(one.details.numbering for _, one in known):
        found.append(numbering(known))
    return found


def first_agreement(evidence: Evidence) -> Agreement | None:
    """Return development's agreement, else deployment's, else None."""
    for side in (evidence.development, evidence.deployment):
        if side.annotation and side.annotation.agreement:
            return side.annotation.agreement
    return None


def measures(given: Agreement) -> list[tuple[str, Estimate | None]]:
    """Return every measure of agreement by its name, as far as it was measured."""
    found = [(words.metric(name), one) for name, one in given.measures.items()]
    if regions := given.details.regions:
        rows, columns = regions.grid
        grid = f"{rows} \N{MULTIPLICATION SIGN} {columns} regions"
        found += [
            (f"κ per region, somebody there ({grid})", regions.presence),
            (f"κ per region, how many people ({grid})", regions.count),
        ]
    return found + [(ALPHA[name], one) for name, one in given.details.alpha.items()]


def agreement(given: Agreement) -> Table:
    """Return Table 2: how far two annotators agree."""
    note = (
        f"{words.plural(given.images, 'image')} that both labelled, of {words.plural(given.groups, 'group')}."
    )
    if given.details.alpha_annotators:
        note += f" Alpha is over {words.plural(given.details.alpha_annotators, 'annotator')}."
    return Table(
        name="table_2_agreement",
        title=f"Table 2. Agreement of {' and '.join(given.annotators)}",
        columns=("Measure", "Value"),
        rows=tuple(measures(given)),
        note=note,
    )


def categories(given: Agreement, unit: str) -> Table:
    """Return Table 2b: the same two per operation."""
    return Table(
        name="table_2_categories",
        title=f"Table 2b. Agreement of {' and '.join(given.annotators)} per operation",
        columns=("Operation", units(unit), "Images", "κ, somebody there", "Object F1", "Mean matched IoU"),
        rows=tuple(
            (named(one.name), one.groups, one.images, one.presence, one.object_f1, one.mean_iou)
            for one in given.details.categories
        ),
        note=f"One operation rests on few {unit}s: read its interval as a hint. κ is not defined where both "
        "say the same for every image.",
    )


def reconciliation(known: Iterable[tuple[str, Annotation]]) -> Table:
    """Return Table 8: what became of every object that was read, per file and label."""
    given = [(name, one) for name, annotation in known for one in annotation.details.reconciliation]
    told = all(one.annotator == PurePath(one.file).stem for _, one in given)
    rows: list[tuple[Cell, ...]] = [
        (
            name,
            PurePath(one.file).name,
            *(() if told else (one.annotator,)),
            one.label or "(no label)",
            words.listed((f"{ours} {count}" for ours, count in one.to.items()), 8) or "nothing",
            *_counts(one),
            _why(one),
        )
        for name, one in given
    ]
    sums = (sum(column) for column in zip(*(_counts(one) for _, one in given), strict=True))
    wrong = [f"{one.file}, {one.label}" for _, one in given if not one.agrees]
    return Table(
        name="table_8_labels",
        title="Table 8. What became of every label, per file",
        columns=(
            "Footage",
            "File",
            *(() if told else ("Annotator",)),
            "Label",
            "Becomes",
            "Read",
            "Kept",
            "Not sampled",
            "Set aside",
            "With its image",
            "Converted",
            "Clipped",
            "Why set aside",
        ),
        rows=(*rows, ("All", *[""] * (3 if told else 4), *sums, "")),
        total=True,
        note="Read = kept + not sampled + set aside + set aside with its image. Converted and clipped ones "
        "are among the kept. "
        + (f"THE SUMS DO NOT AGREE for {words.listed(wrong)}." if wrong else "The sums agree in every row."),
    )


def _why(one: Reconciled) -> str:
    pairs = [
        *one.set_aside.items(),
        *((f"image: {reason}", count) for reason, count in one.image_reasons.items()),
    ]
    return "; ".join(f"{reason.replace('_', ' ')} {count}" for reason, count in pairs)


def _counts(one: Reconciled) -> tuple[int, ...]:
    aside = sum(one.set_aside.values())
    return (one.read, one.kept, one.not_sampled, aside, one.with_image, one.converted, one.clipped)


def numbering(known: Iterable[tuple[str, Annotation]]) -> Table:
    """Return Table 9: whether frame numbers of other tools are those of the footage."""
    return Table(
        name="table_9_numbering",
        title="Table 9. Frame numbers of the annotation tool against the footage",
        columns=("Footage", "Medium", "Verdict", "Offset", "Pictures compared", "Their frames", "Our frames"),
        rows=tuple(
            (name, one.media, one.verdict, one.offset, one.pictures, one.tool_frames, one.our_frames)
            for name, annotation in known
            for one in annotation.details.numbering
        ),
        note="The offset is added to the tool's numbers; it was found by comparing the pictures that the "
        "tool exported with ours. Unchecked: no pictures came with the labels.",
    )
