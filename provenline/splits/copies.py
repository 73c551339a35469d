"""Recordings that stand in the footage under two names: same bytes, re-encoded, mirrored, or cut."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from provenline.errors import InputError
from provenline.splits import candidates, motion
from provenline.splits.hashes import Codes, mirror, neighbours, parse_hashes
from provenline.splits.motion import Clip, Times, Vectors
from provenline.splits.nearest import Components
from provenline.splits.params import CopyParams

_STILL = 0.99  # correlation of whole thumbnails from which on two still pictures are the same
_STILL_BITS = 4  # of their difference hashes
_STILL_LEVELS = 8.0  # grey levels by which a cell may differ: a person who moved changes one by more
_STILL_MOST = 10  # copies reported of one still picture
_APART = (
    "Take it out of one of the media lists: what trains cannot judge. If they are two recordings, set "
    "split.copies.action=report"
)
_FEW = 3  # frames that a recording needs for a background of its own
_AT_ONCE_MS = (25, 60, 125, candidates.AT_ONCE_MS)  # between frames of one moment, best first
_ENOUGH = 5  # frames of one moment that make do with the narrowest of these
_SHIFTED = 1 / 3  # share of the missing correlation that is allowed to copies at an offset
_WHOLE = 0.8  # share of a recording's frames from which on its own background serves


@dataclass(frozen=True)
class Copy:
    """Two media that hold one recording.

    Attributes:
        first: Media name.
        second: Media name.
        mirrored: Left and right are exchanged between them.
        correlation: Of what moves in them; 1 for the same bytes; of the whole pictures for stills.
        frames: Frames compared. 1 or 2 is weak: a still picture shows no motion.
        offset_ms: What ``first`` shows at a moment, ``second`` shows so much later.
    """

    first: str
    second: str
    mirrored: bool
    correlation: float
    frames: int
    offset_ms: int


@dataclass(frozen=True)
class Findings:
    """What a search for copies found, and what it could not see.

    Attributes:
        copies: Sorted by names.
        cannot_tell: Sets of media that look alike and in which too little moves to tell them apart.
        unseen: Media without thumbnails; only their bytes were compared.
        media: Media compared.
        pairs: Pairs of media compared.
    """

    copies: list[Copy]
    cannot_tell: list[tuple[str, ...]]
    unseen: list[str]
    media: int
    pairs: int


def refuse_across(taught: pd.DataFrame, judging: pd.DataFrame, params: CopyParams) -> None:
    """Refuse a recording that stands in both footages, under another name or as other bytes.

    Args:
        taught: FRAMES of the development footage.
        judging: FRAMES of the deployment footage that judge.
        params: What counts as a copy; with ``report`` nothing is refused.

    Raises:
        InputError: A recording of one, re-encoded, mirrored or cut, is in the other.
    """
    strong = [one for one in search(taught, params, judging).copies if one.frames >= _FEW]
    if strong and params.action != "report":
        first = strong[0]
        what = (
            f"deployment's '{first.second}' shows what development's '{first.first}' shows "
            f"(what moves correlates by {first.correlation:.2f})"
        )
        raise InputError(what, mend=_APART)


def search(frames: pd.DataFrame, params: CopyParams, other: pd.DataFrame | None = None) -> Findings:
    """Look for media that hold the same recording.

    Media with the same bytes are copies. Otherwise what moves is compared (`motion.moving`), at equal
    times and at the offsets that single frames suggest, as it is and mirrored: a copy correlates by
    nearly 1, another recording of the same camera by nearly 0. Media of one or two frames have no
    background to take away: there the whole thumbnails must agree, cell by cell, and the difference
    hashes, which is weaker. A copy that was cut at the start is seen where both were sampled at about
    the same pictures, which means that the cut is near a multiple of the sampling period.

    Args:
        frames: Frames table.
        params: ``correlation``.
        other: A second Frames table; then only pairs of one medium of each are looked for.

    Raises:
        InputError: A thumbnail has another number of grey levels, or a difference hash is broken.
    """
    tables = [frames] if other is None else [frames, other]
    found = [clip for number, table in enumerate(tables) for clip in motion.clips(table, number)]
    across = other is not None
    seen = [clip for clip in found if len(clip.times)]
    moving = [clip for clip in seen if len(clip.times) >= _FEW and motion.tells(clip.moving)]
    motionless = [clip for clip in seen if len(clip.times) >= _FEW and not motion.tells(clip.moving)]
    stills = [clip for clip in seen if len(clip.times) < _FEW]
    best: dict[tuple[str, str], Copy] = {}
    for copy in (
        *_same_bytes(tables, across),
        *_same_motion(moving, params.correlation, across),
        *_same_picture(stills, tables, across),
    ):
        held = best.get((copy.first, copy.second))
        if held is None or copy.correlation > held.correlation:
            best[copy.first, copy.second] = copy
    counts = [sum(clip.table == number for clip in found) for number in (0, 1)]
    return Findings(
        copies=[best[key] for key in sorted(best)],
        cannot_tell=_alike(motionless, across),
        unseen=[clip.name for clip in found if not len(clip.times)],
        media=len(found),
        pairs=counts[0] * counts[1] if across else len(found) * (len(found) - 1) // 2,
    )


def _same_bytes(tables: Sequence[pd.DataFrame], across: bool) -> Iterator[Copy]:
    names: defaultdict[str, list[tuple[int, str, int]]] = defaultdict(list)
    for number, table in enumerate(tables):
        counts = table.groupby(["media_sha256", "media"]).size().reset_index(name="frames")
        for digest, name, count in counts.itertuples(index=False, name=None):
            names[digest].append((number, name, int(count)))
    for same in names.values():
        for a, b in combinations(same, 2):
            if not across or a[0] != b[0]:
                yield Copy(a[1], b[1], False, 1.0, min(a[2], b[2]), 0)


def _same_motion(clips: Sequence[Clip], correlation: float, across: bool) -> Iterator[Copy]:
    for first, second, mirrored, offset in candidates.suggest(clips, across):
        a, b = clips[first], clips[second]
        score, count = _compare(a, b, mirrored, offset)
        # Belts and machines repeat, and of many offsets one may fit by chance: a shift must fit better.
        shifted = abs(offset) > _AT_ONCE_MS[-1]
        if score >= (1 - (1 - correlation) * _SHIFTED if shifted else correlation):
            yield Copy(a.name, b.name, mirrored, round(min(score, 1.0), 4), count, offset)


def _compare(a: Clip, b: Clip, mirrored: bool, offset: int) -> tuple[float, int]:
    """Return how far what moves agrees at an offset, and in how many frames; 0 where that tells nothing."""
    rows, columns = _at_once(a.times + offset, b.times)
    if len(rows) < _FEW:
        return 0.0, len(rows)
    whole = min(len(rows) / len(a.times), len(rows) / len(b.times)) >= _WHOLE
    # Of a part, the background is another: who stood still in it belongs to it.
    u = a.moving[rows] if whole else motion.moving(a.pictures[rows])
    v = b.moving[columns] if whole else motion.moving(b.pictures[columns])
    if not whole and not (motion.tells(u) and motion.tells(v)):
        return 0.0, len(rows)
    return motion.likeness(u, motion.flip(v) if mirrored else v), len(rows)


def _at_once(a: Times, b: Times) -> tuple[Codes, Codes]:
    """Return the numbers of the frames of two series that show the same moment."""
    after = np.clip(np.searchsorted(b, a), 1, len(b) - 1)
    nearest = np.where(np.abs(b[after] - a) < np.abs(a - b[after - 1]), after, after - 1)
    apart = np.abs(b[nearest] - a)
    # Somebody who walks is elsewhere a tenth of a second later: few exact frames say more than many near.
    enough = max(_FEW, min(_ENOUGH, int((apart <= _AT_ONCE_MS[-1]).sum())))
    half = min(candidates.period(a), candidates.period(b)) / 2
    limit = next((limit for limit in _AT_ONCE_MS if (apart <= limit).sum() >= enough), half)
    rows = np.flatnonzero(apart <= limit)
    return rows, nearest[rows]


def _same_picture(stills: Sequence[Clip], tables: Sequence[pd.DataFrame], across: bool) -> Iterator[Copy]:
    first = [table.sort_values(["time_ms", "frame_id"]).drop_duplicates("media") for table in tables]
    rows = pd.concat([table.assign(table=number) for number, table in enumerate(first)])
    rows = rows.set_index(["table", "media"]).loc[[(clip.table, clip.name) for clip in stills]]
    hashes = parse_hashes(rows)
    for mirrored, queries in ((False, hashes), (True, mirror(hashes))):
        for number, near in neighbours(hashes, queries, _STILL_BITS, _STILL_MOST):
            for earlier in near.tolist():
                a, b = stills[earlier], stills[number]
                count = min(len(a.times), len(b.times))
                score = _stills(a.pictures[:count], b.pictures[:count], mirrored)
                if score >= _STILL and (not across or a.table != b.table):
                    yield Copy(a.name, b.name, mirrored, round(min(score, 1.0), 4), count, 0)


def _stills(a: Vectors, b: Vectors, mirrored: bool) -> float:
    """Return the correlation of the pictures that agree least; 0 where one cell differs too much."""
    b = motion.flip(b) if mirrored else b
    u, v = motion.centred(a), motion.centred(b)
    contrast = (a - a.mean(axis=1, keepdims=True)).std(axis=1, keepdims=True) * motion.SIDE
    if float((np.abs(u - v) * contrast).max()) > _STILL_LEVELS:
        return 0.0
    return float((u * v).sum(axis=1).min())


def _alike(clips: Sequence[Clip], across: bool) -> list[tuple[str, ...]]:
    """Return the sets of media whose mean pictures are alike, mirrored or not."""
    if not clips:
        return []
    means = motion.centred(np.stack([clip.pictures.mean(axis=0) for clip in clips]))
    mirrored, components = motion.flip(means), Components(len(clips))
    for number, mean in enumerate(means):
        near: NDArray[np.bool_] = np.maximum(means @ mean, mirrored @ mean) >= _STILL
        components.join(number, np.flatnonzero(near))
    sets: defaultdict[int, list[Clip]] = defaultdict(list)
    for clip, label in zip(clips, components.label.tolist(), strict=True):
        sets[label].append(clip)
    several = [one for one in sets.values() if len({clip.table for clip in one} if across else one) > 1]
    return sorted(tuple(sorted(clip.name for clip in one)) for one in several)
