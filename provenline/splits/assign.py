"""Groups are assigned to splits: the ledger's as they were, new ones where most is missing."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from provenline.errors import InputError
from provenline.splits.params import SPLITS, Shares, SplitParams


def groups_of(frames: pd.DataFrame) -> pd.DataFrame:
    """Return the groups of a Frames table.

    Args:
        frames: Frames table, or the part of it that counts.

    Returns:
        Columns group, category (the commonest among its frames), frames; sorted by group.

    Raises:
        InputError: A media, or the same content under two names, lies in two groups.
    """
    for column, what in (("media", "media"), ("media_sha256", "the same content")):
        spread = frames.groupby(column)["group"].nunique()
        if (spread > 1).any():
            rows = frames[frames[column] == sorted(spread.index[spread > 1])[0]]
            pairs = set(zip(rows["media"], rows["group"], strict=True))
            places = [f"'{media}' in '{group}'" for media, group in sorted(pairs)]
            mend = "Give them one group in the media list, or list the media once"
            raise InputError(f"{what} lies in two groups: {' and '.join(places)}", mend=mend)
    counts = frames.groupby(["group", "category"]).size().rename("frames").reset_index()
    commonest = counts.sort_values(["group", "frames", "category"], ascending=[True, False, True])
    groups = commonest.drop_duplicates("group")[["group", "category"]]
    totals = counts.groupby("group")["frames"].sum()
    return groups.assign(frames=groups["group"].map(totals)).reset_index(drop=True)


def assign(groups: pd.DataFrame, ledger: pd.DataFrame, params: SplitParams) -> pd.DataFrame:
    """Assign every group to one split.

    What the ledger holds stays. New groups are taken in an order that follows from the seed. First
    every split gets, within each category, its share rounded down; then what is left over goes to
    the split that lacks most overall, at most up to its share of the category rounded up where that
    is possible. Ties go to the split that lacks more frames. Where at least three groups exist,
    every split with a share gets one, as far as new groups allow.

    Args:
        groups: Columns group, category, frames; one row per group, in any order.
        ledger: Columns group, category, split; groups that are not in ``groups`` are ignored.
        params: Shares and seed.

    Returns:
        Columns group, category, split; sorted by group.

    Raises:
        InputError: A group occurs twice.
    """
    groups = groups.sort_values("group", kind="stable").reset_index(drop=True)
    twice = groups["group"][groups["group"].duplicated()].tolist()
    if twice:
        raise InputError(f"group '{twice[0]}' occurs twice", mend="A group has one row and one category")
    held = dict(zip(ledger["group"], ledger["split"], strict=True))
    state = _State(params.shares, groups)
    order = np.random.default_rng(params.seed).permutation(len(groups))
    new = [number for number in order.tolist() if groups["group"][number] not in held]
    for number, group in enumerate(groups["group"]):
        if group in held:
            state.put(number, held[group])
    rest = [number for number in new if not state.put_whole_share(number)]
    for number in rest:
        state.put(number, state.most_lacking(number))
    state.fill_empty(new)
    split = [state.split[number] for number in range(len(groups))]
    return groups[["group", "category"]].assign(split=split)


@dataclass
class _State:
    """The assignment so far; groups go by their row number."""

    shares: Shares
    groups: pd.DataFrame
    split: dict[int, str] = field(default_factory=dict)
    have: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))  # by category
    frames: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.category = self.groups["category"].tolist()
        self.size = self.groups["frames"].tolist()
        self.of_category = Counter(self.category)

    def put(self, number: int, split: str) -> None:
        before = self.split.get(number)
        if before is not None:
            self.have[self.category[number]][before] -= 1
            self.frames[before] -= self.size[number]
        self.split[number] = split
        self.have[self.category[number]][split] += 1
        self.frames[split] += self.size[number]

    def put_whole_share(self, number: int) -> bool:
        """Put a group where the category lacks a whole group of its share, the largest lack first."""
        category = self.category[number]
        lacks = {s: math.floor(self._share(category, s)) - self.have[category][s] for s in SPLITS}
        best = max(SPLITS, key=lambda s: (lacks[s], self._frames_lacking(s)))
        if lacks[best] > 0:
            self.put(number, best)
        return lacks[best] > 0

    def most_lacking(self, number: int) -> str:
        category = self.category[number]
        allowed = [s for s in SPLITS if self.have[category][s] < math.ceil(self._share(category, s))]
        wanted = allowed or [s for s in SPLITS if self.shares.of(s) > 0]
        return max(wanted, key=lambda s: (round(self._lacking(s), 9), self._frames_lacking(s)))

    def fill_empty(self, new: list[int]) -> None:
        """Give an empty split one of the new groups of the split that has most beyond its share."""
        for split in SPLITS:
            if self._groups(split) or not self.shares.of(split) or len(self.split) < len(SPLITS):
                continue
            movable = [n for n in new if self._groups(self.split[n]) > 1]
            if movable:
                self.put(min(movable, key=lambda n: round(self._lacking(self.split[n]), 9)), split)

    def _share(self, category: str, split: str) -> float:
        # 0.7 * 10 is 7.000000000000001 in binary: rounding up must not make it 8.
        return round(self.shares.of(split) * self.of_category[category], 9)

    def _groups(self, split: str) -> int:
        return sum(counts[split] for counts in self.have.values())

    def _lacking(self, split: str) -> float:
        return float(self.shares.of(split) * len(self.groups) - self._groups(split))

    def _frames_lacking(self, split: str) -> float:
        return float(round(self.shares.of(split) * sum(self.size) - self.frames[split], 6))


def describe(assignment: pd.DataFrame, groups: pd.DataFrame, ledger: pd.DataFrame) -> dict[str, Any]:
    """Return the assignment's counts, JSON-able.

    Args:
        assignment: What ``assign`` returned.
        groups: What it was given.
        ledger: Likewise.

    Returns:
        ``groups`` and ``frames`` per split with their shares, ``categories`` (groups per category
        and split), ``from_ledger``, ``new``, and ``ledger_only`` (accepted, but not in the footage).
    """
    rows = assignment.merge(groups[["group", "frames"]], on="group")
    frames = {s: int(rows.loc[rows["split"] == s, "frames"].sum()) for s in SPLITS}
    count = {s: int((rows["split"] == s).sum()) for s in SPLITS}
    table: dict[str, dict[str, int]] = {}
    for category, split in zip(rows["category"], rows["split"], strict=True):
        table.setdefault(category, dict.fromkeys(SPLITS, 0))[split] += 1
    held = assignment["group"].isin(ledger["group"])
    return {
        "groups": count,
        "frames": frames,
        "share_of_groups": {s: round(count[s] / max(1, len(rows)), 4) for s in SPLITS},
        "share_of_frames": {s: round(frames[s] / max(1, sum(frames.values())), 4) for s in SPLITS},
        "categories": dict(sorted(table.items())),
        "empty_splits": [s for s in SPLITS if not count[s]],
        "from_ledger": int(held.sum()),
        "new": int((~held).sum()),
        "ledger_only": int((~ledger["group"].isin(assignment["group"])).sum()),
    }
