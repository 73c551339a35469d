"""Several models as one witness: what each sees, with one probability.

Models that learnt from one another err alike. Taken one by one they would count as so many independent
witnesses; so their detections are put together first, and only what they see together is held against the
annotation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from provenline.evaluation.matching import match
from provenline.evaluation.near import mates, near
from provenline.evaluation.pairing import BoolArray, FloatArray, IntArray
from provenline.tables import BOX

COLUMNS = ["frame_id", "label", *BOX, "score"]


def calibrated(score: FloatArray, hit: BoolArray) -> FloatArray:
    """Return the probability that a detection of each score is right, by isotonic regression, (n,).

    One wrong detection at the top and one right one at the bottom are added, so that no score is taken
    for certain (Laplace's rule). Method: pool adjacent violators (Ayer et al. 1955; for classifiers
    Zadrozny and Elkan 2002).

    Args:
        score: Of each detection, (n,).
        hit: Whether it found an object, (n,).
    """
    if not len(score):
        return np.zeros(0)
    from scipy.optimize import isotonic_regression

    _, place = np.unique(score, return_inverse=True)
    count = np.bincount(place).astype(np.float64)
    hits = np.bincount(place, weights=hit)
    count[-1] += 1
    count[0], hits[0] = count[0] + 1, hits[0] + 1
    fitted = isotonic_regression(hits / count, weights=count)
    return np.asarray(fitted.x[place], dtype=np.float64)


def panel(
    frame_ids: Sequence[str],
    truth: pd.DataFrame,
    predictions: Mapping[str, pd.DataFrame],
    labels: Sequence[str],
    iou: float,
) -> pd.DataFrame:
    """Put the detections of all models together.

    The score of each model is made a probability first. Detections of one label that overlap by ``iou`` go
    together, one of each model; together they are as probable as the mean over all models says, 0 for one
    that sees nothing there, and that is made a probability again. The box and the score that are kept are
    those of the model that is surest.

    Args:
        frame_ids: The frames that are looked at.
        truth: Boxes that count.
        predictions: By model.
        labels: Labels that are looked at.
        iou: Overlap at which an object counts as found, and two detections as one.

    Returns:
        One row per thing that any model sees, by frame and label: ``frame_id``, ``label``, ``x1 y1 x2 y2``,
        ``score`` (of the surest model), ``p`` (that it is an annotated object), ``witness`` (the model, or
        ``both``). Those on crowds are left out.
    """
    together: pd.DataFrame | None = None
    for model, table in predictions.items():
        seen = _probable(frame_ids, truth, table, labels, iou)
        seen = seen.assign(sure=seen["p"], witness=model)
        together = seen if together is None else _joined(together, seen, labels, iou)
    if together is None:
        return pd.DataFrame(columns=[*COLUMNS, "p", "witness"])
    weighed = together.assign(score=together["p"] / len(predictions))
    result = _probable(frame_ids, truth, weighed, labels, iou)
    return result.drop(columns="sure").assign(score=result["given"]).drop(columns="given")


def _probable(
    frame_ids: Sequence[str],
    truth: pd.DataFrame,
    predictions: pd.DataFrame,
    labels: Sequence[str],
    iou: float,
) -> pd.DataFrame:
    """Return the detections that count, with ``p``; ``given`` is the score that a model gave."""
    matches = match(frame_ids, truth, predictions, labels, [iou])
    counts = matches.is_hit(iou) | matches.is_false(iou)
    columns = [name for name in (*COLUMNS, "sure", "witness", "given") if name in predictions]
    kept = predictions[columns].iloc[matches.row[counts]].reset_index(drop=True)
    kept = kept.assign(p=calibrated(matches.score[counts], matches.is_hit(iou)[counts]))
    return kept if "given" in kept else kept.assign(given=kept["score"])


def _joined(one: pd.DataFrame, other: pd.DataFrame, labels: Sequence[str], iou: float) -> pd.DataFrame:
    """Join two lists of detections of one set of frames; what both see becomes one row."""
    ids = pd.Index(sorted(set(one["frame_id"]) | set(other["frame_id"])), dtype=object)

    def cells(table: pd.DataFrame) -> IntArray:
        label = pd.Index(list(labels), dtype=object).get_indexer(pd.Index(table["label"], dtype=object))
        frame = ids.get_indexer(pd.Index(table["frame_id"], dtype=object))
        return np.asarray(frame * len(labels) + label, dtype=np.int64)

    other = other.iloc[np.argsort(cells(other), kind="stable")].reset_index(drop=True)
    pairs = near(cells(one), _boxes(one), cells(other), _boxes(other), iou)
    sure = one["p"].to_numpy()[pairs.left] * other["p"].to_numpy()[pairs.right] * pairs.iou
    pair = mates(pairs, sure, len(one), len(other))
    left = np.flatnonzero(pair >= 0)
    right = pairs.right[pair[left]]
    both, theirs = one.iloc[left].reset_index(drop=True), other.iloc[right].reset_index(drop=True)
    surer = (theirs["sure"] > both["sure"]).to_numpy()
    surest = pd.concat([both[~surer], theirs[surer]]).sort_index()
    merged = surest.assign(p=both["p"] + theirs["p"], witness="both")
    parts = [merged, one.drop(index=one.index[left]), other.drop(index=other.index[right])]
    return pd.concat(parts, ignore_index=True)


def _boxes(table: pd.DataFrame) -> FloatArray:
    return table[BOX].to_numpy(dtype=np.float64)
