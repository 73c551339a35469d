"""Which side everything is on, and what is to be said of it: units, assignment, floors, warnings."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from provenline import tables
from provenline.errors import InputError
from provenline.splits import floors
from provenline.splits.assign import assign, describe, groups_of, held_units
from provenline.splits.params import SPLITS, SplitParams
from provenline.splits.placing import assign_frames, place
from provenline.splits.units import units_of

if TYPE_CHECKING:
    from provenline.splits.copies import Copy

FEW = 10  # units; under it no verdict can rest on a split
_EMPTY = {
    "train": "nothing can be trained",
    "val": "no epoch and no threshold can be chosen on footage that training has not seen",
    "test": "no figure on held-out development footage can be given",
}


def decide(
    frames: pd.DataFrame,
    boxes: pd.DataFrame,
    ledger: pd.DataFrame,
    classes: Sequence[str],
    copies: Sequence[Copy],
    params: SplitParams,
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Assign everything to a split and describe it.

    Args:
        frames: Frames table.
        boxes: Boxes table; those of each frame's reference annotator count.
        ledger: What ``read_ledger`` returned; ignored where single frames are placed.
        classes: Labels that val and test need enough objects of.
        copies: The media that are one recording, from ``copies.search``.
        params: Everything else.

    Returns:
        The assignment (see ``assign`` and ``assign_frames``), and its description, JSON-able: that of
        ``describe``, and ``unit``, ``by``, ``units``, ``copies``, ``class_floor``, ``rebalanced`` (the
        units that changed sides for a floor) and ``warnings`` (sentences).

    Raises:
        InputError: There is no frame, a media lies in two groups, a unit joins what was accepted in
            different splits, or copies were found and ``copies.action`` is stop.
    """
    if frames.empty:
        raise InputError("there is no frame", mend="Look at the media list and the sampling plan")
    groups = groups_of(frames, params.by, _joined(frames, copies, params.copies.action))
    held: dict[str, str] = {}
    moved: list[dict[str, str]] = []
    if params.unit == "frame":
        assignment = assign_frames(frames, params)
    else:
        held, assignment = held_units(groups, ledger), assign(groups, ledger, params)
    placed = place(frames, assignment)
    truth = tables.truth(frames, boxes, list(classes))
    names = placed.set_index("frame_id")
    by_unit = floors.objects_of(truth, names["unit"], classes)
    if params.unit == "group":
        assignment, moved = _rebalanced(assignment, groups, held, by_unit, params)
        names = place(frames, assignment).set_index("frame_id")
    by_split = floors.objects_of(truth, names["split"], classes)
    report = {
        **describe(assignment, groups, ledger),
        "unit": params.unit,
        "by": list(params.by),
        "units": _units(groups, params),
        "copies": {"action": params.copies.action, "found": [dataclasses.asdict(one) for one in copies]},
        "class_floor": floors.measure(by_split, by_unit, held, params),
        "rebalanced": moved,
    }
    sides = names.drop_duplicates("media").set_index("media")["split"]
    torn = [one for one in copies if sides[one.first] != sides[one.second]]
    return assignment, {**report, "warnings": _warnings(report, groups, assignment, torn, params)}


def _joined(frames: pd.DataFrame, copies: Sequence[Copy], action: str) -> list[tuple[str, str]]:
    group = dict(zip(frames["media"], frames["group"], strict=True))
    apart = [one for one in copies if group[one.first] != group[one.second]]
    if apart and action == "stop":
        first = apart[0]
        others = f" (and {len(apart) - 1} pairs more)" if len(apart) > 1 else ""
        how = f"correlation {first.correlation:.2f}{', mirrored' if first.mirrored else ''}"
        what = f"'{first.first}' and '{first.second}' are one recording in two groups, {how}{others}"
        mend = "Take one out of the media list, give both one group, or set split.copies.action to join"
        raise InputError(what, mend=mend)
    return [(one.first, one.second) for one in apart] if action == "join" else []


def _rebalanced(
    assignment: pd.DataFrame,
    groups: pd.DataFrame,
    held: dict[str, str],
    objects: pd.DataFrame,
    params: SplitParams,
) -> tuple[pd.DataFrame, list[dict[str, str]]]:
    before = dict(zip(assignment["unit"], assignment["split"], strict=True))
    after = floors.rebalance(units_of(groups), before, held, objects, params)
    moved = [
        {"unit": unit, "from": before[unit], "to": after[unit]}
        for unit in sorted(before)
        if before[unit] != after[unit]
    ]
    return assignment.assign(split=assignment["unit"].map(after)), moved


def _units(groups: pd.DataFrame, params: SplitParams) -> dict[str, Any]:
    """Count the units; ``joined`` are those that connect several keys, ``unknown`` groups without a key."""
    largest = units_of(groups).sort_values(["frames", "unit"], ascending=[False, True]).iloc[0]
    keys = groups.groupby("unit")["keys"].agg(lambda lists: sorted({key for one in lists for key in one}))
    members = groups.groupby("unit")["group"].agg(sorted)
    by_group = {"group", "media"} & set(params.by)
    unknown = [] if by_group else [g for g, k in zip(groups["group"], groups["keys"], strict=True) if g in k]
    return {
        "count": len(keys),
        "joined": [
            {"unit": unit, "keys": own, "groups": members[str(unit)]}
            for unit, own in keys.items()
            if len(own) > 1
        ],
        "unknown": len(unknown),
        "largest": {
            "unit": largest["unit"],
            "groups": len(members[largest["unit"]]),
            "share_of_frames": round(int(largest["frames"]) / int(groups["frames"].sum()), 4),
        },
    }


def _warnings(
    report: dict[str, Any],
    groups: pd.DataFrame,
    assignment: pd.DataFrame,
    torn: Sequence[Copy],
    params: SplitParams,
) -> list[str]:
    found = []
    units = report["units"]
    if params.unit == "frame":
        found.append("single frames were placed at random, which leaks: this only serves to measure the leak")
    else:
        found += _small(assignment, units["count"], params)
        largest, share = units["largest"], units["largest"]["share_of_frames"]
        if share > 0.5 and units["count"] > 1:
            what = f"unit '{largest['unit']}' ({largest['groups']} groups) holds {share:.0%} of all frames"
            found.append(f"{what}: the shares cannot be kept, and its side weighs more than all others")
        if units["unknown"]:
            what = f"{units['unknown']} of {len(groups)} groups lack {' or '.join(params.by)}"
            found.append(f"{what} in some frame: each of them stands for itself there")
    for copy in torn if params.unit == "group" else []:
        found.append(f"'{copy.first}' and '{copy.second}' are one recording and lie in different splits")
    for row in report["class_floor"]:
        if not row["met"]:
            what = f"{row['class']}: {row['objects']} objects in {row['split']}, the floor is {row['floor']}"
            found.append(f"{what}: a figure on them measures nothing ({row['reason']})")
    return found


def _small(assignment: pd.DataFrame, count: int, params: SplitParams) -> list[str]:
    units = assignment.drop_duplicates("unit")["split"].value_counts()
    wanted = [split for split in SPLITS if params.shares.of(split)]
    found = []
    if count < len(wanted):
        found.append(f"{count} unit{'s' * (count > 1)}: too few for {', '.join(wanted)}")
    for split in wanted:
        own = int(units.get(split, 0))
        if not own:
            found.append(f"{split} is empty: {_EMPTY[split]}")
        elif own < FEW and split == "test":
            found.append(f"test holds {own} unit{'s' * (own > 1)}: no verdict can rest on fewer than {FEW}")
        elif own == 1 and split == "val":
            found.append("val holds 1 unit: an epoch or a threshold that is chosen on it suits that one")
    return found
