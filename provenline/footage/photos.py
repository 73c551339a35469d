"""Photos: checked whole, turned as their EXIF says, stored as JPEG."""

from __future__ import annotations

import io
import warnings
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from provenline.errors import InputError
from provenline.footage.probe import check_file

_ORIENTATION = 0x0112  # the EXIF tag
_UPRIGHT = 1


def read_photo(file: Path) -> tuple[NDArray[np.uint8], bytes | None]:
    """Read a photo.

    Args:
        file: The photo.

    Returns:
        The picture (height x width x 3, uint8, BGR) turned upright, and the file's own bytes where
        they are a JPEG that is upright as it stands, else None.

    Raises:
        InputError: The file is missing, empty, truncated or no picture.
    """
    data = _read_checked(file)
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        raise InputError("no photo that can be read", file=file, mend="Export it again as JPEG or PNG")
    upright: NDArray[np.uint8] = np.asarray(image, dtype=np.uint8)
    return upright, data if _is_upright_jpeg(data) else None


def check_photo(file: Path) -> None:
    """Check that a photo can be read to its end.

    Raises:
        InputError: The file is missing, empty, truncated or no picture.
    """
    _read_checked(file)


def _read_checked(file: Path) -> bytes:
    from PIL import Image

    check_file(file)
    try:
        data = file.read_bytes()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(data)) as opened:
                # Pillow refuses a picture that is cut off; OpenCV fills the rest with grey.
                opened.load()
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        what = "photo is truncated" if "truncated" in str(error) else "no photo that can be read"
        raise InputError(what, file=file, mend="Copy it again or remove its row") from None
    return data


def _is_upright_jpeg(data: bytes) -> bool:
    from PIL import Image

    with Image.open(io.BytesIO(data)) as opened:
        upright = opened.getexif().get(_ORIENTATION, _UPRIGHT) == _UPRIGHT
        # MPO is the JPEG of cameras that append a second picture.
        return upright and opened.format in {"JPEG", "MPO"}
