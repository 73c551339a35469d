"""Which recordings are worth comparing, and at which offset: found by single frames that agree."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import product

import numpy as np
from numpy.typing import NDArray

from provenline.splits.motion import SIDE, Clip, Times, Vectors, centred, flip
from provenline.splits.nearest import Components

Numbers = NDArray[np.int64]
Suggestion = tuple[int, int, bool, int]  # first, second, mirrored, offset in milliseconds
_Vote = tuple[int, int, int, int]  # shorter, longer, offset, number of frames that agree

_ASKED = 6  # frames of each recording that are looked for in all others
AT_ONCE_MS = 250  # most that the times of one moment differ at different frame rates
_ALIKE = 0.5  # correlation of the mean pictures under which recordings cannot be the same
_AGREE = 0.7  # correlation of one frame's motion, on 8 x 8 cells, which is coarse
_VOTES = 2  # frames that must agree at one offset
_OFFSETS = 3  # tried per pair
_STRONG = 0.5  # length of a vector from which on its direction means something
_CLIPS, _COLUMNS = 64, 2048  # recordings whose frames are looked for at a time, frames they are compared with


def period(times: Times) -> float:
    """Return the usual distance of (n,) ascending times in milliseconds; 0 for fewer than two."""
    return float(np.median(np.diff(times))) if len(times) > 1 else 0.0


def suggest(clips: Sequence[Clip], across: bool) -> Iterator[Suggestion]:
    """Yield pairs of recordings in which at least two frames agree at one offset.

    The strongest frames of every recording are compared with all frames of all longer ones, by
    products of matrices: so a copy is found at any offset, and a cut of a recording in the whole.

    Args:
        clips: With something that moves.
        across: Only pairs of the two tables.

    Yields:
        Number of the first, of the second (the first lies before it), whether one is mirrored, and the
        offset: what the first shows at a moment, the second shows so much later.
    """
    for cluster in _look_alike(clips):
        for first, second, mirrored, offset in _suggest([clips[n] for n in cluster], across):
            yield int(cluster[first]), int(cluster[second]), mirrored, offset


def _look_alike(clips: Sequence[Clip]) -> Iterator[Numbers]:
    """Yield the sets of two or more recordings whose mean pictures are at all alike, mirrored or not."""
    if len(clips) < 2:
        return
    means = centred(np.stack([clip.pictures.mean(axis=0) for clip in clips]))
    turned, components = flip(means), Components(len(clips))
    for top in range(0, len(clips), _CLIPS):
        block = means[top : top + _CLIPS]
        for row, alike in enumerate(np.maximum(block @ means.T, block @ turned.T) >= _ALIKE):
            components.join(top + row, np.flatnonzero(alike))
    for label in np.unique(components.label):
        members = np.flatnonzero(components.label == label)
        if len(members) > 1:
            yield members


def _suggest(clips: Sequence[Clip], across: bool) -> Iterator[Suggestion]:
    votes: defaultdict[tuple[int, int, bool], dict[int, tuple[int, int]]] = defaultdict(dict)
    order = sorted(range(len(clips)), key=lambda n: (int(clips[n].times[-1] - clips[n].times[0]), n))
    ordered = [clips[n] for n in order]
    for kind, mirrored in product(("moving", "changing"), (False, True)):
        for shorter, longer, later, count in _votes(ordered, kind, mirrored, across):
            i, j = order[shorter], order[longer]
            first, second, offset = (i, j, later) if i < j else (j, i, -later)
            held = votes[first, second, mirrored]
            step = offset // max(1, round(max(period(clips[i].times), period(clips[j].times))))
            held[step] = max(held.get(step, (0, 0)), (count, offset))
    for (first, second, mirrored), found in sorted(votes.items()):
        offsets = [offset for _, offset in sorted(found.values(), reverse=True)[:_OFFSETS]]
        # At different frame rates one moment has slightly different times.
        for offset in dict.fromkeys(0 if abs(offset) <= AT_ONCE_MS else offset for offset in offsets):
            yield first, second, mirrored, offset


def _votes(clips: Sequence[Clip], kind: str, mirrored: bool, across: bool) -> Iterator[_Vote]:
    """Yield what frames agree on, for clips in order of their length."""
    vectors = np.concatenate([_coarse(getattr(clip, kind)) for clip in clips])
    times = np.concatenate([clip.times for clip in clips])
    lengths = [len(clip.times) for clip in clips]
    owner, starts = np.repeat(np.arange(len(clips)), lengths), np.cumsum([0, *lengths])
    steps = np.array([max(1.0, period(clip.times)) for clip in clips])
    table = np.array([clip.table for clip in clips])
    for low in range(0, len(clips), _CLIPS):
        block = range(low, min(len(clips), low + _CLIPS))
        asked = np.concatenate([_strongest(getattr(clips[n], kind)) + starts[n] for n in block])
        queries = vectors[asked]
        if mirrored:
            queries = queries.reshape(-1, SIDE // 2, SIDE // 2)[:, :, ::-1].reshape(queries.shape)
        query, frame = _agreeing(queries, vectors[starts[low] :])
        query, frame = asked[query], frame + starts[low]
        a, b = owner[query], owner[frame]
        kept = (a < b) & ((table[a] != table[b]) | (not across))
        query, frame, a, b = query[kept], frame[kept], a[kept], b[kept]
        if len(query):
            yield from _count(a, b, query, times[frame] - times[query], np.maximum(steps[a], steps[b]))


def _agreeing(queries: Vectors, vectors: Vectors) -> tuple[Numbers, Numbers]:
    """Return the numbers of the queries and of the vectors that agree."""
    rows, columns = [np.empty(0, dtype=np.int64)], [np.empty(0, dtype=np.int64)]
    for left in range(0, len(vectors), _COLUMNS):
        part = vectors[left : left + _COLUMNS]
        # Much quicker than nonzero() on two dimensions.
        hits = np.flatnonzero((queries @ part.T >= _AGREE).ravel())
        rows.append(hits // len(part))
        columns.append(hits % len(part) + left)
    return np.concatenate(rows), np.concatenate(columns)


def _count(
    a: Numbers, b: Numbers, query: Numbers, offset: Times, step: NDArray[np.float64]
) -> Iterator[_Vote]:
    # Offsets of one copy scatter by a frame or so: two rulers, so that none lies on both rulers' marks.
    for shift in (0.0, 0.5):
        bins = np.floor(offset / step + shift).astype(np.int64)
        order = np.lexsort((query, bins, b, a))
        keys = np.stack([a, b, bins, query], axis=1)[order]
        once = np.append(True, (np.diff(keys, axis=0) != 0).any(axis=1))
        keys, offsets = keys[once], offset[order][once]
        starts = np.flatnonzero(np.append(True, (np.diff(keys[:, :3], axis=0) != 0).any(axis=1)))
        counts = np.diff(np.append(starts, len(keys)))
        enough = counts >= _VOTES
        for at, count in zip(starts[enough].tolist(), counts[enough].tolist(), strict=True):
            middle = int(np.sort(offsets[at : at + count])[count // 2])
            yield int(keys[at, 0]), int(keys[at, 1]), middle, count


def _strongest(vectors: Vectors) -> Numbers:
    """Return the frames in which most moves, one of each stretch of the recording."""
    strength = np.linalg.norm(vectors, axis=1)
    parts = [part for part in np.array_split(np.arange(len(strength)), _ASKED) if len(part)]
    return np.array([part[np.argmax(strength[part])] for part in parts])


def _coarse(vectors: Vectors) -> Vectors:
    """Return (n, 256) vectors on 8 x 8 cells, (n, 64), of length 1, or 0 where little moves."""
    half = SIDE // 2
    grid = vectors.reshape(-1, SIDE, SIDE)
    rows = grid[:, ::2] + grid[:, 1::2]
    cells = (rows[:, :, ::2] + rows[:, :, 1::2]).reshape(-1, half * half)
    length = np.linalg.norm(cells, axis=1, keepdims=True)
    strong = np.linalg.norm(vectors, axis=1, keepdims=True) > _STRONG
    result: Vectors = np.where(strong, cells / np.maximum(length, 1e-6), 0).astype(np.float32)
    return result
