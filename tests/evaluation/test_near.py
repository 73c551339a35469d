"""Pairs of overlapping boxes and one-to-one pairing, against plain loops."""

from __future__ import annotations

import numpy as np
import pytest

from provenline.evaluation.matching import overlaps
from provenline.evaluation.near import Pairs, mates, near


def boxes(rng, count):
    corner = rng.integers(0, 60, (count, 2))
    return np.hstack([corner, corner + rng.integers(5, 40, (count, 2))]).astype(float)


@pytest.mark.parametrize("seed", range(4))
def test_pairs_are_those_of_a_loop(seed, monkeypatch):
    monkeypatch.setattr("provenline.evaluation.near._BLOCK", 7)
    rng = np.random.default_rng(seed)
    frame, other = rng.integers(0, 5, 40), np.sort(rng.integers(0, 6, 30))
    mine, theirs = boxes(rng, 40), boxes(rng, 30)
    pairs = near(frame, mine, other, theirs, 0.2)
    expected = {}
    for i in range(40):
        for j in range(30):
            iou = overlaps(mine[i : i + 1], theirs[j : j + 1])[0]
            if frame[i] == other[j] and iou >= 0.2:
                expected[i, j] = iou
    assert dict(zip(zip(pairs.left, pairs.right, strict=True), pairs.iou, strict=True)) == expected
    partner, best = pairs.best(40)
    for i in range(40):
        options = {j: iou for (left, j), iou in expected.items() if left == i}
        assert best[i] == max(options.values(), default=0.0)
        assert partner[i] == (min(j for j in options if options[j] == best[i]) if options else -1)


def test_nothing_on_either_side():
    none, some = np.zeros((0, 4)), np.array([[0.0, 0, 10, 10]])
    for left, right in ((none, some), (some, none), (none, none)):
        pairs = near(np.zeros(len(left), int), left, np.zeros(len(right), int), right, 0.0)
        assert len(pairs.iou) == 0
        assert mates(pairs, pairs.iou, len(left), len(right)).tolist() == [-1] * len(left)
    apart = near(np.array([0]), some, np.array([0]), some + 50, 0.0)
    assert len(apart.iou) == 0  # boxes that do not touch are no pair, whatever the least overlap


@pytest.mark.parametrize("seed", range(6))
def test_mates_take_the_heaviest_pair_that_is_left(seed):
    rng = np.random.default_rng(seed)
    cells = np.flatnonzero(rng.random(15 * 12) < 0.4)
    pairs = Pairs(cells // 12, cells % 12, np.ones(len(cells)))
    weight = rng.integers(1, 8, len(cells)) / 8  # with ties
    expected, taken = np.full(15, -1), set()
    for place in np.argsort(-weight, kind="stable"):
        left, right = pairs.left[place], pairs.right[place]
        if expected[left] < 0 and right not in taken:
            expected[left] = place
            taken.add(right)
    assert mates(pairs, weight, 15, 12).tolist() == expected.tolist()
