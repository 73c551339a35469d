"""What became of every object that was read, per file and class; the sums must agree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from provenline.annotations.model import ObjectLabel

Place = tuple[str, str, str]  # file, annotator, label in the export


@dataclass
class Row:
    """The objects of one file, annotator and label: read = kept + not_sampled + set_aside + with_image.

    Attributes:
        read: Found in the file.
        to: Label here to objects kept.
        converted: Of those kept, drawn as another shape than an upright box.
        clipped: Of those kept, drawn beyond their image.
        not_sampled: On an image that is not among the frames.
        set_aside: Kind of reason to objects that cannot be used.
        with_image: Kind of reason to objects of images that cannot be used.
    """

    read: int = 0
    to: Counter[str] = field(default_factory=Counter)
    converted: int = 0
    clipped: int = 0
    not_sampled: int = 0
    set_aside: Counter[str] = field(default_factory=Counter)
    with_image: Counter[str] = field(default_factory=Counter)

    def counts(self) -> dict[str, int]:
        """Return the numbers alone."""
        return {
            "read": self.read,
            "kept": self.to.total(),
            "converted": self.converted,
            "clipped": self.clipped,
            "not_sampled": self.not_sampled,
            "set_aside": self.set_aside.total(),
            "set_aside_with_image": self.with_image.total(),
        }


class Reconciliation:
    """All rows of an import."""

    def __init__(self) -> None:
        self._rows: dict[Place, Row] = {}

    def row(self, file: Path, annotator: str, label: str) -> Row:
        """Return the row to count in; ``label`` is "" for what cannot even be named."""
        return self._rows.setdefault((file.as_posix(), annotator, label), Row())

    def check(self, boxes: int) -> None:
        """Make sure that nothing was lost or counted twice.

        Args:
            boxes: Rows of the Boxes table that the annotators' own objects make.

        Raises:
            AssertionError: The sums do not agree: an error in the import itself.
        """
        for place, row in self._rows.items():
            counts = row.counts()
            parts = ("kept", "not_sampled", "set_aside", "set_aside_with_image")
            if counts["read"] != sum(counts[part] for part in parts):
                raise AssertionError(f"internal error: the counts of {place} do not agree: {counts}")
        kept = self.totals()["kept"]
        if kept != boxes:
            raise AssertionError(f"internal error: {kept} objects were kept, and there are {boxes} boxes")

    def totals(self) -> dict[str, int]:
        """Return the sums over all rows."""
        return _sum(self._rows.values())

    def to_list(self) -> list[dict[str, Any]]:
        """Return the rows, JSON-able, sorted by file, annotator and label."""
        return [
            {
                "file": file,
                "annotator": annotator,
                "label": label,
                "to": _sorted(row.to),
                **row.counts(),
                "set_aside": _sorted(row.set_aside),
                "image_reasons": _sorted(row.with_image),
            }
            for (file, annotator, label), row in sorted(self._rows.items())
        ]

    def by_label(self) -> list[dict[str, Any]]:
        """Return the sums over all files and annotators, per label in the export."""
        labels = sorted({label for _, _, label in self._rows})
        found: list[dict[str, Any]] = []
        for label in labels:
            rows = [row for (_, _, other), row in self._rows.items() if other == label]
            to: Counter[str] = sum((row.to for row in rows), Counter())
            found.append({"source": label, "to": _sorted(to), **_sum(rows)})
        return found


def converted(label: ObjectLabel) -> bool:
    """Return whether an object was drawn as another shape than an upright box."""
    # An annotator's own attribute may be called "mask" too; that of a shape is JSON.
    drawn = label.attributes.get("mask", "").startswith("{")
    drawn = drawn or bool(label.attributes.keys() & {"polygons", "ellipse"})
    return label.polygon is not None or drawn


def _sum(rows: Iterable[Row]) -> dict[str, int]:
    total = Counter(Row().counts())
    for row in rows:
        total.update(row.counts())
    return dict(total)


def _sorted(counts: Counter[str]) -> dict[str, int]:
    return {name: counts[name] for name in sorted(counts)}
