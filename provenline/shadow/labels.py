"""The labels of a sample, as people send them back, through the readers of `annotate-import`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from provenline import tables
from provenline.annotations.importing import import_annotations
from provenline.annotations.params import AnnotateParams, Format, LabelRule
from provenline.errors import InputError

_NAMED = 20  # frames without labels that are named


@dataclass(frozen=True)
class Reading:
    """Where the labels of a sample lie and how they are read.

    Attributes:
        folder: Holds the exports, one per annotator and named after them; None where there are none.
        kind: Format of the exports.
        params: Label map, whose boxes count, tolerance; its format is not looked at.
        classes: Labels that are judged. Without a label map they are what annotators give.
    """

    folder: Path | None
    kind: Format
    params: AnnotateParams
    classes: tuple[str, ...]

    @property
    def names(self) -> dict[str, list[str]]:
        """Labels that annotators may give, each with the attributes that the label map looks at."""
        found: dict[str, set[str]] = {rule.source: set() for rule in self.rules}
        for rule in self.rules:
            found[rule.source] |= {rule.attribute} if rule.attribute else set()
        return {name: sorted(found[name]) for name in sorted(found)}

    @property
    def rules(self) -> tuple[LabelRule, ...]:
        """The label map."""
        alike = (LabelRule(source=name, to=name, attribute=None, value=None) for name in self.classes)
        return self.params.labels or tuple(alike)


@dataclass(frozen=True)
class Labels:
    """What came back.

    Attributes:
        frames: FRAMES of the sample that somebody labelled.
        boxes: The boxes that count on them (BOXES), of the classes that are judged.
        missing: frame_ids of the sample that nobody labelled, in the order of the sample.
        beyond: Labelled frames of this footage that were never drawn: set aside, never counted.
        unusable: Images that the readers set aside.
    """

    frames: pd.DataFrame
    boxes: pd.DataFrame
    missing: tuple[str, ...]
    beyond: int
    unusable: int

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON object; of the missing the first are named."""
        return {
            "labelled": len(self.frames),
            "missing": len(self.missing),
            "missing_frames": list(self.missing[:_NAMED]),
            "beyond_sample": self.beyond,
            "unusable": self.unusable,
            "objects": len(self.boxes),
        }


def read(reading: Reading, sample: pd.DataFrame, frames: pd.DataFrame) -> Labels | None:
    """Read the labels of the sampled frames; what is there of other frames is counted and left.

    Args:
        reading: Where they are and how they are read.
        sample: What ``sample.draw`` returned.
        frames: FRAMES, of all that was compared.

    Returns:
        None where no folder is named.

    Raises:
        InputError: The folder is missing, an export cannot be read, a label has no rule, or none of the
            sampled frames is in it.
    """
    folder = reading.folder
    if folder is None:
        return None
    if not folder.is_dir():
        raise InputError(
            "folder is missing", file=folder, mend="Name the exports' folder in shadow_ab.labels"
        )
    params = reading.params.model_copy(update={"format": reading.kind, "labels": reading.rules})
    try:
        done = import_annotations(folder, frames, params)
    except InputError as error:
        earlier = "if they are an earlier sample's, set shadow_labels to data/none: it draws a new one"
        mend = f"{error.mend.rstrip('.')}; {earlier}" if error.mend else earlier.capitalize()
        raise InputError(error.what, file=error.file, place=error.place, mend=mend) from None
    drawn, looked = done.frames["frame_id"].isin(sample["frame_id"]), done.frames["annotated"]
    kept = done.frames[drawn & looked].reset_index(drop=True)
    if kept.empty:
        what = f"no image is one of the {len(sample)} frames that were drawn"
        mend = "Label data/shadow/labelling and keep the images' names"
        raise InputError(what, file=folder, mend=mend)
    there, images = set(kept["frame_id"]), done.report["images"]
    boxes = tables.truth(kept, done.boxes, reading.classes)
    if boxes.empty:
        what = f"none of the {len(kept)} frames has an object: this looks like the package as it went out"
        raise InputError(what, file=folder, mend="Give the annotators' export")
    return Labels(
        frames=kept,
        boxes=boxes,
        missing=tuple(one for one in sample["frame_id"] if one not in there),
        beyond=int((looked & ~drawn).sum()) + int(images["not_sampled"]),
        unusable=int(images["set_aside"]),
    )
