"""One annotated object: the label that it gets here, and its shape inside our image. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from provenline.annotations.model import Box, ObjectLabel
from provenline.annotations.params import LabelRule
from provenline.annotations.resolving import Problem
from provenline.annotations.shapes import clip_box, clip_polygon, enclosing_box

_ROUNDING_PX = 0.01  # formats write two decimals of a pixel, or six of the width: no clipping worth a count
_MIN_PX = 1.0


class Fitted(NamedTuple):
    """A shape in pixels of our image, wholly inside it."""

    box: Box
    polygon: tuple[float, ...] | None
    clipped: bool


def map_label(label: ObjectLabel, rules: Sequence[LabelRule]) -> str | None:
    """Return what the first rule that fits makes of an object's label; None where none fits."""
    for rule in rules:
        asked = rule.attribute is None or label.attributes.get(rule.attribute) == rule.value
        if rule.source == label.label and asked:
            return rule.to
    return None


def known_labels(rules: Sequence[LabelRule]) -> str:
    """Return the labels that have rules, for a message."""
    names = {
        rule.source if rule.attribute is None else f"{rule.source} with {rule.attribute}={rule.value}"
        for rule in rules
    }
    return ", ".join(sorted(names)) or "none"


def fit(label: ObjectLabel, width: int, height: int, *, relative: bool) -> Fitted | Problem:
    """Bring an object's shape into the pixels of our image and cut off what lies outside.

    Args:
        label: The object.
        width: Of the image, in pixels.
        height: Likewise.
        relative: Whether the object's coordinates are fractions of the image.

    Returns:
        The shape, or the reason why nothing of it can be kept.
    """
    sx, sy = (width, height) if relative else (1, 1)
    x1, y1, x2, y2 = label.box
    whole: Box = (float(x1 * sx), float(y1 * sy), float(x2 * sx), float(y2 * sy))
    box, polygon = clip_box(whole, width, height), None
    clipped = max(abs(a - b) for a, b in zip(whole, box, strict=True)) > _ROUNDING_PX
    if label.polygon is not None:
        scaled = tuple(float(v * (sy if n % 2 else sx)) for n, v in enumerate(label.polygon))
        polygon = clip_polygon(scaled, width, height) if box != whole else scaled
        # What is left of a shape may be smaller than what is left of the box around it.
        box = enclosing_box(polygon) if polygon else (0.0, 0.0, 0.0, 0.0)
    if box[2] - box[0] >= _MIN_PX and box[3] - box[1] >= _MIN_PX:
        return Fitted(box, polygon, clipped)
    size = f"{whole[2] - whole[0]:.2f} x {whole[3] - whole[1]:.2f} px"
    if whole[2] - whole[0] < _MIN_PX or whole[3] - whole[1] < _MIN_PX:
        return Problem("degenerate", f"degenerate box ({size})")
    corners = " ".join(f"{value:.1f}" for value in whole)
    return Problem("outside", f"box {corners} lies outside the image ({width} x {height})")
