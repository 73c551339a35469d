"""The Boxes table becomes the labels that a format's writer writes."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Literal, NamedTuple

import pandas as pd

from provenline.annotations import write_coco, write_cvat, write_yolo
from provenline.annotations.model import ImageLabels, ObjectLabel
from provenline.errors import InputError
from provenline.files import atomic_path
from provenline.images import read_bytes

Format = Literal["coco", "cvat", "yolo"]
_WRITERS: Mapping[Format, Callable[[Path, Sequence[ImageLabels], Sequence[str]], Mapping[str, int]]] = {
    "coco": write_coco.write,
    "cvat": write_cvat.write,
    "yolo": write_yolo.write,
}


class Exported(NamedTuple):
    """What an export holds.

    Attributes:
        images: How many, also those on which nothing is.
        objects: Label to how many.
        left_out: Label to how many objects that were not asked for.
        simplified: Kind of shape that the format cannot hold to how many were written as another.
    """

    images: int
    objects: dict[str, int]
    left_out: dict[str, int]
    simplified: dict[str, int]


def export(
    frames: pd.DataFrame,
    boxes: pd.DataFrame,
    folder: str | Path,
    kind: Format,
    labels: Sequence[str] = (),
    annotator: str = "",
    root: Path | None = None,
) -> Exported:
    """Write the labels of all annotated frames, whole or not at all.

    Images are named after their frame, so that what an annotation tool makes of them finds back.

    Args:
        frames: Frames table.
        boxes: Boxes table.
        folder: Where to; it must not exist yet.
        kind: Format of the export.
        labels: That are written, in the order of their numbers there; all, sorted, where none is given.
        annotator: Whose labels; those that count for each frame where none is named.
        root: That the paths of the Frames table are relative to; the images are copied to ``images/``.
            None where they are not.

    Raises:
        InputError: The folder exists, an image is missing, no frame was annotated by them, or a label
            does not occur or is asked for twice.
    """
    folder = Path(folder)
    if folder.exists():
        raise InputError("the folder exists", file=folder, mend="Remove it or name another")
    chosen = _chosen(frames, boxes, annotator)
    found = Counter(boxes["label"][_counting(boxes, chosen)])
    unknown = sorted(set(labels) - set(boxes["label"]))
    if unknown:
        known = ", ".join(sorted(set(boxes["label"]))) or "none"
        raise InputError(f"no object is called '{unknown[0]}'", mend=f"Known: {known}")
    twice = next((label for label, times in Counter(labels).items() if times > 1), None)
    if twice is not None:
        raise InputError(f"'{twice}' is asked for twice", mend="Name each label once")
    wanted = list(labels) or sorted(found)
    images = list(_images(frames, boxes[_counting(boxes, chosen)], chosen, set(wanted)))
    with atomic_path(folder) as temporary:
        temporary.mkdir()
        simplified = _WRITERS[kind](temporary, images, wanted)
        if root is not None:
            _copy(images, root, temporary / "images")
    kept = {label: found[label] for label in wanted}
    return Exported(len(images), kept, {k: n for k, n in found.items() if k not in kept}, dict(simplified))


def _copy(images: Sequence[ImageLabels], root: Path, folder: Path) -> None:
    folder.mkdir()
    for image in images:
        (folder / image.name).write_bytes(read_bytes(root / image.file))


def _chosen(frames: pd.DataFrame, boxes: pd.DataFrame, annotator: str) -> dict[str, str]:
    """Return frame_id to the annotator whose labels are written."""
    looked = frames[frames["annotated"]]
    if annotator:
        # A frame of somebody else's on which this annotator drew something was looked at by both.
        drew = set(boxes.loc[boxes["annotator"] == annotator, "frame_id"])
        looked = looked[(looked["annotator"] == annotator) | looked["frame_id"].isin(drew)]
    if looked.empty:
        known = ", ".join(sorted(set(frames.loc[frames["annotated"], "annotator"]))) or "none"
        of = f" by '{annotator}'" if annotator else ""
        raise InputError(f"no frame was annotated{of}", mend=f"Known annotators: {known}")
    whose = [annotator] * len(looked) if annotator else looked["annotator"]
    return dict(zip(looked["frame_id"], whose, strict=True))


def _counting(boxes: pd.DataFrame, chosen: Mapping[str, str]) -> pd.Series:
    return boxes["frame_id"].map(chosen) == boxes["annotator"]


def _images(
    frames: pd.DataFrame, boxes: pd.DataFrame, chosen: Mapping[str, str], labels: set[str]
) -> Iterator[ImageLabels]:
    objects: dict[str, list[ObjectLabel]] = defaultdict(list)
    columns = ["frame_id", "label", "x1", "y1", "x2", "y2", "polygon", "attributes"]
    for frame_id, label, x1, y1, x2, y2, polygon, said in boxes[columns].itertuples(index=False):
        if label in labels:
            ring = None if polygon is None else tuple(float(value) for value in polygon)
            one = ObjectLabel(label, (x1, y1, x2, y2), ring, json.loads(said), frame_id)
            objects[frame_id].append(one)
    for frame_id, path, width, height in frames[["frame_id", "path", "width", "height"]].itertuples(
        index=False
    ):
        if frame_id in chosen:
            name = f"{frame_id}{PurePosixPath(path).suffix or '.jpg'}"
            yield ImageLabels(name, int(width), int(height), tuple(objects[frame_id]), Path(path))
