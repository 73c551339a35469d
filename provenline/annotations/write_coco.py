"""Writes COCO instances: ``annotations.json``. The opposite of `coco`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from provenline.annotations.masks import decode, kept
from provenline.annotations.model import ImageLabels, ObjectLabel
from provenline.annotations.shapes import area
from provenline.files import write_json


def write(folder: Path, images: Sequence[ImageLabels], labels: Sequence[str]) -> dict[str, int]:
    """Write the labels of images; polygons, several rings and masks as segmentations.

    Args:
        folder: Gets ``annotations.json``.
        images: With sizes; coordinates in pixels.
        labels: Names of the categories, numbered from 1 in this order.

    Returns:
        Nothing: COCO holds every shape.
    """
    numbers = {label: number for number, label in enumerate(labels, start=1)}
    annotations: list[dict[str, Any]] = []
    for image_id, image in enumerate(images, start=1):
        for one in image.objects:
            ids = {"id": len(annotations) + 1, "image_id": image_id, "category_id": numbers[one.label]}
            annotations.append({**ids, **_shape(one)})
    value = {
        "images": [
            {"id": number, "file_name": image.name, "width": image.width, "height": image.height}
            for number, image in enumerate(images, start=1)
        ],
        "annotations": annotations,
        "categories": [{"id": number, "name": label} for label, number in numbers.items()],
    }
    write_json(folder / "annotations.json", value)
    return {}


def _shape(one: ObjectLabel) -> dict[str, Any]:
    x1, y1, x2, y2 = one.box
    said = dict(one.attributes)
    rings = [] if one.polygon is None else [list(one.polygon)]
    if not rings and "rotation" in said:
        rings = [[x1, y1, x2, y1, x2, y2, x1, y2]]  # a bare box with this attribute is taken for a turned one
    if said.get("polygons", "").startswith("[["):
        rings = json.loads(said.pop("polygons"))
    segmentation: Any = rings
    size = sum(map(area, rings)) if rings else (x2 - x1) * (y2 - y1)
    if text := kept(said):
        segmentation, size = json.loads(said.pop("mask")), float(decode(text).sum())
    return {
        "bbox": [x1, y1, x2 - x1, y2 - y1],
        "area": size,
        "segmentation": segmentation,
        "iscrowd": int(said.pop("iscrowd", "") == "true"),
        "attributes": said,
    }
