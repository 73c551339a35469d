"""A round's labels come back: a folder that the split takes in, and rows of the ledger."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from provenline import tables
from provenline.annotations.importing import import_annotations
from provenline.annotations.params import AnnotateParams
from provenline.errors import InputError
from provenline.files import atomic_path, write_json
from provenline.labelling.drawing import IMAGES, LISTED
from provenline.rounds import BOXES, FRAMES
from provenline.splits.assign import groups_of, held_units
from provenline.splits.ledger import HELD, read_ledger

SIDE = "train"  # what was picked because it is hard says nothing of how hard the rest is
EXPORTS, REPORT = "exports", "round.json"


@dataclass(frozen=True)
class Brought:
    """What came back.

    Attributes:
        frames: FRAMES that somebody labelled.
        boxes: BOXES on them.
        missing: frame_ids that were drawn and that nobody labelled.
        report: Of the import.
    """

    frames: pd.DataFrame
    boxes: pd.DataFrame
    missing: tuple[str, ...]
    report: dict[str, Any]


def read(drawn: Path, exports: Path, params: AnnotateParams, name: str) -> Brought:
    """Read the labels of what was drawn; those of other frames are counted and left.

    Args:
        drawn: What ``drawing.draw`` wrote.
        exports: Folder of the exports, one per annotator and named after them.
        params: Format, label map, whose boxes count, tolerance.
        name: Of the round; stands before the names of its media, which another footage may have too.

    Raises:
        InputError: Nothing was drawn, an export cannot be read, a label has no rule, or nothing that was
            drawn is labelled.
    """
    if not drawn.is_dir():
        raise InputError("nothing was drawn", file=drawn, mend="Run `provenline round draw`")
    if not exports.is_dir():
        raise InputError("folder is missing", file=exports, mend="Name the folder that holds the exports")
    frames = tables.read(drawn / FRAMES, tables.FRAMES)
    done = import_annotations(exports, frames, params)
    looked = done.frames["annotated"]
    if not looked.any():
        what = f"no image is one of the {len(frames)} frames that were drawn"
        raise InputError(what, file=exports, mend="Keep the images' names")
    kept = done.frames[looked].reset_index(drop=True)
    kept = kept.assign(media=[f"{name}/{media}" for media in kept["media"]])
    boxes = done.boxes[done.boxes["frame_id"].isin(kept["frame_id"])].reset_index(drop=True)
    missing = tuple(done.frames["frame_id"][~looked])
    return Brought(kept, boxes, missing, done.report)


def ledger_with(
    ledger: Path, assignment: Path, frames: pd.DataFrame, before: Iterable[pd.DataFrame], by: tuple[str, ...]
) -> pd.DataFrame:
    """Return the ledger with a round's groups in ``train``.

    Args:
        ledger: In git.
        assignment: What the stage `split` wrote last: all of it must have been accepted, or the round would
            move it.
        frames: What was labelled.
        before: Development's FRAMES, and those of earlier rounds.
        by: Columns whose combination a split may not cut.

    Raises:
        InputError: The split was not accepted, or a group of the round is tied to val or test.
    """
    held = read_ledger(ledger)
    try:
        placed = set(pd.read_csv(assignment, dtype=str, usecols=["group"])["group"])
    except (OSError, ValueError):
        raise InputError("cannot be read", file=assignment, mend="Run `dvc repro split`") from None
    if left := sorted(placed - set(held["group"])):
        what = (
            f"{len(left)} groups of the split are not accepted (first: '{left[0]}'): a round would move them"
        )
        raise InputError(what, file=ledger, mend="Run `provenline split accept` and commit the ledger")
    groups = frames.groupby("group", sort=True)["category"].agg(lambda names: names.mode().iloc[0])
    rows = pd.DataFrame({"group": groups.index, "category": groups.to_numpy(), "split": SIDE})
    rows = rows.assign(unit=rows["group"])[HELD]
    judging = held[held["group"].isin(rows["group"]) & (held["split"] != SIDE)]
    if len(judging):
        name, side = judging["group"].iloc[0], judging["split"].iloc[0]
        what = f"group '{name}' is in {side}: what judges may not train"
        raise InputError(what, file=ledger, mend="Take its frames out of the package and draw again")
    after = pd.concat([held, rows[~rows["group"].isin(held["group"])]], ignore_index=True)
    held_units(groups_of(pd.concat([*before, frames], ignore_index=True), by), after)
    return after


def write(brought: Brought, drawn: Path, exports: Path, name: str, folder: Path) -> dict[str, Any]:
    """Write a round's folder, whole or not at all, and return its report.

    Args:
        brought: What ``read`` returned.
        drawn: What ``drawing.draw`` wrote.
        exports: As they came; a copy is kept.
        name: Of the round.
        folder: To write, as the tables will name it: relative to the project.

    Raises:
        InputError: A picture is missing.
    """
    why = pd.read_csv(drawn / LISTED, usecols=["frame_id", "reason"])
    why = why[why["frame_id"].isin(brought.frames["frame_id"])]
    report = {
        "round": name,
        "frames": len(brought.frames),
        "groups": int(brought.frames["group"].nunique()),
        "missing": len(brought.missing),
        "missing_frames": list(brought.missing),
        "reasons": {str(key): int(count) for key, count in why["reason"].value_counts().sort_index().items()},
        "objects": {
            str(key): int(count) for key, count in brought.boxes["label"].value_counts().sort_index().items()
        },
        "import": brought.report,
    }
    paths = [f"{(folder / IMAGES).as_posix()}/{frame_id}.jpg" for frame_id in brought.frames["frame_id"]]
    with atomic_path(folder) as temporary:
        (temporary / IMAGES).mkdir(parents=True)
        for path in map(Path, paths):
            here = drawn / IMAGES / path.name
            if not here.is_file():
                raise InputError("file is missing", file=here, mend="Draw the round again")
            shutil.copyfile(here, temporary / IMAGES / path.name)
        tables.write(brought.frames.assign(path=paths), temporary / FRAMES, tables.FRAMES)
        tables.write(brought.boxes, temporary / BOXES, tables.BOXES)
        shutil.copytree(exports, temporary / EXPORTS)
        write_json(temporary / REPORT, report)
    return report
