"""Drawing on an image and, with the same calls, on a mask that says who is where.

Truth comes from this: what is drawn later hides what was drawn before, in both.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from provenline.simline.camera import Floats

Image = NDArray[np.uint8]
Ints = NDArray[np.int32]
Colour = tuple[float, float, float]  # BGR, 0 to 255
SHIFT = 4  # fractional bits of drawn coordinates: without them slow movement jumps by pixels
LIMIT = 6000.0  # pixels; OpenCV's fixed point overflows far outside the image


def fixed(points: Floats) -> Ints:
    """Turn pixels into OpenCV's fixed-point coordinates."""
    shifted = (np.clip(points, -LIMIT, LIMIT) - 0.5) * (1 << SHIFT)
    return np.asarray(np.round(shifted), dtype=np.int32)


def hull_of(points: Ints) -> Ints:
    """Return the convex hull (k, 1, 2) of fixed-point coordinates (n, 2)."""
    return np.asarray(cv2.convexHull(points), dtype=np.int32)


def shade(colour: Colour, factor: float) -> Colour:
    """Make a colour darker (< 1) or lighter (> 1)."""
    b, g, r = (min(255.0, channel * factor) for channel in colour)
    return (b, g, r)


def fill(image: Image, points: Ints, colour: Colour | int, *, convex: bool = True) -> None:
    """Fill a fixed-point polygon: smooth edges on an image, hard edges on a mask."""
    value = (colour,) if isinstance(colour, int) else colour
    kind = cv2.LINE_8 if image.ndim == 2 else cv2.LINE_AA
    if convex:
        cv2.fillConvexPoly(image, points, value, kind, SHIFT)
    else:
        cv2.fillPoly(image, [points], value, kind, SHIFT)


@dataclass(frozen=True)
class Sprite:
    """A static thing that moving things may pass behind.

    Attributes:
        colour: Premultiplied by alpha, (h, w, 3).
        rest: 255 - alpha, (h, w, 3).
        x: Left edge in the image.
        y: Top edge in the image.
        code: What it writes into the mask (0: hides people).
    """

    colour: Image
    rest: Image
    x: int
    y: int
    code: int

    def paint(self, image: Image) -> None:
        """Lay the sprite over an image, in place."""
        height, width = self.colour.shape[:2]
        region = image[self.y : self.y + height, self.x : self.x + width]
        cv2.multiply(region, self.rest, dst=region, scale=1 / 255)
        cv2.add(region, self.colour, dst=region)

    def stamp(self, mask: Image) -> None:
        """Write the sprite's code where it is at least half opaque, in place."""
        height, width = self.colour.shape[:2]
        region = mask[self.y : self.y + height, self.x : self.x + width]
        region[self.rest[..., 0] < 128] = self.code


def sprite(large: Image, alpha: Image, code: int = 0) -> Sprite | None:
    """Shrink a drawing made at twice the size into a sprite; None where nothing was drawn."""
    left, top, width, height = cv2.boundingRect(alpha)
    if not width:
        return None
    x, y = left // 2, top // 2
    right, bottom = (left + width + 1) // 2, (top + height + 1) // 2
    window = (slice(2 * y, 2 * bottom), slice(2 * x, 2 * right))
    size = (right - x, bottom - y)
    colour = cv2.resize(large[window], size, interpolation=cv2.INTER_AREA)
    opacity = cv2.resize(alpha[window], size, interpolation=cv2.INTER_AREA)
    rest = np.repeat(255 - opacity[..., None], 3, axis=2)
    return Sprite(np.asarray(colour, np.uint8), np.asarray(rest, np.uint8), x, y, code)


def shadow(image: Image, points: Floats, strength: float) -> None:
    """Darken a convex region softly, in place."""
    x, y, width, height = cv2.boundingRect(points.astype(np.float32))
    left, top = max(0, x - 2), max(0, y - 2)
    right, bottom = min(image.shape[1], x + width + 2), min(image.shape[0], y + height + 2)
    if right <= left or bottom <= top:
        return
    region = image[top:bottom, left:right]
    weight = np.full((bottom - top, right - left, 3), 255, np.uint8)
    centre = points.mean(axis=0)
    for size in (1.0, 0.8, 0.6):  # three steps stand in for a penumbra
        level = 255 * (1 - strength * (1.3 - size) / 0.7)
        ring = fixed(centre + (points - centre) * size - (left, top))
        cv2.fillConvexPoly(weight, ring, (level, level, level), cv2.LINE_AA, SHIFT)
    cv2.multiply(region, weight, dst=region, scale=1 / 255)
