"""Which frames of deployment footage are worth a person's time: doubted by production, or disputed.

Such frames train the next round and never judge one: they are picked because they are hard.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from provenline.errors import InputError
from provenline.shadow.compare import KINDS
from provenline.shadow.params import Operating

Levels = NDArray[np.uint8]
QUALITIES = ("green", "yellow", "red")
MARKS = ("media", "time_ms", "quality")
DISPUTED = "disagreement"
_LATEST_MS = 1e11  # three years into a recording: beyond it a time is something else
COLUMNS = ("frame_id", "media", "time_ms", "camera", "day", "group", "reason")


@dataclass(frozen=True)
class Colours:
    """What makes a frame yellow or red, where production did not write it itself.

    Attributes:
        operating: From which score on a detection is reported.
        seen: Below this share of that score it is noise; a frame with one between the two is red.
        sure: A frame on which production reports one below this score is yellow.
    """

    operating: Operating
    seen: float
    sure: float

    @property
    def noise(self) -> float:
        """The score below which a find of any label is noise."""
        return self.seen * min([*self.operating.own.values(), self.operating.otherwise])


def quality(
    frames: pd.DataFrame, production: pd.DataFrame, colours: Colours, labels: Collection[str]
) -> pd.DataFrame:
    """Return each frame's colour by production's own scores, as MARKS with ``frame_id`` and ``doubt``.

    Red where production held back a detection that is more than noise, and so perhaps missed something;
    yellow where it reports one that it is not sure of; green otherwise. Of frames of one colour the one whose
    score is nearest to the operating threshold is doubted most: uncertainty sampling (Lewis and Gale, A
    sequential algorithm for training text classifiers, SIGIR 1994) at the threshold that decides.

    Args:
        frames: FRAMES.
        production: PREDICTIONS of the engine that runs today, on these frames; what is noise may be left out.
        colours: Scores.
        labels: That count.

    Returns:
        One row per frame; ``doubt`` is 1 minus the distance of that score from the threshold, 0 if green.
    """
    seen = production[production["label"].isin(list(labels))]
    seen = seen.assign(least=colours.operating.least(seen["label"].tolist()))
    seen = seen.assign(held=seen["score"] < seen["least"], away=(seen["score"] - seen["least"]).abs())
    seen = seen[
        (seen["score"] >= colours.seen * seen["least"]) & (seen["held"] | (seen["score"] < colours.sure))
    ]
    # Red before yellow, then the nearest.
    first = seen.sort_values(["held", "away"], ascending=[False, True], kind="stable").drop_duplicates(
        "frame_id"
    )
    found = frames[["frame_id", "media", "time_ms"]].merge(
        first[["frame_id", "held", "away"]], on="frame_id", how="left"
    )
    held = found["held"].to_numpy(dtype=np.float64, na_value=np.nan)
    colour = np.select([np.isnan(held), held > 0], ["green", "red"], "yellow")
    doubt = np.nan_to_num(1 - found["away"].to_numpy(dtype=np.float64), nan=0.0)
    return found[["frame_id", "media", "time_ms"]].assign(quality=colour, doubt=doubt)


def read_marks(file: Path, frames: pd.DataFrame, period_s: float) -> tuple[pd.DataFrame, int]:
    """Read the colours that production wrote, each for the compared frame nearest in time.

    Args:
        file: CSV with the columns MARKS; others are passed over.
        frames: FRAMES, of all that was compared.
        period_s: Between two of them: a mark that is farther from all than half of it is of none.

    Returns:
        As ``quality``, one row per marked frame (its gravest colour); and how many marks are of no frame.

    Raises:
        InputError: The file cannot be read, lacks a column, holds a value that cannot be one, or none of its
            marks is of a frame that was compared.
    """
    marks = _read(file)
    known = frames[["frame_id", "media", "time_ms"]].assign(time_ms=frames["time_ms"].astype("int64"))
    nearest = pd.merge_asof(
        marks.sort_values("time_ms"),
        known.assign(at=known["time_ms"]).sort_values("time_ms"),
        on="time_ms",
        by="media",
        direction="nearest",
        tolerance=max(1, int(period_s * 500)),
    )
    found = nearest.dropna(subset="frame_id")
    if found.empty:
        theirs = f"such as {marks['media'].iloc[0]!r}" if len(marks) else "there is none"
        what = f"no mark is of a frame that was compared ({theirs}; compared was {known['media'].iloc[0]!r})"
        raise InputError(what, file=file, mend="Name media as the media list does, times in milliseconds")
    rank = found["quality"].map(QUALITIES.index).astype("int64")
    worst = found.assign(rank=rank).sort_values(["rank", "frame_id"]).drop_duplicates("frame_id", keep="last")
    worst = worst.assign(time_ms=worst["at"].astype("int64"), doubt=worst["rank"] / len(QUALITIES))
    columns = ["frame_id", "media", "time_ms", "quality", "doubt"]
    return worst[columns].sort_values("frame_id").reset_index(drop=True), len(marks) - len(found)


def _read(file: Path) -> pd.DataFrame:
    try:
        marks = pd.read_csv(file, dtype=str, keep_default_na=False, index_col=False)
    except FileNotFoundError:
        raise InputError("file is missing", file=file, mend="Name the file that production wrote") from None
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", file=file) from None
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise InputError(f"not a CSV table ({error})", file=file) from None
    if lacking := [name for name in MARKS if name not in marks.columns]:
        raise InputError(f"has no column {lacking[0]}", file=file, mend=f"Its columns are {', '.join(MARKS)}")
    marks = marks[list(MARKS)].reset_index(drop=True)
    times = pd.to_numeric(marks["time_ms"], errors="coerce")
    bad = marks.index[~marks["quality"].isin(QUALITIES) | ~times.between(0, _LATEST_MS)]
    if len(bad):
        row = marks.loc[bad[0]]
        what = f"quality {row['quality']!r} at {row['time_ms']!r}"
        mend = (
            f"A quality is one of {', '.join(QUALITIES)}, a time is milliseconds from the recording's start"
        )
        raise InputError(what, file=file, place=f"row {bad[0] + 2}", mend=mend)
    return marks.assign(time_ms=times.round().astype("int64"))


def rank(frames: pd.DataFrame, marks: pd.DataFrame, comparison: pd.DataFrame) -> pd.DataFrame:
    """Rank the frames that are worth labelling, cameras and days in turn.

    Red and yellow frames (red first, then the more doubted) and frames on which the two engines differ
    (the gravest kind first) take turns, so that either fills up what the other lacks. Within each of the
    two, groups of one camera and day take turns, and so do the cameras and days.

    Args:
        frames: FRAMES, of all that was compared.
        marks: What ``quality`` or ``read_marks`` returned.
        comparison: What ``shadow.compare.compare_frames`` returned.

    Returns:
        COLUMNS, best first, each frame once; ``reason`` is red, yellow or disagreement.
    """
    marked = marks[marks["quality"] != "green"]
    doubted = marked.assign(
        reason=marked["quality"], gravity=-marked["quality"].map(QUALITIES.index), more=-marked["doubt"]
    )
    differ = comparison[comparison["disagrees"]]
    disputed = differ.assign(
        reason=DISPUTED,
        gravity=differ["kind"].map(KINDS.index),
        more=-(differ["only_production"] + differ["only_candidate"]),
    )
    keys = frames[["frame_id", "media", "time_ms", "camera", "day", "group"]]
    queues = [
        _in_turns(keys.merge(one[["frame_id", "reason", "gravity", "more"]], on="frame_id"))
        for one in (doubted, disputed)
    ]
    both = pd.concat([queue.assign(place=np.arange(len(queue))) for queue in queues])
    ranked = both.sort_values("place", kind="stable").drop_duplicates("frame_id")
    return ranked[list(COLUMNS)].reset_index(drop=True)


def _in_turns(rows: pd.DataFrame) -> pd.DataFrame:
    order = ["gravity", "more", "media", "time_ms"]
    rows = rows.sort_values(order, kind="stable")
    rows["turn"] = rows.groupby("group").cumcount()
    rows = rows.sort_values(["turn", *order], kind="stable")
    rows["round"] = rows.groupby(["camera", "day"]).cumcount()
    return rows.sort_values(["round", *order], kind="stable")


class Look(NamedTuple):
    """What a picture looks like: its difference hash, and 256 grey levels."""

    dhash: str
    thumbnail: Levels


class Distinct(NamedTuple):
    """Frames none of which looks like another of its camera.

    Attributes:
        frames: Rows of what was ranked, in their order.
        looks: Of each of them.
        alike: Near-duplicates that were passed over.
        gone: Frames that could not be looked at any more.
    """

    frames: pd.DataFrame
    looks: dict[str, Look]
    alike: int
    gone: int


def distinct(
    ranked: pd.DataFrame,
    look: Callable[[pd.DataFrame], Mapping[str, Look]],
    most: int,
    apart: int,
    before: Iterable[tuple[str, Levels]] = (),
) -> Distinct:
    """Take frames in their order, but none that looks like one of its camera that was taken already.

    Two frames look alike if no cell of their 16 x 16 thumbnails differs by ``apart`` grey levels: a hash of
    the whole picture says "the same" of everything that a fixed camera sees.

    Args:
        ranked: What ``rank`` returned.
        look: Looks at some of its rows: frame to what it looks like; without those that are gone.
        most: At most so many frames.
        apart: 0 takes all that are not the same to the last grey level.
        before: Camera and thumbnail of what earlier rounds have taken.
    """
    seen: dict[str, list[NDArray[np.int16]]] = defaultdict(list)
    for camera, levels in before:
        seen[camera].append(levels.astype(np.int16))
    taken: list[int] = []
    looks: dict[str, Look] = {}
    alike = gone = 0
    for start in range(0, len(ranked), 2 * most):
        rows = ranked.iloc[start : start + 2 * most]
        found = look(rows)
        for row, (frame_id, camera) in enumerate(zip(rows["frame_id"], rows["camera"], strict=True), start):
            if len(taken) == most:
                return Distinct(ranked.iloc[taken].reset_index(drop=True), looks, alike, gone)
            if frame_id not in found:
                gone += 1
                continue
            own = found[frame_id].thumbnail.astype(np.int16)
            others = seen[camera]
            if others and np.abs(np.stack(others) - own).max(axis=1).min() < max(apart, 1):
                alike += 1
                continue
            others.append(own)
            taken.append(row)
            looks[frame_id] = found[frame_id]
    return Distinct(ranked.iloc[taken].reset_index(drop=True), looks, alike, gone)


def counts(chosen: pd.DataFrame) -> dict[str, int]:
    """Return how many frames were chosen for which reason, in a fixed order."""
    found = chosen["reason"].value_counts()
    reasons: Sequence[str] = (*QUALITIES[:0:-1], DISPUTED)
    return {reason: int(found.get(reason, 0)) for reason in reasons}
