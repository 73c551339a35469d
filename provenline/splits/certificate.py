"""The split certificate: may a figure on one side be believed, given what the others have seen?"""

from __future__ import annotations

import dataclasses
from itertools import combinations
from typing import Any

import pandas as pd

from provenline.splits.copies import Copy, Findings
from provenline.splits.params import SPLITS, SplitParams

_WEAK = 2  # frames: a copy found by so few shows no motion, and may be the same empty room
_NAMED = 5  # offenders named in a reason


def certificate(
    frames_with_split: pd.DataFrame, found: Findings, audited: dict[str, Any], params: SplitParams
) -> dict[str, Any]:
    """Return what is known of leaks between the splits, JSON-able.

    Args:
        frames_with_split: Frames table with a column ``split``, and ``unit`` if there is one.
        found: What `copies.search` found in the same frames.
        audited: What `audit.audit` returned for them.
        params: How the frames were split.

    Returns:
        ``verdict`` with its ``reasons`` (sentences; none where it is ``clean``): ``leak`` where single
        frames were split, or a group, unit, media or copy lies on two sides; ``unproven`` where
        something could not be told, or near duplicates across splits are not a static camera's.
        Beside it the facts: ``unit``, ``by``, ``groups_disjoint``, ``media_disjoint``,
        ``units_disjoint``, ``copies`` with their ``splits``, ``cannot_tell`` (media, across sides),
        ``near_duplicates``, ``components``, ``static_cameras``, ``gaps``, ``checked``.
    """
    sides = _sides(frames_with_split)
    copies = [_placed(copy, sides) for copy in found.copies]
    untold = sorted({name for one in found.cannot_tell if len(_of(one, sides)) > 1 for name in one})
    torn_units = _torn(frames_with_split, "unit") if "unit" in frames_with_split else []
    leaks = _leaks(params, audited, copies, torn_units)
    doubts = _doubts(audited, copies, untold, found.unseen)
    return {
        "verdict": "leak" if leaks else "unproven" if doubts else "clean",
        "reasons": [*leaks, *doubts],
        "unit": params.unit,
        "by": list(params.by),
        "groups_disjoint": audited["groups_disjoint"],
        "media_disjoint": audited["media_disjoint"],
        "units_disjoint": not torn_units,
        "copies": copies,
        "cannot_tell": untold,
        "near_duplicates": {
            pair: {key: value for key, value in near.items() if key != "worst"}
            for pair, near in audited["near_duplicates"].items()
        },
        "components": audited["components"],
        "static_cameras": audited["static_cameras"],
        "gaps": audited["gaps"],
        "checked": {
            "frames": len(frames_with_split),
            "media": found.media,
            "pairs": _pairs(frames_with_split),
            "media_pairs": found.pairs,
        },
    }


def _sides(frames: pd.DataFrame) -> dict[str, set[str]]:
    pairs = frames[["media", "split"]].drop_duplicates().itertuples(index=False, name=None)
    sides: dict[str, set[str]] = {}
    for media, split in pairs:
        sides.setdefault(media, set()).add(split)
    return sides


def _of(media: tuple[str, ...], sides: dict[str, set[str]]) -> set[str]:
    return set().union(*(sides[name] for name in media))


def _placed(copy: Copy, sides: dict[str, set[str]]) -> dict[str, Any]:
    both = (copy.first, copy.second)
    return {
        **dataclasses.asdict(copy),
        "splits": ["+".join(sorted(sides[name])) for name in both],
        "same_side": len(_of(both, sides)) == 1,
    }


def _torn(frames: pd.DataFrame, column: str) -> list[str]:
    splits = frames.groupby(column)["split"].nunique()
    return sorted(str(name) for name in splits.index[splits > 1])


def _leaks(
    params: SplitParams, audited: dict[str, Any], copies: list[dict[str, Any]], torn_units: list[str]
) -> list[str]:
    reasons = []
    if params.unit == "frame":
        reasons.append(
            "Single frames were split at random: every side has seen frames of the others' videos."
        )
    torn = {
        "groups": audited["groups_in_several_splits"],
        "media": audited["media_in_several_splits"],
        "units": torn_units if params.unit == "group" else [],
    }
    reasons += [
        f"{len(names)} {what} lie in several splits: {_some(names)}." for what, names in torn.items() if names
    ]
    strong = [_pair(one) for one in copies if not one["same_side"] and one["frames"] > _WEAK]
    if strong:
        reasons.append(f"{len(strong)} pairs of copies lie on two sides: {_some(strong)}.")
    return reasons


def _doubts(
    audited: dict[str, Any], copies: list[dict[str, Any]], untold: list[str], unseen: list[str]
) -> list[str]:
    reasons = []
    weak = [_pair(one) for one in copies if not one["same_side"] and one["frames"] <= _WEAK]
    if weak:
        what = "pairs of media with one or two frames look the same and lie on two sides"
        reasons.append(f"{len(weak)} {what}: {_some(weak)}.")
    if untold:
        what = "media on different sides look alike, and too little moves in them to tell copies"
        reasons.append(f"{len(untold)} {what}: {_some(untold)}.")
    if unseen:
        reasons.append(
            f"{len(unseen)} media have no thumbnails, so only their bytes were compared: {_some(unseen)}."
        )
    near = audited["near_duplicates"]
    for what, counts in (
        (
            "have near duplicates that no static camera explains",
            {p: n["unexplained_group_pairs"] for p, n in near.items()},
        ),
        ("have mirrored near duplicates", {p: n["mirrored"]["group_pairs"] for p, n in near.items()}),
    ):
        if any(counts.values()):
            shown = ", ".join(f"{pair} {count}" for pair, count in counts.items() if count)
            reasons.append(f"{sum(counts.values())} pairs of groups on two sides {what} ({shown}).")
    return reasons


def _pair(copy: dict[str, Any]) -> str:
    return f"{copy['first']} = {copy['second']}{' mirrored' if copy['mirrored'] else ''}"


def _some(names: list[str]) -> str:
    return ", ".join(names[:_NAMED]) + (", ..." if len(names) > _NAMED else "")


def _pairs(frames: pd.DataFrame) -> int:
    counts = {split: int((frames["split"] == split).sum()) for split in SPLITS}
    return sum(counts[a] * counts[b] for a, b in combinations(SPLITS, 2))
