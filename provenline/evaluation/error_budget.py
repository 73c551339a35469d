"""The cause of every miss and every false positive, and what mending each cause would be worth.

Source of the method: TIDE (Bolya, Foley, Hays, Hoffman, "TIDE: A General Toolbox for Identifying Object
Detection Errors", ECCV 2020). Causes and oracles are TIDE's. Ours are the counts at an operating threshold,
in which each miss is counted too, and the intervals over groups.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from provenline.evaluation.matching import Matches
from provenline.evaluation.near import Pairs, near
from provenline.evaluation.pairing import IntArray
from provenline.evaluation.params import BudgetParams
from provenline.tables import BOX

CAUSES = ("missed", "duplicate", "localisation", "wrong_class", "confusion_both", "background")
MISSED, DUPLICATE, LOCALISATION, WRONG_CLASS, CONFUSION_BOTH, BACKGROUND = range(len(CAUSES))
RIGHT = -1  # found, or under the threshold: no error


@dataclass(frozen=True)
class Errors:
    """Causes of errors at one threshold of score; D detections and G objects as in ``Matches``.

    Attributes:
        detection: Cause of each false positive, ``RIGHT`` elsewhere, (D,).
        object: Cause of each missed object, ``RIGHT`` elsewhere, (G,).
        on: The object that each false positive overlaps most, of the kind that its cause is about (of its
            own label for a duplicate or a bad place, of another for a wrong class); -1 for background, (D,).
    """

    detection: IntArray
    object: IntArray
    on: IntArray


def causes(
    matches: Matches, truth: pd.DataFrame, predictions: pd.DataFrame, params: BudgetParams, score: float
) -> Errors:
    """Give every miss and every false positive at an operating threshold exactly one cause.

    With f and b for the thresholds ``foreground`` and ``background``, a detection that found nothing is,
    in this order: badly placed (``localisation``) if its largest overlap with an object of its label lies in
    [b, f); of the ``wrong_class`` if it overlaps an object of another label by f; a ``duplicate`` if it
    overlaps one of its label by f, which then has been found already; wrong in both (``confusion_both``) if
    it overlaps anything by more than b; else ``background``.

    An object that was not found has the cause of the detection that would have found it but for its place
    or its class, of several the one with the highest score; without such a one it was ``missed``.

    Args:
        matches: Match records at (at least) ``params.foreground``.
        truth: The table of objects that was matched.
        predictions: The table of detections that was matched. Those on crowds are no errors.
        params: See there.
        score: Detections under it do not count.
    """
    wrong = matches.is_false(params.foreground) & (matches.score >= score)
    pairs = _near(matches, truth, predictions, params.background)
    alike = matches.label[pairs.left] == matches.truth_label[pairs.right]
    count = len(matches.score)
    (own, own_iou), (other, other_iou) = pairs.where(alike).best(count), pairs.where(~alike).best(count)
    cause = np.select(
        [
            ~wrong,
            (own >= 0) & (own_iou < params.foreground),
            other_iou >= params.foreground,
            own >= 0,
            other_iou > params.background,
        ],
        [RIGHT, LOCALISATION, WRONG_CLASS, DUPLICATE, CONFUSION_BOTH],
        BACKGROUND,
    )
    on = np.where(np.isin(cause, (LOCALISATION, DUPLICATE)), own, other)
    on[np.isin(cause, (RIGHT, BACKGROUND))] = -1
    return Errors(cause, _of_objects(matches, cause, on, params.foreground, score), on)


def _near(matches: Matches, truth: pd.DataFrame, predictions: pd.DataFrame, least: float) -> Pairs:
    found = predictions[BOX].to_numpy(dtype=np.float64)[matches.row]
    objects = truth[BOX].to_numpy(dtype=np.float64)[matches.truth_row]
    return near(matches.frame, found, matches.truth_frame, objects, least)


def _of_objects(matches: Matches, cause: IntArray, on: IntArray, iou: float, score: float) -> IntArray:
    """Return the cause of each object that was not found, (G,)."""
    found = matches.is_found(iou, score)
    result = np.where(found, RIGHT, MISSED)
    nearly = np.flatnonzero(np.isin(cause, (LOCALISATION, WRONG_CLASS)))
    nearly = nearly[~found[on[nearly]]]
    # The highest score is written last and stays.
    nearly = nearly[np.argsort(matches.score[nearly], kind="stable")]
    result[on[nearly]] = cause[nearly]
    return result


def mended(
    errors: Errors, cause: int, matches: Matches, truth: pd.DataFrame, predictions: pd.DataFrame, iou: float
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return objects and detections as they would be without the errors of one cause: TIDE's oracles.

    ``missed``: these objects are not asked for. ``duplicate``, ``confusion_both`` and ``background``: these
    detections are not there. ``localisation`` and ``wrong_class``: of the detections about one object the
    one with the highest score gets its box and its label, where nothing has found it yet; the others are
    not there. (TIDE lets the two causes compete for an object; here each is mended alone.)

    Args:
        errors: Of all detections (a threshold of 0: average precision looks at all of them).
        cause: Position in ``CAUSES``.
        matches: The records that ``errors`` is of.
        truth: The table of objects that was matched.
        predictions: The table of detections that was matched.
        iou: Threshold at which an object counts as found.
    """
    if cause == MISSED:
        asked = np.ones(len(truth), dtype=np.bool_)
        asked[matches.truth_row[errors.object == MISSED]] = False
        return truth[asked], predictions
    kept = predictions.iloc[matches.row].reset_index(drop=True)  # those that took part, in their order
    mine = np.flatnonzero(errors.detection == cause)
    stays = np.ones(len(kept), dtype=np.bool_)
    stays[mine] = False
    if cause in (LOCALISATION, WRONG_CLASS):
        target = errors.on[mine]
        order = np.argsort(-matches.score[mine], kind="stable")
        first = order[np.unique(target[order], return_index=True)[1]]
        first = first[matches.found[matches.at(iou)][target[first]] < 0]
        rows = matches.truth_row[target[first]]
        kept.loc[mine[first], BOX] = truth[BOX].to_numpy(dtype=np.float64)[rows]
        kept.loc[mine[first], "label"] = truth["label"].to_numpy()[rows]
        stays[mine[first]] = True
    return truth, kept[stays]
