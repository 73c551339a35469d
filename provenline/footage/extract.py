"""From media and a sampling plan to stored frames and their table."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any, TypeVar

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from provenline import tables
from provenline.errors import InputError
from provenline.files import atomic_path, sha256_file
from provenline.footage.decode import answer
from provenline.footage.hashing import dhash, thumbnail
from provenline.footage.manifest import known_sha256
from provenline.footage.media import Media
from provenline.footage.params import ExtractParams
from provenline.footage.photos import check_photo, read_photo
from provenline.footage.plans import moments
from provenline.footage.probe import probe
from provenline.footage.reader import Reader
from provenline.footage.report import Outcome, report
from provenline.footage.selecting import choose
from provenline.footage.storing import Store, clip_store, drop_clip
from provenline.hands import in_processes
from provenline.progress import track

Image = NDArray[np.uint8]
Row = dict[str, Any]
In = TypeVar("In")
Out = TypeVar("Out")
MakeRow = Callable[[str, int, Image, bytes], Row]
MOST_WORKERS = 8  # each holds a decoder and a picture
_NAMED = 5  # bad media in a refusal
_FEW = 100  # up to so many asked frames of videos, processes take longer to start than they gain


@dataclass(frozen=True)
class _Checked:
    """A media with what a first look at it told: its hash and the asked times, or why it is bad."""

    media: Media
    sha256: str = ""
    duration_ms: int = 0
    asked: tuple[int, ...] = ()
    bad: str = ""


@dataclass(frozen=True)
class _Shelf:
    """Where frames are stored, and how: the folder while it is written, and as the table names it."""

    folder: Path
    shown_as: Path
    archived: bool
    threads: int


def extract(
    media: list[Media], params: ExtractParams, frames_dir: Path
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Take the frames that the plan names out of all media and store them.

    Args:
        media: What to look at; the order does not matter.
        params: Plan, JPEG quality and tolerance.
        frames_dir: Folder of the frames; replaced as a whole when all is done. Frame paths in the
            table are relative to the working directory.

    Returns:
        The Frames table (nobody has looked at the frames yet: ``annotated`` is False), by media name
        and time, and the report as JSON-able values.

    Raises:
        InputError: Two media have the same content; more media than tolerated cannot be used; or
            ``frames_dir`` holds something that is no frame folder.
    """
    _refuse_foreign(frames_dir)
    checked = _in_parallel(partial(_check, params), choose(params.sampling, media), "Checking media")
    _refuse_duplicates(checked)
    _refuse_too_many([(one.media, one.bad) for one in checked if one.bad], len(checked), params.tolerance)
    with atomic_path(frames_dir) as folder:
        folder.mkdir()
        shelf = _Shelf(
            folder,
            Path(os.path.relpath(frames_dir)),
            archived=sum(len(one.asked) for one in checked) > params.folder_limit,
            threads=1 if _workers() > 1 and len(checked) > 1 else 0,
        )
        outcomes = _store_all(params, shelf, checked)
        _refuse_too_many(
            [(one.media, one.bad) for one in outcomes if one.bad], len(checked), params.tolerance
        )
    rows = [row for outcome in outcomes for row in outcome.rows]
    return tables.table(rows, tables.FRAMES), report(outcomes, params)


def _store_all(params: ExtractParams, shelf: _Shelf, checked: list[_Checked]) -> list[Outcome]:
    """Store the frames of all media: in processes, or in threads where there is little to do.

    Between the calls that decode there is enough of Python that two threads get in each other's way.
    """
    title, videos = "Extracting frames", [len(one.asked) for one in checked if one.media.kind == "video"]
    if _workers() > 1 and len(videos) > 1 and sum(videos) > _FEW:
        work = partial(_store_media, params, shelf, None)
        count = min(_workers(), len(videos))
        return list(track(in_processes(work, checked, count), title, total=len(checked)))
    stop = Event()
    return _in_parallel(partial(_store_media, params, shelf, stop), checked, title, stop)


def _in_parallel(
    work: Callable[[In], Out], items: list[In], title: str, stop: Event | None = None
) -> list[Out]:
    """Apply ``work`` in threads (FFmpeg and OpenCV release the interpreter lock); keep the order.

    When this is interrupted, ``stop`` is set: a video of hours must not be decoded to its end first.
    """
    pool = ThreadPoolExecutor(_workers())
    try:
        return list(track(pool.map(work, items), title, total=len(items)))
    except BaseException:
        if stop:
            stop.set()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _workers() -> int:
    """Return how many media are in work at a time: one per core, or what PROVENLINE_WORKERS says."""
    asked = os.environ.get("PROVENLINE_WORKERS", "")
    return max(1, min(MOST_WORKERS, int(asked) if asked.isdecimal() else os.cpu_count() or 1))


def _check(params: ExtractParams, media: Media) -> _Checked:
    try:
        if media.kind == "photo":
            check_photo(media.file)
            return _Checked(media, known_sha256(media) or sha256_file(media.file), 0, (0,))
        found = probe(media.file)
        asked = moments(params.sampling, media, found)
        sha256 = known_sha256(media) or sha256_file(media.file)
        return _Checked(media, sha256, found.duration_ms, tuple(asked))
    except InputError as error:
        return _Checked(media, bad=error.what)


def _refuse_duplicates(checked: list[_Checked]) -> None:
    first: dict[str, str] = {}
    for one in checked:
        name = first.setdefault(one.sha256, one.media.name) if not one.bad else one.media.name
        if name != one.media.name:
            what = (
                f"{one.media.kind} listed twice under two names: {name!r} and {one.media.name!r} are the same"
            )
            raise InputError(what, file=one.media.file, mend="Remove one of them from the media list")


def _refuse_too_many(bad: list[tuple[Media, str]], total: int, tolerance: float) -> None:
    if bad and len(bad) > tolerance * total:
        media, reason = bad[0]
        names = [f"{one.name!r} ({why})" for one, why in bad[1:_NAMED]]
        names += [f"{len(bad) - _NAMED} more"] if len(bad) > _NAMED else []
        others = f"; {len(bad)} of {total} media cannot be used, also {', '.join(names)}" if names else ""
        mend = "Mend it, remove its row, or raise `extract.tolerance`, the share that may be set aside"
        raise InputError(f"{reason}{others}", file=media.file, place=f"media {media.name!r}", mend=mend)


def _refuse_foreign(frames_dir: Path) -> None:
    if frames_dir.exists() and not frames_dir.is_dir():
        raise InputError("is no folder", file=frames_dir, mend="Name a folder for the frames")
    inside = sorted(frames_dir.iterdir()) if frames_dir.exists() else []
    foreign = [path.name for path in inside if not re.fullmatch(r"[0-9a-f]{12}(\.zip)?", path.name)]
    if foreign:
        mend = "Name a folder of its own: extract replaces it as a whole"
        raise InputError(f"holds {foreign[0]!r}, which is no folder of frames", file=frames_dir, mend=mend)


def _store_media(params: ExtractParams, shelf: _Shelf, stop: Event | None, one: _Checked) -> Outcome:
    if one.bad:
        return Outcome(one.media, one.bad)
    clip = one.sha256[:12]
    try:
        with clip_store(shelf.folder, clip, archived=shelf.archived) as store:
            row = partial(_row, one, shelf, store)
            if one.media.kind == "photo":
                outcome = _store_photo(params, one, row)
            else:
                outcome = _store_video(params, one, row, shelf.threads, stop)
    except InputError as error:
        outcome = Outcome(one.media, error.what)
    if not outcome.rows:
        drop_clip(shelf.folder, clip)
    return outcome


def _store_photo(params: ExtractParams, one: _Checked, row: MakeRow) -> Outcome:
    image, data = read_photo(one.media.file)
    return Outcome(one.media, rows=(row("photo", 0, image, data or _jpeg(image, params.jpeg_quality)),))


def _store_video(
    params: ExtractParams, one: _Checked, row: MakeRow, threads: int, stop: Event | None
) -> Outcome:
    rows: dict[int, Row] = {}
    answered: set[int] = set()
    with Reader(one.media.file, threads) as reader:
        for asked, presented, image in answer(reader, one.asked):
            if stop and stop.is_set():
                break
            answered.add(asked)
            if presented not in rows:
                data = _jpeg(image, params.jpeg_quality)
                rows[presented] = row(params.sampling.kind, presented, image, data)
        errors = reader.errors
    return Outcome(
        one.media,
        bad="" if rows or not one.asked else "no frame that the plan asks for can be decoded",
        rows=tuple(rows.values()),
        duration_ms=one.duration_ms,
        asked=len(one.asked),
        undelivered=tuple(time for time in one.asked if time not in answered),
        errors=errors,
    )


def _jpeg(image: Image, quality: int) -> bytes:
    done, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        raise InputError(f"a picture of {image.shape[1]}x{image.shape[0]} pixels cannot be stored as JPEG")
    return bytes(data)


def _row(
    one: _Checked, shelf: _Shelf, store: Store, plan: str, time_ms: int, image: Image, data: bytes
) -> Row:
    media, (height, width) = one.media, image.shape[:2]
    frame_id = f"{one.sha256[:12]}_{time_ms:09d}"
    place = media.workplace
    return {
        "frame_id": frame_id,
        "path": (shelf.shown_as / store(f"{frame_id}.jpg", data)).as_posix(),
        "plan": plan,
        "media": media.name,
        "media_sha256": one.sha256,
        "time_ms": time_ms,
        "width": width,
        "height": height,
        "camera": media.camera,
        "day": media.day,
        "category": media.category,
        "group": media.group,
        "workplace": [share * side for share, side in zip(place, (width, height) * 2, strict=True)]
        if place
        else None,
        "dhash": dhash(image),
        "thumbnail": thumbnail(image),
        "annotated": False,
        "annotator": "",
    }
