"""Labels that look wrong: where what the models see and what is annotated do not go together.

The idea is that of confident learning (Northcutt, Jiang, Chuang 2021), which holds a model's confidence
against what it usually has for that label, and of ObjectLab (Tkachenko, Thyagarajan, Mueller 2023), which
scores overlooked, badly placed and swapped boxes. Ours is a posterior: all kinds of errors are on one scale,
the probability that the label is wrong, from a prior and from how much more the disagreement speaks for an
error than for one of the model's usual failings. The failings are measured on the same frames: how often the
models see what is annotated, by label, size and occlusion; how often they take one label for another; how
badly they place boxes.

A model that was trained on a frame has learnt the errors of its labels. So on frames of ``train`` the
candidate may accuse a label, but not acquit it: what it says there never lowers a suspicion.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from provenline import tables
from provenline.errors import InputError
from provenline.evaluation.accusing import accuse
from provenline.evaluation.near import near
from provenline.evaluation.panel import panel
from provenline.evaluation.params import WhyParams
from provenline.evaluation.slices import annotated
from provenline.files import atomic_path
from provenline.tables import BOX

DEVELOPMENT = ("train", "val", "test")  # deployment frames are never shown, nor leave for review
KINDS = ("missing", "spurious", "location", "label")
FOUND = [f"found_{name}" for name in BOX]
COLUMNS = [
    "rank", "frame_id", "split", "kind", "label", "other", "score", "iou", *BOX, *FOUND, "found_score",
    "witness", "group", "category", "path",
]  # fmt: skip
TRAINED = {"train": "candidate"}  # split -> the model that was trained on it


def suspicions(
    frames: pd.DataFrame,
    boxes: pd.DataFrame,
    predictions: Mapping[str, pd.DataFrame],
    labels: Sequence[str],
    params: WhyParams,
) -> pd.DataFrame:
    """Rank the labels of development frames by how likely they are wrong.

    Kinds: ``missing`` (something is seen where nothing is annotated), ``spurious`` (something is annotated
    where nothing is seen), ``location`` (seen at another place), ``label`` (seen as something else; also
    where it is annotated with a label that is not looked for).

    Args:
        frames: Annotated frames with a column ``split``; those of other splits than ``DEVELOPMENT`` are
            left out, and so are frames that nobody looked at.
        boxes: Boxes of all labels.
        predictions: By model, down to their score floor. ``candidate`` was trained on ``train``.
        labels: Labels that are looked at.
        params: See there.

    Returns:
        A table with ``COLUMNS``, most suspicious first: at most ``params.label_errors.most`` rows with a
        ``score`` (posterior, 0..1) of ``params.label_errors.floor`` at least. ``x1 y1 x2 y2`` is the
        annotated box (NaN for ``missing``), ``found_*`` what is seen (NaN where nothing is), ``iou`` their
        overlap, ``witness`` the model that sees it, or that sees nothing.
    """
    kept = annotated(frames[frames["split"].isin(DEVELOPMENT)])
    parts = []
    for split, models in _sittings(kept, list(predictions)):
        part = kept[kept["split"].isin(split)]
        parts.append(_sitting(part, boxes, {name: predictions[name] for name in models}, labels, params))
    rows = pd.concat(parts, ignore_index=True) if parts else _nothing()
    rows = rows[rows["score"] >= params.label_errors.floor]
    rows = _strongest(rows, params.budget.foreground).head(params.label_errors.most)
    named = rows.merge(kept[["frame_id", "split", "group", "category", "path"]], on="frame_id", how="left")
    return named.assign(rank=np.arange(1, len(named) + 1))[COLUMNS]


def _sittings(frames: pd.DataFrame, models: list[str]) -> list[tuple[list[str], list[str]]]:
    """Return which frames are looked at by which models together: some of them twice."""
    found = []
    for trained in (False, True):
        there = [name for name in DEVELOPMENT if (TRAINED.get(name) in models) == trained]
        there = [name for name in there if (frames["split"] == name).any()]
        innocent = [model for model in models if not any(TRAINED.get(name) == model for name in there)]
        found += [(there, group) for group in (innocent, models) if there and group]
    return [one for place, one in enumerate(found) if one not in found[:place]]


def _sitting(
    frames: pd.DataFrame,
    boxes: pd.DataFrame,
    predictions: Mapping[str, pd.DataFrame],
    labels: Sequence[str],
    params: WhyParams,
) -> pd.DataFrame:
    ids = frames["frame_id"].tolist()
    every = tables.truth(frames, boxes, sorted(set(boxes["label"])))
    wanted = every[every["label"].isin(list(labels))].reset_index(drop=True)
    seen = panel(ids, wanted, predictions, labels, params.budget.foreground)
    found = accuse(frames, every, seen, labels, params)
    silent = next(iter(predictions)) if len(predictions) == 1 else "both"
    return found.assign(witness=found["witness"].where(found["witness"] != "", silent))


def _strongest(rows: pd.DataFrame, iou: float) -> pd.DataFrame:
    """Return each suspicion once, at its strongest, most suspicious first.

    About one annotated box there is one; of things that are not annotated those that overlap are one.
    """
    rows = rows.sort_values(["score", "found_score"], ascending=False, kind="stable", ignore_index=True)
    about = rows["kind"] != "missing"
    repeated = rows.duplicated(["frame_id", "object"])
    rows = rows[~(about & repeated)].reset_index(drop=True)
    missing = np.flatnonzero(rows["kind"] == "missing")
    code = pd.factorize(rows["frame_id"].iloc[missing])[0]
    order = np.argsort(code, kind="stable")
    box = rows[FOUND].to_numpy(dtype=np.float64)[missing]
    pairs = near(code, box, code[order], box[order], iou)
    weaker, stronger = pairs.left, order[pairs.right]
    gone: set[int] = set()
    stays = np.ones(len(rows), dtype=np.bool_)
    # From the strongest on: what overlaps something that stays goes.
    for low, high in sorted(zip(weaker.tolist(), stronger.tolist(), strict=True)):
        if high < low and high not in gone:
            gone.add(low)
    stays[missing[sorted(gone)]] = False
    return rows[stays].reset_index(drop=True)


def _nothing() -> pd.DataFrame:
    return pd.DataFrame(
        columns=[name for name in COLUMNS if name not in ("rank", "split", "group", "category", "path")]
    )


def summary(rows: pd.DataFrame, frames: pd.DataFrame, least: float) -> dict[str, Any]:
    """Return how many labels look wrong: a JSON object.

    Args:
        rows: See ``suspicions``.
        frames: What it was given.
        least: Its floor.
    """
    looked = annotated(frames[frames["split"].isin(DEVELOPMENT)])["split"]
    there = [split for split in DEVELOPMENT if (looked == split).any()]
    return {
        "looked_at": {split: int((looked == split).sum()) for split in there},
        "count": len(rows),
        "least": least,
        "by_kind": {kind: int((rows["kind"] == kind).sum()) for kind in KINDS},
        "by_split": {split: int((rows["split"] == split).sum()) for split in there},
    }


def write(rows: pd.DataFrame, path: str | Path) -> None:
    """Write suspicions as CSV, whole or not at all; numbers with six decimals, empty where there is none."""
    with atomic_path(path) as temporary:
        rows[COLUMNS].to_csv(temporary, index=False, float_format="%.6f", lineterminator="\n")


def read(path: str | Path) -> pd.DataFrame:
    """Read the list that `eval` wrote.

    Raises:
        InputError: The file is missing or is no such list.
    """
    texts = dict.fromkeys(("frame_id", "split", "kind", "label", "other", "witness", "path"), str)
    try:
        # Only of numbers an empty cell is missing; a label may be called None, and a group NA.
        empty = {name: [""] for name in COLUMNS if name not in (*texts, "group", "category")}
        dtypes = texts | {"group": str, "category": str}
        rows = pd.read_csv(path, dtype=dtypes, index_col=False, keep_default_na=False, na_values=empty)
    except FileNotFoundError:
        raise InputError("file is missing", file=path, mend="Run `dvc repro eval`") from None
    except (ValueError, pd.errors.ParserError) as error:
        raise InputError(f"not a list of suspicious labels ({error})", file=path) from None
    if list(rows.columns) != COLUMNS:
        raise InputError("not a list of suspicious labels: other columns", file=path)
    return rows


def top(rows: pd.DataFrame, kind: str, most: int) -> pd.DataFrame:
    """Return the most suspicious rows of one kind, at most so many, groups taking turns."""
    mine = rows[rows["kind"] == kind]
    turn = mine.groupby("group", sort=False).cumcount()
    return mine.iloc[np.lexsort((mine["rank"], turn))].head(most).reset_index(drop=True)
