"""One way from an image to a network's input, for the checkpoint and every engine made from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from provenline.detectors.bundle import Layout
from provenline.detectors.size import MULTIPLE, Size

Image = NDArray[np.uint8]
Fit = Literal["letterbox", "stretch"]
GREY = 114


@dataclass(frozen=True)
class Letterbox:
    """Where an image lies in the input, in pixels.

    Attributes:
        width: Of the image.
        height: Of the image.
        left: Of the resized image in the input.
        top: Of the resized image in the input.
        inner_width: Of the resized image.
        inner_height: Of the resized image.
    """

    width: int
    height: int
    left: int
    top: int
    inner_width: int
    inner_height: int

    def to_input(self, boxes: NDArray[Any]) -> NDArray[np.float64]:
        """Map (n, 4) boxes `x1 y1 x2 y2` from image pixels to input pixels."""
        return np.asarray(boxes, dtype=np.float64) * self._scale() + self._shift()

    def to_image(self, boxes: NDArray[Any]) -> NDArray[np.float64]:
        """Map (n, 4) boxes `x1 y1 x2 y2` from input pixels to image pixels, without clipping."""
        return (np.asarray(boxes, dtype=np.float64) - self._shift()) / self._scale()

    def _scale(self) -> NDArray[np.float64]:
        # Per axis: the resized sides are whole pixels, so the two scales differ a little.
        return np.tile([self.inner_width / self.width, self.inner_height / self.height], 2)

    def _shift(self) -> NDArray[np.float64]:
        return np.tile([float(self.left), float(self.top)], 2)


def placement(width: int, height: int, imgsz: Size) -> Letterbox:
    """Return where an image of ``width`` x ``height`` lies in an input of ``imgsz``.

    >>> placement(640, 360, Size(320, 320))
    Letterbox(width=640, height=360, left=0, top=70, inner_width=320, inner_height=180)
    >>> placement(640, 360, Size(192, 320))
    Letterbox(width=640, height=360, left=0, top=6, inner_width=320, inner_height=180)
    """
    ratio = min(imgsz.height / height, imgsz.width / width)
    inner_width, inner_height = max(round(width * ratio), 1), max(round(height * ratio), 1)
    left, top = (imgsz.width - inner_width) // 2, (imgsz.height - inner_height) // 2
    return Letterbox(width, height, left, top, inner_width, inner_height)


def letterbox(image: Image, imgsz: Size) -> tuple[Image, Letterbox]:
    """Fit a BGR image (h, w, 3) into a grey input (*imgsz, 3), keeping its proportions."""
    height, width = image.shape[:2]
    place = placement(width, height, imgsz)
    inner = (place.inner_width, place.inner_height)
    resized = image if inner == (width, height) else cv2.resize(image, inner, interpolation=cv2.INTER_LINEAR)
    fitted = np.full((*imgsz, 3), GREY, dtype=np.uint8)
    rows = slice(place.top, place.top + place.inner_height)
    columns = slice(place.left, place.left + place.inner_width)
    fitted[rows, columns] = resized
    return fitted, place


def stretch(image: Image, imgsz: Size) -> tuple[Image, Letterbox]:
    """Pull a BGR image (h, w, 3) to the whole input (*imgsz, 3), whatever its proportions."""
    height, width = image.shape[:2]
    resized = image
    if (height, width) != imgsz:
        inner = (imgsz.width, imgsz.height)
        resized = np.asarray(cv2.resize(image, inner, interpolation=cv2.INTER_LINEAR), np.uint8)
    return resized, Letterbox(width, height, 0, 0, imgsz.width, imgsz.height)


def tightest(width: int, height: int, imgsz: Size) -> Size:
    """Return the smallest input in which an image of ``width`` x ``height`` is as large as in ``imgsz``.

    >>> tightest(1920, 1080, Size(640, 640))
    Size(height=384, width=640)
    """
    place = placement(width, height, imgsz)
    return Size(*(-side // MULTIPLE * -MULTIPLE for side in (place.inner_height, place.inner_width)))


def fit_of(layout: Layout) -> Fit:
    """Return how an image gets into the input: RT-DETR's boxes are shares of a stretched image."""
    return "stretch" if layout == "queries" else "letterbox"


def prepare(images: Sequence[Image], imgsz: Size, fit: Fit) -> tuple[NDArray[np.float32], list[Letterbox]]:
    """Return BGR images as a network's input and where each lies in it.

    Args:
        images: Of any sizes.
        imgsz: Of the input, in pixels.
        fit: `letterbox` keeps proportions on grey; `stretch` does not.

    Returns:
        Float32 (n, 3, *imgsz), RGB, 0 to 1; and one Letterbox per image.
    """
    into = letterbox if fit == "letterbox" else stretch
    fitted = [into(image, imgsz) for image in images]
    batch = np.empty((len(fitted), 3, *imgsz), dtype=np.float32)
    for slot, (pixels, _) in zip(batch, fitted, strict=True):
        np.divide(pixels[..., ::-1].transpose(2, 0, 1), 255.0, out=slot, dtype=np.float32)
    return batch, [place for _, place in fitted]
