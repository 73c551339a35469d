"""A month's labelling package: frames that production doubts or on which two engines differ."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from provenline import tables
from provenline.errors import InputError
from provenline.files import atomic_path
from provenline.footage.anonymise import Blur, Mode
from provenline.footage.hashing import dhash, thumbnail
from provenline.footage.media import Media
from provenline.labelling import mining
from provenline.progress import track
from provenline.rounds import FRAMES
from provenline.shadow import mine
from provenline.shadow.package import package

PLAN = "round"
PACKAGE, IMAGES, LISTED = "package", "images", "drawn.csv"
_LOOKED_AT = 4  # times as many frames as are wanted are looked at for near-duplicates


@dataclass(frozen=True)
class Wanted:
    """What a round asks for.

    Attributes:
        frames: At most so many.
        apart: Grey levels by which some cell of two thumbnails must differ, see ``mining.distinct``.
        labels: That annotators may give.
        mode: What of the people must be blurred in pictures that leave.
    """

    frames: int
    apart: int
    labels: tuple[str, ...]
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
    folder: Path,
) -> Drawn:
    """Choose frames and write them, whole or not at all.

    ``folder`` holds ``package/`` (what annotators get: see ``shadow.package``), ``frames.parquet`` and
    ``images/`` (what `take` needs) and ``drawn.csv`` (why each frame was drawn).

    Args:
        frames: FRAMES, of all that was compared.
        marks: What ``mining.quality`` or ``mining.read_marks`` returned.
        comparison: What ``shadow.compare.compare_frames`` returned.
        media: The footage; frames are decoded again by their time.
        wanted: How many, how different.
        folder: It must not exist yet.

    Raises:
        InputError: The folder exists, or nothing is doubted or disputed.
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
    looked = ranked.head(wanted.frames * _LOOKED_AT)
    hashes, small = _looks(looked, media)
    chosen, alike = mining.distinct(looked, small, wanted.frames, wanted.apart)
    rows = frames.set_index("frame_id", drop=False).loc[chosen["frame_id"].tolist()].reset_index(drop=True)
    rows = rows.assign(
        plan=PLAN,
        dhash=rows["frame_id"].map(hashes),
        thumbnail=[small[frame_id].tobytes() for frame_id in rows["frame_id"]],
    )
    with atomic_path(folder) as temporary:
        temporary.mkdir(parents=True)
        tables.write(rows, temporary / FRAMES, tables.FRAMES)
        chosen.to_csv(temporary / LISTED, index=False, lineterminator="\n")
        pictures = package(rows, rows, media, wanted.labels, wanted.mode, temporary / PACKAGE)
        if pictures:
            shutil.copytree(temporary / PACKAGE / IMAGES, temporary / IMAGES)
        else:
            mine.save(rows, media, Blur("none", (), {}), temporary / IMAGES)
    return Drawn(
        frames=len(chosen),
        reasons=mining.counts(chosen),
        groups=int(chosen["group"].nunique()),
        cameras=int(chosen["camera"].nunique()),
        days=len(chosen[["camera", "day"]].drop_duplicates()),
        worth=len(ranked),
        alike=alike,
        gone=len(looked) - len(small),
        pictures=pictures,
    )


def _looks(
    ranked: pd.DataFrame, media: Sequence[Media]
) -> tuple[dict[str, str], dict[str, NDArray[np.uint8]]]:
    """Return each frame's hash and thumbnail; one that cannot be decoded again has none."""
    by_name = {one.name: one for one in media}
    hashes: dict[str, str] = {}
    small: dict[str, NDArray[np.uint8]] = {}
    for name, part in track(list(ranked.groupby("media", sort=True)), "looking for near-duplicates"):
        if name not in by_name:
            mend = "Draw from the footage that was shadowed: run `dvc repro shadow-ab`"
            raise InputError(f"'{name}' is no more in the media list", mend=mend)
        ids = dict(zip(part["time_ms"], part["frame_id"], strict=True))
        for time_ms, image in mine.decode(by_name[str(name)], sorted(ids)):
            hashes[ids[time_ms]] = dhash(image)
            small[ids[time_ms]] = np.frombuffer(thumbnail(image), dtype=np.uint8)
    return hashes, small
