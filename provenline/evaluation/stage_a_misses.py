"""Whom the detector misses: recall by what the annotators said of somebody, and counted failure modes.

A failure mode is what may have kept somebody from being found. One may have several, so the modes
are counted side by side; the combinations, which do not overlap, add up to all objects.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from provenline import tables
from provenline.evaluation.intervals import Statistic
from provenline.evaluation.matching import BoolArray, FloatArray, IntArray, Matches, areas, joined
from provenline.evaluation.params import (
    AttributeMode,
    BorderMode,
    FailureMode,
    NearMode,
    SmallMode,
    StageAParams,
)
from provenline.evaluation.slices import Slice
from provenline.evaluation.stage_a_facts import interval_of

Texts = npt.NDArray[np.object_]


@dataclass(frozen=True)
class People:
    """The G annotated objects of F frames.

    Attributes:
        frames: F.
        frame: Of each object, (G,).
        found: At the operating point, (G,).
        unsure: Found only below the operating threshold, (G,).
        said: Attribute to what the annotators said of each, "" where nothing, (G,) each.
        modes: Failure mode to which have it, (G,) each.
        stated: Failure mode to of which it is known whether they have it, (G,) each.
    """

    frames: int
    frame: IntArray
    found: BoolArray
    unsure: BoolArray
    said: Mapping[str, Texts]
    modes: Mapping[str, BoolArray]
    stated: Mapping[str, BoolArray]

    def of(self, keep: BoolArray) -> People:
        """Return the objects of the frames where ``keep`` (F,) is true, their frames renumbered."""
        mine = keep[self.frame]
        return People(
            frames=int(keep.sum()),
            frame=(np.cumsum(keep) - 1)[self.frame[mine]],
            found=self.found[mine],
            unsure=self.unsure[mine],
            said={name: one[mine] for name, one in self.said.items()},
            modes={name: one[mine] for name, one in self.modes.items()},
            stated={name: one[mine] for name, one in self.stated.items()},
        )

    def per_frame(self, which: BoolArray) -> FloatArray:
        """Return how many of these objects, (G,), each frame has, (F,)."""
        return np.bincount(self.frame[which], minlength=self.frames).astype(np.float64)


def people(frames: pd.DataFrame, truth: pd.DataFrame, matches: Matches, params: StageAParams) -> People:
    """Return the annotated objects that are looked for, with their attributes and failure modes.

    Args:
        frames: The frames of ``matches``, in its order.
        truth: Boxes of all labels; the table whose rows ``matches.truth_row`` means.
        matches: At ``params.iou``.
        params: Attributes, failure modes, overlap and operating threshold.
    """
    found = matches.is_found(params.iou, params.score)
    said = attributes(truth["attributes"])
    asked = {mode.attribute for mode in params.failure_modes if isinstance(mode, AttributeMode)}
    values = {name: said_of(said, name)[matches.truth_row] for name in asked | set(params.attributes)}
    modes = {mode.name: _has(mode, frames, truth, matches, values) for mode in params.failure_modes}
    everybody = np.ones(len(found), dtype=np.bool_)
    stated = {
        mode.name: values[mode.attribute] != "" if isinstance(mode, AttributeMode) else everybody
        for mode in params.failure_modes
    }
    unsure = (matches.found[matches.at(params.iou)] >= 0) & ~found
    kept = {name: values[name] for name in params.attributes}
    return People(matches.frames, matches.truth_frame, found, unsure, kept, modes, stated)


def attributes(column: pd.Series[str]) -> list[Mapping[str, str]]:
    """Return the attributes of each box: JSON objects of strings, each different text read once."""
    codes, texts = pd.factorize(column)
    read = [json.loads(text) for text in texts]
    return [read[code] for code in codes]


def said_of(said: list[Mapping[str, str]], name: str) -> Texts:
    """Return what one attribute says of each box, "" where it says nothing."""
    result = np.empty(len(said), dtype=object)
    result[:] = [one.get(name, "") for one in said]
    return result


def _has(
    mode: FailureMode,
    frames: pd.DataFrame,
    truth: pd.DataFrame,
    matches: Matches,
    values: Mapping[str, Texts],
) -> BoolArray:
    if isinstance(mode, AttributeMode):
        return np.asarray(values[mode.attribute] == mode.value, dtype=np.bool_)
    if isinstance(mode, NearMode):
        return _near(mode, frames, truth, matches)
    box = truth[tables.BOX].to_numpy(dtype=np.float64)[matches.truth_row]
    size = frames[["width", "height"]].to_numpy(dtype=np.float64)[matches.truth_frame]
    if isinstance(mode, SmallMode):
        return np.asarray(areas(box) < mode.share * size.prod(axis=1), dtype=np.bool_)
    return _cut_off(mode, box, size)


def _cut_off(mode: BorderMode, box: FloatArray, size: FloatArray) -> BoolArray:
    outside = (box[:, :2] <= mode.pixels) | (box[:, 2:] >= size - mode.pixels)
    return np.asarray(outside.any(axis=1), dtype=np.bool_)


def _near(mode: NearMode, frames: pd.DataFrame, truth: pd.DataFrame, matches: Matches) -> BoolArray:
    """Return which objects have a box of the label beside them (other than their own)."""
    there = np.flatnonzero((truth["label"] == mode.label).to_numpy())
    frame = frame_of(frames, truth)[there]
    order = np.argsort(frame, kind="stable")
    one, place = joined(matches.truth_frame, frame[order])
    other = there[order[place]]
    box = truth[tables.BOX].to_numpy(dtype=np.float64)
    mine, its = box[matches.truth_row[one]], box[other]
    gap = np.maximum(its[:, :2] - mine[:, 2:], mine[:, :2] - its[:, 2:]).max(axis=1, initial=0.0)
    reach = mode.reach * (mine[:, 2:] - mine[:, :2]).min(axis=1, initial=np.inf)
    beside = (gap <= reach) & (other != matches.truth_row[one])
    return np.bincount(one[beside], minlength=len(matches.truth_row)) > 0


def frame_of(frames: pd.DataFrame, boxes: pd.DataFrame) -> IntArray:
    """Return the position of each box's frame, (n,), -1 where it is none of these."""
    index = pd.Index(frames["frame_id"], dtype=object)
    return np.asarray(index.get_indexer(pd.Index(boxes["frame_id"], dtype=object)), dtype=np.int64)


def failures(part: Slice, who: People, params: StageAParams) -> dict[str, Any]:
    """Count the failure modes.

    Returns:
        A JSON object: ``people``, ``missed``, ``unsure`` (missed, but seen below the threshold);
        ``modes``, a row for each and one named "" for those who have none of them; ``combinations``,
        in which everybody is counted once.
    """
    none = ~np.any([*who.modes.values(), np.zeros(len(who.found), dtype=np.bool_)], axis=0)
    rows = [_mode(part, who, name, has, params) for name, has in who.modes.items()]
    return {
        "people": len(who.found),
        "missed": int(np.count_nonzero(~who.found)),
        "unsure": int(np.count_nonzero(who.unsure)),
        "modes": [*rows, _mode(part, who, "", none, params)],
        "combinations": _combinations(who),
    }


def _mode(part: Slice, who: People, name: str, has: BoolArray, params: StageAParams) -> dict[str, Any]:
    """Count one mode: recall of those who have it, of the others, and the paired difference."""
    stated = who.stated.get(name, np.ones_like(has))
    with_it, without = _recall(part, who, has), _recall(part, who, stated & ~has)
    missed = part.ratio(who.per_frame(has & ~who.found), who.per_frame(~who.found), proportion=True)
    return {
        "name": name,
        "stated": int(np.count_nonzero(stated)),
        "people": int(np.count_nonzero(has)),
        "missed": int(np.count_nonzero(has & ~who.found)),
        "share_of_missed": interval_of(missed, params.interval),
        "recall": interval_of(with_it, params.interval),
        "recall_of_others": interval_of(without, params.interval),
        "difference": interval_of(with_it - without, params.interval),
    }


def _recall(part: Slice, who: People, which: BoolArray) -> Statistic:
    return part.ratio(who.per_frame(which & who.found), who.per_frame(which), proportion=True)


def _combinations(who: People) -> list[dict[str, Any]]:
    """Count the people by all their modes at once, the combinations most often missed first."""
    names = list(who.modes)
    held = np.stack([*who.modes.values(), who.found], axis=1) if names else who.found[:, None]
    kinds, counts = np.unique(held, axis=0, return_counts=True)
    found: dict[tuple[str, ...], dict[str, Any]] = {}
    for kind, count in zip(kinds.tolist(), counts.tolist(), strict=True):
        key = tuple(name for name, has in zip(names, kind[:-1], strict=True) if has)
        row = found.setdefault(key, {"modes": list(key), "people": 0, "missed": 0})
        row["people"] += count
        row["missed"] += 0 if kind[-1] else count
    return sorted(found.values(), key=lambda row: (-row["missed"], row["modes"]))


def by_attribute(part: Slice, who: People, params: StageAParams) -> dict[str, Any]:
    """Return per attribute and value how many people there are, how many were missed, and the recall.

    The value "" stands for those of whom the annotators said nothing.
    """
    return {
        name: {value: _value(part, who, said == value, params) for value in sorted(set(said.tolist()))}
        for name, said in who.said.items()
    }


def _value(part: Slice, who: People, which: BoolArray, params: StageAParams) -> dict[str, Any]:
    return {
        "people": int(np.count_nonzero(which)),
        "missed": int(np.count_nonzero(which & ~who.found)),
        "recall": interval_of(_recall(part, who, which), params.interval),
    }
