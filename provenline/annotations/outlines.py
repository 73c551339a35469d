"""One polygon for every object, whatever shape it was drawn in: what training on outlines takes."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd

from provenline.annotations.masks import Mask, decode, kept
from provenline.annotations.shapes import Polygon, area, clip_polygon

_ELLIPSE_CORNERS = 64  # they leave out 0.2% of its area
_Edge = tuple[int, int, int, int]  # a corner of a pixel x y, and the unit step dx dy from there


def outlined(boxes: pd.DataFrame, frames: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, int]]:
    """Fill ``polygon`` wherever it is empty.

    A polygon that was drawn stays as it is. A mask is outlined along the edges of its pixels; several
    rings become one polygon (`joined`); an ellipse becomes one of 64 corners; of an object with a box
    alone the box is taken.

    Args:
        boxes: Boxes table.
        frames: Frames table, for the sizes of the images.

    Returns:
        The Boxes table, and how many objects were drawn as what: ``polygon``, ``mask``, ``polygons``,
        ``ellipse``, ``box``.
    """
    sizes = {
        name: (width, height)
        for name, width, height in frames[["frame_id", "width", "height"]].itertuples(index=False)
    }
    shapes: Counter[str] = Counter()
    polygons: list[list[float]] = []
    columns = ["frame_id", "polygon", "attributes", "x1", "y1", "x2", "y2"]
    for frame_id, polygon, attributes, x1, y1, x2, y2 in boxes[columns].itertuples(index=False):
        kind, found = "polygon", polygon
        if polygon is None:
            kind, found = _drawn(json.loads(attributes), sizes[frame_id])
        if found is None:
            kind, found = "box", (x1, y1, x2, y1, x2, y2, x1, y2)
        shapes[kind] += 1
        polygons.append([float(value) for value in found])
    kinds = ("polygon", "mask", "polygons", "ellipse", "box")
    filled = boxes.assign(polygon=pd.Series(polygons, boxes.index, dtype=object))
    return filled, {kind: shapes[kind] for kind in kinds}


def warnings(shapes: Mapping[str, int]) -> list[str]:
    """Return what a person should know of the shapes that `outlined` counted."""
    if not shapes["box"]:
        return []
    return [f"{shapes['box']} of {sum(shapes.values())} objects have a box for an outline: nobody drew more"]


def _drawn(attributes: Mapping[str, str], size: tuple[int, int]) -> tuple[str, Polygon | None]:
    width, height = size
    if (text := kept(attributes)) and (mask := decode(text)).shape == (height, width):
        return "mask", joined(list(rings(mask)))
    kind, found = "polygons", _rings(attributes)
    if not found:
        kind, found = "ellipse", _ellipse(attributes)
    inside = [clipped for ring in found if len(clipped := clip_polygon(ring, width, height)) >= 6]
    return kind, joined(inside) if inside else None


def _rings(attributes: Mapping[str, str]) -> list[Polygon]:
    text = attributes.get("polygons", "")
    return [tuple(ring) for ring in json.loads(text)] if text.startswith("[[") else []


def _ellipse(attributes: Mapping[str, str]) -> list[Polygon]:
    """Return the corners of an ellipse that CVAT wrote (centre, half axes, degrees), in a list, or none."""
    try:
        cx, cy, rx, ry, degrees = (float(word) for word in attributes["ellipse"].split())
    except (KeyError, ValueError):
        return []
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    turns = [2 * math.pi * n / _ELLIPSE_CORNERS for n in range(_ELLIPSE_CORNERS)]
    across = [(rx * math.cos(turn), ry * math.sin(turn)) for turn in turns]
    return [tuple(v for x, y in across for v in (cx + x * cos - y * sin, cy + x * sin + y * cos))]


def rings(mask: Mask) -> Iterator[Polygon]:
    """Yield the outlines of a mask, exactly along the edges of its pixels.

    Outer ones run clockwise as seen on the screen, those of holes the other way round, so that their
    signed areas sum to the number of pixels. Pixels that touch at a corner alone are apart.

    >>> list(rings(np.array([[True, True], [False, True]])))
    [(2.0, 0.0, 2.0, 2.0, 1.0, 2.0, 1.0, 1.0, 0.0, 1.0, 0.0, 0.0)]
    """
    edges = _edges(mask)
    everything, done = frozenset(edges), set[_Edge]()
    for first in edges:
        edge, corners = first, []
        while edge not in done:
            done.add(edge)
            x, y, dx, dy = edge
            x, y = x + dx, y + dy
            # The mask lies to the right. To turn right where there is a choice stays at the same pixel.
            ways = ((x, y, -dy, dx), (x, y, dx, dy), (x, y, dy, -dx))
            edge = next(way for way in ways if way in everything)
            if edge is not ways[1]:
                corners += [float(x), float(y)]
        if corners:
            yield tuple(corners)


def _edges(mask: Mask) -> list[_Edge]:
    padded = np.pad(mask, 1)
    above, below = padded[:-1, 1:-1], padded[1:, 1:-1]
    left, right = padded[1:-1, :-1], padded[1:-1, 1:]
    flat = [
        (x, y, 1, 0) if below[y, x] else (x + 1, y, -1, 0) for y, x in np.argwhere(above != below).tolist()
    ]
    steep = [
        (x, y, 0, 1) if left[y, x] else (x, y + 1, 0, -1) for y, x in np.argwhere(left != right).tolist()
    ]
    return flat + steep


def joined(found: Sequence[Polygon]) -> Polygon:
    """Return one polygon that covers what several rings do.

    Ring by ring, the largest first, there is a way from the nearest corner so far and back the same way:
    it has no width, so that the area inside (by the even-odd rule) is that of the rings.
    """
    from scipy.spatial import KDTree

    first, *others = sorted(found, key=area, reverse=True)
    path = np.reshape(first, (-1, 2))
    for other in others:
        ring = np.reshape(other, (-1, 2))
        distances, nearest = KDTree(path).query(ring)
        start = int(np.argmin(distances))
        at = int(nearest[start])
        around = np.concatenate([ring[start:], ring[: start + 1], path[at : at + 1]])
        path = np.insert(path, at + 1, around, axis=0)
    return tuple(path.ravel().tolist())
