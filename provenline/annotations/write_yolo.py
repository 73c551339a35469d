"""Writes YOLO folders: ``data.yaml`` and ``labels/``. The opposite of `yolo`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import yaml

from provenline.annotations.masks import kept
from provenline.annotations.model import ImageLabels, ObjectLabel


def write(folder: Path, images: Sequence[ImageLabels], labels: Sequence[str]) -> Counter[str]:
    """Write the labels of images: boxes, or polygons throughout where there is one.

    Trainers take a file with both kinds of lines for polygons, and a box for one of two points; so boxes
    become polygons of four corners where any object is a polygon. Attributes are not written.

    Args:
        folder: Gets ``data.yaml`` and a text file per image in ``labels/``.
        images: With sizes; coordinates in pixels.
        labels: Names of the classes, numbered from 0 in this order.

    Returns:
        Kind of shape that YOLO cannot hold to how many were written as boxes.
    """
    numbers = {label: number for number, label in enumerate(labels)}
    polygons = any(one.polygon is not None for image in images for one in image.objects)
    simplified: Counter[str] = Counter()
    for image in images:
        lines = [f"{numbers[one.label]} {_shape(one, image, polygons)}\n" for one in image.objects]
        simplified["mask"] += sum(kept(one.attributes) is not None for one in image.objects)
        simplified["polygons"] += sum("polygons" in one.attributes for one in image.objects)
        file = folder / "labels" / PurePosixPath(image.name).with_suffix(".txt")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("".join(lines), encoding="utf-8")
    names = dict(enumerate(labels))
    text = yaml.safe_dump(
        {"path": ".", "train": "images", "val": "images", "names": names}, allow_unicode=True
    )
    (folder / "data.yaml").write_text(text, encoding="utf-8")
    return +simplified


def _shape(one: ObjectLabel, image: ImageLabels, polygons: bool) -> str:
    assert image.width is not None and image.height is not None
    x1, y1, x2, y2 = one.box
    values: Sequence[float] = ((x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1)
    if polygons:
        values = one.polygon or (x1, y1, x2, y1, x2, y2, x1, y2)
    sides = (image.width, image.height)
    return " ".join(f"{value / sides[n % 2]:.8f}" for n, value in enumerate(values))
