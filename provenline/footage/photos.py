"""Photos: checked whole, turned as their EXIF says, stored as JPEG."""

from __future__ import annotations

import io
import warnings
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from provenline.errors import InputError
from provenline.footage.probe import check_file
from provenline.images import decoded

_ORIENTATION = 0x0112  # the EXIF tag
_UPRIGHT = 1
_FORMATS = ("JPEG", "PNG", "BMP", "TIFF", "WEBP")  # Pillow would hand an EPS to Ghostscript
# Of a JPEG's segments (ITU-T T.81, annex B): what applications add, and of that JFIF's and Adobe's colours.
_MARK, _SCAN, _COMMENT, _END = 0xFF, 0xDA, 0xFE, b"\xff\xd9"
_APPLICATION, _COLOUR = range(0xE0, 0xF0), (0xE0, 0xEE)


def read_photo(file: Path) -> tuple[NDArray[np.uint8], bytes | None]:
    """Read a photo.

    Args:
        file: The photo.

    Returns:
        The picture (height x width x 3, uint8, BGR) turned upright, and the file's own bytes, without what
        a camera wrote of place, time and itself, where they are a JPEG that is upright as it stands, else
        None.

    Raises:
        InputError: The file is missing, empty, truncated or no picture.
    """
    data = _read_checked(file)
    image = decoded(data)
    if image is None:
        raise InputError("no photo that can be read", file=file, mend="Export it again as JPEG or PNG")
    bare = _bare(data) if _is_upright_jpeg(data) else None
    same = None if bare is None else decoded(bare)
    return image, bare if same is not None and np.array_equal(same, image) else None


def check_photo(file: Path) -> None:
    """Check that a photo can be read to its end.

    Raises:
        InputError: The file is missing, empty, truncated or no picture.
    """
    _read_checked(file)


def _bare(data: bytes) -> bytes | None:
    """Return a JPEG without EXIF (which says place and camera), comments and what follows the picture.

    Colour profiles stay. None where the bytes are laid out otherwise.
    """
    kept, at = bytearray(data[:2]), 2
    try:
        while data[at] == _MARK and data[at + 1] != _SCAN:
            end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
            is_told = data[at + 1] == _COMMENT or data[at + 1] in _APPLICATION
            is_colour = data[at + 1] in _COLOUR or data[at + 4 : at + 15] == b"ICC_PROFILE"
            kept += data[at:end] if is_colour or not is_told else b""
            at = end
        bare = bytes(kept) + data[at : data.index(_END, at) + len(_END)]
        # Stray bytes between segments, or segments between scans, are for whoever encodes it anew.
        return bare if data[at] == _MARK and b"Exif\0" not in bare else None
    except (IndexError, ValueError):
        return None


def _read_checked(file: Path) -> bytes:
    from PIL import Image

    check_file(file)
    try:
        data = file.read_bytes()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(data), formats=_FORMATS) as opened:
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
