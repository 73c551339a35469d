"""By how many frames a tool's numbers are off, found in the pictures that it exported.

Every picture votes for all offsets at which our frame looks like it, to within what compression
does; the offset with most votes wins. Where nothing moves, a picture votes for many offsets and
decides nothing. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

WINDOW = 30
_SIZE = (128, 72)
# A distance this much above a picture's best is the same frame compressed otherwise.
_TIE, _TIE_SHARE = 0.002, 0.05
# Farther than this no two copies of one picture are: re-encoded ones lie below 0.05, strangers near 1.
FAR = 0.2
_SUPPORT = 0.8
_PROOF = 3  # pictures that must agree before numbers are corrected by what they say

Verdict = Literal["confirmed", "shifted", "unclear", "changes", "differs"]


@dataclass(frozen=True)
class Alignment:
    """How the exported pictures of one video lie against our frames.

    Attributes:
        verdict: ``confirmed`` (no offset), ``shifted``, ``unclear`` (several offsets fit equally
            well, or too few pictures speak for another one than 0), ``changes`` (it is another one
            later in the video) or ``differs`` (no offset fits).
        offset: Frames to add to the tool's numbers; where it changes, that of the beginning.
        later: Where it changes, that of the end; else None.
        fitting: All offsets that fit equally well.
        pictures: Compared.
        fits: Pictures that the offset fits.
        second_fits: Pictures that the next best offset fits.
        ratio: Mean distance at the offset over that at the next best by distance; 0 is clearest.
    """

    verdict: Verdict
    offset: int
    later: int | None
    fitting: tuple[int, ...]
    pictures: int
    fits: int
    second_fits: int
    ratio: float | None

    def to_dict(self) -> dict[str, Any]:
        """Return it for the report."""
        several = len(self.fitting) > 1
        return {
            "verdict": self.verdict,
            "offset": self.offset,
            "later_offset": self.later,
            # Thirty equal offsets say no more than the first and the last of them.
            "fitting": [min(self.fitting), max(self.fitting)] if several else list(self.fitting),
            "pictures": self.pictures,
            "fits": self.fits,
            "second_fits": self.second_fits,
            "ratio": None if self.ratio is None else round(self.ratio, 4),
        }


def small(image: NDArray[np.uint8]) -> Floats:
    """Return a picture as 128 x 72 grey values of mean 0 and deviation 1 (less where it is flat).

    Args:
        image: (height, width, 3), uint8, BGR.
    """
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    shrunk = cv2.resize(grey, _SIZE, interpolation=cv2.INTER_AREA).astype(np.float64)
    result: Floats = (shrunk - shrunk.mean()) / max(1.0, float(shrunk.std()))
    return result


def distance(a: Floats, b: Floats) -> float:
    """Return the mean absolute difference of two small pictures: 0 for copies, about 1 for strangers."""
    return float(np.abs(a - b).mean())


def align(distances: Floats) -> Alignment:
    """Find the offset at which pictures and frames fit.

    Args:
        distances: (p, 2 x WINDOW + 1): of picture i from our frame at its number + offset, for the
            offsets -WINDOW..WINDOW; infinite where the video has no such frame. Pictures in the order
            of their numbers.
    """
    best = distances.min(axis=1, keepdims=True)
    votes = (distances <= best * (1 + _TIE_SHARE) + _TIE) & (best <= FAR)
    score = votes.sum(axis=0)
    index = _nearest(score)
    offset = index - WINDOW
    fitting = tuple(int(k) - WINDOW for k in np.flatnonzero(score >= score[index] - _margin(len(votes)) + 1))
    others = np.delete(np.arange(len(score)), index)
    common: dict[str, Any] = {
        "offset": offset,
        "later": None,
        "fitting": fitting,
        "pictures": len(votes),
        "fits": int(score[index]),
        "second_fits": int(score[others].max()),
        "ratio": _ratio(distances, index, others),
    }
    first, later = _change(votes)
    if first is not None:
        return Alignment("changes", **{**common, "offset": first, "later": later})
    if score[index] < _SUPPORT * len(votes):
        return Alignment("differs", **common)
    if len(fitting) > 1:
        return Alignment("unclear", **{**common, "offset": 0 if 0 in fitting else offset})
    if offset and score[index] < _PROOF:
        return Alignment("unclear", **common)
    return Alignment("shifted" if offset else "confirmed", **common)


def _margin(pictures: int) -> int:
    """Return by how many votes an offset must lead: one picture alone may be a stranger."""
    return 1 if pictures < 4 else 2


def _nearest(score: NDArray[np.int64]) -> int:
    """Return the best offset's index; of equal ones that nearest to 0, of +n and -n the negative."""
    winners = np.flatnonzero(score == score.max())
    return int(winners[np.argmin(np.abs(winners - WINDOW))])


def _change(votes: NDArray[np.bool_]) -> tuple[int | None, int | None]:
    """Return the offsets before and after the point where it changes, or twice None.

    Every split of the pictures into a beginning and an end is tried: two offsets must explain more
    of the pictures than one does, by the margin.
    """
    # before[i] holds the votes of the pictures 0..i, after[i] those of the pictures i+1...
    before = votes.cumsum(axis=0)
    after = before[-1] - before
    two = before.max(axis=1) + after.max(axis=1)
    where = int(two.argmax())
    if two[where] - before[-1].max() < _margin(len(votes)):
        return None, None
    return _nearest(before[where]) - WINDOW, _nearest(after[where]) - WINDOW


def _ratio(distances: Floats, index: int, others: NDArray[np.int64]) -> float | None:
    known = np.isfinite(distances)
    sums, counts = np.where(known, distances, 0).sum(axis=0), known.sum(axis=0)
    means = np.divide(
        sums, counts, out=np.full(len(sums), np.inf), where=counts >= max(1, len(distances) / 2)
    )
    second = float(means[others].min())
    return float(means[index] / second) if np.isfinite(second) and second > 0 else None
