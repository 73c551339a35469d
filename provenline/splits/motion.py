"""What moves in a recording, as small vectors that copies of the recording share.

Frames of a static camera all look alike, whoever passes. So each recording's own background is taken
away: what is left is where somebody was at each moment, and that no other recording repeats.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from provenline.errors import InputError

Vectors = NDArray[np.float32]
Times = NDArray[np.int64]

SIDE = 16
_CORE = 2.0  # grey levels by which a codec moves a cell where nothing happens
_FAINT = 20.0  # length of a residual under which it counts less: one cell changed by 20 grey levels
_EVIDENCE = 3.0  # frames' worth of motion
_VARIETY = 2.0  # patterns of motion: a lamp that goes on is one, in every recording of its room


@dataclass(frozen=True)
class Clip:
    """A recording as its sampled frames show it.

    Attributes:
        name: The media list's name.
        table: 0, or 1 where two tables are compared and this is of the second.
        times: (n,) milliseconds, ascending.
        pictures: (n, 256) grey levels of the thumbnails.
        moving: (n, 256) what `moving` makes of them.
        changing: (n, 256) what `changing` makes of them.
    """

    name: str
    table: int
    times: Times
    pictures: Vectors
    moving: Vectors
    changing: Vectors


def clips(frames: pd.DataFrame, table: int = 0) -> Iterator[Clip]:
    """Yield the recordings of a Frames table in order of their names; frames without thumbnail are left out.

    Raises:
        InputError: A thumbnail has another number of grey levels.
    """
    rows = frames[frames["thumbnail"].notna()].sort_values(["media", "time_ms", "frame_id"], kind="stable")
    rows = rows.drop_duplicates(["media", "time_ms"])
    wrong = rows.loc[rows["thumbnail"].map(len) != SIDE * SIDE, "frame_id"].tolist()
    if wrong:
        what = f"a thumbnail is not {SIDE} x {SIDE} grey levels"
        raise InputError(what, place=f"frame {wrong[0]}", mend="Run `dvc repro extract`")
    levels = np.frombuffer(b"".join(rows["thumbnail"]), dtype=np.uint8).reshape(-1, SIDE * SIDE)
    times, names = rows["time_ms"].to_numpy(np.int64), rows["media"].tolist()
    for name in sorted(frames["media"].unique()):
        here = slice(bisect_left(names, name), bisect_right(names, name))
        pictures = levels[here].astype(np.float32)
        yield Clip(str(name), table, times[here], pictures, moving(pictures), changing(pictures))


def moving(pictures: Vectors) -> Vectors:
    """Return what moves: (n, 256) grey levels to (n, 256) vectors of length 1, shorter where little moves.

    The background is the median over the frames. Each frame loses its mean and its share of the
    background, so that light that comes or goes is no motion; what a codec does to still cells is
    cut off.
    """
    return _rest(pictures, np.median(pictures, axis=0)) if len(pictures) else pictures


def changing(pictures: Vectors) -> Vectors:
    """Return what changes from each frame to the next, otherwise as `moving`; the last frame's is 0.

    It needs no background, which a short cut of a recording has of its own, but equal sampling.
    """
    if not len(pictures):
        return pictures
    following = np.concatenate([pictures[1:], pictures[-1:]])
    return _rest(following - pictures, pictures.mean(axis=0))


def _rest(levels: Vectors, background: Vectors) -> Vectors:
    background = background - background.mean()
    rest = levels - levels.mean(axis=1, keepdims=True)
    share = rest @ background / max(float(background @ background), 1e-6)
    rest = rest - share[:, None] * background
    rest = np.sign(rest) * np.maximum(np.abs(rest) - _CORE, 0)
    length = np.linalg.norm(rest, axis=1, keepdims=True)
    result: Vectors = (rest / np.maximum(length, _FAINT)).astype(np.float32)
    return result


def tells(vectors: Vectors) -> bool:
    """Say whether motion is enough, and varied enough, to tell this recording from all others.

    Variety is the participation ratio of the vectors' Gram matrix: the number of patterns that the
    motion is made of, were they equally strong.
    """
    # Both have the same trace and norm; the one over cells does not grow with the recording's length.
    gram = vectors @ vectors.T if len(vectors) < vectors.shape[1] else vectors.T @ vectors
    total = float(np.trace(gram))
    return total >= _EVIDENCE and total**2 >= _VARIETY * float((gram**2).sum())


def likeness(a: Vectors, b: Vectors) -> float:
    """Return the correlation of two (n, 256) series of moving vectors, -1 to 1; 0 where nothing moves."""
    energy = float((a * a).sum() + (b * b).sum()) / 2
    return float((a * b).sum()) / energy if energy > 0 else 0.0


def flip(vectors: Vectors) -> Vectors:
    """Return (n, 256) thumbnails, or vectors made of them, as in a mirror."""
    return vectors.reshape(-1, SIDE, SIDE)[:, :, ::-1].reshape(-1, SIDE * SIDE)


def centred(pictures: Vectors) -> Vectors:
    """Return (n, 256) pictures without their mean, of length 1: their product is the correlation."""
    rest = pictures - pictures.mean(axis=1, keepdims=True)
    result: Vectors = rest / np.maximum(np.linalg.norm(rest, axis=1, keepdims=True), 1e-6)
    return result
