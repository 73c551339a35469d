"""What Label Studio draws: regions become objects. Percent of the image in, pixels or fractions out."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from provenline.annotations.masks import enclosing, encode, from_label_studio
from provenline.annotations.model import BadShape, Box, ImageLabels, ObjectLabel
from provenline.annotations.shapes import ellipse_box, enclosing_box

Size = tuple[int, int]
_STATEMENTS = ("choices", "text", "number", "rating", "taxonomy", "datetime")


class Shape(NamedTuple):
    """Box, polygon and the attributes that follow from the shape itself."""

    box: Box
    polygon: tuple[float, ...] | None
    attributes: dict[str, str]


@dataclass(frozen=True)
class Region:
    """The results of one id: a shape, and what was said about it.

    Attributes:
        name: The id.
        drawn: The result with the shape; None where there is none, as for statements about the image.
        results: All of them.
    """

    name: str
    drawn: Mapping[str, Any] | None
    results: list[dict[str, Any]]

    @property
    def value(self) -> Mapping[str, Any]:
        """The shape, as the export writes it."""
        return self.drawn["value"] if self.drawn else {}

    @property
    def size(self) -> Size | None:
        """Width and height of the image, None where the region does not say."""
        for said in (self.drawn or {}, self.value):
            if said.get("original_width") and said.get("original_height"):
                return int(said["original_width"]), int(said["original_height"])
        return None

    def labels(self) -> list[str]:
        """Return what the object is called, in the order in which it was said."""
        said = [
            label
            for result in self.results
            for key, labels in result.get("value", {}).items()
            if key.endswith("labels") and isinstance(labels, list)
            for label in labels
        ]
        return list(dict.fromkeys(map(str, said)))

    def attributes(self) -> dict[str, str]:
        """Return what else was said: the name of the control to the answer, several joined by a comma."""
        found: dict[str, str] = {}
        for result in self.results:
            value = result.get("value", {})
            key = next((key for key in _STATEMENTS if key in value), None)
            if key is not None:
                said = value[key] if isinstance(value[key], list) else [value[key]]
                found[str(result.get("from_name", key))] = ", ".join(map(_text, said))
        if len(labels := self.labels()) > 1:
            found["labels"] = ", ".join(labels)
        return found


@dataclass
class Found:
    """What was drawn on one image."""

    objects: list[ObjectLabel] = field(default_factory=list)
    bad: list[BadShape] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)

    def add(self, region: Region, value: Mapping[str, Any] | None, size: Size | None, place: str) -> None:
        """Take a region with the shape ``value``: an object, a bad shape, or (None too) no object of ours."""
        labels = region.labels()
        label = labels[0] if labels else ""
        try:
            drawn = shape(value, size) if value else None
            if drawn is not None and not labels:
                raise ValueError("it has no label")
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            reason = f"no {error.args[0]}" if isinstance(error, KeyError) else str(error)
            self.bad.append(BadShape(label, place, f"unreadable region ({reason})"))
            return
        if drawn is None:
            kind = (region.drawn or region.results[0]).get("type", "statement")
            self.skipped[str(kind)] += 1
            return
        said = {**region.attributes(), **drawn.attributes}
        self.objects.append(ObjectLabel(label, drawn.box, drawn.polygon, said, place))

    def image(
        self, name: str, size: Size | None, file: Path, place: str, number: int | None = None
    ) -> ImageLabels:
        """Return all of it."""
        width, height = size or (None, None)
        objects, bad = tuple(self.objects), tuple(self.bad)
        return ImageLabels(name, width, height, objects, file, place, self.skipped, bad, number)


def shape(value: Mapping[str, Any], size: Size | None) -> Shape | None:
    """Return what a region's value draws; None where its kind is no object of ours.

    Args:
        value: Of the result.
        size: Of the image in pixels; None where unknown, and then the shape is in fractions of it.

    Raises:
        KeyError: A coordinate is missing.
        ValueError: A coordinate is no number, or the size would be needed.
    """
    sx, sy = (size[0] / 100, size[1] / 100) if size else (0.01, 0.01)
    if "rle" in value:
        if size is None:
            raise ValueError("a brush without the size of its image")
        mask = from_label_studio(value["rle"], size)
        return Shape(enclosing(mask), None, {"mask": encode(mask)})
    if "points" in value:
        if value.get("closed") is False:
            return None
        points = [(_number(x) * sx, _number(y) * sy) for x, y in value["points"]]
        if len(points) < 3:
            raise ValueError(f"{len(points)} points")
        polygon = tuple(coordinate for point in points for coordinate in point)
        return Shape(enclosing_box(polygon), polygon, {})
    if "radiusX" in value:
        return _ellipse(value, sx, sy, square=size is not None)
    if "width" not in value or "height" not in value:
        return None
    return _rectangle(value, sx, sy, square=size is not None)


def _rectangle(value: Mapping[str, Any], sx: float, sy: float, *, square: bool) -> Shape:
    x, y, width, height = (_number(value[name]) for name in ("x", "y", "width", "height"))
    box = (x * sx, y * sy, (x + width) * sx, (y + height) * sy)
    angle = _angle(value, square=square)
    if not angle:
        return Shape(box, None, {})
    # Label Studio turns about the corner that was top left, not about the centre, and in pixels.
    cos, sin = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    (x1, y1), (w, h) = box[:2], (width * sx, height * sy)
    corners = ((0.0, 0.0), (w, 0.0), (w, h), (0.0, h))
    polygon = tuple(v for dx, dy in corners for v in (x1 + dx * cos - dy * sin, y1 + dx * sin + dy * cos))
    return Shape(enclosing_box(polygon), polygon, {"rotation": f"{angle:g}"})


def _ellipse(value: Mapping[str, Any], sx: float, sy: float, *, square: bool) -> Shape:
    x, y, rx, ry = (_number(value[name]) for name in ("x", "y", "radiusX", "radiusY"))
    angle = _angle(value, square=square)
    cx, cy, rx, ry = x * sx, y * sy, rx * sx, ry * sy
    return Shape(
        ellipse_box(cx, cy, rx, ry, angle), None, {"ellipse": f"{cx:g} {cy:g} {rx:g} {ry:g} {angle:g}"}
    )


def _angle(value: Mapping[str, Any], *, square: bool) -> float:
    angle = _number(value.get("rotation") or 0) % 360
    if angle and not square:
        raise ValueError("a turned shape without the size of its image")
    return angle


def _number(value: Any) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"'{value}' is no coordinate")
    return number


def _text(value: Any) -> str:
    return " / ".join(map(str, value)) if isinstance(value, list) else str(value)
