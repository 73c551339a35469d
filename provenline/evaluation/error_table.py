"""Errors one by one, with what can be said about each, and their counts crossed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from provenline.evaluation.error_budget import BACKGROUND, CAUSES, RIGHT, Errors
from provenline.evaluation.matching import AREAS, Matches, areas
from provenline.evaluation.near import near
from provenline.evaluation.pairing import FloatArray, IntArray
from provenline.evaluation.params import BudgetParams
from provenline.tables import BOX

Texts = npt.NDArray[np.object_]
SIZES = ("small", "medium", "large")
CLEAR, NOTHING = "clear", "none"  # none of the attributes is set; no object is there
CROSSED = ("category", "size", "occlusion")
_SET = {"true", "yes", "1"}


def listed(
    errors: Errors,
    frames: pd.DataFrame,
    matches: Matches,
    truth: pd.DataFrame,
    predictions: pd.DataFrame,
    others: pd.DataFrame,
    params: BudgetParams,
) -> pd.DataFrame:
    """Return one row per error.

    Args:
        errors: Causes at an operating point.
        frames: The frames of ``matches``, in its order.
        matches: The records that ``errors`` is of.
        truth: The table of objects that was matched.
        predictions: The table of detections that was matched.
        others: Annotated boxes of labels that are not looked for.
        params: Attributes that say what hides an object; overlap up to which a detection is on nothing.

    Returns:
        Columns ``error`` (``miss``, ``false_positive``), ``cause``, ``frame_id``, ``category``, ``size``
        (COCO's, of the object that was missed or of the false positive), ``occlusion`` (of the object that
        was missed or that the false positive is on; ``clear`` where no attribute is set, ``none`` where it is
        on nothing) and ``other`` (label of a box that is not looked for, under a background error; else "").
    """
    missed, false = np.flatnonzero(errors.object != RIGHT), np.flatnonzero(errors.detection != RIGHT)
    hidden = occlusions(truth, params.occlusion)[matches.truth_row]
    on = np.append(hidden, NOTHING)[errors.on[false]]
    frame = np.concatenate([matches.truth_frame[missed], matches.frame[false]])
    box = np.concatenate([_boxes(truth)[matches.truth_row[missed]], _boxes(predictions)[matches.row[false]]])
    cause = np.concatenate([errors.object[missed], errors.detection[false]])
    other = np.full(len(frame), "", dtype=object)
    alone = np.flatnonzero((cause == BACKGROUND) & (np.arange(len(frame)) >= len(missed)))
    other[alone] = _other_labels(frames, frame[alone], box[alone], others, params.background)
    return pd.DataFrame(
        {
            "error": np.repeat(["miss", "false_positive"], [len(missed), len(false)]),
            "cause": np.array(CAUSES, dtype=object)[cause],
            "frame_id": frames["frame_id"].to_numpy()[frame],
            "category": frames["category"].to_numpy()[frame],
            "size": sizes(areas(box)),
            "occlusion": np.concatenate([hidden[missed], on]),
            "other": other,
        }
    )


def occlusions(boxes: pd.DataFrame, names: Sequence[str]) -> Texts:
    """Return the first of these attributes that each box has set (true, yes or 1), else ``clear``, (n,)."""
    codes, texts = pd.factorize(boxes["attributes"])
    said = [
        {name for name, value in json.loads(text).items() if str(value).lower() in _SET} for text in texts
    ]
    first = [next((name for name in names if name in one), CLEAR) for one in said]
    return np.array([*first, CLEAR], dtype=object)[codes]


def sizes(area: FloatArray) -> Texts:
    """Return COCO's size of each area in square pixels; a bound belongs to the larger size, (n,)."""
    bounds = [AREAS["small"][1], AREAS["medium"][1]]
    return np.array(SIZES, dtype=object)[np.searchsorted(bounds, area, side="right")]


def objects_by(
    frames: pd.DataFrame, matches: Matches, truth: pd.DataFrame, occlusion: Sequence[str]
) -> dict[str, dict[str, int]]:
    """Return how many annotated objects there are by category, size and occlusion."""
    table = pd.DataFrame(
        {
            "category": frames["category"].to_numpy()[matches.truth_frame],
            "size": sizes(areas(_boxes(truth)[matches.truth_row])),
            "occlusion": occlusions(truth, occlusion)[matches.truth_row],
        }
    )
    names = names_of(frames, occlusion)
    return {by: _counts(table[by], [name for name in names[by] if name != NOTHING]) for by in CROSSED}


def names_of(frames: pd.DataFrame, occlusion: Sequence[str]) -> dict[str, list[str]]:
    """Return all names that errors of these frames are counted under, in a fixed order."""
    categories = sorted(frames["category"].unique().tolist())
    return {"category": categories, "size": list(SIZES), "occlusion": [*occlusion, CLEAR, NOTHING]}


def budget(table: pd.DataFrame, names: dict[str, list[str]]) -> list[dict[str, Any]]:
    """Return one row per cause: how many misses and false positives have it, and where they are."""
    rows = []
    for cause in CAUSES:
        part = table[table["cause"] == cause]
        misses = int((part["error"] == "miss").sum())
        row = {"cause": cause, "count": len(part), "misses": misses, "false_positives": len(part) - misses}
        row["share"] = round(len(part) / len(table), 6) if len(table) else None
        row |= {f"by_{by}": _counts(part[by], names[by]) for by in CROSSED}
        rows.append(row | {"on": _counts(part["other"], sorted(set(part["other"]) - {""}))})
    return rows


def cells(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the counts of misses and false positives, crossed; only what is not empty."""
    keys = ["cause", *CROSSED]
    kinds = {"misses": table["error"] == "miss", "false_positives": table["error"] != "miss"}
    counts = table[keys].assign(**kinds).groupby(keys, as_index=False).sum()
    named = counts.sort_values(keys, key=_ordered, kind="stable")
    return [{str(key): value for key, value in row.items()} for row in named.to_dict(orient="records")]


def _ordered(column: pd.Series) -> pd.Series:
    return column.map(CAUSES.index) if column.name == "cause" else column


def _counts(column: pd.Series, names: Sequence[str]) -> dict[str, int]:
    counts = column.value_counts()
    return {name: int(counts.get(name, 0)) for name in names}


def _boxes(table: pd.DataFrame) -> FloatArray:
    return table[BOX].to_numpy(dtype=np.float64)


def _other_labels(
    frames: pd.DataFrame, frame: IntArray, box: FloatArray, others: pd.DataFrame, background: float
) -> Texts:
    """Return the label of the box of another kind that each of these overlaps most, "" where of none."""
    index = pd.Index(frames["frame_id"], dtype=object)
    place = index.get_indexer(pd.Index(others["frame_id"], dtype=object))
    order = np.argsort(place, kind="stable")
    order = order[place[order] >= 0]
    on, iou = near(frame, box, place[order], _boxes(others)[order], background).best(len(frame))
    labels = np.append(others["label"].to_numpy(dtype=object)[order], "")
    return np.asarray(labels[np.where(iou > background, on, -1)], dtype=object)
