"""COCO instances: one JSON file per annotator, with boxes, polygons and masks.

Format: https://cocodataset.org/#format-data
"""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from provenline.annotations import json_text
from provenline.annotations.masks import enclosing, encode, from_coco
from provenline.annotations.model import BadShape, Box, ImageLabels, ObjectLabel
from provenline.annotations.shapes import enclosing_box, rotated
from provenline.errors import InputError

_EXPORT = "Export the labels as COCO instances"
_Shape = tuple[Box, tuple[float, ...] | None, dict[str, str]]


def read(path: str | Path) -> list[ImageLabels]:
    """Read an export.

    The box of an object is that of its segmentation where it has one, else its ``bbox``, turned about
    its centre where the attributes have a ``rotation`` (as CVAT writes it). A segmentation of one ring
    is the polygon; of several rings all are kept, as JSON text in the attribute ``polygons``; a mask,
    compressed or not, is in the attribute ``mask``. ``iscrowd`` becomes an attribute where it is set,
    ``attributes`` are kept as text.

    Args:
        path: The JSON file.

    Returns:
        One entry per image, in the order of the file, also where nothing is on it; coordinates in pixels.

    Raises:
        InputError: The file is missing, is no COCO file, has an id twice, or an annotation names a
            category or an image that the file does not have.
    """
    path = Path(path)
    data = _load(path)
    categories = {number: str(one.get("name")) for number, one in _by_id(data, "categories", path).items()}
    images = _by_id(data, "images", path)
    objects: dict[int, list[ObjectLabel]] = defaultdict(list)
    bad: dict[int, list[BadShape]] = defaultdict(list)
    for number, one in _by_id(data, "annotations", path).items():
        place = f"annotation {number}"
        if not _knows(images, one.get("image_id")):
            raise InputError(f"unknown image_id {one.get('image_id')}", file=path, place=place, mend=_EXPORT)
        if not _knows(categories, one.get("category_id")):
            known = ", ".join(f"{key} {categories[key]}" for key in sorted(categories))
            what = f"unknown category_id {one.get('category_id')}"
            raise InputError(what, file=path, place=place, mend=f"Known: {known or 'none'}")
        label = categories[one["category_id"]]
        try:
            box, polygon, own = _shape(one)
            said = {**_attributes(one), **own}
        except (AttributeError, KeyError, OverflowError, TypeError, ValueError) as error:
            reason = f"no {error.args[0]}" if isinstance(error, KeyError) else str(error)
            bad[one["image_id"]].append(BadShape(label, place, f"unreadable annotation ({reason})"))
            continue
        objects[one["image_id"]].append(ObjectLabel(label, box, polygon, said, place))
    return [_image(one, tuple(objects[number]), tuple(bad[number]), path) for number, one in images.items()]


def _load(path: Path) -> dict[str, Any]:
    data = json_text.load(path, _EXPORT)
    if not isinstance(data, dict) or not isinstance(data.get("images"), list):
        raise InputError("not a COCO file (it lists no images)", file=path, mend=_EXPORT)
    return data


def _by_id(data: Mapping[str, Any], kind: str, path: Path) -> dict[int, dict[str, Any]]:
    found: dict[int, dict[str, Any]] = {}
    rows = data.get(kind) or []
    if not isinstance(rows, list):
        raise InputError("not a list", file=path, place=kind, mend=_EXPORT)
    for index, one in enumerate(rows, start=1):
        if not isinstance(one, dict) or not isinstance(one.get("id"), int):
            raise InputError("no id", file=path, place=f"{kind} {index}", mend=_EXPORT)
        if one["id"] in found:
            raise InputError(f"id {one['id']} stands twice", file=path, place=kind, mend=_EXPORT)
        found[one["id"]] = one
    return found


def _knows(known: Mapping[int, Any], number: Any) -> bool:
    return isinstance(number, int) and number in known


def _image(
    one: Mapping[str, Any], objects: tuple[ObjectLabel, ...], bad: tuple[BadShape, ...], path: Path
) -> ImageLabels:
    place = f"image {one['id']}"
    try:
        name, width, height = str(one["file_name"]), int(one["width"]), int(one["height"])
    except (KeyError, OverflowError, TypeError, ValueError):
        what = "an image without a file_name, or without a width and a height"
        raise InputError(what, file=path, place=place, mend=_EXPORT) from None
    return ImageLabels(name.replace("\\", "/"), width, height, objects, path, place, bad=bad)


def _shape(one: Mapping[str, Any]) -> _Shape:
    segmentation = one.get("segmentation")
    if isinstance(segmentation, dict):
        mask = from_coco(segmentation)
        return enclosing(mask), None, {"mask": encode(mask)}
    if segmentation:
        return _rings([_ring(ring) for ring in segmentation])
    x, y, width, height = _numbers(one["bbox"], 4)
    box = (x, y, x + width, y + height)
    angle = _numbers([(one.get("attributes") or {}).get("rotation") or 0], 1)[0]
    if not angle % 360:
        return box, None, {}
    polygon = rotated(box, angle)
    return enclosing_box(polygon), polygon, {}


def _rings(rings: Sequence[tuple[float, ...]]) -> _Shape:
    if len(rings) == 1:
        return enclosing_box(rings[0]), rings[0], {}
    box = enclosing_box([value for ring in rings for value in ring])
    return box, None, {"polygons": json.dumps(rings)}


def _ring(ring: Any) -> tuple[float, ...]:
    values = _numbers(ring)
    if len(values) >= 8 and values[:2] == values[-2:]:
        values = values[:-2]
    if len(values) < 6 or len(values) % 2:
        raise ValueError(f"a polygon of {len(values)} numbers")
    return values


def _numbers(values: Any, count: int | None = None) -> tuple[float, ...]:
    numbers = tuple(float(value) for value in values)
    if count is not None and len(numbers) != count:
        raise ValueError(f"{len(numbers)} numbers, not {count}")
    if not all(map(math.isfinite, numbers)):
        raise ValueError("a coordinate is no number")
    return numbers


def _attributes(one: Mapping[str, Any]) -> dict[str, str]:
    said = dict(one.get("attributes") or {})
    if one.get("iscrowd"):
        said["iscrowd"] = True
    return {str(name): _text(value) for name, value in said.items()}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
