"""The manifest of a folder that grows: a media list whose files are hashed once, when they are new."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path

from provenline.errors import InputError
from provenline.files import sha256_file
from provenline.footage.journal import Journal
from provenline.footage.media import COLUMNS, VIDEOS, Media, read_media_list, write_media_list
from provenline.footage.naming import Told, expression, read_name
from provenline.footage.probe import check_file
from provenline.footage.values import can_be_listed, read_rows
from provenline.progress import track

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


@dataclass
class Scanned:
    """What a scan found.

    Attributes:
        added: Recordings that are new in the manifest.
        listed: Recordings that were in it already.
        vanished: Of these, how many are no longer in the folder; their rows stay.
        waiting: Files that are empty, or still being written; the next scan takes them.
        linked: Files that are listed under another name.
        unmatched: Videos whose path does not fit the pattern or cannot stand in a list.
        unreadable: Videos that could not be read.
        same_start: New recordings that, by their paths, start when another of their camera does.
    """

    added: int = 0
    listed: int = 0
    vanished: int = 0
    waiting: int = 0
    linked: int = 0
    unmatched: list[str] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    same_start: int = 0


def scan(root: Path, manifest: Path, pattern: str, settle_s: float, category: str = "") -> Scanned:
    """Append to a manifest what is new in a folder of recordings.

    Every new file is read once, for its hash. What was hashed is kept whenever the scan is killed, and
    the manifest itself is only ever replaced as a whole.

    Args:
        root: Folder of the recordings, with its sub-folders; hidden files and folders are passed over.
        manifest: The media list that grows; begun if it is missing.
        pattern: What the paths under ``root`` tell, such as ``{camera}/{day}/{hour}*.mp4``.
        settle_s: Files modified within so many seconds are taken as still being written.
        category: Written into every new row, unless the pattern has ``{category}``.

    Raises:
        InputError: The folder is missing, the pattern or the manifest is malformed, a file changed
            since it was listed, or another scan is at work on the manifest.
    """
    if not root.is_dir():
        raise InputError("folder is missing", file=root, mend="Name the folder that holds the recordings")
    told = expression(pattern)
    with Journal(manifest) as journal:
        rows, kept = _rows_so_far(manifest, journal)
        listed = read_media_list(manifest, root)
        found = Scanned(added=kept, listed=len(listed) - kept)
        seen = _check_listed(listed, manifest, found)
        new = list(_new_files(root, told, settle_s, seen, found))
        found.same_start = _same_start(listed, [what for _, what in new])
        before = len(rows)
        try:
            for name, what in track(new, "Hashing recordings"):
                if row := _row(root, name, what, category, found):
                    journal.add(row)
                    rows.append(row)
                    found.added += 1
        finally:
            if len(rows) > before:
                write_media_list(manifest, rows)
    return found


def known_sha256(media: Media) -> str | None:
    """Return a recording's hash from the manifest, if it is known and the file is still the same.

    Args:
        media: A media; what the list says of it.

    Returns:
        The hash; None where the list has none, or not the size and time that it can be trusted by.

    Raises:
        InputError: The file is missing or empty, or has another size or time than when it was listed.
    """
    if not media.sha256 or media.size is None or media.modified is None:
        return None
    check_file(media.file)
    if _differs(media, media.file.stat()):
        raise InputError("changed since it was listed", file=media.file, mend="Remove its row and scan again")
    return media.sha256


def _rows_so_far(manifest: Path, journal: Journal) -> tuple[list[dict[str, str]], int]:
    """Return the manifest's rows, and how many of them a killed scan had not yet put there."""
    rows: list[dict[str, str]] = []
    if manifest.exists():
        rows = [dict(row.cells) for row in read_rows(manifest, ("path",), COLUMNS)]
    known = {row.get("path", "") for row in rows}  # a short row has none: read_media_list says which
    kept = [row for row in journal.rows() if row["path"] not in known]
    if kept or not manifest.exists():
        write_media_list(manifest, rows + kept)
    return rows + kept, len(kept)


def _check_listed(listed: list[Media], manifest: Path, found: Scanned) -> set[object]:
    """Count what vanished, refuse what changed; return all names, and the inodes of what is there."""
    seen: set[object] = {media.name for media in listed}
    for media in listed:
        try:
            status = media.file.stat()
        except OSError:
            found.vanished += 1
            continue
        if _differs(media, status):
            what = f"{media.name!r} changed since it was listed"
            raise InputError(
                what, file=manifest, mend="Remove its row and scan again, with a longer --settle"
            )
        seen.add((status.st_dev, status.st_ino))
    return seen


def _new_files(
    root: Path, told: re.Pattern[str], settle_s: float, seen: set[object], found: Scanned
) -> Iterator[tuple[str, Told]]:
    for name in _videos(root):
        if name in seen:
            continue
        what = read_name(told, name)
        if what is None or not can_be_listed(name):
            found.unmatched.append(name)
            continue
        try:
            status = (root / name).stat()
        except OSError:
            found.unreadable.append(name)
            continue
        inode = status.st_dev, status.st_ino
        if inode in seen:
            found.linked += 1
        elif status.st_size == 0 or time.time() - status.st_mtime < settle_s:
            found.waiting += 1
        else:
            seen.add(inode)
            yield name, what


def _videos(root: Path) -> Iterator[str]:
    """Yield the videos under a folder; links last, so that a file goes by its own name."""
    links: list[str] = []
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for file in sorted(files):
            path = Path(folder) / file
            if path.suffix.lower() not in VIDEOS or file.startswith("."):
                continue
            name = path.relative_to(root).as_posix()
            if path.is_symlink():
                links.append(name)
            else:
                yield name
    yield from links


def _row(root: Path, name: str, told: Told, category: str, found: Scanned) -> dict[str, str] | None:
    file = root / name
    try:
        before = file.stat()
        sha256 = sha256_file(file)
        after = file.stat()
    except OSError:
        found.unreadable.append(name)
        return None
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        found.waiting += 1
        return None
    return {
        "path": name,
        "category": told.category or category,
        "camera": told.camera,
        "day": told.day,
        "group": told.group,
        "size": str(after.st_size),
        "modified": _modified(after).isoformat(),
        "sha256": sha256,
        "started": told.started.isoformat() if told.started else "",
    }


def _same_start(listed: list[Media], new: list[Told]) -> int:
    seen = {(media.camera, media.started) for media in listed}
    again = 0
    for told in new:
        again += told.started is not None and (told.camera, told.started) in seen
        seen.add((told.camera, told.started))
    return again


def _differs(media: Media, status: os.stat_result) -> bool:
    size, modified = media.size, media.modified
    return (size is not None and size != status.st_size) or (
        modified is not None and modified != _modified(status)
    )


def _modified(status: os.stat_result) -> datetime:
    return EPOCH + timedelta(microseconds=status.st_mtime_ns // 1000)
