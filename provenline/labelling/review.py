"""A labelling package of the frames whose labels look wrong: what a person looks at again.

It leaves as any export does and comes back through `annotate-import`: images named after their frames, and
CVAT for images 1.1 with the annotation as it is. What is suspected of a box stands in its attributes; where
something seems to be missing stands a box of a label of its own, which the reviewer gives its right label
or deletes. A label without a rule stops the import, so none of them can be forgotten.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pandas as pd

from provenline import tables
from provenline.annotations import exporting
from provenline.errors import InputError
from provenline.evaluation.label_errors import DEVELOPMENT, FOUND
from provenline.files import atomic_path
from provenline.images import read_bytes
from provenline.tables import BOX

SUSPECT = "suspect"  # label of a box that stands where something seems to be missing
LISTED = "suspicions.csv"
_NEAR = 0.01  # the list holds six decimals, the table all of them: pixels


@dataclass(frozen=True)
class Packaged:
    """What a package holds.

    Attributes:
        frames: How many images.
        suspicions: How many suspicions about them.
        objects: Label to how many boxes, those of ``SUSPECT`` included.
    """

    frames: int
    suspicions: int
    objects: Mapping[str, int]


def package(
    frames: pd.DataFrame,
    boxes: pd.DataFrame,
    suspicions: pd.DataFrame,
    folder: str | Path,
    most: int,
    root: Path,
) -> Packaged:
    """Write the most suspicious frames for review, whole or not at all.

    Args:
        frames: Frames table of the development footage.
        boxes: Its Boxes table; of each frame those of the annotator whose boxes count are written.
        suspicions: See ``label_errors.read``.
        folder: Where to; it must not exist yet. Gets ``images/``, ``annotations.xml`` and
            ``suspicions.csv``.
        most: At most so many frames, the most suspicious first.
        root: That the paths of the Frames table are relative to.

    Raises:
        InputError: The folder exists, nothing is suspected, an image is missing, a suspicion is about a
            frame or a box that is not in the tables, or an annotated label is called ``suspect``.
    """
    folder = Path(folder)
    if folder.exists():
        raise InputError("the folder exists", file=folder, mend="Remove it or name another")
    ids = suspicions["frame_id"].drop_duplicates().head(most)
    if ids.empty:
        raise InputError("no label looks wrong", mend="Lower eval.why.label_errors.floor to see more")
    rows = suspicions[suspicions["frame_id"].isin(ids)]
    chosen = _chosen(frames, rows, ids)
    marked = _marked(tables.truth(chosen, boxes, sorted(set(boxes["label"]))), chosen, rows)
    with atomic_path(folder) as temporary:
        done = exporting.export(chosen, marked, temporary, "cvat")
        images = temporary / "images"
        images.mkdir()
        named = {frame_id: _name(frame_id, path) for frame_id, path in _paths(chosen).items()}
        for frame_id, path in _paths(chosen).items():
            (images / named[frame_id]).write_bytes(read_bytes(root / path))
        listed = rows.drop(columns="path").assign(image=rows["frame_id"].map(named))
        listed.to_csv(temporary / LISTED, index=False, lineterminator="\n")
    return Packaged(done.images, len(rows), done.objects)


def _chosen(frames: pd.DataFrame, rows: pd.DataFrame, ids: pd.Series[str]) -> pd.DataFrame:
    """Return the frames that are meant, in their order; none of the deployment footage."""
    mend = "Run `dvc repro eval`"
    if strange := sorted(set(rows["split"]) - set(DEVELOPMENT)):
        raise InputError(f"a frame of '{strange[0]}' is on the list: only development frames are shown")
    known = frames[frames["annotated"]].set_index("frame_id", drop=False)
    if unknown := sorted(set(ids) - set(known.index)):
        raise InputError(f"frame {unknown[0]} is on the list, but not among the annotated", mend=mend)
    return known.loc[ids.tolist()].reset_index(drop=True)


def _paths(frames: pd.DataFrame) -> dict[str, str]:
    return dict(zip(frames["frame_id"], frames["path"], strict=True))


def _name(frame_id: str, path: str) -> str:
    return f"{frame_id}{PurePosixPath(path).suffix or '.jpg'}"


def _marked(boxes: pd.DataFrame, frames: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """Return the boxes with what is suspected of them, and those that seem to be missing."""
    if (boxes["label"] == SUSPECT).any():
        raise InputError(
            f"a label of the annotation is called '{SUSPECT}'", mend="Rename it in the label map"
        )
    said = boxes["attributes"].tolist()
    for row in rows[rows["kind"] != "missing"].to_dict(orient="records"):
        place = _place(boxes, row)
        said[place] = json.dumps(json.loads(said[place]) | _words(row), ensure_ascii=False)
    missing = rows[rows["kind"] == "missing"]
    annotator = dict(zip(frames["frame_id"], frames["annotator"], strict=True))
    added = [
        {"frame_id": row["frame_id"], "annotator": annotator[row["frame_id"]], "label": SUSPECT}
        | {"polygon": None, "attributes": json.dumps(_words(row), ensure_ascii=False)}
        | {name: row[found] for name, found in zip(BOX, FOUND, strict=True)}
        for row in missing.to_dict(orient="records")
    ]
    parts = [boxes.assign(attributes=said), *([tables.table(added, tables.BOXES)] if added else [])]
    return pd.concat(parts, ignore_index=True)


def _place(boxes: pd.DataFrame, row: Mapping[Any, Any]) -> int:
    """Return the position of the box that a suspicion is about."""
    mine = ((boxes["frame_id"] == row["frame_id"]) & (boxes["label"] == row["label"])).to_numpy()
    away = np.abs(boxes[BOX].to_numpy(dtype=np.float64) - [row[name] for name in BOX]).max(axis=1)
    place = int(np.argmin(np.where(mine, away, np.inf))) if mine.any() else -1
    if place < 0 or away[place] > _NEAR:
        what = f"a box of '{row['label']}' on frame {row['frame_id']} is on the list, but not annotated"
        raise InputError(what, mend="Run `dvc repro eval`")
    return place


def _words(row: Mapping[Any, Any]) -> dict[str, str]:
    """Return what the reviewer reads beside a box."""
    seen = " ".join(f"{row[name]:.0f}" for name in FOUND) if row["kind"] == "location" else ""
    words = {
        "suspicion": str(row["kind"]),
        "suspicion_rank": str(row["rank"]),
        "suspicion_score": f"{row['score']:.3f}",
        "suspicion_seen_as": str(row["other"]),
        "suspicion_seen_at": seen,
        "suspicion_split": str(row["split"]),
    }
    return {name: word for name, word in words.items() if word}
