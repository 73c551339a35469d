"""Frames take the split of their unit; or, to measure what a leak would be worth, one at random each."""

from __future__ import annotations

import numpy as np
import pandas as pd

from provenline.errors import InputError
from provenline.splits.audit import with_split
from provenline.splits.params import SPLITS, SplitParams


def assign_frames(frames: pd.DataFrame, params: SplitParams) -> pd.DataFrame:
    """Place single frames at random, by the shares: a leak on purpose, which no ledger may take in.

    Args:
        frames: Frames table, in any order; those that nobody looked at are drawn apart, so that the
            annotated ones get the shares exactly.
        params: Shares and seed.

    Returns:
        Columns frame_id, group, category, unit (the frame_id) and split; sorted by frame_id.
    """
    frames = frames.sort_values("frame_id", kind="stable")
    rows = frames[["frame_id", "group", "category"]].reset_index(drop=True)
    split = np.empty(len(rows), dtype=object)
    rng = np.random.default_rng(params.seed)
    annotated = frames["annotated"].to_numpy(bool)
    edges = np.cumsum([params.shares.of(name) for name in SPLITS])[:-1]
    for members in (np.flatnonzero(annotated), np.flatnonzero(~annotated)):
        cuts = np.round(edges * len(members)).astype(int)
        for name, part in zip(SPLITS, np.split(rng.permutation(members), cuts), strict=True):
            split[part] = name
    return rows.assign(unit=rows["frame_id"], split=split)


def place(frames: pd.DataFrame, assignment: pd.DataFrame) -> pd.DataFrame:
    """Return the frames with columns ``unit`` and ``split``.

    Args:
        frames: Frames table.
        assignment: What ``assign`` or ``assign_frames`` returned.

    Raises:
        InputError: A frame or its group is not in the assignment, or a group is in two splits.
    """
    if "frame_id" not in assignment:
        units = dict(zip(assignment["group"], assignment["unit"], strict=True))
        return with_split(frames, assignment).assign(unit=frames["group"].map(units))
    splits = dict(zip(assignment["frame_id"], assignment["split"], strict=True))
    missing = sorted(set(frames["frame_id"]) - splits.keys())
    if missing:
        raise InputError(f"frame {missing[0]} has no split", mend="Run `dvc repro split`")
    return frames.assign(unit=frames["frame_id"], split=frames["frame_id"].map(splits))
