"""The leakage audit: what the splits share, computed from the assignment and never assumed."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from provenline.errors import InputError
from provenline.splits.params import SPLITS, SplitParams

Hashes = NDArray[np.uint64]

_CHUNK = 1 << 21  # pairs compared at a time: some tens of megabytes
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
        ``near_duplicates`` per pair of splits: pairs of frames, frames concerned on each side, pairs
        of groups and the closest examples; ``cameras`` and ``days`` shared per pair of splits, which
        is a fact about the footage and no error.
    """
    frames = frames_with_split.sort_values("frame_id", kind="stable").reset_index(drop=True)
    groups, media = _spread(frames, "group"), _spread(frames, "media_sha256")
    parts = {split: frames[frames["split"] == split].reset_index(drop=True) for split in SPLITS}
    pairs = list(combinations(SPLITS, 2))
    return {
        "groups_disjoint": not groups,
        "groups_in_several_splits": groups,
        "media_disjoint": not media,
        "media_in_several_splits": media,
        "near_duplicate_bits": params.near_duplicate_bits,
        "near_duplicates": {
            f"{a}-{b}": _near_duplicates(parts[a], parts[b], params.near_duplicate_bits) for a, b in pairs
        },
        "cameras": {f"{a}-{b}": _shared(parts[a], parts[b], ["camera"]) for a, b in pairs},
        "days": {f"{a}-{b}": _shared(parts[a], parts[b], ["camera", "day"]) for a, b in pairs},
    }


def parse_hashes(frames: pd.DataFrame) -> Hashes:
    """Return the frames' difference hashes as 64-bit numbers.

    Raises:
        InputError: One is not 16 hexadecimal digits.
    """
    wrong = frames.loc[~frames["dhash"].str.fullmatch("[0-9a-fA-F]{16}"), ["frame_id", "dhash"]]
    for frame_id, text in wrong.itertuples(index=False, name=None):
        raise InputError(f"dhash '{text}' is not 16 hexadecimal digits", place=f"frame {frame_id}")
    return np.array([int(text, 16) for text in frames["dhash"]], dtype=np.uint64)


def hamming(a: Hashes, b: Hashes) -> NDArray[np.uint8]:
    """Return the (n, m) numbers of bits in which (n,) and (m,) 64-bit numbers differ.

    Method: the population count of H. S. Warren, "Hacker's Delight", 5-1.
    """
    x = a[:, None] ^ b[None, :]
    ones, twos, fours = (
        np.uint64(mask) for mask in (0x5555555555555555, 0x3333333333333333, 0x0F0F0F0F0F0F0F0F)
    )
    x = x - ((x >> np.uint64(1)) & ones)
    x = (x & twos) + ((x >> np.uint64(2)) & twos)
    x = (x + (x >> np.uint64(4))) & fours
    return ((x * np.uint64(0x0101010101010101)) >> np.uint64(56)).astype(np.uint8)


def _near_duplicates(a: pd.DataFrame, b: pd.DataFrame, bits: int) -> dict[str, Any]:
    hashes_a, hashes_b = parse_hashes(a), parse_hashes(b)
    step = max(1, _CHUNK // max(1, len(b)))
    touched_a, touched_b = np.zeros(len(a), dtype=bool), np.zeros(len(b), dtype=bool)
    groups_a, names_a = pd.factorize(a["group"], sort=True)
    groups_b, names_b = pd.factorize(b["group"], sort=True)
    close = np.zeros((len(names_a), len(names_b)), dtype=bool)
    worst: list[tuple[int, int, int]] = []
    pairs = 0
    for start in range(0, len(a) if len(b) else 0, step):
        distances = hamming(hashes_a[start : start + step], hashes_b)
        rows, columns = np.nonzero(distances <= bits)
        found = distances[rows, columns]
        rows = rows + start
        pairs += len(rows)
        touched_a[rows], touched_b[columns] = True, True
        close[groups_a[rows], groups_b[columns]] = True
        first = np.argsort(found, kind="stable")[:_WORST]
        here = zip(found[first].tolist(), rows[first].tolist(), columns[first].tolist(), strict=True)
        worst = sorted([*worst, *here])[:_WORST]
    return {
        "pairs": pairs,
        "frames_first": int(touched_a.sum()),
        "frames_second": int(touched_b.sum()),
        "group_pairs": int(close.sum()),
        "worst": [_example(a, b, *one) for one in worst],
    }


def _example(a: pd.DataFrame, b: pd.DataFrame, bits: int, row: int, column: int) -> dict[str, Any]:
    return {
        "frames": [a["frame_id"][row], b["frame_id"][column]],
        "groups": [a["group"][row], b["group"][column]],
        "bits": bits,
    }


def _spread(frames: pd.DataFrame, column: str) -> list[str]:
    splits = frames.groupby(column)["split"].nunique()
    return sorted(str(name) for name in splits.index[splits > 1])


def _shared(a: pd.DataFrame, b: pd.DataFrame, columns: Sequence[str]) -> list[str]:
    """Return what both parts have; what the media list left empty is shared with nobody."""
    values = [
        {" ".join(row) for row in part[list(columns)].itertuples(index=False, name=None) if all(row)}
        for part in (a, b)
    ]
    return sorted(values[0] & values[1])
