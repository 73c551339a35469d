"""What an import has read so far, and the counts that must add up."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from provenline.annotations.agreement import Floats, Key
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
        labels: Label in the export to counts: read = kept + not_sampled + set_aside +
            set_aside_with_image; "" for what cannot even be named.
        mapped: (label in the export, label here) to objects kept; sums to ``kept`` above.
        skipped: Kind of shape that is no object, to count.
        bad_images: Set aside, in the order of reading.
        bad_objects: Likewise.
        clipped: Kept objects that reached beyond their image.
    """

    boxes: list[dict[str, Any]] = field(default_factory=list)
    annotators: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    ratings: dict[str, dict[Key, Floats]] = field(default_factory=dict)
    groups: dict[Key, str] = field(default_factory=dict)
    images: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    labels: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    mapped: Counter[tuple[str, str]] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)
    bad_images: list[dict[str, str]] = field(default_factory=list)
    bad_objects: list[dict[str, str]] = field(default_factory=list)
    clipped: int = 0

    def check(self, tolerance: float) -> None:
        """Refuse an import of which too much would be set aside.

        Args:
            tolerance: Largest share of the images read, and of the objects read, 0..1.

        Raises:
            InputError: It is exceeded; names the first bad item.
        """
        images = sum(counts["read"] for counts in self.images.values())
        objects = sum(counts["read"] for counts in self.labels.values())
        for bad, total, what in ((self.bad_images, images, "images"), (self.bad_objects, objects, "objects")):
            if len(bad) > tolerance * total:
                mend = f"Mend the export: {len(bad)} of {total} {what} are bad, {tolerance:.2%} are tolerated"
                raise InputError(bad[0]["reason"], file=bad[0]["file"], place=bad[0]["place"], mend=mend)

    def counts(self) -> dict[str, Any]:
        """Return all counts, JSON-able."""
        image_kinds = ("read", "sampled", "not_sampled", "set_aside")
        object_kinds = ("read", "kept", "not_sampled", "set_aside", "set_aside_with_image")
        labels: list[dict[str, Any]] = []
        for source in sorted(self.labels):
            to = {name: count for (label, name), count in sorted(self.mapped.items()) if label == source}
            counts = {**self.labels[source], "kept": sum(to.values())}
            labels.append(
                {"source": source, "to": to, **{kind: counts.get(kind, 0) for kind in object_kinds}}
            )
        annotators = {
            name: {kind: self.images[name][kind] for kind in image_kinds} for name in sorted(self.images)
        }
        return {
            "annotators": annotators,
            "images": {kind: sum(one[kind] for one in annotators.values()) for kind in image_kinds},
            "objects": {kind: sum(one[kind] for one in labels) for kind in object_kinds},
            "labels": labels,
            "unmapped": [one["source"] for one in labels if one["source"] in one["to"]],
            "skipped": dict(sorted(self.skipped.items())),
            "clipped": self.clipped,
            "set_aside": [*self.bad_images, *self.bad_objects],
        }
