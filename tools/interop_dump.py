"""Reads labels with datumaro, for `check_interop`; runs in an environment of its own (`make interop`).

`python tools/interop_dump.py FORMAT PATH` prints a JSON object: image (path without ending) to a list of
[label, x1, y1, x2, y2] in pixels. Knows nothing of provenline.
"""

from __future__ import annotations

import json
import math
import sys
from collections import defaultdict

import datumaro
from datumaro import AnnotationType as Kind

Box = tuple[float, float, float, float]


def box(one: datumaro.Annotation) -> Box | None:
    """Return an annotation's upright box; None where it is no shape with an area."""
    if one.type == Kind.rotated_bbox:
        cx, cy, width, height, angle = one.points
        cos, sin = abs(math.cos(math.radians(angle))), abs(math.sin(math.radians(angle)))
        half_width, half_height = (width * cos + height * sin) / 2, (width * sin + height * cos) / 2
        return cx - half_width, cy - half_height, cx + half_width, cy + half_height
    if one.type == Kind.mask:
        x, y, width, height = one.get_bbox()
        return x, y, x + width, y + height
    if one.type in (Kind.bbox, Kind.polygon):
        xs, ys = one.points[0::2], one.points[1::2]
        return min(xs), min(ys), max(xs), max(ys)
    return None


def objects(item: datumaro.DatasetItem, *, grouped: bool) -> list[tuple[int, Box]]:
    """Return label number and box of an image's objects; in COCO the parts of one object share an id."""
    shapes = [(one, box(one)) for one in item.annotations]
    shapes = [(one, found) for one, found in shapes if found is not None]
    if not grouped:
        return [(one.label, found) for one, found in shapes]
    parts = defaultdict(list)
    for one, found in shapes:
        parts[one.id].append((one.type != Kind.bbox, one.label, found))
    whole = []
    for members in parts.values():
        drawn = [member for member in members if member[0]] or members
        boxes = [found for _, _, found in drawn]
        lows = [min(values) for values in list(zip(*boxes, strict=True))[:2]]
        highs = [max(values) for values in list(zip(*boxes, strict=True))[2:]]
        whole.append((drawn[0][1], (*lows, *highs)))
    return whole


def main(kind: str, path: str) -> None:
    """Print what datumaro reads."""
    dataset = datumaro.Dataset.import_from(path, kind)
    names = [one.name for one in dataset.categories()[Kind.label]]
    found = {
        item.id: [
            [names[number], *map(float, corners)]
            for number, corners in objects(item, grouped=kind.startswith("coco"))
        ]
        for item in dataset
    }
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
