"""Near-duplicate pictures: all pairs of 64-bit difference hashes, exactly, in bounded memory.

Every pair is compared. Looking pairs up by equal parts of the hash (the pigeonhole principle) is far
quicker on hashes that scatter, and slower on those of static cameras, which is what footage is made of.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from provenline.splits.hashes import Bits, Codes, Hashes, hamming, mirror

FAR = 65  # more bits than a hash has
_ROWS, _COLUMNS = 64, 4096  # compared at a time: 2 MB, which stays in a core's cache
_AHEAD = 64  # runs that wait for their turn


@dataclass(frozen=True)
class Part:
    """Frames to compare, those of one group with one hash taken together.

    Attributes:
        hashes: (n,) distinct within their group; one group's lie together, and one scene's groups.
        group: (n,) number of the group.
        scene: (n,) number of the group's scene; pairs within one scene are counted apart.
        weight: (n,) how many frames have this hash in this group.
        inverse: (frames,) which of the n each frame is.
    """

    hashes: Hashes
    group: Codes
    scene: Codes
    weight: Codes
    inverse: Codes

    @classmethod
    def of(cls, hashes: Hashes, group: Codes, scene: Codes) -> Part:
        """Take together what is equal; one value per frame, all frames of a group in one scene."""
        order = np.lexsort((hashes, group, scene))
        h, g = hashes[order], group[order]
        new = np.ones(len(h), dtype=bool)
        new[1:] = (h[1:] != h[:-1]) | (g[1:] != g[:-1])
        inverse = np.empty(len(h), dtype=np.int64)
        inverse[order] = np.cumsum(new) - 1
        weight = np.diff(np.append(np.flatnonzero(new), len(h))).astype(np.int64)
        return cls(h[new], g[new].astype(np.int64), scene[order][new].astype(np.int64), weight, inverse)

    def mirrored(self) -> Part:
        """Return the part as if every picture were mirrored."""
        return replace(self, hashes=mirror(self.hashes))

    @cached_property
    def begins(self) -> Codes:
        """Where each group begins."""
        return np.flatnonzero(np.append(True, np.diff(self.group) != 0)[: len(self.group)])

    def runs(self) -> Iterator[tuple[int, int]]:
        """Yield runs of whole groups of one scene, of ``_ROWS`` rows or more where that is possible."""
        ends = np.append(self.begins[1:], len(self.group)).tolist()
        start = 0
        for end in ends:
            last = end == len(self.group)
            if last or end - start >= _ROWS or self.scene[end] != self.scene[start]:
                yield start, end
                start = end


@dataclass(frozen=True)
class Near:
    """What two parts share.

    Attributes:
        pairs: Pairs of frames that are near duplicates.
        within_scene: Of these, how many lie in one scene.
        group_pairs: Pairs of groups with at least one such pair of frames.
        group_pairs_within_scene: Of these, how many lie in one scene.
        first: (frames of the first part,) bits to the nearest of the second part; ``FAR`` if there is none.
        second: (frames of the second part,) whether a near duplicate lies in the first part.
    """

    pairs: int
    within_scene: int
    group_pairs: int
    group_pairs_within_scene: int
    first: Bits
    second: NDArray[np.bool_]


class Components:
    """Which groups hang together, learnt link by link; ``label`` (groups,) holds the smallest member."""

    def __init__(self, groups: int) -> None:
        self.label = np.arange(groups)

    def join(self, group: int, others: Codes) -> None:
        """Link a group to others."""
        labels = np.append(self.label[others], self.label[group])
        lowest = labels.min()
        if lowest != labels.max():
            wanted = np.zeros(len(self.label), dtype=bool)
            wanted[labels] = True
            self.label[wanted[self.label]] = lowest

    def sizes(self) -> Codes:
        """Return the number of groups in every component of more than one, the largest first."""
        counts = np.bincount(self.label, minlength=len(self.label))
        return np.sort(counts[counts > 1])[::-1].astype(np.int64)


@dataclass
class _Found:
    """What one run of groups of the first part shares with the second part."""

    nearest: Bits
    touched: NDArray[np.bool_]
    close: NDArray[np.bool_]
    pairs: int = 0
    within: int = 0


def compare(a: Part, b: Part, bits: int, components: Components | None = None) -> Near:
    """Compare every frame of one part with every frame of another, on all cores.

    Args:
        a: First part.
        b: Second part.
        bits: Two frames are near duplicates when at most so many bits differ.
        components: Learns which groups are linked, if given.
    """
    nearest = np.full(len(a.hashes), FAR, dtype=np.uint8)
    touched = np.zeros(len(b.hashes), dtype=bool)
    totals = np.zeros(4, dtype=np.int64)
    scenes = b.scene[b.begins]
    for start, found in _runs(a, b, bits, whole=True):
        nearest[start : start + len(found.nearest)] = found.nearest
        touched |= found.touched
        inside = int(found.close[:, scenes == a.scene[start]].sum())
        totals += (found.pairs, found.within, int(found.close.sum()), inside)
        if components is not None:
            _join(components, a, b, start, found)
    pairs, within, group_pairs, inside_pairs = totals.tolist()
    return Near(pairs, within, group_pairs, inside_pairs, nearest[a.inverse], touched[b.inverse])


def link(part: Part, bits: int, components: Components) -> None:
    """Link the groups of one part that have near duplicates of each other; every pair is looked at once."""
    for start, found in _runs(part, part, bits, whole=False):
        _join(components, part, part, start, found)


def _join(components: Components, a: Part, b: Part, start: int, found: _Found) -> None:
    first = int(np.searchsorted(a.begins, start))
    names = b.group[b.begins]
    for number in np.flatnonzero(found.close.any(axis=1)).tolist():
        components.join(int(a.group[a.begins[first + number]]), names[found.close[number]])


def _runs(a: Part, b: Part, bits: int, whole: bool) -> Iterator[tuple[int, _Found]]:
    if not len(a.hashes) or not len(b.hashes):
        return
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        waiting: deque[tuple[int, Future[_Found]]] = deque()
        for start, end in a.runs():
            waiting.append((start, pool.submit(_compare_run, a, b, bits, start, end, whole)))
            if len(waiting) > _AHEAD:
                begun, future = waiting.popleft()
                yield begun, future.result()
        for begun, future in waiting:
            yield begun, future.result()


def _compare_run(a: Part, b: Part, bits: int, start: int, end: int, whole: bool) -> _Found:
    inside = a.begins[(a.begins >= start) & (a.begins < end)] - start
    found = _Found(
        nearest=np.full(end - start, FAR, dtype=np.uint8),
        touched=np.zeros(len(b.hashes), dtype=bool),
        close=np.zeros((len(inside), len(b.begins)), dtype=bool),
    )
    scene = slice(*np.searchsorted(b.scene, [a.scene[start], a.scene[start] + 1]).tolist())
    for top in range(start, end, _ROWS):
        rows = slice(top, min(end, top + _ROWS))
        for left in range(0 if whole else start // _COLUMNS * _COLUMNS, len(b.hashes), _COLUMNS):
            columns = slice(left, min(len(b.hashes), left + _COLUMNS))
            distances = hamming(a.hashes[rows], b.hashes[columns])
            lowest = distances.min(axis=1)
            here = found.nearest[rows.start - start : rows.stop - start]
            np.minimum(here, lowest, out=here)
            if lowest.min() <= bits:
                near = distances <= bits
                _mark(found, near, rows.start - start, inside, b.begins, columns)
                if whole:
                    found.pairs += _weigh(near, a.weight[rows], b.weight[columns])
                    same = slice(max(scene.start, left) - left, max(0, scene.stop - left))
                    found.within += _weigh(near[:, same], a.weight[rows], b.weight[columns][same])
    return found


def _weigh(near: NDArray[np.bool_], rows: Codes, columns: Codes) -> int:
    if not near.size or int(rows.max()) == int(columns.max()) == 1:
        return int(np.count_nonzero(near))
    # Floats multiply much quicker than integers, and single ones count exactly up to 2 ** 24.
    kind = np.float32 if columns.sum() < 1 << 24 else np.float64
    return int(rows @ (near.astype(kind) @ columns.astype(kind)).astype(np.int64))


def _mark(
    found: _Found, near: NDArray[np.bool_], top: int, inside: Codes, begins: Codes, columns: slice
) -> None:
    """Set the frames and the pairs of groups that have a near pair; each group's frames lie together."""
    i, cut_rows = _cuts(inside, top, top + len(near))
    j, cut_columns = _cuts(begins, columns.start, columns.stop)
    by_row = np.logical_or.reduceat(near, cut_rows, axis=0)
    found.touched[columns] |= by_row.any(axis=0)
    by_both = np.logical_or.reduceat(by_row, cut_columns, axis=1)
    found.close[i : i + len(cut_rows), j : j + len(cut_columns)] |= by_both


def _cuts(begins: Codes, start: int, stop: int) -> tuple[int, Codes]:
    """Return the first group that reaches into start..stop, and where each one there begins."""
    first = int(np.searchsorted(begins, start, side="right")) - 1
    last = int(np.searchsorted(begins, stop, side="left"))
    return first, np.maximum(begins[first:last] - start, 0)
