"""Frames on which two annotators differ, with both their boxes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from provenline import tables
from provenline.reports.evidence import Agreement
from provenline.reports.examples import about
from provenline.reports.label_evidence import Disagreement

KINDS = {
    "missed": "Only {first} saw it",
    "extra": "Only {second} saw it",
    "count": "Each saw something that the other did not",
    "shifted": "Both saw it, at other places",
}


@dataclass(frozen=True)
class Dispute:
    """One frame and what two annotators drew into it.

    Attributes:
        kind: A key of ``KINDS``, or what the importer calls it.
        frame_id: Of the frame.
        path: The stored image.
        about: The operation, the video and the time.
        annotators: The two names.
        first: (n, 4) boxes of the first, absolute pixels.
        second: (m, 4) boxes of the second.
    """

    kind: str
    frame_id: str
    path: Path
    about: str
    annotators: tuple[str, ...]
    first: npt.NDArray[np.float64]
    second: npt.NDArray[np.float64]


def find(root: Path, agreement: Agreement, most: int) -> list[list[Dispute]]:
    """Return at most so many disputes per pair and kind, worst first, media taking turns.

    Only development frames are shown; a frame that was not sampled is passed over.

    Args:
        root: The project's folder.
        agreement: Of the development footage.
        most: Per kind.

    Raises:
        InputError: The Frames table is malformed.
    """
    path = root / "data/annotated.parquet"
    if not agreement.details.disagreements or not path.is_file():
        return []
    frames = tables.read(path, tables.FRAMES)
    places = {key: place for place, key in enumerate(zip(frames["media"], frames["time_ms"], strict=True))}
    found: dict[tuple[tuple[str, ...], int, str], list[Dispute]] = {}
    for one in agreement.details.disagreements:
        if (place := places.get((one.media, one.time_ms))) is not None:
            rank = list(KINDS).index(one.kind) if one.kind in KINDS else len(KINDS)
            key = (one.annotators, rank, one.kind)
            found.setdefault(key, []).append(_dispute(one, frames.iloc[place], root))
    return [_spread(found[key], most) for key in sorted(found)]


def _dispute(one: Disagreement, row: pd.Series, root: Path) -> Dispute:
    first, second = (np.array(boxes, dtype=np.float64).reshape(-1, 4) for boxes in one.boxes)
    overlap = "" if one.iou is None else f" · lowest IoU {one.iou:.2f}"
    return Dispute(
        kind=one.kind,
        frame_id=str(row["frame_id"]),
        path=root / row["path"],
        about=about(row) + overlap,
        annotators=one.annotators,
        first=first,
        second=second,
    )


def _spread(disputes: Sequence[Dispute], most: int) -> list[Dispute]:
    """Let media take turns, keeping the order within each."""
    seen: dict[str, int] = {}
    turns = []
    for one in disputes:
        medium = one.frame_id.rsplit("_", 1)[0]
        seen[medium] = seen.get(medium, -1) + 1
        turns.append(seen[medium])
    return [disputes[place] for place in np.argsort(turns, kind="stable")[:most]]


def title(given: Dispute) -> str:
    """Say what kind of dispute it is."""
    first, second = given.annotators
    return KINDS[given.kind].format(first=first, second=second) if given.kind in KINDS else given.kind
