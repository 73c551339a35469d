"""A hash that near-duplicate pictures share."""

from __future__ import annotations

from pathlib import Path


def dhash(image: Path) -> str:
    """Return the 64-bit difference hash of a stored picture as 16 hexadecimal digits.

    Method: N. Krawetz, "Kind of Like That" (2013), by the package imagehash.
    """
    import imagehash
    from PIL import Image

    with Image.open(image) as opened:
        return str(imagehash.dhash(opened))
