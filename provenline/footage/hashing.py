"""What near-duplicate pictures share: a hash, and a thumbnail. Both of the picture reduced by area."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

SIDE = 16  # of a thumbnail, in pixels
_REDUCED = (144, 64)  # width and height: whole multiples of what the hash and the thumbnail look at


def dhash(image: NDArray[np.uint8]) -> str:
    """Return the 64-bit difference hash of a picture as 16 hexadecimal digits.

    Method: N. Krawetz, "Kind of Like That" (2013), by the package imagehash. A larger picture is first
    reduced by area, which is quick and the same from left and from right.

    Args:
        image: height x width x 3, uint8, BGR.
    """
    import imagehash
    from PIL import Image

    return str(imagehash.dhash(Image.fromarray(_reduced(image, *_REDUCED))))


def thumbnail(image: NDArray[np.uint8]) -> bytes:
    """Return 16 x 16 grey levels of a picture, row by row, each the mean over its part of the picture.

    Args:
        image: height x width x 3, uint8, BGR.
    """
    return cv2.resize(_reduced(image, *_REDUCED), (SIDE, SIDE), interpolation=cv2.INTER_AREA).tobytes()


def _reduced(image: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    if grey.shape[0] >= height and grey.shape[1] >= width:
        grey = cv2.resize(grey, (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(grey, dtype=np.uint8)
