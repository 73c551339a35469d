"""The frames on which the two differ most, kept for people to look at and to label."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from provenline.errors import InputError
from provenline.footage.anonymise import Blur
from provenline.footage.decode import frames_at
from provenline.footage.media import Media
from provenline.footage.photos import read_photo
from provenline.progress import track
from provenline.shadow.compare import COUNTS, FRAME_KEYS, KINDS

FOLDER = "frames"
INDEX = "disagreements.csv"
COLUMNS = ("rank", "image", *FRAME_KEYS, "kind", *COUNTS, "count_difference")
_QUALITY = 95


def choose(table: pd.DataFrame, most: int) -> pd.DataFrame:
    """Choose the frames that differ most, without one clip filling the gallery.

    Within a group the gravest kind comes first (``KINDS``, in that order), then the larger number of
    unpaired boxes, then the earlier frame. The groups take turns, those with more disagreements
    first.

    Args:
        table: What ``compare.compare_frames`` returned.
        most: At most so many frames.

    Returns:
        Rows of ``table``, best first, with ``rank`` from 1.
    """
    found = table[table["disagrees"]].copy()
    found["gravity"] = found["kind"].map({kind: place for place, kind in enumerate(KINDS)})
    found["unpaired"] = -(found["only_production"] + found["only_candidate"])
    found["share"] = -found.groupby("group", observed=True)["disagrees"].transform("sum")
    found = found.sort_values(["gravity", "unpaired", "media", "time_ms"], kind="stable")
    found["turn"] = found.groupby("group", observed=True).cumcount()
    found = found.sort_values(["turn", "share", "group"], kind="stable").head(most)
    found["rank"] = np.arange(1, len(found) + 1)
    return found[[*table.columns, "rank"]].reset_index(drop=True)


def mine(chosen: pd.DataFrame, media: Sequence[Media], blur: Blur, out: Path) -> pd.DataFrame:
    """Save the chosen frames as JPEG under ``out/frames`` and their index as ``disagreements.csv``.

    No boxes are drawn into what somebody may label. Pictures with blurred people are to look at: what
    is to be labelled is taken out of the footage by the index's media and time.

    Args:
        chosen: What ``choose`` returned.
        media: The footage; each chosen frame is decoded again by its time.
        blur: What of the people in it may not be recognised.
        out: Folder to write into; not atomic, the caller renames it as a whole.

    Returns:
        The index: ``COLUMNS``; ``image`` is relative to ``out``.
    """
    save(chosen, media, blur, out / FOLDER)
    index = chosen.assign(image=[f"{FOLDER}/{frame_id}.jpg" for frame_id in chosen["frame_id"]])
    index = index[list(COLUMNS)]
    index.to_csv(out / INDEX, index=False)
    return index


def save(chosen: pd.DataFrame, media: Sequence[Media], blur: Blur, folder: Path) -> None:
    """Save frames (``frame_id``, ``media``, ``time_ms``) as JPEG named after them; see ``mine``."""
    by_name = {one.name: one for one in media}
    folder.mkdir(parents=True, exist_ok=True)
    for name, part in track(list(chosen.groupby("media", sort=True, observed=True)), "saving frames"):
        wanted = dict(zip(part["time_ms"], part["frame_id"], strict=True))
        _save(by_name[str(name)], wanted, blur, folder)


def _save(media: Media, wanted: dict[int, str], blur: Blur, folder: Path) -> None:
    for time_ms, image in decode(media, sorted(wanted)):
        path = folder / f"{wanted[time_ms]}.jpg"
        shown = blur.apply(image, wanted[time_ms])
        if not cv2.imwrite(str(path), shown, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY]):
            raise InputError("the image could not be written", file=path, mend="Is the disk full?")


def decode(media: Media, times: list[int]) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """Yield time in milliseconds and picture (BGR) of frames that a comparison named, in ascending order."""
    if media.kind == "photo":
        yield 0, read_photo(media.file)[0]
        return
    for asked, _, image in frames_at(media.file, times):
        yield asked, image
