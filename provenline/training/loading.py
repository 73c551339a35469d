"""How training images reach the network: kept in memory where they fit.

Reading and shrinking a JPEG of 1080 lines costs as much as all of an image's augmentation, and it is the
same every epoch.
"""

from __future__ import annotations

from typing import Literal

Cache = Literal["none", "ram", "auto"]

SPARE = 2  # of the free memory, one part in so many may be filled


def cache_of(wanted: Cache, images: int, imgsz: int, free: int | None = None) -> Literal["ram"] | None:
    """Return what ultralytics is to keep of the images between epochs.

    Args:
        wanted: `none`; `ram`; or `auto`: in memory if half of what is free holds them.
        images: How many there are, training and validation together.
        imgsz: Side of the network's input, in pixels: no kept image is larger than its square.
        free: Bytes of free memory; None asks the system.
    """
    if wanted != "auto":
        return "ram" if wanted == "ram" else None
    if free is None:
        import psutil

        free = psutil.virtual_memory().available
    return "ram" if images * imgsz * imgsz * 3 <= free // SPARE else None
