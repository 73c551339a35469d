"""What an import has read so far, and the counts that must add up."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from provenline.annotations.ratings import Floats, Key
from provenline.annotations.reconciling import Reconciliation
from provenline.errors import InputError


def bad_item(file: Path, place: str, reason: str) -> dict[str, str]:
    """Return the report's entry for an item that is set aside."""
    return {"file": file.as_posix(), "place": place, "reason": reason}


@dataclass
class Tally:
    """The running state of one import.

    Attributes:
        boxes: Rows of the Boxes table.
        annotators: frame_id to who labelled it.
        ratings: Annotator to image to boxes of the rated label, also for images not sampled.
        groups: Image to group.
        images: Annotator to counts: read = sampled + not_sampled + set_aside.
        objects: What became of every object, per file, annotator and label.
        skipped: Kind of shape that is no object, to count.
        bad_images: Set aside, in the order of reading.
        bad_objects: Likewise.
    """

    boxes: list[dict[str, Any]] = field(default_factory=list)
    annotators: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    ratings: dict[str, dict[Key, Floats]] = field(default_factory=dict)
    groups: dict[Key, str] = field(default_factory=dict)
    images: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    objects: Reconciliation = field(default_factory=Reconciliation)
    skipped: Counter[str] = field(default_factory=Counter)
    bad_images: list[dict[str, str]] = field(default_factory=list)
    bad_objects: list[dict[str, str]] = field(default_factory=list)

    def check(self, tolerance: float) -> None:
        """Refuse an import of which too much would be set aside.

        Args:
            tolerance: Largest share of the images read, and of the objects read, 0..1.

        Raises:
            InputError: It is exceeded; names the first bad item.
        """
        images = sum(counts["read"] for counts in self.images.values())
        objects = self.objects.totals()["read"]
        for bad, total, what in ((self.bad_images, images, "images"), (self.bad_objects, objects, "objects")):
            if len(bad) > tolerance * total:
                mend = f"Mend the export: {len(bad)} of {total} {what} are bad, {tolerance:.2%} are tolerated"
                raise InputError(bad[0]["reason"], file=bad[0]["file"], place=bad[0]["place"], mend=mend)

    def counts(self) -> dict[str, Any]:
        """Return all counts, JSON-able."""
        image_kinds = ("read", "sampled", "not_sampled", "set_aside")
        labels, totals = self.objects.by_label(), self.objects.totals()
        annotators = {
            name: {kind: self.images[name][kind] for kind in image_kinds} for name in sorted(self.images)
        }
        return {
            "annotators": annotators,
            "images": {kind: sum(one[kind] for one in annotators.values()) for kind in image_kinds},
            "objects": totals,
            "labels": labels,
            "unmapped": [one["source"] for one in labels if one["source"] in one["to"]],
            "skipped": dict(sorted(self.skipped.items())),
            "clipped": totals["clipped"],
            "set_aside": [*self.bad_images, *self.bad_objects],
            "reconciliation": self.objects.to_list(),
            "reconciliation_totals": totals,
        }
