"""Masks as every format writes them, through one canonical text: COCO's compressed run-length encoding.

Own code, not pycocotools': its decoder trusts the runs that it is given and writes past its buffer
where they sum to more than the mask has pixels, and exports come from anywhere.
Format: https://github.com/cocodataset/cocoapi/blob/master/common/maskApi.c
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Any

import numpy as np
from numpy.typing import NDArray

from provenline.annotations.model import Box

Mask = NDArray[np.bool_]

MOST_PIXELS = 1 << 27  # an export that claims larger images wants memory, not a mask


def encode(mask: Mask) -> str:
    """Return a mask as JSON text ``{"counts": ..., "size": [height, width]}``, as COCO compresses it.

    >>> encode(np.array([[False, True], [False, True]]))
    '{"counts": "22", "size": [2, 2]}'
    """
    counts = _runs(mask.ravel(order="F"))
    text = {"counts": _compress(counts), "size": [int(side) for side in mask.shape]}
    return json.dumps(text, sort_keys=True)


def decode(text: str) -> Mask:
    """Return the mask of `encode`'s text, (height, width).

    Raises:
        ValueError: It is no such text.
    """
    return from_coco(json.loads(text))


def kept(attributes: Mapping[str, str]) -> str | None:
    """Return the text of an object's mask, if any; annotators may call an attribute ``mask`` too."""
    text = attributes.get("mask", "")
    return text if text.startswith('{"counts"') else None


def enclosing(mask: Mask) -> Box:
    """Return the smallest box around a mask, half-open.

    Raises:
        ValueError: The mask is empty.
    """
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        raise ValueError("the mask is empty")
    return float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)


def from_cvat(runs: Sequence[int], window: tuple[int, int, int, int], size: tuple[int, int]) -> Mask:
    """Return a mask from CVAT's runs.

    Args:
        runs: Lengths, row by row over the window, background first.
        window: Left, top, width and height of the part of the image that the runs cover, in pixels.
        size: Width and height of the image.

    Returns:
        The mask of the whole image, (height, width).

    Raises:
        ValueError: The runs do not fill the window, or it does not lie in the image.

    >>> from_cvat([1, 2, 1], (1, 0, 2, 2), (3, 2)).astype(int).tolist()
    [[0, 0, 1], [0, 1, 0]]
    """
    left, top, width, height = window
    if min(left, top) < 0 or left + width > size[0] or top + height > size[1]:
        raise ValueError(f"the mask's window {left} {top} {width} {height} does not lie in the image")
    mask = _blank(size[1], size[0])
    mask[top : top + height, left : left + width] = _fill(runs, width * height).reshape(height, width)
    return mask


def to_cvat(mask: Mask) -> tuple[list[int], tuple[int, int, int, int]]:
    """Return CVAT's runs and window (left, top, width, height) of a mask; the opposite of `from_cvat`.

    Raises:
        ValueError: The mask is empty.
    """
    x1, y1, x2, y2 = (int(value) for value in enclosing(mask))
    return _runs(mask[y1:y2, x1:x2].ravel()), (x1, y1, x2 - x1, y2 - y1)


def from_coco(segmentation: Mapping[str, Any]) -> Mask:
    """Return a mask from COCO's ``{"counts": ..., "size": [height, width]}``, compressed or not.

    Raises:
        ValueError: It is malformed, or the runs do not fill the size.

    >>> from_coco({"counts": [1, 2, 1], "size": [2, 2]}).astype(int).tolist()
    [[0, 1], [1, 0]]
    """
    try:
        height, width = (int(side) for side in segmentation["size"])
        counts = segmentation["counts"]
        runs = _decompress(counts) if isinstance(counts, str) else [int(run) for run in counts]
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"no run-length encoding ({error})") from None
    _blank(height, width)
    return _fill(runs, height * width).reshape(width, height).T


def from_label_studio(data: Sequence[int], size: tuple[int, int]) -> Mask:
    """Return a mask from the bytes of a Label Studio brush: an RGBA picture whose alpha is the mask.

    A picture is 32 bits of how many bytes it has, 5 of the bits per byte less 1, four times 4 of the
    sizes of lengths less 1; then chunks: 1 bit whether one byte repeats, 2 bits which size the length
    has, the length less 1, the byte or the bytes.

    Args:
        data: Bytes.
        size: Width and height of the image.

    Raises:
        ValueError: The bytes do not make a picture of that size.
    """
    width, height = size
    _blank(height, width)
    stream = _Bits(data)
    total, word = stream.read(32), stream.read(5) + 1
    sizes = [stream.read(4) + 1 for _ in range(4)]
    if total != 4 * width * height:
        raise ValueError(f"the brush has {total} bytes, the image {width} x {height} pixels")
    picture = np.zeros(total, np.uint32)
    at = 0
    while at < total:
        repeats = stream.read(1)
        end = at + stream.read(sizes[stream.read(2)]) + 1
        if end > total:
            raise ValueError("the brush is larger than its image")
        picture[at:end] = stream.read(word) if repeats else [stream.read(word) for _ in range(at, end)]
        at = end
    return picture.reshape(height, width, 4)[:, :, 3] > 0


class _Bits:
    """Reads a sequence of bytes bit by bit, the most significant first."""

    def __init__(self, data: Sequence[int]) -> None:
        try:
            raw = bytes(data)
        except (TypeError, ValueError):
            raise ValueError("the brush is no list of bytes") from None
        self._bits = (np.unpackbits(np.frombuffer(raw, np.uint8)) + ord("0")).tobytes()
        self._at = 0

    def read(self, count: int) -> int:
        end = self._at + count
        if end > len(self._bits):
            raise ValueError("the brush ends too early")
        value = int(self._bits[self._at : end], 2)
        self._at = end
        return value


def _blank(height: int, width: int) -> Mask:
    if min(height, width) < 1 or height * width > MOST_PIXELS:
        raise ValueError(f"no mask has {width} x {height} pixels")
    return np.zeros((height, width), np.bool_)


def _runs(flat: Mask) -> list[int]:
    edges = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    runs: list[int] = np.diff([0, *edges.tolist(), len(flat)]).tolist()
    return [0, *runs] if flat[0] else runs


def _fill(runs: Sequence[int], pixels: int) -> Mask:
    if sum(runs) != pixels or min(runs, default=0) < 0:
        raise ValueError(f"the mask's runs sum to {sum(runs)}, its window has {pixels} pixels")
    return np.repeat(np.arange(len(runs)) % 2 == 1, runs)


def _compress(counts: Sequence[int]) -> str:
    text: list[str] = []
    for run, before in zip(counts, [0, 0, 0, *counts[1:]], strict=False):
        value, more = run - before, True
        while more:
            digit, value = value & 0x1F, value >> 5
            more = value != (-1 if digit & 0x10 else 0)
            text.append(chr(48 + (digit | 0x20 if more else digit)))
    return "".join(text)


def _decompress(text: str) -> list[int]:
    counts: list[int] = []
    value = shift = 0
    for letter, following in zip_longest(text, text[1:]):
        digit = ord(letter) - 48
        if not 0 <= digit < 64 or (digit & 0x20 and (following is None or shift > 30)):
            raise ValueError("malformed text")
        value |= (digit & 0x1F) << shift
        shift += 5
        if not digit & 0x20:
            value -= (digit & 0x10) << (shift - 4)
            counts.append(value + (counts[-2] if len(counts) > 2 else 0))
            value = shift = 0
    return counts
