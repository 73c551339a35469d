"""Which frames Stage A measures: a budget, spread evenly over groups, that moves nothing once accepted."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from provenline.errors import InputError
from provenline.evaluation.params import StageAParams
from provenline.evaluation.slices import annotated
from provenline.files import atomic_path

Counts = npt.NDArray[np.integer[Any]]

COLUMNS = ["frame_id", "category", "group"]


def select(frames: pd.DataFrame, params: StageAParams, held: Collection[str] = ()) -> pd.DataFrame:
    """Return the annotated frames that are measured, sorted by ``frame_id``.

    Frames that the ledger holds come first. Of each category some groups are taken, of each group
    equally many frames: as few as give the frames that are wanted, and all where there are fewer.
    Groups and frames are drawn by a seeded rank of their names (SHA-256), so that the choice depends
    neither on the order of the table nor, for a category's groups, on the other categories; footage
    that is added can only push out what the ledger does not hold, and never shuffles the rest.

    Groups of one frame are photos and are left out, unless there is nothing else.

    Args:
        frames: Frames, annotated or not.
        params: ``frames``, ``groups_per_category`` and ``seed``.
        held: ``frame_id`` of the frames that were accepted before.
    """
    kept = annotated(frames)
    is_held = kept["frame_id"].isin(held)
    eligible = is_held | _of_videos(frames, kept)
    kept, is_held = kept[eligible].reset_index(drop=True), is_held[eligible].reset_index(drop=True)
    eligible = is_held | _of_chosen_groups(kept, is_held, params)
    kept, is_held = kept[eligible].reset_index(drop=True), is_held[eligible].reset_index(drop=True)
    return kept[is_held | _within_budget(kept, is_held, params)].reset_index(drop=True)


def _of_videos(frames: pd.DataFrame, kept: pd.DataFrame) -> pd.Series[bool]:
    sizes = frames.groupby("group")["frame_id"].size()
    videos = sizes.index[sizes >= 2]
    return kept["group"].isin(videos if len(videos) else sizes.index)


def _of_chosen_groups(kept: pd.DataFrame, is_held: pd.Series[bool], params: StageAParams) -> pd.Series[bool]:
    """Return which frames are of a group that is measured.

    Where no frame has a category there is nothing to balance: all groups are.
    """
    most = params.groups_per_category
    if most is None or not kept["category"].astype(bool).any():
        return pd.Series(True, index=kept.index)
    held = is_held.groupby([kept["category"], kept["group"]]).any()
    order = sorted(held.index, key=lambda name: (name[0], not held[name], _rank(params.seed, *name)))
    place = pd.Series(order).groupby([category for category, _ in order]).cumcount()
    chosen = [name for name, n in zip(order, place, strict=True) if held[name] or n < most]
    names = pd.MultiIndex.from_frame(kept[["category", "group"]])
    return pd.Series(names.isin(chosen), index=kept.index)


def _within_budget(kept: pd.DataFrame, is_held: pd.Series[bool], params: StageAParams) -> pd.Series[bool]:
    """Return which frames are among the first of their groups: held ones, then those of lowest rank."""
    table = pd.DataFrame({"group": kept["group"], "other": ~is_held})
    table["rank"] = [_rank(params.seed, frame_id) for frame_id in kept["frame_id"]]
    place = table.sort_values(["group", "other", "rank"]).groupby("group").cumcount().reindex(kept.index)
    there = kept.groupby("group").size().to_numpy(dtype=np.int64)
    held = is_held.astype(np.int64).groupby(kept["group"]).sum().to_numpy(dtype=np.int64)
    return place.lt(_per_group(there, held, params.frames))


def _per_group(there: Counts, held: Counts, wanted: int) -> int:
    """Return the least number of frames per group that gives what is wanted, or else takes all."""
    most = int(there.max(initial=0))
    for each in range(most):
        if int(np.maximum(held, np.minimum(there, each)).sum()) >= wanted:
            return each
    return most


def _rank(*words: object) -> str:
    return hashlib.sha256("\0".join(map(str, words)).encode()).hexdigest()


def sample_facts(chosen: pd.DataFrame, held: Collection[str], params: StageAParams) -> dict[str, int]:
    """Return how many frames were ``wanted``, and what became of the ``accepted`` ones."""
    there = int(chosen["frame_id"].isin(held).sum())
    return {"wanted": params.frames, "accepted": there, "accepted_gone": len(set(held)) - there}


def read_sample(path: Path) -> pd.DataFrame:
    """Read a sample or the ledger of accepted ones, as a table of ``COLUMNS``; other columns are left out.

    Raises:
        InputError: It is missing, lacks a column, or names a frame twice or not at all.
    """
    mend = f"Start one that holds only the line {','.join(COLUMNS)}"
    try:
        rows = pd.read_csv(path, dtype=str, keep_default_na=False, index_col=False)
    except FileNotFoundError:
        raise InputError("file is missing", file=path, mend=mend) from None
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError, OSError) as error:
        raise InputError(f"not a CSV table ({error})", file=path, mend=mend) from None
    if lacking := [name for name in COLUMNS if name not in rows.columns]:
        raise InputError(f"has no column {lacking[0]}", file=path, mend=mend)
    wrong = rows.index[(rows["frame_id"] == "") | rows["frame_id"].duplicated()]
    if len(wrong):
        name = rows["frame_id"][wrong[0]]
        what = f"frame {name} stands twice" if name else "no frame_id"
        raise InputError(what, file=path, place=f"row {wrong[0] + 2}", mend="Remove the row")
    return rows[COLUMNS]


def accept(sample: Path, ledger: Path) -> dict[str, int]:
    """Add a sample to the ledger; what the ledger holds stays, also frames that are gone.

    Returns:
        Counts: ``added`` and ``kept``.

    Raises:
        InputError: One of the two is missing or malformed.
    """
    new, held = read_sample(sample), read_sample(ledger)
    added = new[~new["frame_id"].isin(held["frame_id"])]
    with atomic_path(ledger) as temporary:
        together = pd.concat([held, added]).sort_values("frame_id", kind="stable")
        together.to_csv(temporary, index=False, lineterminator="\n")
    return {"added": len(added), "kept": len(held)}
