"""Matching against brute force."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from provenline.annotations.matching import COCO_IOUS, iou_matrix, match, match_loosely, matches_at


def boxes(rng: np.random.Generator, count: int) -> np.ndarray:
    corner = rng.uniform(0, 60, (count, 2))
    return np.hstack([corner, corner + rng.uniform(5, 40, (count, 2))])


def every_matching(a: np.ndarray, b: np.ndarray, gate: float) -> list[tuple[int, float]]:
    iou = iou_matrix(a, b)
    if len(a) > len(b):
        iou = iou.T
    found = [(0, 0.0)]
    for order in permutations(range(iou.shape[1]), iou.shape[0]):
        chosen = [iou[i, j] for i, j in enumerate(order) if iou[i, j] >= gate]
        found.append((len(chosen), round(sum(chosen), 9)))
    return found


@pytest.mark.parametrize("seed", range(30))
@pytest.mark.parametrize("gate", [0.1, 0.5])
def test_matching_agrees_with_brute_force(seed, gate):
    rng = np.random.default_rng(seed)
    a, b = boxes(rng, int(rng.integers(0, 6))), boxes(rng, int(rng.integers(0, 6)))
    found = match(a, b, gate)
    assert (len(found), round(float(found.sum()), 9)) == pytest.approx(max(every_matching(a, b, gate)))


@pytest.mark.parametrize("seed", range(30))
def test_loose_matching_maximises_the_total(seed):
    rng = np.random.default_rng(seed)
    a, b = boxes(rng, int(rng.integers(0, 6))), boxes(rng, int(rng.integers(0, 6)))
    first, second, ious = match_loosely(a, b)
    assert ious.sum() == pytest.approx(max(total for _, total in every_matching(a, b, 0.1)))
    assert ious.tolist() == iou_matrix(a, b)[first, second].tolist()


def test_loose_matching_does_not_shift_a_row_of_people_to_win_a_pair():
    row = np.array([[20.0 * n, 0.0, 20.0 * n + 26, 50.0] for n in range(4)])
    first, second, ious = match_loosely(row[:3], row[1:])
    assert len(match(row[:3], row[1:], 0.1)) == 3
    assert list(zip(first.tolist(), second.tolist(), strict=True)) == [(1, 0), (2, 1)]
    assert ious.tolist() == [1, 1]


@pytest.mark.parametrize("seed", range(30))
def test_matches_at_every_gate_are_those_of_one_gate(seed):
    rng = np.random.default_rng(seed)
    a = boxes(rng, 5)
    b = np.vstack([a[1:] + rng.normal(0, 2, (4, 4)), a[:2] + rng.normal(0, 2, (2, 4))])
    expected = [len(match(a, b, gate)) for gate in COCO_IOUS]
    assert matches_at(a, b, COCO_IOUS).tolist() == expected
    assert matches_at(a, b[:0], COCO_IOUS).tolist() == [0] * len(COCO_IOUS)
