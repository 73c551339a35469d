"""Stored pictures, wherever they lie: files of their own, or members of a clip's archive.

An archive is a zip without compression, one per clip; a picture in it is named as if the archive were a
folder: ``data/frames/0123456789ab.zip/0123456789ab_000005000.jpg``.
"""

from __future__ import annotations

import os
import struct
import zipfile
import zlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from provenline.errors import InputError

In = TypeVar("In")
Out = TypeVar("Out")
_READERS = 8
_LENGTHS = 26  # where a local header says how long its name and its extra field are
_MEND = "Run `dvc repro extract` or `dvc pull`"


def read_bytes(path: str | Path) -> bytes:
    """Return the bytes of a stored picture.

    Raises:
        InputError: It is missing, or its archive cannot be read.
    """
    path = Path(path)
    try:
        if path.parent.suffix == ".zip" and path.parent.is_file():
            return _member(path.parent, path.name)
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError, KeyError):
        raise InputError("image is missing", file=path, mend=_MEND) from None
    except zipfile.BadZipFile as error:
        raise InputError(f"archive cannot be read ({error})", file=path.parent, mend=_MEND) from None


def read_image(path: str | Path) -> NDArray[np.uint8]:
    """Return a stored picture (height x width x 3, uint8, BGR).

    Raises:
        InputError: It is missing or no picture.
    """
    image = decoded(read_bytes(path))
    if image is None:
        raise InputError("image cannot be decoded", file=path, mend=_MEND)
    return image


def decoded(data: bytes) -> NDArray[np.uint8] | None:
    """Return a picture (height x width x 3, uint8, BGR); None where OpenCV makes none of the bytes."""
    import cv2

    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if data else None
    except cv2.error:  # a size beyond its limit, or damage that its decoder did not expect
        return None
    return None if image is None else np.asarray(image, dtype=np.uint8)


def _member(archive: Path, name: str) -> bytes:
    status = archive.stat()
    place = _directory(archive, status.st_mtime_ns, status.st_size)[name]
    with archive.open("rb") as stream:
        # The name and the extra field before the data may be longer here than in the directory.
        stream.seek(place.header_offset + _LENGTHS)
        lengths = struct.unpack("<HH", stream.read(4))
        stream.seek(sum(lengths), 1)
        data = stream.read(place.file_size)
    if place.compress_type != zipfile.ZIP_STORED or zlib.crc32(data) != place.CRC:
        raise zipfile.BadZipFile(f"{name} is damaged")
    return data


@lru_cache(maxsize=64)
def _directory(archive: Path, modified_ns: int, size: int) -> dict[str, zipfile.ZipInfo]:  # noqa: ARG001
    """Return the members of an archive; read once for the archive as it stands now."""
    with zipfile.ZipFile(archive) as opened:
        return {member.filename: member for member in opened.infolist()}


def ahead(work: Callable[[In], Out], items: Iterable[In], depth: int) -> Iterator[Out]:
    """Apply ``work`` in threads, before anybody asks for the results, and yield them in order.

    Reading and decoding pictures hold no lock, so that they go on beside a network that runs.

    Args:
        work: Of one item.
        items: Of any number.
        depth: At most so many results wait: what bounds the memory.
    """
    todo = iter(items)
    with ThreadPoolExecutor(min(_READERS, os.cpu_count() or 1)) as pool:
        waiting = deque(pool.submit(work, one) for one in islice(todo, depth))
        try:
            while waiting:
                done = waiting.popleft().result()
                waiting.extend(pool.submit(work, one) for one in islice(todo, 1))
                yield done
        finally:
            for one in waiting:
                one.cancel()
