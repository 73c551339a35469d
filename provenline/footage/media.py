"""The media list: a CSV that says what each video and photo is, and where it came from."""

from __future__ import annotations

import csv
import posixpath
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Literal

from provenline.errors import InputError
from provenline.files import atomic_path
from provenline.footage.values import (
    Row,
    can_be_listed,
    name_of,
    provenance_of,
    read_rows,
    sha256_of,
    size_of,
    time_of,
    work_of,
    workplace_of,
)

DESCRIBED = (
    "path",
    "category",
    "camera",
    "day",
    "group",
    "work_start_s",
    "work_end_s",
    "workplace",
    "provenance",
    "consent",
    "licence",
)
# What `provenline footage scan` adds, so that terabytes need not be read again at every run.
SCANNED = ("size", "modified", "sha256", "started")
COLUMNS = (*DESCRIBED, *SCANNED)
MEND_MISSING = "Write one, or let `provenline media init` propose it"
PHOTOS = frozenset({".jpg", ".jpeg", ".jpe", ".png", ".bmp", ".tif", ".tiff", ".webp"})
# Only `scan` needs this list: whatever a media list names and is no photo is tried as a video.
VIDEOS = frozenset(
    {".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".wmv", ".mpg", ".mpeg", ".ts", ".mts", ".m2ts"}
    | {".flv", ".3gp", ".ogv", ".mxf", ".asf", ".vob", ".dv", ".h264", ".h265", ".hevc"}
)


@dataclass(frozen=True)
class Media:
    """One video or photo of a media list.

    Attributes:
        name: Path relative to the list's root, POSIX; what the media is called everywhere.
        file: Where it lies.
        kind: By extension, case ignored: a known image extension is a photo, all else a video.
        category: The operation that it shows.
        camera: Which camera took it.
        day: When, ``YYYY-MM-DD`` or any text.
        group: What a split may not cut; the name itself where the list is silent.
        work_start_s: Start of the work in seconds from the video's start; None is the video's own.
        work_end_s: End of the work likewise.
        workplace: x1 y1 x2 y2 as fractions 0..1 of width and height, or None.
        provenance: ``staged``, ``production`` or empty.
        consent: Free text.
        licence: Free text.
        size: Bytes, as the manifest's scan found it; None where nothing scanned it.
        modified: When it was last written, likewise.
        sha256: Its hash, likewise; empty where nothing scanned it.
        started: What the clock showed when the recording began, without a zone; None where unknown.
    """

    name: str
    file: Path
    kind: Literal["video", "photo"]
    category: str = ""
    camera: str = ""
    day: str = ""
    group: str = ""
    work_start_s: float | None = None
    work_end_s: float | None = None
    workplace: tuple[float, float, float, float] | None = None
    provenance: str = ""
    consent: str = ""
    licence: str = ""
    size: int | None = None
    modified: datetime | None = None
    sha256: str = ""
    started: datetime | None = None


def read_media_list(media_list: Path, root: Path) -> list[Media]:
    """Read and check a media list. Files need not exist: `extract` sets a few bad ones aside.

    Args:
        media_list: CSV with a header; only the column ``path`` is required.
        root: Folder that the paths are relative to.

    Returns:
        Media sorted by name; none when there is only a header.

    Raises:
        InputError: The list is missing or not a CSV in UTF-8, has an unknown column, a value that
            cannot be read, a path that leaves the root, or names one file twice.
    """
    found: dict[str, Media] = {}
    first: dict[object, int] = {}
    for row in read_rows(media_list, ("path",), COLUMNS, MEND_MISSING):
        media = _media(row, root)
        for identity in (media.name, _inode(media.file)):
            if identity is not None and first.setdefault(identity, row.number) != row.number:
                what = f"{row.text('path')!r} is listed twice, first in row {first[identity]}"
                raise row.error(what, "Remove one of the rows")
        found[media.name] = media
    return [found[name] for name in sorted(found)]


def write_media_list(path: Path, rows: Iterable[Mapping[str, str]]) -> None:
    """Write a media list, whole or not at all; columns that a row lacks stay empty.

    The columns that a scan fills are written where a row has one of them.

    Raises:
        InputError: A row has an unknown column.
    """
    rows = list(rows)
    columns = COLUMNS if any(row.keys() & set(SCANNED) for row in rows) else DESCRIBED
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, columns, restval="", lineterminator="\n")
        writer.writeheader()
        for number, row in enumerate(rows, start=2):
            unknown = sorted(set(row) - set(COLUMNS))
            if unknown:
                raise InputError(f"unknown column {unknown[0]!r}", file=path, place=f"row {number}")
            writer.writerow(row)


def scan(root: Path, groups: Path | None = None, category: str = "") -> list[dict[str, str]]:
    """Propose the rows of a media list for the videos and photos under a folder.

    Args:
        root: Folder to look through, with its sub-folders; hidden files and folders are passed over.
        groups: CSV with the columns file and group; file is a path relative to the root, or a file
            name where only one file has it. A media that it does not name is a group of its own.
        category: Written into every row.

    Returns:
        One row per media with path, category and group, sorted by path.

    Raises:
        InputError: The folder is missing, a path cannot stand in a list, or the groups name a file that
            is not there, is there more than once, or is named twice.
    """
    if not root.is_dir():
        raise InputError("folder is missing", file=root, mend="Name the folder that holds the footage")
    relative = (path.relative_to(root) for path in root.rglob("*") if path.is_file())
    names = sorted(
        path.as_posix()
        for path in relative
        if path.suffix.lower() in PHOTOS | VIDEOS and not any(part.startswith(".") for part in path.parts)
    )
    for name in names:
        if not can_be_listed(name):
            raise InputError(f"{name!r} cannot stand in a list", file=root, mend="Give the file a plain name")
    grouped = _groups(groups, names) if groups else {}
    return [{"path": name, "category": category, "group": grouped.get(name, name)} for name in names]


def _groups(file: Path, names: list[str]) -> dict[str, str]:
    by_end: dict[str, list[str]] = {}
    for name in names:
        by_end.setdefault(posixpath.basename(name), []).append(name)
    known, grouped = set(names), dict[str, str]()
    for row in read_rows(file, ("file", "group"), ("file", "group")):
        asked = name_of(row, "file")
        hits = [asked] if asked in known else by_end.get(asked, [])
        if len(hits) != 1:
            what = f"{asked!r} is {'in several folders' if hits else 'no media under the folder'}"
            raise row.error(what, "Write its path from the folder on, or remove the row", "file")
        if grouped.setdefault(hits[0], row.text("group")) != row.text("group"):
            raise row.error(f"{asked!r} is in two groups", "Keep one of the rows", "group")
    return {name: group for name, group in grouped.items() if group}


def _media(row: Row, root: Path) -> Media:
    name = name_of(row)
    start, end = work_of(row)
    return Media(
        name=name,
        file=root / name,
        kind="photo" if PurePosixPath(name).suffix.lower() in PHOTOS else "video",
        category=row.text("category"),
        camera=row.text("camera"),
        day=row.text("day"),
        group=row.text("group") or name,
        work_start_s=start,
        work_end_s=end,
        workplace=workplace_of(row),
        provenance=provenance_of(row),
        consent=row.text("consent"),
        licence=row.text("licence"),
        size=size_of(row),
        modified=time_of(row, "modified", zoned=True),
        sha256=sha256_of(row),
        started=time_of(row, "started", zoned=False),
    )


def _inode(file: Path) -> tuple[int, int] | None:
    """Return what two spellings of one file (links, a file system that ignores case) share."""
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
