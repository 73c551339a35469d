"""What time tells of two detectors without anybody's truth: lost and brief finds, and who is at the machine.

People and things do not vanish for a moment. One tracker follows what either detector found: where one of
them loses what it had found before and finds again, it may have missed it; what one of them alone finds for a
single frame may be a false detection. Such figures rank and alarm; they never decide. Pure functions.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from provenline.shadow.compare import assign, at_threshold, each_with_each, rate
from provenline.shadow.params import ROLES, ShadowParams

Floats = NDArray[np.float64]
LOST = tuple(f"lost_{role}" for role in ROLES)
BRIEF = tuple(f"brief_{role}" for role in ROLES)
AT_WORK = tuple(f"at_work_{role}" for role in ROLES)


@dataclass(eq=False)
class _Track:
    """One thing on its way through a recording.

    Attributes:
        box: Where it was last.
        last: In which frame of the recording (its number).
        seen: Role -> frames in which that detector found it.
    """

    box: Floats
    last: int
    seen: dict[str, list[int]] = field(default_factory=lambda: {role: [] for role in ROLES})


def follow(
    frames: pd.DataFrame, production: pd.DataFrame, candidate: pd.DataFrame, params: ShadowParams
) -> pd.DataFrame:
    """Follow what either detector finds, each at its own operating threshold, through every recording.

    Within a frame and a label, finds of both that overlap by ``params.iou`` are one sighting. Sightings join
    the tracks that were lost for at most ``params.follow.gap`` frames, one to one (Hungarian method), where
    they overlap by ``params.follow.iou``.

    Args:
        frames: Frames that both saw: ``frame_id``, ``media``, ``time_ms``.
        production: Predictions of the engine that runs today.
        candidate: Predictions of the one that would replace it.
        params: Thresholds.

    Returns:
        One row per frame, in the order of ``frames``: ``frame_id``; per role ``lost_*``, tracks that it
        found before and again within the gap, but not in this frame; and ``brief_*``, tracks of this frame
        alone that only it found. The first and the last frame of a recording have no brief finds: nobody
        knows what was before or came after.
    """
    found = {
        "production": at_threshold(production, params.score_production),
        "candidate": at_threshold(candidate, params.score_candidate),
    }
    counts: dict[str, dict[str, int]] = {name: defaultdict(int) for name in (*LOST, *BRIEF)}
    for _, rows in frames.groupby("media", sort=True):
        ids = rows.sort_values("time_ms")["frame_id"].tolist()
        for track in _tracks(ids, found, params):
            _count(track, ids, params.follow.gap, counts)
    result = frames[["frame_id"]].reset_index(drop=True)
    return result.assign(**{name: [counts[name][one] for one in result["frame_id"]] for name in counts})


def _tracks(
    ids: list[str], found: dict[str, dict[str, dict[str, Floats]]], params: ShadowParams
) -> Iterator[_Track]:
    alive: dict[str, list[_Track]] = defaultdict(list)
    for number, frame in enumerate(ids):
        boxes = {role: found[role].get(frame, {}) for role in ROLES}
        labels = set(alive) | set(boxes["production"]) | set(boxes["candidate"])
        for label in sorted(labels):
            tracks = [one for one in alive[label] if number - one.last <= params.follow.gap + 1]
            yield from (one for one in alive[label] if one not in tracks)
            ours, theirs = (boxes[role].get(label, np.empty((0, 4))) for role in ROLES)
            sightings = _sightings(ours, theirs, params.iou)
            alive[label] = tracks + _join(tracks, sightings, number, params.follow.iou)
    for tracks in alive.values():
        yield from tracks


def _sightings(ours: Floats, theirs: Floats, iou: float) -> list[tuple[Floats, tuple[str, ...]]]:
    """Return boxes with who found them."""
    left, right = assign(each_with_each(ours, theirs), iou)
    both = [((ours[a] + theirs[b]) / 2, ROLES) for a, b in zip(left, right, strict=True)]
    alone = [(ours[a], ROLES[:1]) for a in range(len(ours)) if a not in left]
    return [*both, *alone, *((theirs[b], ROLES[1:]) for b in range(len(theirs)) if b not in right)]


def _join(
    tracks: list[_Track], sightings: list[tuple[Floats, tuple[str, ...]]], number: int, iou: float
) -> list[_Track]:
    """Add sightings to their tracks; return the tracks that begin with them."""
    boxes = np.array([box for box, _ in sightings]).reshape(-1, 4)
    before = np.array([one.box for one in tracks]).reshape(-1, 4)
    known = dict(zip(*(side.tolist() for side in assign(each_with_each(boxes, before), iou)), strict=True))
    new = []
    for place, (box, roles) in enumerate(sightings):
        track = tracks[known[place]] if place in known else _Track(box, number)
        if place not in known:
            new.append(track)
        track.box, track.last = box, number
        for role in roles:
            track.seen[role].append(number)
    return new


def _count(track: _Track, ids: list[str], gap: int, counts: dict[str, dict[str, int]]) -> None:
    for role in ROLES:
        for before, after in zip(track.seen[role], track.seen[role][1:], strict=False):
            for number in range(before + 1, after) if after - before - 1 <= gap else ():
                counts[f"lost_{role}"][ids[number]] += 1
    once = {number for seen in track.seen.values() for number in seen}
    finders = [role for role in ROLES if track.seen[role]]
    if len(once) == 1 and len(finders) == 1 and 0 < (number := min(once)) < len(ids) - 1:
        counts[f"brief_{finders[0]}"][ids[number]] += 1


def at_work(
    frames: pd.DataFrame, production: pd.DataFrame, candidate: pd.DataFrame, params: ShadowParams
) -> pd.DataFrame:
    """Say for each frame whether either detector sees somebody at the machine: a box whose centre lies on it.

    Args:
        frames: Frames that both saw, with ``workplace``.
        production: Predictions of the engine that runs today.
        candidate: Predictions of the one that would replace it.
        params: Thresholds.

    Returns:
        One row per frame, in the order of ``frames``: ``frame_id`` and ``AT_WORK``, 1 or 0, or NaN for a
        frame without a work place.
    """
    result = frames[["frame_id"]].reset_index(drop=True)
    places = dict(zip(frames["frame_id"], frames["workplace"], strict=True))
    given = {
        "production": (production, params.score_production),
        "candidate": (candidate, params.score_candidate),
    }
    for role, (predictions, score) in given.items():
        seen = {
            frame: any(_on(boxes, places.get(frame)) for boxes in labels.values())
            for frame, labels in at_threshold(predictions, score).items()
        }
        result[f"at_work_{role}"] = [
            float(seen.get(one, False)) if _named(places[one]) else np.nan for one in result["frame_id"]
        ]
    return result


def _named(place: Any) -> bool:
    return place is not None and np.ndim(place) == 1


def _on(boxes: Floats, place: Any) -> bool:
    if not _named(place):
        return False
    x1, y1, x2, y2 = place
    x, y = (boxes[:, 0] + boxes[:, 2]) / 2, (boxes[:, 1] + boxes[:, 3]) / 2
    return bool(((x >= x1) & (x < x2) & (y >= y1) & (y < y2)).any())


def visits(table: pd.DataFrame, role: str, gap: int) -> int:
    """Return how often somebody came to the machine: stretches of frames, over all recordings.

    Args:
        table: ``media``, ``time_ms`` and ``AT_WORK`` of each frame; frames without a work place are left out.
        role: Whose finds.
        gap: So many frames without anybody do not end a stretch.
    """
    known = table.dropna(subset=[f"at_work_{role}"]).sort_values(["media", "time_ms"], kind="stable")
    count = 0
    for _, rows in known.groupby("media", sort=True, observed=True):
        there = np.flatnonzero(rows[f"at_work_{role}"].to_numpy() > 0)
        count += int(len(there) > 0) + int((np.diff(there) > gap + 1).sum())
    return count


def summarise(table: pd.DataFrame, params: ShadowParams) -> dict[str, Any]:
    """Summarise what following said, overall and per camera and category.

    Args:
        table: A comparison with the columns of ``follow`` and ``at_work``.
        params: Gap; confidence, replicates and seed of the interval.

    Returns:
        ``overall`` and, under ``by_camera`` and ``by_category``, a list of the same object with ``name``: the
        sums of ``LOST`` and ``BRIEF``, and ``at_work``: ``frames`` with a work place, the share on which the
        two ``differ`` as an interval over groups, and ``visits`` per role; None where there is no work place.
    """
    slices = {
        f"by_{column}": [
            {"name": str(name), **_slice(part, params)}
            for name, part in table.groupby(column, sort=True, observed=True)
        ]
        for column in ("camera", "category")
    }
    return {"overall": _slice(table, params), **slices}


def _slice(table: pd.DataFrame, params: ShadowParams) -> dict[str, Any]:
    named = table.dropna(subset=list(AT_WORK))
    differ = named.assign(differ=named[AT_WORK[0]] != named[AT_WORK[1]])
    at_machine = {
        "frames": len(named),
        "differ": rate(differ, "differ", params.interval),
        "visits": {role: visits(named, role, params.follow.gap) for role in ROLES},
    }
    sums = {name: int(table[name].sum()) for name in (*LOST, *BRIEF)}
    return {**sums, "at_work": at_machine if len(named) else None}
