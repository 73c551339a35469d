from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from provenline.splits import motion


def patterns(frames: int, count: int, length: float, seed: int = 0) -> np.ndarray:
    """Vectors of one length, evenly made of ``count`` orthogonal patterns."""
    base = np.linalg.qr(np.random.default_rng(seed).normal(size=(256, count)))[0].T
    return (base[np.arange(frames) % count] * length).astype(np.float32)


@pytest.mark.parametrize("frames", [12, 240, 600])
@pytest.mark.parametrize(
    ("count", "energy", "told"), [(1, 6.0, False), (3, 2.9, False), (3, 3.1, True), (6, 6.0, True)]
)
def test_motion_tells_by_its_amount_and_its_patterns(frames: int, count: int, energy: float, told: bool):
    """Of equally strong patterns the participation ratio is their number, however long the recording."""
    assert motion.tells(patterns(frames, count, (energy / frames) ** 0.5)) == told


def test_memory_does_not_grow_with_the_square_of_the_length():
    vectors = patterns(20_000, 5, 0.5)  # eleven hours, every two seconds
    tracemalloc.start()
    assert motion.tells(vectors)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 << 20
