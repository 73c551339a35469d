from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse.csgraph import connected_components

from provenline.splits import hashes as hash_room
from provenline.splits import nearest as room
from provenline.splits.hashes import hamming, mirror, neighbours
from provenline.splits.nearest import FAR, Components, Part, compare, link
from tests.splits import clips


def hashes(seed: int, count: int, centres: int = 3, flips: int = 3) -> np.ndarray:
    """Hashes near a few centres."""
    rng = np.random.default_rng(seed)
    middle = np.frombuffer(rng.bytes(8 * centres), dtype=np.uint64)
    result = middle[rng.integers(0, centres, count)]
    for _ in range(flips):
        result = result ^ (np.uint64(1) << rng.integers(0, 64, count).astype(np.uint64))
    return result


def bits(x: int, y: int) -> int:
    return bin(int(x) ^ int(y)).count("1")


def test_hamming_agrees_with_counting_digits():
    a, b = hashes(0, 40), np.append(hashes(1, 5), [np.uint64(0), np.uint64((1 << 64) - 1)])
    assert hamming(a, b).tolist() == [[bits(x, y) for y in b] for x in a]


def test_without_numpy_2_the_bits_are_summed():
    x = np.append(hashes(2, 1000), [np.uint64(0), np.uint64((1 << 64) - 1)])
    assert hash_room._count_bits(x).tolist() == [int(value).bit_count() for value in x]


def test_the_mirrored_hash_is_that_of_the_mirrored_picture():
    rng = np.random.default_rng(3)
    for _ in range(20):
        # Nine levels a row, which is all that the hash looks at, and no two neighbours alike.
        levels = np.stack([rng.permutation(9) for _ in range(8)])
        differences = [np.diff(side.astype(int), axis=1) > 0 for side in (levels, levels[:, ::-1])]
        texts = ["".join(side.ravel().astype(int).astype(str)) for side in differences]
        plain, mirrored = (np.array([int(text, 2)], np.uint64) for text in texts)
        assert mirror(plain) == mirrored
        assert mirror(mirror(plain)) == plain


def test_the_mirrored_hash_agrees_with_imagehash():
    rng = np.random.default_rng(4)
    levels = np.stack([rng.permutation(9) * 25 for _ in range(8)]).astype(np.uint8)
    picture = np.repeat(levels.repeat(16, axis=0).repeat(16, axis=1)[..., None], 3, axis=2)
    plain, turned = (np.array([int(clips.dhash(p), 16)], np.uint64) for p in (picture, picture[:, ::-1]))
    assert int(hamming(mirror(plain), turned)[0, 0]) <= 1
    assert int(hamming(plain, turned)[0, 0]) > 10


def world_of(seed: int, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    group = np.sort(rng.integers(0, 12, count))
    rng.shuffle(group)
    return hashes(seed, count, flips=2), group, group % 3


@pytest.mark.parametrize("columns", [1, 5, 4096])
@pytest.mark.parametrize("rows", [1, 7, 64])
def test_compare_agrees_with_brute_force(monkeypatch, rows, columns):
    monkeypatch.setattr(room, "_ROWS", rows)
    monkeypatch.setattr(room, "_COLUMNS", columns)
    (a, group_a, scene_a), (b, group_b, scene_b) = world_of(5, 70), world_of(5, 50)
    got = compare(Part.of(a, group_a, scene_a), Part.of(b, group_b, scene_b), 3)
    distances = np.array([[bits(x, y) for y in b] for x in a])
    near = distances <= 3
    same = near & (scene_a[:, None] == scene_b)
    assert got.pairs == near.sum() > 0
    assert got.within_scene == same.sum() > 0
    pairs = {(int(group_a[i]), int(group_b[j])) for i, j in np.argwhere(near)}
    assert got.group_pairs == len(pairs)
    assert got.group_pairs_within_scene == sum(x % 3 == y % 3 for x, y in pairs)
    assert got.first.tolist() == distances.min(axis=1).tolist()
    assert got.second.tolist() == near.any(axis=0).tolist()


@pytest.mark.parametrize("rows", [1, 64])
def test_components_agree_with_scipy(monkeypatch, rows):
    monkeypatch.setattr(room, "_ROWS", rows)
    monkeypatch.setattr(room, "_COLUMNS", 16)
    rng = np.random.default_rng(6)
    h, group = hashes(6, 120, centres=25, flips=2), rng.integers(0, 60, 120)
    side = rng.integers(0, 2, 60)[group]
    parts = [Part.of(h[side == s], group[side == s], group[side == s]) for s in (0, 1)]
    components = Components(60)
    for part in parts:
        link(part, 4, components)
    compare(*parts, 4, components)
    graph = np.zeros((60, 60), dtype=bool)
    for i, j in np.argwhere(np.array([[bits(x, y) for y in h] for x in h]) <= 4):
        graph[group[i], group[j]] = True
    count, labels = connected_components(graph)
    sizes = np.bincount(labels)
    assert 1 < count < 60
    assert components.sizes().tolist() == sorted(sizes[sizes > 1].tolist(), reverse=True)


def test_nothing_is_near_nothing():
    empty = Part.of(np.empty(0, np.uint64), np.empty(0, np.int64), np.empty(0, np.int64))
    full = Part.of(*world_of(7, 5))
    link(empty, 4, Components(0))
    for a, b in ((empty, full), (full, empty)):
        got = compare(a, b, 4)
        assert (got.pairs, got.group_pairs) == (0, 0)
        assert got.first.tolist() == [FAR] * len(a.inverse)
        assert not got.second.any()


def test_neighbours_are_the_nearest_earlier_ones(monkeypatch):
    monkeypatch.setattr(hash_room, "_QUERIES", 8)
    h = hashes(8, 60, flips=2)
    got = {number: near.tolist() for number, near in neighbours(h, mirror(mirror(h)), 3, 4)}
    for number in range(60):
        near = sorted((bits(h[number], h[n]), n) for n in range(number) if bits(h[number], h[n]) <= 3)
        assert got.get(number, []) == [n for _, n in near[:4]]
