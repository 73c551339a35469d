"""Where a clip's frames are stored: a folder of files, or, where there are very many, one archive."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

Store = Callable[[str, bytes], str]
# Not today's date: the same frames give the same bytes.
_DATE = (1980, 1, 1, 0, 0, 0)


@contextmanager
def clip_store(folder: Path, clip: str, *, archived: bool) -> Iterator[Store]:
    """Yield what stores one picture of a clip under a name, and returns its path within ``folder``.

    Args:
        folder: Of all frames.
        clip: Name of the clip's sub-folder, or, with ``.zip`` behind it, of its archive.
        archived: One archive without compression instead of a folder; `provenline.images` reads both.
    """
    if not archived:
        (folder / clip).mkdir()

        def write(name: str, data: bytes) -> str:
            (folder / clip / name).write_bytes(data)
            return f"{clip}/{name}"

        yield write
        return
    with zipfile.ZipFile(folder / f"{clip}.zip", "w", zipfile.ZIP_STORED) as archive:

        def add(name: str, data: bytes) -> str:
            archive.writestr(zipfile.ZipInfo(name, _DATE), data)
            return f"{clip}.zip/{name}"

        yield add


def drop_clip(folder: Path, clip: str) -> None:
    """Remove what was stored of a clip."""
    shutil.rmtree(folder / clip, ignore_errors=True)
    (folder / f"{clip}.zip").unlink(missing_ok=True)
