"""Labels that a model contradicts with confidence: development frames for a second look."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from provenline import tables
from provenline.evaluation import label_errors
from provenline.reports.examples import about

FILE = "data/review/label_errors.csv"
KINDS = {
    "missing": "Nobody drew it, a model is sure of it",
    "spurious": "Drawn, but no model sees anything",
    "location": "Drawn in one place, seen in another",
    "label": "Drawn as one thing, seen as another",
}
_FOUND = ["found_x1", "found_y1", "found_x2", "found_y2", "found_score"]


@dataclass(frozen=True)
class Suspect:
    """One doubted label with everything that is drawn into its frame.

    Attributes:
        kind: A key of ``KINDS``.
        frame_id: Of the frame.
        path: The stored image.
        about: The operation, the video, the time, and what makes it suspect.
        others: (n, 4) what annotators drew in this frame, absolute pixels.
        doubted: (0 or 1, 4) the doubted box; none where nobody drew any.
        found: (0 or 1, 5) what the model sees, with its score; none where it sees nothing.
    """

    kind: str
    frame_id: str
    path: Path
    about: str
    others: npt.NDArray[np.float64]
    doubted: npt.NDArray[np.float64]
    found: npt.NDArray[np.float64]


def find(root: Path, labels: Sequence[str], most: int) -> list[list[Suspect]]:
    """Return at most so many suspects per kind, the most suspect first, groups taking turns.

    Args:
        root: The project's folder.
        labels: Labels that are looked at.
        most: Per kind.

    Raises:
        InputError: A table is malformed.
    """
    wanted = [root / FILE, root / "data/annotated.parquet", root / "data/boxes.parquet"]
    if not all(path.is_file() for path in wanted):
        return []
    rows = label_errors.read(wanted[0])
    chosen = [label_errors.top(rows, kind, most) for kind in KINDS]
    if not any(map(len, chosen)):
        return []
    frames = tables.read(wanted[1], tables.FRAMES)
    boxes = tables.truth(frames, tables.read(wanted[2], tables.BOXES), tuple(labels))
    by_id = frames.set_index("frame_id", drop=False)
    return [
        [_suspect(row, by_id, boxes, root) for _, row in part.iterrows() if row["frame_id"] in by_id.index]
        for part in chosen
        if len(part)
    ]


def _suspect(row: pd.Series, frames: pd.DataFrame, boxes: pd.DataFrame, root: Path) -> Suspect:
    frame = frames.loc[row["frame_id"]]
    drawn, seen = (_box(row, columns) for columns in (tables.BOX, _FOUND))
    others = boxes.loc[boxes["frame_id"] == row["frame_id"], tables.BOX].to_numpy(dtype=np.float64)
    return Suspect(
        kind=str(row["kind"]),
        frame_id=str(row["frame_id"]),
        path=root / str(frame["path"]),
        about=f"{about(frame)} · {_said(row)}",
        others=others,
        doubted=drawn,
        found=seen,
    )


def _box(row: pd.Series, columns: Sequence[str]) -> npt.NDArray[np.float64]:
    """Return one box, or none where the row holds none."""
    values = row[list(columns)].to_numpy(dtype=np.float64)
    return values[None] if np.isfinite(values[:4]).all() else np.zeros((0, len(columns)))


def _said(row: pd.Series) -> str:
    if row["kind"] == "label":
        return f"drawn as {row['label']}, seen as {row['other']}"
    if row["kind"] == "location" and np.isfinite(row["iou"]):
        return f"overlap {row['iou']:.2f}"
    return str(row["label"] or row["other"])


def title(kind: str) -> str:
    """Say what kind of doubt it is."""
    return KINDS.get(kind, kind)
