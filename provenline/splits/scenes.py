"""Static cameras, whose frames all look alike, and how far apart in time the sides of a camera lie."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from itertools import combinations, pairwise
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from provenline.splits.hashes import Codes, Hashes, hamming
from provenline.splits.params import SPLITS

_FEWEST = 4  # frames of a recording that say whether its picture comes back
_MOST = 200  # frames of a recording that are looked at, evenly spread
_STATIC = 0.5  # share of frames whose picture comes back from which on a camera is static
_SHOWN = 10


def static_cameras(frames: pd.DataFrame, hashes: Hashes, bits: int) -> list[dict[str, Any]]:
    """Return the cameras whose picture comes back over the whole time of their recordings.

    A frame's picture comes back when a near duplicate of it lies in the same recording, at least a
    quarter of its frames away. Within one recording that cannot be a leak: it is the background.

    Args:
        frames: Frames table, numbered from 0; media of cameras without a name are left out.
        hashes: The frames' difference hashes.
        bits: As in ``SplitParams.near_duplicate_bits``.

    Returns:
        ``camera``, ``media``, ``frames`` and ``recurring`` (share of the frames looked at), by camera.
    """
    counts: dict[str, NDArray[np.int64]] = {}
    named = frames["camera"] != ""
    ordered = frames[named].sort_values(["camera", "media", "time_ms"], kind="stable")
    ends = np.flatnonzero(
        (ordered[["camera", "media"]] != ordered[["camera", "media"]].shift(-1)).any(axis=1)
    )
    for rows in np.split(ordered.index.to_numpy(), ends + 1)[:-1]:
        camera = str(frames["camera"][rows[0]])
        seen, back = _recurring(hashes[rows], bits)
        counts.setdefault(camera, np.zeros(4, dtype=np.int64))
        counts[camera] += np.array([1, len(rows), seen, back])
    return [
        {"camera": camera, "media": int(media), "frames": int(total), "recurring": round(back / seen, 4)}
        for camera, (media, total, seen, back) in sorted(counts.items())
        if seen and back / seen >= _STATIC
    ]


def _recurring(hashes: Hashes, bits: int) -> tuple[int, int]:
    if len(hashes) < _FEWEST:
        return 0, 0
    spread = np.linspace(0, len(hashes) - 1, min(len(hashes), _MOST)).round().astype(int)
    near = hamming(hashes[spread], hashes[spread]) <= bits
    rank = np.arange(len(spread))
    far = np.abs(rank[:, None] - rank) >= len(spread) / 4
    return len(spread), int((near & far).any(axis=1).sum())


def scene_codes(frames: pd.DataFrame, static: list[dict[str, Any]]) -> Codes:
    """Return a number per frame: that of its group's static camera, or one that the group has alone."""
    known = {camera["camera"]: number for number, camera in enumerate(static)}
    groups, names = pd.factorize(frames["group"], sort=True)
    pairs = frames[["group", "camera"]].drop_duplicates()
    pairs = pairs[~pairs["group"].duplicated(keep=False)]
    camera = dict(zip(pairs["group"], pairs["camera"], strict=True))
    codes = [known.get(camera.get(name, ""), len(known) + number) for number, name in enumerate(names)]
    return np.asarray(codes, dtype=np.int64)[groups]


def gaps(frames_with_split: pd.DataFrame) -> list[dict[str, Any]]:
    """Return how close in time media of one camera lie that are on different sides.

    Args:
        frames_with_split: Frames table with a column ``split``; ``day`` is YYYY-MM-DD or empty.

    Returns:
        Per camera with a name and pair of splits that share it: ``camera``, ``splits``, ``gap_days``
        (None where a side has no days), ``days`` and ``media`` of the closest two, and
        ``consecutive``: how many pairs of neighbouring media of one camera and day (in order of their
        names) lie on the two sides, with the first few as ``examples``.
    """
    columns = ["camera", "day", "media", "split"]
    media = frames_with_split.loc[frames_with_split["camera"] != "", columns].drop_duplicates()
    result = []
    for camera, rows in media.sort_values(["camera", "day", "media", "split"]).groupby("camera"):
        known = [(*row, _day(row[0])) for row in rows[columns[1:]].itertuples(index=False, name=None)]
        for a, b in combinations(SPLITS, 2):
            if {a, b} <= {row[2] for row in known}:
                result.append({"camera": str(camera), "splits": [a, b], **_gap(known, a, b)})
    return result


_Row = tuple[str, str, str, int | None]  # day, media, split, number of the day


def _gap(rows: list[_Row], a: str, b: str) -> dict[str, Any]:
    dated = [row for row in rows if row[3] is not None]
    apart = [_turned(x, y, a) for x, y in pairwise(r for r in dated if r[2] in (a, b)) if x[2] != y[2]]
    closest = min(apart, key=lambda pair: abs((pair[1][3] or 0) - (pair[0][3] or 0)), default=None)
    next_to = [(x[1], y[1]) for x, y in _neighbours(dated) if {x[2], y[2]} == {a, b} and x[1] != y[1]]
    return {
        "gap_days": abs((closest[1][3] or 0) - (closest[0][3] or 0)) if closest else None,
        "days": [row[0] for row in closest] if closest else None,
        "media": [row[1] for row in closest] if closest else None,
        "consecutive": len(next_to),
        "examples": [list(pair) for pair in next_to[:_SHOWN]],
    }


def _turned(x: _Row, y: _Row, first: str) -> tuple[_Row, _Row]:
    return (x, y) if x[2] == first else (y, x)


def _neighbours(rows: list[_Row]) -> Iterator[tuple[_Row, _Row]]:
    return ((x, y) for x, y in pairwise(rows) if x[3] == y[3])


def _day(text: str) -> int | None:
    try:
        return date.fromisoformat(text).toordinal()
    except ValueError:
        return None
