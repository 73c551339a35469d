"""Precision at COCO's 101 recalls for many weightings of the groups at once, exactly.

What a detection hit is decided once; a replicate only counts each group's detections a number of
times. So the detections are walked through once, best first, with all replicates side by side: one
row of numbers per true positive, one column per replicate. Only true positives need a row: recall
moves nowhere else, and the precision envelope takes its values there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from provenline.evaluation.pairing import BoolArray, FloatArray, IntArray

RECALLS: FloatArray = np.linspace(0.0, 1.0, 101)
_BLOCK = 1_000_000  # array elements in memory at once
_EXACT = 2**24  # beyond, single precision no longer holds every whole number
_NARROW = 64  # columns

Rows = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Ranked:
    """Detections of one label that count, best first, and what they hit at T thresholds.

    Attributes:
        group: Group of each detection, (D,).
        hit: Which are true positives, (T, D).
        truths: Objects of each group, (G,).
    """

    group: IntArray
    hit: BoolArray
    truths: FloatArray


def interpolated(ranked: Ranked, weights: FloatArray, *, single: bool = False) -> FloatArray:
    """Return the interpolated precision at 101 recalls (pycocotools ``COCOeval.accumulate``).

    Args:
        ranked: Of one label.
        weights: How often each group counts, whole numbers, (R, G).
        single: Divide in single precision: half the time, and some 1e-8 off.

    Returns:
        (T, R, 101); 0 beyond the largest recall, NaN where a row has no object.
    """
    truths = weights @ ranked.truths
    needed = _needed(truths)
    most = (weights @ np.bincount(ranked.group, minlength=weights.shape[1])).max(initial=0.0)
    columns: Rows = np.ascontiguousarray(weights.T)
    if single and most < _EXACT:
        columns = columns.astype(np.float32)
    walks = [_Walk(needed, truths) for _ in ranked.hit]
    for rows, seen in _seen(ranked, columns):
        for walk, hit in zip(walks, ranked.hit, strict=True):
            mine = np.flatnonzero(hit[rows])
            if len(mine):
                walk.on(columns[ranked.group[rows[mine]]], seen[mine] if len(mine) < len(rows) else seen)
    result = np.stack([walk.precisions().T for walk in walks]).astype(np.float64)
    result[:, truths == 0] = np.nan
    return result


def _needed(truths: FloatArray) -> FloatArray:
    """Return how many true positives reach each recall, as division rounds, at least 1, (101, R)."""
    many = np.maximum(truths, 1.0)
    count = np.ceil(RECALLS[:, None] * many)
    count = np.where((count - 1) / many >= RECALLS[:, None], count - 1, count)
    count = np.where(count / many < RECALLS[:, None], count + 1, count)
    return np.maximum(count, 1.0)


def _seen(ranked: Ranked, columns: Rows) -> Iterator[tuple[IntArray, Rows]]:
    """Yield blocks of true positives (at any threshold) and how many detections each replicate saw there."""
    from scipy.sparse import csr_matrix

    rows = np.flatnonzero(ranked.hit.any(axis=0))
    used = int(rows[-1]) + 1 if len(rows) else 0  # what follows the last true positive changes nothing
    ends = np.append(0, rows + 1)
    parts = (np.ones(used, dtype=columns.dtype), ranked.group[:used], ends)
    since = csr_matrix(parts, shape=(len(rows), len(columns)))
    many = max(_NARROW, _BLOCK // max(columns.shape[1], 1))
    before = np.zeros(columns.shape[1], dtype=columns.dtype)
    for start in range(0, len(rows), many):
        seen = since[start : start + many] @ columns
        seen[0] += before
        _run(np.add, seen)
        before = seen[-1].copy()
        yield rows[start : start + many], seen


class _Walk:
    """One threshold's way down the detections: where recalls are reached, and the best precision since."""

    def __init__(self, needed: FloatArray, truths: FloatArray) -> None:
        self._needed, self._truths = needed, np.maximum(truths, 1.0)
        self._found = np.zeros(needed.shape[1])
        self._reached = np.zeros(needed.shape[1], dtype=np.int64)
        self._best = np.zeros(needed.shape)
        self._block = np.full(needed.shape, -1, dtype=np.int64)
        self._tops: list[Rows] = []

    def on(self, hits: Rows, seen: Rows) -> None:
        """Take the next true positives: how often each counts (K, R), and the detections seen (K, R)."""
        hits[0] += self._found.astype(hits.dtype)
        _run(np.add, hits)
        self._found = hits[-1].astype(np.float64)
        precision = hits / np.maximum(seen, 1)  # where none was seen none was hit
        _run(np.maximum, precision[::-1])
        recall, column = self._new()
        row = _first(hits, column, self._needed[recall, column])
        self._best[recall, column] = precision[row, column]
        self._block[recall, column] = len(self._tops)
        self._tops.append(precision[0].copy())

    def _new(self) -> tuple[IntArray, IntArray]:
        """Return the recalls, and of which replicates, that the last true positives reached."""
        every = np.arange(len(self._found))
        last = np.minimum((self._found / self._truths * 100).astype(np.int64), 100)
        # Rounding may be off by one.
        last += self._needed[np.minimum(last + 1, 100), every] <= self._found
        last -= self._needed[np.minimum(last, 100), every] > self._found
        before, self._reached = self._reached, np.minimum(last, 100) + 1
        many = self._reached - before
        column = np.repeat(every, many)
        return np.arange(len(column)) - np.repeat(np.cumsum(many) - self._reached, many), column

    def precisions(self) -> FloatArray:
        """Return the envelope at each recall, (101, R)."""
        later = np.zeros((len(self._tops) + 1, self._needed.shape[1]))
        for place in reversed(range(len(self._tops))):
            later[place] = np.maximum(later[place + 1], self._tops[place])
        beyond = np.take_along_axis(later, self._block + 1, axis=0)
        return np.where(self._block >= 0, np.maximum(self._best, beyond), 0.0)


def _first(rows: Rows, column: IntArray, wanted: FloatArray) -> IntArray:
    """Return where columns that ascend first reach what is wanted, which they do, by bisection."""
    flat, width, last = rows.ravel(), rows.shape[1], len(rows) - 1
    wanted = wanted.astype(rows.dtype)
    below = np.zeros_like(column)  # so many rows are known to be too small
    step = 1 << last.bit_length()
    while step:
        probe = np.minimum(below + (step - 1), last)
        below += step * (flat.take(probe * width + column) < wanted)
        step >>= 1
    return below


def _run(operation: np.ufunc, rows: Rows) -> None:
    """Accumulate down the rows in place. NumPy's own way is ten times as slow on wide rows."""
    if rows.shape[1] < _NARROW:
        operation.accumulate(rows, axis=0, out=rows)
        return
    for above, row in pairwise(rows):
        operation(above, row, out=row)
