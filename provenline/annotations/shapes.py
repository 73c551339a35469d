"""Geometry of annotated shapes: pure, coordinates as x y x y ..., boxes half-open."""

from __future__ import annotations

import math
from collections.abc import Sequence

from provenline.annotations.model import Box

Polygon = tuple[float, ...]


def enclosing_box(polygon: Sequence[float]) -> Box:
    """Return the smallest axis-aligned box around a polygon ``x y x y ...``."""
    xs, ys = polygon[0::2], polygon[1::2]
    return min(xs), min(ys), max(xs), max(ys)


def area(polygon: Sequence[float]) -> float:
    """Return the area inside a polygon ``x y x y ...`` that does not cross itself.

    >>> area((0, 0, 4, 0, 4, 2, 0, 2))
    8.0
    """
    xs, ys = polygon[0::2], polygon[1::2]
    turns = (xs[n - 1] * ys[n] - xs[n] * ys[n - 1] for n in range(len(xs)))
    return abs(sum(turns)) / 2


def rotated(box: Box, degrees: float) -> Polygon:
    """Turn a box about its centre, clockwise as seen on the screen (CVAT's convention).

    Returns:
        The four corners, starting with the one that was top left.

    >>> [round(value, 6) for value in rotated((0, 0, 4, 2), 90)]
    [3.0, -1.0, 3.0, 3.0, 1.0, 3.0, 1.0, -1.0]
    """
    x1, y1, x2, y2 = box
    cx, cy, angle = (x1 + x2) / 2, (y1 + y2) / 2, math.radians(degrees)
    cos, sin = math.cos(angle), math.sin(angle)
    corners = ((x1, y1), (x2, y1), (x2, y2), (x1, y2))
    turned = (
        (cx + (x - cx) * cos - (y - cy) * sin, cy + (x - cx) * sin + (y - cy) * cos) for x, y in corners
    )
    return tuple(value for point in turned for value in point)


def ellipse_box(cx: float, cy: float, rx: float, ry: float, degrees: float) -> Box:
    """Return the box around an ellipse with these half axes, turned as in `rotated`.

    >>> [round(value, 6) for value in ellipse_box(10, 10, 4, 2, 90)]
    [8.0, 6.0, 12.0, 14.0]
    """
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    half_width, half_height = math.hypot(rx * cos, ry * sin), math.hypot(rx * sin, ry * cos)
    return cx - half_width, cy - half_height, cx + half_width, cy + half_height


def clip_box(box: Box, width: float, height: float) -> Box:
    """Return the part of ``box`` inside the image; x2 <= x1 or y2 <= y1 where there is none."""
    x1, y1, x2, y2 = box
    return max(x1, 0.0), max(y1, 0.0), min(x2, float(width)), min(y2, float(height))


def clip_polygon(polygon: Sequence[float], width: float, height: float) -> Polygon:
    """Return the part of a polygon inside the image, () where there is none.

    Method: Sutherland and Hodgman, "Reentrant polygon clipping", CACM 17 (1974).

    >>> clip_polygon((-2, 0, 2, 0, 2, 4, -2, 4), 10, 10)
    (0.0, 0.0, 2, 0, 2, 4, 0.0, 4.0)
    """
    points = list(zip(polygon[0::2], polygon[1::2], strict=True))
    for axis, bound, sign in ((0, 0.0, 1), (0, width, -1), (1, 0.0, 1), (1, height, -1)):
        points = _clip_edge(points, axis, float(bound), sign)
    return tuple(value for point in points for value in point)


def _clip_edge(
    points: list[tuple[float, float]], axis: int, bound: float, sign: int
) -> list[tuple[float, float]]:
    kept: list[tuple[float, float]] = []
    for here, there in zip([*points[-1:], *points[:-1]], points, strict=True):
        inside_here, inside_there = (sign * (p[axis] - bound) >= 0 for p in (here, there))
        if inside_here != inside_there:
            share = (bound - here[axis]) / (there[axis] - here[axis])
            other = here[1 - axis] + share * (there[1 - axis] - here[1 - axis])
            kept.append((bound, other) if axis == 0 else (other, bound))
        if inside_there:
            kept.append(there)
    return kept
