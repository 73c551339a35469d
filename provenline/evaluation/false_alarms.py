"""False positives per hour of footage, and the threshold that keeps them under a bound.

An hour here is an hour of *looked-at* footage, at the rate of the sampling plan. Frames are samples: each
stands for the time to the next sampled frame of its media. A rate per hour therefore counts what a person
would see who looks at the footage as often as the plan does, say every five seconds; a detector that looks
at every frame raises the same false alarm many times over. Photos, and media of which one frame was taken,
stand for no time; where nothing else is there, the rate is given per 1000 frames alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from provenline.evaluation.intervals import Interval, rounded
from provenline.evaluation.matching import Matches, per_frame
from provenline.evaluation.pairing import FloatArray
from provenline.evaluation.params import CalibrationParams, IntervalParams
from provenline.evaluation.slices import Slice

HOUR_MS = 3_600_000
PER_FRAMES = 1000
_PAUSE = 2.0  # a gap of more than so many usual ones is a pause, in which nobody looked


def hours(frames: pd.DataFrame) -> FloatArray:
    """Return the hours that each frame stands for, NaN where nobody knows, (F,).

    A frame stands for the time to the next sampled frame of its media, but for twice the usual (median)
    distance in that media at most: between two sampled stretches nobody looked. The last one stands for
    the usual distance.

    Args:
        frames: ``media`` and ``time_ms``, in any order.
    """
    result = np.full(len(frames), np.nan)
    for places in frames.groupby("media", sort=False).indices.values():
        time = frames["time_ms"].to_numpy(dtype=np.float64)[places]
        order = np.argsort(time, kind="stable")
        gaps = np.diff(time[order])
        usual = float(np.median(gaps[gaps > 0])) if (gaps > 0).any() else np.nan
        result[places[order]] = np.minimum(np.append(gaps, usual), _PAUSE * usual) / HOUR_MS
    return result


@dataclass(frozen=True)
class Watch:
    """The false positives of some frames, and how much footage these stand for.

    Attributes:
        part: The frames, with the draws of their groups.
        matches: Of these frames.
        iou: Overlap at which a detection finds an object.
        hours: See there.
    """

    part: Slice
    matches: Matches
    iou: float
    hours: FloatArray

    @property
    def timed(self) -> bool:
        """Whether any frame stands for a known time."""
        return bool(np.nansum(self.hours) > 0)

    def false(self, score: float) -> FloatArray:
        """Return the false positives of each frame from a score on, (F,)."""
        wrong = self.matches.is_false(self.iou) & (self.matches.score >= score)
        return np.bincount(self.matches.frame[wrong], minlength=self.matches.frames).astype(np.float64)

    def exposure(self) -> dict[str, Any]:
        """Return how much footage was looked at: a JSON object."""
        known = ~np.isnan(self.hours)
        total = float(np.nansum(self.hours))
        return {
            "hours": rounded(total) if self.timed else None,
            "frames": len(self.hours),
            "frames_without_time": int((~known).sum()),
            "period_s": round(total * HOUR_MS / 1000 / int(known.sum()), 3) if self.timed else None,
        }

    def at(self, score: float, params: IntervalParams) -> dict[str, Any]:
        """Return the rates of false positives and the recall from a score on: a JSON object."""
        false, counts = self.false(score), per_frame(self.matches, self.iou, score)
        known = np.nan_to_num(self.hours)
        frames = np.full(len(false), 1.0 / PER_FRAMES)
        recall = self.part.ratio(counts.found, counts.objects, proportion=True).interval(params)
        per_hour = self._rate(np.where(known > 0, false, 0.0), known, params) if self.timed else None
        per_frames = self._rate(false, frames, params)
        named = {"per_hour": per_hour, "per_1000_frames": per_frames, "recall": recall}
        return {name: one and one.to_dict() for name, one in named.items()}

    def _rate(self, false: FloatArray, amount: FloatArray, params: IntervalParams) -> Interval | None:
        if false.any():
            return self.part.ratio(false, amount).interval(params)
        # None at all: what so many frames in so many groups could have hidden.
        looked = (amount > 0).astype(np.float64)
        share = self.part.ratio(false, looked, proportion=True).interval(params)
        if share is None or share.high is None or share.error is None:
            return share
        scale = float(looked.sum() / amount.sum())
        return replace(share, high=share.high * scale, error=share.error * scale)


def rates(watch: Watch, scores: Sequence[float], params: IntervalParams) -> list[dict[str, Any]]:
    """Return the rates of false positives and the recall from each of these scores on."""
    return [{"score": score} | watch.at(score, params) for score in scores]


def bounded(
    val: Watch, judged: Watch, params: CalibrationParams, interval: IntervalParams
) -> list[dict[str, Any]]:
    """Choose a threshold for each bound on val, and say what it comes to on what is judged.

    The threshold is the lowest score from which on val has no more false positives than the bound
    allows. Val tells apart only so much: with no false positive at all in h hours, a bound below 1 / h is
    kept by luck as much as by merit, and the row's ``reason`` says so.

    Args:
        val: The validation frames.
        judged: The frames that the claims rest on.
        params: Bounds per hour where the times on both sides are known, else per 1000 frames.
        interval: Of the intervals.

    Returns:
        Rows of ``bound_per_hour`` or ``bound_per_1000_frames`` (the other is None), ``score``,
        ``per_hour``, ``per_1000_frames``, ``recall`` and ``reason``.
    """
    timed = val.timed and judged.timed
    bounds = params.bounds_per_hour if timed else params.bounds_per_1000_frames
    amount = float(np.nansum(val.hours)) if timed else len(val.hours) / PER_FRAMES
    rows = []
    for bound in bounds:
        score, reason = _threshold(val, bound, amount, timed=timed)
        row: dict[str, Any] = {
            "bound_per_hour": bound if timed else None,
            "bound_per_1000_frames": None if timed else bound,
            "score": score,
            "reason": reason,
        }
        nothing = dict.fromkeys(("per_hour", "per_1000_frames", "recall"))
        rows.append(row | (nothing if score is None else judged.at(score, interval)))
    return rows


def _threshold(val: Watch, bound: float, amount: float, *, timed: bool) -> tuple[float | None, str]:
    """Return the lowest score that keeps a bound on val, and what is to be said of it."""
    if amount == 0 or not len(val.matches.score):
        return None, "val has no frame" if amount == 0 else "nothing is detected on val"
    looked = ~np.isnan(val.hours) if timed else np.ones(len(val.hours), dtype=np.bool_)
    wrong = val.matches.is_false(val.iou) & looked[val.matches.frame]
    false = np.sort(val.matches.score[wrong])[::-1]
    allowed = int(bound * amount + 1e-9)  # 60 per hour in 0.1 hours are six
    every = np.sort(val.matches.score)
    # Above the first false positive that is one too many: the next score that any detection has.
    start = 0 if len(false) <= allowed else int(np.searchsorted(every, false[allowed], side="right"))
    if start == len(every):
        return None, "no score keeps the bound on val: its most confident detections are false"
    unit = f"{amount:.2g} hours" if timed else f"{round(amount * PER_FRAMES)} frames"
    said = "" if allowed else f"val has {unit} only: it cannot show so low a rate"
    return float(every[start]), said
