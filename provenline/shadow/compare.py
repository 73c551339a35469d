"""What two detectors say about the same frames, without anybody's truth. Pure functions of tables.

Label-free figures rank and alarm; they never decide which of the two is right.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from provenline.evaluation.intervals import draw, ratio
from provenline.evaluation.matching import overlaps
from provenline.evaluation.params import IntervalParams
from provenline.shadow.params import Operating, ShadowParams
from provenline.tables import BOX

Floats = NDArray[np.float64]
COUNTS = ("production", "candidate", "both", "shifted", "only_production", "only_candidate")
FRAME_KEYS = ("frame_id", "media", "time_ms", "camera", "day", "category", "group")
KINDS = ("presence", "only_production", "only_candidate", "shifted")


def compare_frames(
    frames: pd.DataFrame, production: pd.DataFrame, candidate: pd.DataFrame, params: ShadowParams
) -> pd.DataFrame:
    """Compare two tables of predictions frame by frame, each at its own operating threshold.

    Within a frame and a label the boxes are assigned one to one (Hungarian method; Kuhn 1955): first
    those that overlap by ``params.iou``, then the rest by ``params.shift_iou``.

    Args:
        frames: Frames that both saw (columns of ``FRAME_KEYS``); the only ones that count.
        production: Predictions of the engine that runs today.
        candidate: Predictions of the one that would replace it.
        params: Thresholds.

    Returns:
        One row per frame, in the order of ``frames``: ``FRAME_KEYS``, the counts ``COUNTS``
        (``production`` and ``candidate`` are all detections at the threshold; ``both`` and
        ``shifted`` are pairs), ``presence`` (one sees somebody and the other nobody),
        ``count_difference`` (candidate minus production), ``disagrees`` (anything unpaired or
        shifted) and ``kind`` (the gravest of ``KINDS``, or empty).
    """
    ours = at_threshold(production, params.score_production)
    theirs = at_threshold(candidate, params.score_candidate)
    tallies = [_tally(ours.get(key, {}), theirs.get(key, {}), params) for key in frames["frame_id"]]
    table = frames[list(FRAME_KEYS)].reset_index(drop=True)
    counts = pd.DataFrame(tallies, columns=list(COUNTS)).astype("int64")
    table = pd.concat([table, counts], axis=1)
    table["presence"] = (table["production"] > 0) != (table["candidate"] > 0)
    table["count_difference"] = table["candidate"] - table["production"]
    table["disagrees"] = (table["only_production"] + table["only_candidate"] + table["shifted"]) > 0
    table["kind"] = _kinds(table)
    return table


def _kinds(table: pd.DataFrame) -> NDArray[np.object_]:
    conditions = [table[kind].to_numpy() > 0 for kind in KINDS]
    return np.select(conditions, list(KINDS), default="").astype(object)


def at_threshold(predictions: pd.DataFrame, score: Operating) -> dict[str, dict[str, Floats]]:
    """Return frame -> label -> boxes, (n, 4) in pixels, at or above the threshold."""
    kept = predictions[predictions["score"] >= score.least(predictions["label"].tolist())]
    found: dict[str, dict[str, Floats]] = {}
    boxes = kept[BOX].to_numpy(float)
    keys: Any
    for keys, rows in kept.groupby(["frame_id", "label"], sort=True).indices.items():
        frame, label = keys
        found.setdefault(frame, {})[label] = boxes[rows]
    return found


def _tally(ours: dict[str, Floats], theirs: dict[str, Floats], params: ShadowParams) -> list[int]:
    both = shifted = 0
    for label in set(ours) & set(theirs):
        pairs, moved = _pairs(ours[label], theirs[label], params)
        both, shifted = both + pairs, shifted + moved
    left, right = (sum(len(boxes) for boxes in side.values()) for side in (ours, theirs))
    return [left, right, both, shifted, left - both - shifted, right - both - shifted]


def _pairs(ours: Floats, theirs: Floats, params: ShadowParams) -> tuple[int, int]:
    """Return how many boxes agree, and how many of the rest are the same object in another place."""
    ious = each_with_each(ours, theirs)
    rows, columns = assign(ious, params.iou)
    rest = np.delete(np.delete(ious, rows, axis=0), columns, axis=1)
    return len(rows), len(assign(rest, params.shift_iou)[0])


def each_with_each(ours: Floats, theirs: Floats) -> Floats:
    """Return the overlap of each of (n, 4) boxes with each of (m, 4), (n, m)."""
    every = overlaps(np.repeat(ours, len(theirs), axis=0), np.tile(theirs, (len(ours), 1)))
    return every.reshape(len(ours), len(theirs))


def assign(ious: Floats, least: float) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return rows and columns of pairs, one to one: as many as overlap by ``least``, of those the best.

    Args:
        ious: Overlap of each with each, (n, m).
        least: Below it there is no pair.
    """
    from scipy.optimize import linear_sum_assignment

    # The 1 makes a further pair worth more than any gain in overlap.
    worth = np.where(ious >= max(least, 1e-9), 1 + ious / (1 + min(ious.shape)), 0.0)
    rows, columns = linear_sum_assignment(worth, maximize=True)
    kept = worth[rows, columns] > 0
    return rows[kept], columns[kept]


def summarise(table: pd.DataFrame, params: ShadowParams) -> dict[str, Any]:
    """Summarise the frame-by-frame comparison, overall and per category, camera and group.

    Args:
        table: What ``compare_frames`` returned.
        params: Confidence, replicates and seed of the intervals.

    Returns:
        ``overall`` and, under ``by_category``, ``by_camera`` and ``by_group``, a list of the same
        object with ``name``: ``frames``, ``groups``, the sums of ``COUNTS``, ``count_difference``
        (sum), ``disagreeing_frames``, ``presence_frames`` (one sees somebody, the other nobody), and
        the shares ``disagreement`` and ``presence`` as an interval (cluster bootstrap over groups).
        ``by_hour`` is there where the table has a column ``hour``; frames with none in it are left out.
    """
    slices = {
        f"by_{column}": [
            {"name": str(name), **_slice(part, params.interval)}
            for name, part in table[table[column] != ""].groupby(column, sort=True, observed=True)
        ]
        for column in ("category", "camera", "group", "hour")
        if column in table
    }
    return {"overall": _slice(table, params.interval), **slices}


def _slice(table: pd.DataFrame, interval: IntervalParams) -> dict[str, Any]:
    return {
        "frames": len(table),
        "groups": int(table["group"].nunique()),
        **{name: int(table[name].sum()) for name in (*COUNTS, "count_difference")},
        "disagreeing_frames": int(table["disagrees"].sum()),
        "presence_frames": int(table["presence"].sum()),
        "disagreement": rate(table, "disagrees", interval),
        "presence": rate(table, "presence", interval),
    }


def rate(table: pd.DataFrame, column: str, interval: IntervalParams) -> dict[str, Any] | None:
    """Return the share of frames where ``column`` is true, with an interval over groups, JSON-able."""
    sums = table.groupby("group", sort=True, observed=True)[column].agg(["sum", "count"])
    resamples = draw([str(name) for name in sums.index], interval)
    hits, frames = sums["sum"].to_numpy(float), sums["count"].to_numpy(float)
    found = ratio(hits, frames, resamples, proportion=True).interval(interval)
    return None if found is None else found.to_dict()
