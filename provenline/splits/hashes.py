"""64-bit difference hashes of pictures as numbers: how far apart two are, and what a mirror makes of them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from provenline.errors import InputError

Hashes = NDArray[np.uint64]
Codes = NDArray[np.int64]
Bits = NDArray[np.uint8]

_QUERIES = 64  # hashes looked for at a time


def parse_hashes(frames: pd.DataFrame) -> Hashes:
    """Return the frames' difference hashes as 64-bit numbers.

    Raises:
        InputError: One is not 16 hexadecimal digits.
    """
    wrong = frames.loc[~frames["dhash"].str.fullmatch("[0-9a-fA-F]{16}"), ["frame_id", "dhash"]]
    for frame_id, text in wrong.itertuples(index=False, name=None):
        raise InputError(f"dhash '{text}' is not 16 hexadecimal digits", place=f"frame {frame_id}")
    return np.array([int(text, 16) for text in frames["dhash"]], dtype=np.uint64)


def hamming(a: Hashes, b: Hashes) -> Bits:
    """Return the (n, m) numbers of bits in which (n,) and (m,) 64-bit numbers differ."""
    x = a[:, None] ^ b[None, :]
    if hasattr(np, "bitwise_count"):
        ones: Bits = np.bitwise_count(x)
        return ones
    return _count_bits(x)


def _count_bits(x: Hashes) -> Bits:
    """NumPy 1 cannot count bits: the sums of H. S. Warren, "Hacker's Delight", 5-1."""
    ones, twos, fours = (
        np.uint64(mask) for mask in (0x5555555555555555, 0x3333333333333333, 0x0F0F0F0F0F0F0F0F)
    )
    x = x - ((x >> np.uint64(1)) & ones)
    x = (x & twos) + ((x >> np.uint64(2)) & twos)
    x = (x + (x >> np.uint64(4))) & fours
    return ((x * np.uint64(0x0101010101010101)) >> np.uint64(56)).astype(np.uint8)


def mirror(hashes: Hashes) -> Hashes:
    """Return the difference hashes of the mirrored pictures, from the hashes alone.

    A hash has 8 rows (bytes) of 8 bits, each saying of two neighbours whether the right one is
    brighter: bit ``j`` is ``p[j + 1] > p[j]`` of nine grey levels. In the mirrored row
    ``q[j] = p[8 - j]``, so its bit is ``p[7 - j] > p[8 - j]``: the opposite of bit ``7 - j``, unless
    the two are equal. So each byte is turned round and complemented; flat areas, where neighbours are
    equal, come out wrong.
    """
    reverse = np.array([int(f"{byte:08b}"[::-1], 2) ^ 0xFF for byte in range(256)], dtype=np.uint8)
    turned: Hashes = reverse[np.ascontiguousarray(hashes).view(np.uint8)].view(np.uint64)
    return turned


def neighbours(hashes: Hashes, queries: Hashes, bits: int, most: int) -> Iterator[tuple[int, Codes]]:
    """Yield for each query the earlier hashes that are near duplicates of it.

    Args:
        hashes: (n,) to look among.
        queries: (n,) one per hash; equal to ``hashes``, or their mirror images.
        bits: As in `compare`.
        most: At most so many per query, the nearest first, so that equal pictures do not explode.
    """
    for top in range(0, len(queries), _QUERIES):
        distances = hamming(queries[top : top + _QUERIES], hashes[: top + _QUERIES])
        for row in np.flatnonzero((distances <= bits).any(axis=1)).tolist():
            earlier = distances[row, : top + row]
            near = np.flatnonzero(earlier <= bits)
            if len(near):
                yield top + row, near[np.argsort(earlier[near], kind="stable")[:most]]
