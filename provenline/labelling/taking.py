"""A round's labels come back: a folder that the split takes in, and rows of the ledger."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from provenline import tables
from provenline.annotations.importing import import_annotations
from provenline.annotations.params import AnnotateParams
from provenline.errors import InputError
from provenline.evaluation.judged import read_split
from provenline.files import atomic_path, write_json
from provenline.labelling.drawing import IMAGES, LISTED, MEDIA
from provenline.rounds import BOXES, FRAMES
from provenline.splits.assign import groups_of
from provenline.splits.copies import search
from provenline.splits.ledger import HELD, read_ledger
from provenline.splits.params import SplitParams

SIDE = "train"  # what was picked because it is hard says nothing of how hard the rest is
EXPORTS, REPORT = "exports", "round.json"
_APART = "deployment:"  # before media names, which the development may have too


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


def read(drawn: Path, exports: Path, params: AnnotateParams, name: str, *, nobody: bool = False) -> Brought:
    """Read the labels of what was drawn; those of other frames are counted and left.

    Args:
        drawn: What ``drawing.draw`` wrote.
        exports: Folder of the exports, one per annotator and named after them.
        params: Format, label map, whose boxes count, tolerance.
        name: Of the round; stands before the names of its media, which another footage may have too.
        nobody: That no frame has an object is meant.

    Raises:
        InputError: Nothing was drawn, an export cannot be read, a label has no rule, or nothing that was
            drawn is labelled.
    """
    if not drawn.is_dir():
        raise InputError("nothing was drawn", file=drawn, mend="Run `provenline round draw`")
    if not exports.is_dir():
        what = "is no folder" if exports.exists() else "folder is missing"
        raise InputError(what, file=exports, mend="Name the folder that holds the exports")
    if Path.cwd().resolve().is_relative_to(exports.resolve()) or _holds(exports, drawn):
        raise InputError(
            "holds more than exports", file=exports, mend="Give the exports a folder of their own"
        )
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
    if boxes.empty and not nobody:
        what = f"none of the {len(kept)} frames has an object: this looks like the package as it went out"
        raise InputError(what, file=exports, mend="Give the annotators' export, or say --nobody")
    return Brought(kept, boxes, missing, done.report)


def _holds(folder: Path, other: Path) -> bool:
    return other.resolve().is_relative_to(folder.resolve())


def may_not_teach(
    frames: pd.DataFrame, before: pd.DataFrame, ledger: pd.DataFrame, params: SplitParams
) -> dict[str, str]:
    """Return which groups of deployment footage are tied to what judges: group -> val or test.

    Tied is what a split may not cut: a group itself, the columns of ``split.by``, or one recording that has
    two names.

    Args:
        frames: FRAMES of the deployment footage; copies are found where they have thumbnails.
        before: FRAMES of the development, and of earlier rounds.
        ledger: What ``read_ledger`` returned.
        params: Of the split.
    """
    theirs = frames.assign(media=[f"{_APART}{media}" for media in frames["media"]])
    return _judging(_groups(theirs, before, params), set(frames["group"]), ledger)


def _judging(groups: pd.DataFrame, mine: set[str], ledger: pd.DataFrame) -> dict[str, str]:
    """Return which of some groups share a unit with one that the ledger has in val or test."""
    held = ledger[ledger["split"] != SIDE]
    by_group = dict(zip(held["group"], held["split"], strict=True))
    by_key = dict(zip(held["unit"], held["split"], strict=True))
    sides: dict[str, str] = {}
    for group, unit, keys in zip(groups["group"], groups["unit"], groups["keys"], strict=True):
        for side in (by_group.get(group), *map(by_key.get, keys)):
            if side:
                sides.setdefault(unit, side)
    unit_of = dict(zip(groups["group"], groups["unit"], strict=True))
    return {group: sides[unit_of[group]] for group in sorted(mine) if unit_of[group] in sides}


def _groups(frames: pd.DataFrame, before: pd.DataFrame, params: SplitParams) -> pd.DataFrame:
    whole = pd.concat([before, frames], ignore_index=True)
    # A shadow run keeps no thumbnails: copies are looked for when the labels come back.
    looking = frames["thumbnail"].notna().any() and params.copies.action != "report"
    found = search(whole[whole["thumbnail"].notna()], params.copies).copies if looking else []
    return groups_of(whole, params.by, [(one.first, one.second) for one in found])


def ledger_with(
    ledger: Path, assignment: Path, frames: pd.DataFrame, before: pd.DataFrame, params: SplitParams
) -> pd.DataFrame:
    """Return the ledger with a round's groups in ``train``.

    Args:
        ledger: In git.
        assignment: What the stage `split` wrote last: all of it must have been accepted, or the round would
            move it.
        frames: FRAMES that were labelled.
        before: FRAMES of the development, and of earlier rounds.
        params: Of the split.

    Raises:
        InputError: The split was not accepted, a frame was labelled before, or a group may not teach.
    """
    held = read_ledger(ledger)
    if len(twice := frames["frame_id"][frames["frame_id"].isin(before["frame_id"])]):
        what = f"frame {twice.iloc[0]} was labelled before"
        raise InputError(what, mend="Draw again, after a shadow run over new footage")
    if not assignment.is_file():
        mend = "The round that began last has no split yet: run `dvc repro`, then draw the next one"
        raise InputError("is not there", file=assignment, mend=mend)
    if left := sorted(set(read_split(assignment)["group"]) - set(held["group"])):
        what = (
            f"{len(left)} groups of the split are not accepted (first: '{left[0]}'): a round would move them"
        )
        raise InputError(what, file=ledger, mend="Run `provenline split accept` and commit the ledger")
    groups = _groups(frames, before, params)
    if judging := _judging(groups, set(frames["group"]), held):
        group, side = next(iter(judging.items()))
        what = f"group '{group}' is tied to {side}: what judges may not train"
        raise InputError(what, file=ledger, mend="Leave its images out of the export")
    rows = groups[groups["group"].isin(frames["group"])].assign(split=SIDE)[HELD]
    return pd.concat([held, rows[~rows["group"].isin(held["group"])]], ignore_index=True)


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
    truth = tables.truth(brought.frames, brought.boxes, sorted(set(brought.boxes["label"])))
    labels = truth["label"]
    why = pd.read_csv(drawn / LISTED, usecols=["frame_id", "reason"])
    why = why[why["frame_id"].isin(brought.frames["frame_id"])]
    report = {
        "round": name,
        "frames": len(brought.frames),
        "groups": int(brought.frames["group"].nunique()),
        "missing": len(brought.missing),
        "missing_frames": list(brought.missing),
        "reasons": {str(key): int(count) for key, count in why["reason"].value_counts().sort_index().items()},
        "objects": {str(key): int(count) for key, count in labels.value_counts().sort_index().items()},
        "frames_without_objects": len(brought.frames) - int(truth["frame_id"].nunique()),
        "media": _said(drawn / MEDIA, brought.frames),
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
        shutil.copyfile(drawn / MEDIA, temporary / MEDIA)
        try:
            shutil.copytree(exports, temporary / EXPORTS)
        except shutil.Error as error:
            raise InputError(f"cannot be copied ({error.args[0][0][2]})", file=exports) from None
        write_json(temporary / REPORT, report)
    return report


def _said(file: Path, frames: pd.DataFrame) -> dict[str, Any]:
    """Return what the media list said of the recordings: how many there are, and counts per value."""
    rows = pd.read_csv(file, dtype=str, keep_default_na=False)
    rows = rows[rows["group"].isin(frames["group"])]
    counts = {
        name: {str(value): int(many) for value, many in rows[name].value_counts().sort_index().items()}
        for name in ("provenance", "consent", "licence")
    }
    return {"count": len(rows), **counts}
