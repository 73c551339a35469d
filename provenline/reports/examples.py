"""Chooses frames that show what the numbers mean: drawn by lot, never picked by hand.

Of each kind as many as asked for, from as many videos as there are: hits, people that only the
candidate finds, people that only the base finds, dummies taken for people, people still missed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from provenline import tables
from provenline.evaluation.matching import Matches, joined, match, overlaps, per_frame
from provenline.reports.evidence import Evaluation
from provenline.reports.params import ReportParams
from provenline.shadow.params import Operating

Flags = npt.NDArray[np.bool_]
OTHER_LABEL_IOU = 0.3
KINDS = {
    "gained": "Missed by the base, found by the candidate",
    "lost": "Found by the base, missed by the candidate",
    "on_other": "False: something else taken for {label}",
    "false": "False: nothing there",
    "missed": "Missed by both",
    "found": "Found by both",
}


@dataclass(frozen=True)
class Scene:
    """One frame with everything that is drawn into it.

    Attributes:
        kind: A key of ``KINDS``, or what a shadow run calls it.
        frame_id: Of the frame; by it the people in it are found and blurred.
        path: The stored image.
        about: The operation, the video and the time.
        truth: (n, 4) boxes of the annotators, absolute pixels.
        base: (n, 5) boxes and scores of the base (or production) at the operating threshold.
        candidate: (n, 5) likewise.
    """

    kind: str
    frame_id: str
    path: Path
    about: str
    truth: npt.NDArray[np.float64]
    base: npt.NDArray[np.float64]
    candidate: npt.NDArray[np.float64]


@dataclass(frozen=True)
class Material:
    """The frames of one set with boxes and both models' predictions.

    Attributes:
        name: Of the set: ``deployment``, ``test``, ...
        frames: Annotated frames, sorted.
        boxes: Of all annotators.
        predictions: By model; other frames' too.
    """

    name: str
    frames: pd.DataFrame
    boxes: pd.DataFrame
    predictions: Mapping[str, pd.DataFrame]


def load(root: Path, round_: str, split: str) -> Material | None:
    """Read the tables of one split of the development footage.

    The deployment footage's frames are `eval`'s and `shadow-ab`'s alone; what the shadow run mined of
    them is shown by ``shadow_scenes``.

    Returns:
        None where a table is missing.

    Raises:
        InputError: A table is malformed.
    """
    folder, sides = root / "data", root / f"data/dataset_split_{round_}.csv"
    files = {model: folder / f"predictions/{model}.parquet" for model in ("base", "candidate")}
    wanted = [folder / "annotated.parquet", folder / "boxes.parquet", sides, *files.values()]
    if not all(path.is_file() for path in wanted):
        return None
    frames = tables.read(wanted[0], tables.FRAMES)
    placed = pd.read_csv(sides, usecols=["frame_id", "split"])
    frames = frames[frames["frame_id"].isin(placed.loc[placed["split"] == split, "frame_id"])]
    frames = frames[frames["annotated"]].sort_values("frame_id").reset_index(drop=True)
    found = {model: tables.read(path, tables.PREDICTIONS) for model, path in files.items()}
    return Material(split, frames, tables.read(wanted[1], tables.BOXES), found)


def choose(
    material: Material, labels: Sequence[str], evaluation: Evaluation, params: ReportParams, root: Path
) -> dict[str, list[Scene]]:
    """Return scenes per kind, in the order of ``KINDS``; kinds without one are left out."""
    frames = material.frames
    truth = tables.truth(frames, material.boxes, tuple(labels))
    flags = classify(material, truth, labels, evaluation)
    rng = np.random.default_rng(params.seed)
    scenes: dict[str, list[Scene]] = {}
    taken: set[int] = set()
    for kind in KINDS:
        places = [place for place in np.flatnonzero(flags[kind]).tolist() if place not in taken]
        chosen = spread(places, frames["group"].tolist(), params.pictures, rng)
        taken.update(chosen)
        if chosen:
            scenes[kind] = [
                _scene(kind, frames.iloc[p], truth, material, evaluation.score, labels, root) for p in chosen
            ]
    return scenes


def classify(
    material: Material, truth: pd.DataFrame, labels: Sequence[str], evaluation: Evaluation
) -> dict[str, Flags]:
    """Return per kind which frames are of that kind, (F,)."""
    ids = material.frames["frame_id"].tolist()
    found, false, on_other = {}, {}, {}
    for model, table in material.predictions.items():
        matches = match(ids, truth, table, labels, [evaluation.iou])
        counts = per_frame(matches, evaluation.iou, evaluation.score)
        found[model] = matches.is_found(evaluation.iou, evaluation.score)
        false[model] = counts.detections > counts.found
        on_other[model] = _on_other(material, table, matches, labels, evaluation)
    where = matches.truth_frame
    base, candidate = found["base"], found["candidate"]
    occupied = np.bincount(where, minlength=len(ids)) > 0
    other = on_other["base"] | on_other["candidate"]
    wrong = false["base"] | false["candidate"]

    def any_of(objects: Flags) -> Flags:
        return np.bincount(where[objects], minlength=len(ids)) > 0

    return {
        "gained": any_of(candidate & ~base),
        "lost": any_of(base & ~candidate),
        "on_other": other,
        "false": wrong & ~other,
        "missed": any_of(~base & ~candidate),
        "found": occupied & ~any_of(~base | ~candidate) & ~wrong,
    }


def _on_other(
    material: Material, table: pd.DataFrame, matches: Matches, labels: Sequence[str], evaluation: Evaluation
) -> Flags:
    """Return the frames in which a false positive lies on a box of another label."""
    frames = material.frames
    others = tables.truth(frames, material.boxes, sorted(set(material.boxes["label"]) - set(labels)))
    frame = pd.Index(frames["frame_id"]).get_indexer(pd.Index(others["frame_id"])).astype(np.int64)
    order = np.argsort(frame, kind="stable")
    false = np.flatnonzero(matches.is_false(evaluation.iou) & (matches.score >= evaluation.score))
    detection, other = joined(matches.frame[false], frame[order])
    boxes, things = (part[tables.BOX].to_numpy(dtype=np.float64) for part in (table, others))
    near = overlaps(boxes[matches.row[false[detection]]], things[order[other]]) >= OTHER_LABEL_IOU
    return np.bincount(matches.frame[false[detection[near]]], minlength=len(frames)) > 0


def spread(places: list[int], groups: list[str], most: int, rng: np.random.Generator) -> list[int]:
    """Draw at most so many places, another group each time as long as there are any."""
    drawn = [places[index] for index in rng.permutation(len(places))]
    rounds: dict[str, int] = {}
    turn = []
    for place in drawn:
        rounds[groups[place]] = rounds.get(groups[place], -1) + 1
        turn.append(rounds[groups[place]])
    return [drawn[index] for index in np.argsort(turn, kind="stable")[:most]]


def _scene(
    kind: str,
    row: pd.Series,
    truth: pd.DataFrame,
    material: Material,
    score: float,
    labels: Sequence[str],
    root: Path,
) -> Scene:
    mine = {name: _at(table, row["frame_id"], score, labels) for name, table in material.predictions.items()}
    return Scene(
        kind=kind,
        frame_id=str(row["frame_id"]),
        path=root / row["path"],
        about=about(row),
        truth=truth.loc[truth["frame_id"] == row["frame_id"], tables.BOX].to_numpy(dtype=np.float64),
        base=mine["base"],
        candidate=mine["candidate"],
    )


def _at(
    table: pd.DataFrame, frame_id: str, score: float | Operating, labels: Sequence[str]
) -> npt.NDArray[np.float64]:
    mine = table[(table["frame_id"] == frame_id) & table["label"].isin(list(labels))]
    least = score.least(mine["label"].tolist()) if isinstance(score, Operating) else score
    return mine.loc[mine["score"] >= least, [*tables.BOX, "score"]].to_numpy(dtype=np.float64)


def about(row: pd.Series) -> str:
    """Name a frame: operation, video, time."""
    seconds = row["time_ms"] / 1000
    return " · ".join(filter(None, [str(row["category"]), str(row["media"]), f"{seconds:g} s"]))


def shadow_scenes(
    root: Path, labels: Sequence[str], scores: Mapping[str, Operating], most: int
) -> list[Scene]:
    """Return the frames on which production and candidate differ most, best first.

    Raises:
        InputError: A table of the shadow run is malformed.
    """
    folder = root / "data/shadow"
    tables_of = {name: folder / f"{name}.parquet" for name in ("production", "candidate")}
    index = folder / "disagreements.csv"
    if not index.is_file() or not all(path.is_file() for path in tables_of.values()):
        return []
    rows = pd.read_csv(index, keep_default_na=False).head(most)
    found = {name: tables.read(path, tables.PREDICTIONS) for name, path in tables_of.items()}
    return [
        Scene(
            kind=str(row["kind"]),
            frame_id=str(row["frame_id"]),
            path=folder / str(row["image"]),
            about=about(row),
            truth=np.zeros((0, 4)),
            base=_at(found["production"], row["frame_id"], scores["production"], labels),
            candidate=_at(found["candidate"], row["frame_id"], scores["candidate"], labels),
        )
        for _, row in rows.iterrows()
    ]
