"""What the detector reports: the operator, another person, or one of the causes of a false find.

Every detection at the operating threshold has exactly one cause. A false find lies on the annotated
object that it overlaps most (from ``near_iou`` on, as in D. Bolya et al., "TIDE", 2020).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from provenline import tables
from provenline.evaluation.matching import BoolArray, FloatArray, IntArray, Matches
from provenline.evaluation.near import near
from provenline.evaluation.params import StageAParams
from provenline.evaluation.slices import Slice
from provenline.evaluation.stage_a_facts import Facts, interval_of
from provenline.evaluation.stage_a_misses import attributes, frame_of, said_of
from provenline.evaluation.workplaces import operators

Texts = npt.NDArray[np.object_]

OPERATOR, OTHER_PERSON = "operator", "other_person"
DUPLICATE, LOCALISATION, OTHER_LABEL, BACKGROUND = "duplicate", "localisation", "other_label", "background"
FALSE = (DUPLICATE, LOCALISATION, OTHER_LABEL, BACKGROUND)


@dataclass(frozen=True)
class Finds:
    """The D detections at the operating threshold in F frames.

    Attributes:
        frames: F.
        others: Labels, not looked for, that somebody annotated in the footage.
        frame: Of each detection, (D,).
        cause: ``operator``, ``other_person`` or one of ``FALSE``, (D,).
        about: The label that it lies on (``other_label``), or who somebody is (``other_person``), (D,).
    """

    frames: int
    others: tuple[str, ...]
    frame: IntArray
    cause: Texts
    about: Texts

    def of(self, keep: BoolArray) -> Finds:
        """Return the detections in the frames where ``keep`` (F,) is true, their frames renumbered."""
        mine = keep[self.frame]
        frame = (np.cumsum(keep) - 1)[self.frame[mine]]
        return Finds(int(keep.sum()), self.others, frame, self.cause[mine], self.about[mine])

    def per_frame(self, which: BoolArray) -> FloatArray:
        """Return how many of these detections, (D,), each frame has, (F,)."""
        return np.bincount(self.frame[which], minlength=self.frames).astype(np.float64)


def finds(
    frames: pd.DataFrame,
    truth: pd.DataFrame,
    predictions: pd.DataFrame,
    matches: Matches,
    others: Sequence[str],
    params: StageAParams,
) -> Finds:
    """Return what each detection at the operating threshold is.

    Args:
        frames: The frames of ``matches``, in its order.
        truth: Boxes of all labels; the table whose rows ``matches.truth_row`` means.
        predictions: The table whose rows ``matches.row`` means.
        matches: At ``params.iou``.
        others: Labels, not looked for, that somebody annotated.
        params: Overlaps, operating threshold, and the attribute that says who somebody is.
    """
    at = matches.at(params.iou)
    # What lies on a crowd is neither right nor false.
    kept = np.flatnonzero((matches.score >= params.score) & ~matches.ignored[at])
    found = matches.truth[at][kept]
    cause = np.full(len(kept), OTHER_PERSON, dtype=object)
    about = np.full(len(kept), "", dtype=object)
    at_work = np.isin(found, operators(frames, truth, matches))
    cause[at_work] = OPERATOR
    right = (found >= 0) & ~at_work
    role = said_of(attributes(truth["attributes"]), params.role)
    about[right] = role[matches.truth_row[found[right]]]
    false = found < 0
    cause[false], about[false] = _causes(frames, truth, predictions, matches, kept[false], params)
    return Finds(matches.frames, tuple(others), matches.frame[kept], cause, about)


def _causes(
    frames: pd.DataFrame,
    truth: pd.DataFrame,
    predictions: pd.DataFrame,
    matches: Matches,
    false: IntArray,
    params: StageAParams,
) -> tuple[Texts, Texts]:
    """Return cause and label of false finds, by the annotated object that each overlaps most."""
    place, overlap = _nearest(frames, truth, predictions, matches, false)
    label = truth["label"].to_numpy(dtype=object)
    own = np.asarray(matches.labels, dtype=object)[matches.label[false]]
    cause = np.full(len(false), BACKGROUND, dtype=object)
    about = np.full(len(false), "", dtype=object)
    on = np.flatnonzero(overlap >= params.near_iou)
    its = label[place[on]]
    same = its == own[on]
    # Who overlaps an object by enough and did not get it came after another find: greedy matching.
    twice = overlap[on] >= params.iou
    cause[on] = np.where(same, np.where(twice, DUPLICATE, LOCALISATION), OTHER_LABEL)
    about[on] = np.where(same, "", its)
    return cause, about


def _nearest(
    frames: pd.DataFrame, truth: pd.DataFrame, predictions: pd.DataFrame, matches: Matches, which: IntArray
) -> tuple[IntArray, FloatArray]:
    """Return the row in ``truth`` of the box that each detection overlaps most, and by how much.

    Of equal overlaps, one of a label that is looked for.
    """
    frame, box = frame_of(frames, truth), truth[tables.BOX].to_numpy(dtype=np.float64)
    order = np.lexsort((~truth["label"].isin(matches.labels).to_numpy(), frame))
    mine = predictions[tables.BOX].to_numpy(dtype=np.float64)[matches.row[which]]
    pairs = near(matches.frame[which], mine, frame[order], box[order], 0.0)
    place, overlap = pairs.best(len(which))
    return np.append(order, -1)[place], overlap


def false_positives(part: Slice, seen: Facts, given: Finds, params: StageAParams) -> dict[str, Any]:
    """Count the false finds, in frames with and without objects, and by their one cause.

    Returns:
        A JSON object: ``count``, the frames, ``on_other_label`` and ``elsewhere``, and ``causes``: rows
        of ``cause``, ``label`` (of ``other_label``, else ""), ``count``, ``frames`` and ``per_frame``.
    """
    causes = [_cause(part, given, cause, label, params) for cause, label in _kinds(given)]
    on_other = {row["label"]: row["count"] for row in causes if row["cause"] == OTHER_LABEL}
    count = int(seen.false.sum())
    result: dict[str, Any] = {"count": count}
    for name, where in (("with", seen.objects > 0), ("without", seen.objects == 0)):
        result[f"frames_{name}_objects"] = {
            "frames": int(where.sum()),
            "frames_with_false_positives": int(np.count_nonzero(seen.false[where])),
            "count": int(seen.false[where].sum()),
        }
    return result | {
        "on_other_label": on_other,
        "elsewhere": count - sum(on_other.values()),
        "causes": causes,
    }


def _kinds(given: Finds) -> list[tuple[str, str]]:
    """Return cause and label of the rows; labels that are looked for only where one was mistaken."""
    mistaken = set(given.about[given.cause == OTHER_LABEL].tolist())
    labels = sorted(mistaken | set(given.others))
    return [
        (DUPLICATE, ""),
        (LOCALISATION, ""),
        *((OTHER_LABEL, label) for label in labels),
        (BACKGROUND, ""),
    ]


def _cause(part: Slice, given: Finds, cause: str, label: str, params: StageAParams) -> dict[str, Any]:
    which = np.asarray((given.cause == cause) & (given.about == label), dtype=np.bool_)
    each = given.per_frame(which)
    return {
        "cause": cause,
        "label": label,
        "count": int(np.count_nonzero(which)),
        "frames": int(np.count_nonzero(each)),
        "per_frame": interval_of(part.ratio(each, np.ones_like(each)), params.interval),
    }


def outside_operator(given: Finds) -> dict[str, Any]:
    """Count what was reported outside the operator: other people, who are no mistake, and false finds.

    Returns:
        A JSON object: ``detections`` at the operating threshold, the ``operator`` ones, and ``count``
        of the rest: ``other_people`` (found, and annotated as people), ``by_role`` of them as the
        annotators said ("" where they said nothing), and ``false``.
    """
    other = given.cause == OTHER_PERSON
    operator = int(np.count_nonzero(given.cause == OPERATOR))
    roles, counts = np.unique(given.about[other].astype(str), return_counts=True)
    return {
        "detections": len(given.cause),
        "operator": operator,
        "count": len(given.cause) - operator,
        "other_people": int(np.count_nonzero(other)),
        "by_role": dict(zip(roles.tolist(), counts.tolist(), strict=True)),
        "false": int(np.count_nonzero(np.isin(given.cause.astype(str), FALSE))),
    }
