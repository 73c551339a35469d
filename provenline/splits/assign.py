"""Units are assigned to splits: the ledger's as they were, new ones where most is missing."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from provenline.errors import InputError
from provenline.splits.ledger import facts
from provenline.splits.params import SPLITS, Shares, SplitParams
from provenline.splits.units import commonest, connect, units_of


def groups_of(
    frames: pd.DataFrame, by: Sequence[str] = ("group",), same: Iterable[tuple[str, str]] = ()
) -> pd.DataFrame:
    """Return the groups of a Frames table, and which unit each belongs to.

    Args:
        frames: Frames table, or the part of it that counts.
        by: Columns whose combination a split may not cut.
        same: Pairs of media names that are one recording.

    Returns:
        Columns group, category (the commonest among its frames), frames, keys and unit (see
        ``units.connect``); sorted by group.

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
    totals = counts.groupby("group")["frames"].sum()
    keys, unit = connect(frames, by, same)
    groups = commonest(counts, "group")
    return groups.assign(
        frames=groups["group"].map(totals),
        keys=groups["group"].map(keys),
        unit=groups["group"].map(unit),
    )


def assign(groups: pd.DataFrame, ledger: pd.DataFrame, params: SplitParams) -> pd.DataFrame:
    """Assign every group to one split; the groups of one unit to the same.

    What the ledger holds stays. New units are taken in an order that follows from the seed. First
    every split gets, within each category, its share rounded down; then what is left over goes to
    the split that lacks most overall, at most up to its share of the category rounded up where that
    is possible. Ties go to the split that lacks more frames. Where at least three units exist,
    every split with a share gets one, as far as new units allow.

    Args:
        groups: What ``groups_of`` returns, in any order.
        ledger: Columns group, category, split, and unit if it holds one; groups that are not in
            ``groups`` are ignored.
        params: Shares and seed.

    Returns:
        Columns group, category, unit, split; sorted by group.

    Raises:
        InputError: A group occurs twice, or a unit joins what the ledger has accepted in different
            splits.
    """
    groups = groups.sort_values("group", kind="stable").reset_index(drop=True)
    twice = groups["group"][groups["group"].duplicated()].tolist()
    if twice:
        raise InputError(f"group '{twice[0]}' occurs twice", mend="A group has one row and one category")
    units, held = units_of(groups), held_units(groups, ledger)
    state = _State(params.shares, units)
    order = np.random.default_rng(params.seed).permutation(len(units))
    new = [number for number in order.tolist() if units["unit"][number] not in held]
    for number, unit in enumerate(units["unit"]):
        if unit in held:
            state.put(number, held[unit])
    rest = [number for number in new if not state.put_whole_share(number)]
    for number in rest:
        state.put(number, state.most_lacking(number))
    state.fill_empty(new)
    split = {unit: state.split[number] for number, unit in enumerate(units["unit"])}
    return groups[["group", "category", "unit"]].assign(split=groups["unit"].map(split))


def held_units(groups: pd.DataFrame, ledger: pd.DataFrame) -> dict[str, str]:
    """Return the split of every unit that the ledger decides: unit -> split.

    A unit is held by its groups; where none of them was accepted, by its keys: new footage of a
    camera whose accepted footage is gone stays on the camera's side.

    Args:
        groups: What ``groups_of`` returns.
        ledger: Columns group, split, and unit if it holds one.

    Raises:
        InputError: A unit joins what was accepted in different splits.
    """
    by_group = dict(zip(ledger["group"], ledger["split"], strict=True))
    by_key = dict(zip(ledger.get("unit", ledger["group"]), ledger["split"], strict=True))
    own: dict[str, dict[str, str]] = {}
    through_keys: dict[str, dict[str, str]] = {}
    for group, unit, keys in zip(groups["group"], groups["unit"], groups["keys"], strict=True):
        if group in by_group:
            own.setdefault(unit, {})[group] = by_group[group]
        through_keys.setdefault(unit, {}).update({key: by_key[key] for key in keys if key in by_key})
    return {
        unit: _one_side(unit, own.get(unit) or accepted)
        for unit, accepted in through_keys.items()
        if unit in own or accepted
    }


def _one_side(unit: str, accepted: dict[str, str]) -> str:
    sides = {split: name for name, split in sorted(accepted.items(), reverse=True)}
    if len(sides) > 1:
        places = " and ".join(f"'{name}' in {split}" for split, name in sorted(sides.items()))
        what = f"unit '{unit}' joins what the ledger has accepted in different splits: {places}"
        mend = (
            "Leave one of them out of the media list, split by other columns (split.by), "
            "or set split.copies.action to report if they were joined as copies and are none"
        )
        raise InputError(what, mend=mend)
    return next(iter(sides))


@dataclass
class _State:
    """The assignment so far; units go by their row number."""

    shares: Shares
    units: pd.DataFrame
    split: dict[int, str] = field(default_factory=dict)
    have: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))  # by category
    frames: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.category = self.units["category"].tolist()
        self.size = self.units["frames"].tolist()
        self.total = sum(self.size)
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
        """Put a unit where the category lacks a whole unit of its share, the largest lack first."""
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
        """Give an empty split one of the new units of the split that has most beyond its share."""
        for split in SPLITS:
            if self._units(split) or not self.shares.of(split) or len(self.split) < len(SPLITS):
                continue
            movable = [n for n in new if self._units(self.split[n]) > 1]
            if movable:
                self.put(min(movable, key=lambda n: round(self._lacking(self.split[n]), 9)), split)

    def _share(self, category: str, split: str) -> float:
        # 0.7 * 10 is 7.000000000000001 in binary: rounding up must not make it 8.
        return round(self.shares.of(split) * self.of_category[category], 9)

    def _units(self, split: str) -> int:
        return sum(counts[split] for counts in self.have.values())

    def _lacking(self, split: str) -> float:
        return float(self.shares.of(split) * len(self.units) - self._units(split))

    def _frames_lacking(self, split: str) -> float:
        return float(round(self.shares.of(split) * self.total - self.frames[split], 6))


def describe(assignment: pd.DataFrame, groups: pd.DataFrame, ledger: pd.DataFrame) -> dict[str, Any]:
    """Return the assignment's counts, JSON-able.

    Args:
        assignment: What ``assign`` or ``assign_frames`` returned.
        groups: What ``groups_of`` returned.
        ledger: The ledger.

    Returns:
        ``groups`` and ``frames`` per split with their shares, ``categories`` (groups per category
        and split), ``from_ledger``, ``new``, ``ledger_only`` (accepted, but not in the footage), and
        ``ledger`` (rows, sha256, sealed). Where single frames were placed, a group counts in every
        split that has some of it.
    """
    rows = assignment.drop_duplicates(["group", "split"])
    count = {s: int((rows["split"] == s).sum()) for s in SPLITS}
    if "frame_id" in assignment:
        frames = {s: int((assignment["split"] == s).sum()) for s in SPLITS}
    else:
        sizes = rows["group"].map(dict(zip(groups["group"], groups["frames"], strict=True)))
        frames = {s: int(sizes[rows["split"] == s].sum()) for s in SPLITS}
    table: dict[str, dict[str, int]] = {}
    for category, split in zip(rows["category"], rows["split"], strict=True):
        table.setdefault(category, dict.fromkeys(SPLITS, 0))[split] += 1
    held = groups["group"].isin(ledger["group"])
    return {
        "groups": count,
        "frames": frames,
        "share_of_groups": {s: round(count[s] / max(1, len(groups)), 4) for s in SPLITS},
        "share_of_frames": {s: round(frames[s] / max(1, sum(frames.values())), 4) for s in SPLITS},
        "categories": dict(sorted(table.items())),
        "empty_splits": [s for s in SPLITS if not count[s]],
        "from_ledger": int(held.sum()),
        "new": int((~held).sum()),
        "ledger_only": int((~ledger["group"].isin(groups["group"])).sum()),
        "ledger": facts(ledger),
    }
