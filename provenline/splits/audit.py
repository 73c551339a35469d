"""The leakage audit: what the splits share, computed from the assignment and never assumed."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from provenline.errors import InputError
from provenline.splits.hashes import Bits, Codes, Hashes, hamming, parse_hashes
from provenline.splits.nearest import Components, Part, compare, link
from provenline.splits.params import SPLITS, SplitParams
from provenline.splits.scenes import gaps, scene_codes, static_cameras

_WORST = 10


def with_split(frames: pd.DataFrame, assignment: pd.DataFrame) -> pd.DataFrame:
    """Return the frames with a column ``split``.

    Raises:
        InputError: A frame's group is not in the assignment, or is in two splits.
    """
    one = assignment.drop_duplicates(["group", "split"])
    twice = one["group"][one["group"].duplicated()].tolist()
    if twice:
        raise InputError(f"group '{twice[0]}' is in two splits", mend="One group, one split")
    splits = dict(zip(one["group"], one["split"], strict=True))
    missing = sorted(set(frames["group"]) - splits.keys())
    if missing:
        raise InputError(f"group '{missing[0]}' has no split", mend="Run `dvc repro split`")
    return frames.assign(split=[splits[group] for group in frames["group"]])


def audit(frames_with_split: pd.DataFrame, params: SplitParams) -> dict[str, Any]:
    """Look for what several splits share.

    Args:
        frames_with_split: Frames table with a column ``split``.
        params: ``near_duplicate_bits``.

    Returns:
        ``groups_disjoint`` and ``media_disjoint`` (must be true) with the offenders;
        ``near_duplicates`` per pair of splits (see `near_duplicates`); ``components``: groups that
        near duplicates link, directly or through others; ``static_cameras``, which explain such links;
        ``gaps`` in time between the sides of a camera; ``cameras`` and ``days`` shared per pair of
        splits, which is a fact about the footage and no error.

    Raises:
        InputError: A difference hash is broken.
    """
    frames = frames_with_split.sort_values("frame_id", kind="stable").reset_index(drop=True)
    groups, media = _spread(frames, "group"), _spread(frames, "media_sha256")
    parts = {split: frames[frames["split"] == split].reset_index(drop=True) for split in SPLITS}
    pairs = list(combinations(SPLITS, 2))
    hashes = parse_hashes(frames)
    static = static_cameras(frames, hashes, params.near_duplicate_bits)
    near, components = near_duplicates(frames, hashes, scene_codes(frames, static), params)
    return {
        "groups_disjoint": not groups,
        "groups_in_several_splits": groups,
        "media_disjoint": not media,
        "media_in_several_splits": media,
        "near_duplicate_bits": params.near_duplicate_bits,
        "near_duplicates": near,
        "components": components,
        "static_cameras": static,
        "gaps": gaps(frames),
        "cameras": {f"{a}-{b}": _shared(parts[a], parts[b], ["camera"]) for a, b in pairs},
        "days": {f"{a}-{b}": _shared(parts[a], parts[b], ["camera", "day"]) for a, b in pairs},
    }


def near_duplicates(
    frames: pd.DataFrame, hashes: Hashes, scenes: Codes, params: SplitParams
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Compare all frames with all others by their difference hashes.

    Args:
        frames: Frames table with a column ``split``, sorted by frame_id.
        hashes: The frames' hashes.
        scenes: One number per frame; pairs within one scene are those of a static camera.
        params: ``near_duplicate_bits``.

    Returns:
        Per pair of splits: ``pairs`` of frames, ``frames_first`` and ``frames_second`` concerned,
        ``group_pairs``, the closest examples (``worst``), how much of it a static camera explains
        (``static_pairs``, ``static_share``, ``unexplained_group_pairs``), and ``mirrored`` pairs of
        frames and of groups. And of the groups: how many ``components`` of several they form, and the
        ``largest``, with its share of all groups.
    """
    bits = params.near_duplicate_bits
    codes, names = pd.factorize(frames["group"], sort=True)
    where = {split: np.flatnonzero(frames["split"] == split) for split in SPLITS}
    parts = {s: Part.of(hashes[rows], codes[rows], scenes[rows]) for s, rows in where.items()}
    components = Components(len(names))
    for part in parts.values():
        link(part, bits, components)
    near = {}
    for a, b in combinations(SPLITS, 2):
        found = compare(parts[a], parts[b], bits, components)
        mirrored = compare(parts[a], parts[b].mirrored(), bits)
        near[f"{a}-{b}"] = {
            "pairs": found.pairs,
            "frames_first": int((found.first <= bits).sum()),
            "frames_second": int(found.second.sum()),
            "group_pairs": found.group_pairs,
            "worst": _worst(frames, hashes, where[a], where[b], found.first, bits),
            "static_pairs": found.within_scene,
            "static_share": round(found.within_scene / found.pairs, 4) if found.pairs else None,
            "unexplained_group_pairs": found.group_pairs - found.group_pairs_within_scene,
            "mirrored": {"pairs": mirrored.pairs, "group_pairs": mirrored.group_pairs},
        }
    sizes = components.sizes()
    largest = int(sizes[0]) if len(sizes) else 0
    share = round(largest / len(names), 4) if len(names) else 0.0
    return near, {"count": len(sizes), "largest": largest, "largest_share": share, "groups": len(names)}


def _worst(
    frames: pd.DataFrame, hashes: Hashes, first: Codes, second: Codes, nearest: Bits, bits: int
) -> list[dict[str, Any]]:
    """Return the closest pairs; each lies in one of the frames that come first by their own nearest."""
    rows = np.argsort(nearest, kind="stable")[:_WORST]
    rows = rows[nearest[rows] <= bits]
    distances = hamming(hashes[first[rows]], hashes[second])
    at = np.argwhere(distances <= bits)
    found = sorted((int(distances[i, j]), int(rows[i]), int(j)) for i, j in at)[:_WORST]
    return [
        {
            "frames": [frames["frame_id"][first[i]], frames["frame_id"][second[j]]],
            "groups": [frames["group"][first[i]], frames["group"][second[j]]],
            "bits": distance,
        }
        for distance, i, j in found
    ]


def _spread(frames: pd.DataFrame, column: str) -> list[str]:
    splits = frames.groupby(column)["split"].nunique()
    return sorted(str(name) for name in splits.index[splits > 1])


def _shared(a: pd.DataFrame, b: pd.DataFrame, columns: Sequence[str]) -> list[str]:
    """Return what both parts have; what the media list left empty is shared with nobody."""
    values = [
        {
            " ".join(row)
            for row in part[list(columns)].drop_duplicates().itertuples(index=False, name=None)
            if all(row)
        }
        for part in (a, b)
    ]
    return sorted(values[0] & values[1])
