"""The dataset in YOLO's layout, and the assignment as a table for people and for the ledger."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from provenline import tables
from provenline.errors import InputError
from provenline.files import atomic_path, sha256_file
from provenline.progress import bar
from provenline.splits.copying import Job, copy
from provenline.splits.params import SPLITS
from provenline.splits.placing import place


def write_assignment(frames: pd.DataFrame, assignment: pd.DataFrame, csv: str | Path) -> dict[str, Any]:
    """Write which frame is in which split.

    Args:
        frames: Frames table.
        assignment: What ``assign`` or ``assign_frames`` returned.
        csv: The file; columns frame_id, media, group, category (the group's), unit, split; sorted by
            frame_id.

    Returns:
        ``path``, ``sha256`` (the identity of the split), ``frames``, ``groups``.

    Raises:
        InputError: A frame or its group has no split, or two.
    """
    categories = dict(zip(assignment["group"], assignment["category"], strict=True))
    rows = place(frames, assignment).sort_values("frame_id", kind="stable")
    rows = rows.assign(category=rows["group"].map(categories))
    with atomic_path(csv) as temporary:
        columns = ["frame_id", "media", "group", "category", "unit", "split"]
        rows[columns].to_csv(temporary, index=False, lineterminator="\n")
    return {
        "path": Path(csv).as_posix(),
        "sha256": sha256_file(csv),
        "frames": len(rows),
        "groups": int(rows["group"].nunique()),
    }


def write_dataset(
    frames: pd.DataFrame,
    boxes: pd.DataFrame,
    assignment: pd.DataFrame,
    classes: Sequence[str],
    folder: Path,
    name: str,
    root: Path,
    task: str = "detect",
) -> dict[str, Any]:
    """Write the annotated frames as a YOLO dataset, whole or not at all.

    ``images/<split>/<frame_id>.<ending>`` are copies and never links, because trainers repair
    images in place; ``labels/<split>/<frame_id>.txt`` is empty where nothing of ``classes`` is
    there. A frame that nobody looked at is left out and counted. The same tables give the same bytes.

    Args:
        frames: Frames table.
        boxes: Boxes table; those of each frame's reference annotator count.
        assignment: What ``assign`` or ``assign_frames`` returned.
        classes: Labels to train on, in the order of their numbers.
        folder: To write, replaced if it stands.
        name: Of the YAML file in it, without ending.
        root: What the frames' paths are relative to.
        task: ``detect``: labels are boxes; ``segment``: they are polygons, which every box must have.

    Returns:
        ``yaml``, ``classes`` and per split groups, frames, frames without objects, objects per
        class, frames per category, and frames left out because nobody annotated them.

    Raises:
        InputError: No frame is annotated, a group has no split or two, or an image is missing.
    """
    placed = place(frames, assignment).sort_values("frame_id", kind="stable")
    kept = placed[placed["annotated"]].reset_index(drop=True)
    if kept.empty:
        raise InputError(
            "no frame is annotated", mend="Import annotations first, or look at the sampling plan"
        )
    truth = tables.truth(kept, boxes, list(classes))
    lines = _label_lines(kept, truth, classes, task)
    with atomic_path(folder) as temporary:
        for split in SPLITS:
            (temporary / "images" / split).mkdir(parents=True)
            (temporary / "labels" / split).mkdir(parents=True)
        jobs = [
            _job(root, temporary, frame_id, path, split, lines)
            for frame_id, path, split in zip(kept["frame_id"], kept["path"], kept["split"], strict=True)
        ]
        with bar() as display:
            copying = display.add_task("Copying frames", total=len(jobs))
            for stored in copy(jobs):
                display.advance(copying, stored)
        _write_yaml(temporary / f"{name}.yaml", classes)
    objects = truth.assign(
        split=truth["frame_id"].map(dict(zip(kept["frame_id"], kept["split"], strict=True)))
    )
    splits = {split: _count(placed, objects, classes, split) for split in SPLITS}
    return {"yaml": (folder / f"{name}.yaml").as_posix(), "classes": list(classes), "splits": splits}


def _label_lines(
    kept: pd.DataFrame, truth: pd.DataFrame, classes: Sequence[str], task: str
) -> dict[str, list[str]]:
    """Return the lines per frame, sorted, so that the order of the tables does not matter."""
    sizes = kept[["frame_id", "width", "height"]]
    lines: dict[str, list[str]] = {}
    numbers = {label: number for number, label in enumerate(classes)}
    columns = ["frame_id", "label", "width", "height", "polygon", *tables.BOX]
    for row in truth.merge(sizes, on="frame_id")[columns].itertuples(index=False, name=None):
        frame_id, label, width, height, polygon, x1, y1, x2, y2 = row
        values = polygon if task == "segment" else ((x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1)
        sides = (width, height)
        shape = " ".join(f"{value / sides[n % 2]:.8f}" for n, value in enumerate(values))
        lines.setdefault(frame_id, []).append(f"{numbers[label]} {shape}\n")
    return {frame_id: sorted(found) for frame_id, found in lines.items()}


def _job(root: Path, folder: Path, frame_id: str, path: str, split: str, lines: dict[str, list[str]]) -> Job:
    image, label = f"images/{split}/{frame_id}{os.path.splitext(path)[1]}", f"labels/{split}/{frame_id}.txt"  # noqa: PTH122
    return Job(f"{root}/{path}", f"{folder}/{image}", f"{folder}/{label}", "".join(lines.get(frame_id, [])))


def _write_yaml(path: Path, classes: Sequence[str]) -> None:
    # No `path`: ultralytics then takes the file's own folder, wherever the dataset was moved to.
    content = {
        **{split: f"images/{split}" for split in SPLITS},
        "names": dict(enumerate(classes)),
    }
    path.write_text(yaml.safe_dump(content, sort_keys=False, allow_unicode=True), encoding="utf-8")


def _count(placed: pd.DataFrame, truth: pd.DataFrame, classes: Sequence[str], split: str) -> dict[str, Any]:
    here = placed[placed["split"] == split]
    kept = here[here["annotated"]]
    objects = truth[truth["split"] == split]
    labels, categories = objects["label"].value_counts(), kept["category"].value_counts()
    return {
        "groups": int(kept["group"].nunique()),
        "frames": len(kept),
        "frames_without_objects": len(kept) - int(objects["frame_id"].nunique()),
        "objects": {label: int(labels.get(label, 0)) for label in classes},
        "categories": {name: int(categories[name]) for name in sorted(categories.index)},
        "not_annotated": len(here) - len(kept),
    }
