"""A month's labelling package: frames that production doubts or on which two engines differ."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from provenline import tables
from provenline.errors import InputError
from provenline.files import atomic_path, sha256_file
from provenline.footage.anonymise import Blur, Mode
from provenline.footage.hashing import dhash, thumbnail
from provenline.footage.manifest import known_sha256
from provenline.footage.media import Media
from provenline.labelling import mining
from provenline.progress import track
from provenline.rounds import FRAMES
from provenline.shadow import mine
from provenline.shadow.package import package

PLAN = "round"
PACKAGE, IMAGES, LISTED = "package", "images", "drawn.csv"
MEDIA = "media.csv"
_SAID = ("name", "category", "camera", "day", "group", "provenance", "consent", "licence")


@dataclass(frozen=True)
class Wanted:
    """What a round asks for.

    Attributes:
        frames: At most so many.
        apart: Grey levels by which some cell of two thumbnails must differ, see ``mining.distinct``.
        labels: That annotators may give, with their attributes.
        mode: What of the people must be blurred in pictures that leave.
    """

    frames: int
    apart: int
    labels: Mapping[str, Sequence[str]]
    mode: Mode


@dataclass(frozen=True)
class Drawn:
    """What was drawn.

    Attributes:
        frames: How many.
        reasons: Why -> how many.
        groups: From how many groups, and as many ``cameras`` and camera ``days``.
        worth: How many frames are doubted or disputed in all.
        alike: Near-duplicates that were passed over.
        gone: Frames that could not be decoded again.
        pictures: In the package: none where people are to be blurred.
    """

    frames: int
    reasons: dict[str, int]
    groups: int
    cameras: int
    days: int
    worth: int
    alike: int
    gone: int
    pictures: int


def draw(
    frames: pd.DataFrame,
    marks: pd.DataFrame,
    comparison: pd.DataFrame,
    media: Sequence[Media],
    wanted: Wanted,
    before: pd.DataFrame,
    folder: Path,
) -> Drawn:
    """Choose frames and write them, whole or not at all.

    ``folder`` holds ``package/`` (what annotators get: see ``shadow.package``; its order says nothing of why
    a frame is in it), ``frames.parquet`` and ``images/`` (what `take` needs), ``drawn.csv`` (why each frame
    was drawn) and ``media.csv`` (of the recordings that they are from: provenance, consent, licence).

    Args:
        frames: FRAMES, of what was compared and may teach.
        marks: What ``mining.quality`` or ``mining.read_marks`` returned.
        comparison: What ``shadow.compare.compare_frames`` returned.
        media: The footage; frames are decoded again by their time.
        wanted: How many, how different.
        before: FRAMES that earlier rounds brought.
        folder: It must not exist yet.

    Raises:
        InputError: The folder exists, nothing is doubted or disputed, or none of it can be decoded now.
    """
    if folder.exists():
        what = "was drawn already"
        mend = "Label it and `provenline round take` the export, or remove the folder and draw again"
        raise InputError(what, file=folder, mend=mend)
    ranked = mining.rank(frames, marks, comparison)
    if ranked.empty:
        raise InputError(
            "production doubts no frame, and the engines agree on all: there is nothing to label"
        )
    hashes = dict(zip(frames["media"], frames["media_sha256"], strict=True))
    known = (
        (camera, np.frombuffer(levels, dtype=np.uint8))
        for camera, levels in zip(before["camera"], before["thumbnail"], strict=True)
    )
    look = partial(_look, _Footage(media, hashes))
    found = mining.distinct(ranked, look, wanted.frames, wanted.apart, known)
    if found.frames.empty:
        what = f"of {len(ranked)} frames {found.alike} were drawn before and {found.gone} are gone"
        raise InputError(what, mend="Run `dvc repro shadow-ab` over footage that is there")
    ids = sorted(found.frames["frame_id"])
    rows = frames.set_index("frame_id", drop=False).loc[ids].reset_index(drop=True)
    rows = rows.assign(
        plan=PLAN,
        dhash=[found.looks[one].dhash for one in ids],
        thumbnail=[found.looks[one].thumbnail.tobytes() for one in ids],
    )
    with atomic_path(folder) as temporary:
        temporary.mkdir(parents=True)
        tables.write(rows, temporary / FRAMES, tables.FRAMES)
        found.frames.to_csv(temporary / LISTED, index=False, lineterminator="\n")
        drawn_from = set(rows["media"])
        said = [{name: getattr(one, name) for name in _SAID} for one in media if one.name in drawn_from]
        pd.DataFrame(said, columns=list(_SAID)).to_csv(temporary / MEDIA, index=False, lineterminator="\n")
        pictures = package(rows, rows, media, wanted.labels, wanted.mode, temporary / PACKAGE)
        if pictures:
            shutil.copytree(temporary / PACKAGE / IMAGES, temporary / IMAGES)
        else:
            mine.save(rows, media, Blur("none", (), {}), temporary / IMAGES)
    return Drawn(
        frames=len(rows),
        reasons=mining.counts(found.frames),
        groups=int(rows["group"].nunique()),
        cameras=int(rows["camera"].nunique()),
        days=len(rows[["camera", "day"]].drop_duplicates()),
        worth=len(ranked),
        alike=found.alike,
        gone=found.gone,
        pictures=pictures,
    )


class _Footage:
    """Recordings as they were compared; each is hashed once, however often frames of it are looked at."""

    def __init__(self, media: Sequence[Media], hashes: Mapping[str, str]) -> None:
        self._by_name, self._hashes = {one.name: one for one in media}, hashes
        self._same: dict[str, bool] = {}

    def get(self, name: str) -> Media | None:
        """Return a recording; None where it is gone, or a rolling buffer wrote another under its name."""
        one = self._by_name.get(name)
        if one is not None and name not in self._same:
            self._same[name] = (known_sha256(one) or sha256_file(one.file)) == self._hashes[name]
        return one if self._same.get(name) else None


def _look(footage: _Footage, rows: pd.DataFrame) -> dict[str, mining.Look]:
    """Decode frames again; those of media that are gone, or are others by now, are left out."""
    looks: dict[str, mining.Look] = {}
    for name, part in track(list(rows.groupby("media", sort=True)), "looking at frames"):
        ids = dict(zip(part["time_ms"], part["frame_id"], strict=True))
        try:
            if (one := footage.get(str(name))) is None:
                continue
            for time_ms, image in mine.decode(one, sorted(ids)):
                levels = np.frombuffer(thumbnail(image), dtype=np.uint8)
                looks[ids[time_ms]] = mining.Look(dhash(image), levels)
        except (InputError, OSError):
            continue  # counted as gone
    return looks
