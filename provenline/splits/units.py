"""Units: what a split may not cut. Groups that share a camera, a day or a recording are one unit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pandas as pd


def connect(
    frames: pd.DataFrame, by: Sequence[str], same: Iterable[tuple[str, str]]
) -> tuple[dict[str, tuple[str, ...]], dict[str, str]]:
    """Return which groups of a Frames table belong to one unit.

    A unit is a connected component: groups that share a key (the values of the columns ``by``) or of
    which ``same`` says that they show one recording. A frame that lacks one of the values has its
    group for a key: what is unknown is never thrown together.

    Args:
        frames: Frames table.
        by: Columns whose combination may not be cut. A ``group`` is never cut, so that with ``group``
            or ``media`` among them every group is a unit of its own.
        same: Pairs of media names that are one recording.

    Returns:
        The keys of every group, sorted; and the unit of every group, which is called by the first,
        in the order of the alphabet, of all the keys that it connects.
    """
    keys = _keys(frames, by)
    union = _Union()
    for own in keys.values():
        for key in own:
            union.join(own[0], key)
    group_of = dict(zip(frames["media"], frames["group"], strict=True))
    for first, second in same:
        union.join(keys[group_of[first]][0], keys[group_of[second]][0])
    return keys, {group: union.first(own[0]) for group, own in keys.items()}


def units_of(groups: pd.DataFrame) -> pd.DataFrame:
    """Return the units of a table of groups.

    Args:
        groups: Columns group, category, frames, unit; one row per group.

    Returns:
        Columns unit, category (that of most of its frames, by the groups' categories), frames; sorted
        by unit.
    """
    counts = groups.groupby(["unit", "category"])["frames"].sum().reset_index()
    units = commonest(counts, "unit")
    return units.assign(frames=units["unit"].map(groups.groupby("unit")["frames"].sum()))


def commonest(counts: pd.DataFrame, name: str) -> pd.DataFrame:
    """Return the category with most ``frames`` for each ``name``; ties go by the alphabet."""
    ordered = counts.sort_values([name, "frames", "category"], ascending=[True, False, True])
    return ordered.drop_duplicates(name)[[name, "category"]].reset_index(drop=True)


def _keys(frames: pd.DataFrame, by: Sequence[str]) -> dict[str, tuple[str, ...]]:
    # A group is never cut, so a combination that holds it (or a media, which lies in one) is no wider.
    columns = [] if {"group", "media"} & set(by) else list(by)
    found: dict[str, set[str]] = {}
    for row in frames[["group", *columns]].drop_duplicates().itertuples(index=False, name=None):
        group, values = row[0], row[1:]
        known = bool(values) and all(value.strip() for value in values)
        key = " ".join(f"{name}={value}" for name, value in zip(columns, values, strict=True))
        found.setdefault(group, set()).add(key if known else group)
    return {group: tuple(sorted(keys)) for group, keys in found.items()}


class _Union:
    """Disjoint sets of names; a set is known by its first name, so the name hangs on no order."""

    def __init__(self) -> None:
        self._above: dict[str, str] = {}

    def first(self, name: str) -> str:
        above = self._above.setdefault(name, name)
        while above != name:
            self._above[name] = self._above[above]
            name, above = above, self._above[above]
        return name

    def join(self, a: str, b: str) -> None:
        low, high = sorted((self.first(a), self.first(b)))
        self._above[high] = low
