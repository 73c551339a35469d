"""One measured frame per operation in which the off-the-shelf detector erred, drawn by lot."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from provenline import tables
from provenline.errors import InputError
from provenline.footage.anonymise import Blur
from provenline.reports.examples import Scene, about
from provenline.reports.params import ReportParams
from provenline.reports.pictures import Picture, draw
from provenline.reports.stage_a_evidence import FalseFind
from provenline.reports.stage_a_rows import cause
from provenline.reports.words import plural

SAMPLE = Path("data/stage_a_sample.csv")
_TABLES = ("data/annotated.parquet", "data/boxes.parquet", "data/predictions/base.parquet")
_COLUMNS = ("frame_id", "category", "missed", "false", "whom", "what")


def pictures(
    root: Path, labels: tuple[str, ...], score: float, params: ReportParams, blur: Blur
) -> list[Picture]:
    """Return a picture per operation with a miss or a false find in it; of a mix, one with both.

    Args:
        root: The project's folder.
        labels: Labels that are looked for.
        score: Operating threshold.
        params: Seed and width; nothing is drawn where no pictures are asked for.
        blur: What of the people may not be recognised.

    Raises:
        InputError: A table is malformed.
    """
    paths = [root / name for name in _TABLES]
    if not params.pictures or not (root / SAMPLE).is_file() or not all(path.is_file() for path in paths):
        return []
    frames = tables.read(paths[0], tables.FRAMES).set_index("frame_id", drop=False)
    chosen = choose(read(root / SAMPLE), params.seed)
    chosen = chosen[chosen["frame_id"].isin(frames.index)]
    boxes, found = tables.read(paths[1], tables.BOXES), tables.read(paths[2], tables.PREDICTIONS)
    truth = tables.truth(frames.loc[chosen["frame_id"]].reset_index(drop=True), boxes, labels)
    found = found[(found["score"] >= score) & found["label"].isin(labels)]
    drawn = [
        _picture(row, frames.loc[row["frame_id"]], truth, found, root, params.picture_width, blur)
        for _, row in chosen.iterrows()
    ]
    return [picture for picture in drawn if picture]


def read(path: Path) -> pd.DataFrame:
    """Read what became of each measured frame.

    Raises:
        InputError: A column is missing or holds no number.
    """
    mend = "Run `dvc repro stageA-eval`"
    try:
        rows = pd.read_csv(path, dtype=str, keep_default_na=False, index_col=False)
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise InputError(f"not a CSV table ({error})", file=path, mend=mend) from None
    if lacking := [name for name in _COLUMNS if name not in rows.columns]:
        raise InputError(f"has no column {lacking[0]}", file=path, mend=mend)
    try:
        return rows.astype({"missed": np.int64, "false": np.int64})
    except ValueError as error:
        raise InputError(f"a count is no number ({error})", file=path, mend=mend) from None


def choose(rows: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Return one row per operation by lot: one with a miss and a false find, else with either."""
    erred = rows[(rows["missed"] > 0) | (rows["false"] > 0)].sort_values("frame_id", kind="stable")
    both = (erred["missed"] > 0) & (erred["false"] > 0)
    lot = np.random.default_rng(seed).permutation(len(erred))
    ranked = erred.assign(one=~both, lot=lot).sort_values(["category", "one", "lot"], kind="stable")
    return ranked.drop_duplicates("category").drop(columns=["one", "lot"])


def _picture(
    row: pd.Series,
    frame: pd.Series,
    truth: pd.DataFrame,
    found: pd.DataFrame,
    root: Path,
    width: int,
    blur: Blur,
) -> Picture | None:
    frame_id = str(row["frame_id"])
    scene = Scene(
        kind="stage_a",
        frame_id=frame_id,
        path=root / str(frame["path"]),
        about=about(frame),
        truth=truth.loc[truth["frame_id"] == frame_id, tables.BOX].to_numpy(dtype=np.float64),
        base=found.loc[found["frame_id"] == frame_id, [*tables.BOX, "score"]].to_numpy(dtype=np.float64),
        candidate=np.zeros((0, 5)),
    )
    drawn = draw(scene, width, blur)
    if drawn is None:
        return None
    said = errors(row)
    seen = f"{plural(len(scene.truth), 'box', 'boxes')} by the annotators, {len(scene.base)} by the base"
    return replace(drawn, caption=f"{scene.about}: {said}", alt=f"Frame of {scene.about}: {seen}; {said}.")


def errors(row: pd.Series) -> str:
    """Say what went wrong in a frame.

    >>> errors(pd.Series({"missed": 1, "whom": "hands only", "false": 2, "what": "duplicate; mannequin"}))
    '1 missed (hands only), 2 false finds (found twice; mannequin)'
    """
    what = "; ".join(_what(name) for name in str(row["what"]).split("; ") if name)
    parts = []
    if row["missed"]:
        parts.append(f"{row['missed']} missed" + (f" ({row['whom']})" if row["whom"] else ""))
    if row["false"]:
        parts.append(f"{plural(int(row['false']), 'false find')} ({what})")
    return ", ".join(parts)


def _what(name: str) -> str:
    return cause(FalseFind(name, "", 0, 0, None))
