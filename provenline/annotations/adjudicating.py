"""Whose boxes count where several annotators labelled a frame."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from provenline import tables
from provenline.annotations.matching import iou_matrix
from provenline.annotations.params import Adjudicated, Adjudication, Consensus
from provenline.annotations.ratings import Floats
from provenline.errors import InputError

CONSENSUS = "consensus"
Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Decided:
    """Who counts on each frame.

    Attributes:
        reference: frame_id to annotator; ``consensus`` where the boxes are what several agreed on.
        boxes: Rows of the Boxes table to add: those of ``consensus``.
        report: Rule, frames per kind of decision, and what a consensus did with the objects.
    """

    reference: dict[str, str]
    boxes: Rows
    report: dict[str, Any]


def decide(
    annotators: Mapping[str, set[str]],
    boxes: Sequence[Mapping[str, Any]],
    rule: Adjudication,
    primary: Sequence[str],
    exports: Sequence[str],
) -> Decided:
    """Decide every frame.

    Args:
        annotators: frame_id to who labelled it.
        boxes: Rows of the Boxes table, of all annotators.
        rule: Who wins.
        primary: Annotators in the order in which they win; the others follow by name.
        exports: Annotators of whom there is an export.

    Raises:
        InputError: There is no export of the adjudicator, or an annotator is called ``consensus``
            where a consensus is asked for.
    """
    rank = {name: number for number, name in enumerate([*primary, *sorted(set(exports) - set(primary))])}
    reference = {frame: min(names, key=rank.__getitem__) for frame, names in annotators.items()}
    if isinstance(rule, Adjudicated):
        return _adjudicated(reference, annotators, rule, exports)
    if isinstance(rule, Consensus):
        if CONSENSUS in exports:
            raise InputError("an annotator is called 'consensus'", mend="Rename the export")
        return _consensus(reference, annotators, boxes, rule, rank)
    return Decided(reference, [], {"kind": "named", "frames": {"named": len(reference)}})


def _adjudicated(
    reference: dict[str, str],
    annotators: Mapping[str, set[str]],
    rule: Adjudicated,
    exports: Sequence[str],
) -> Decided:
    name = rule.annotator
    if name not in exports:
        mend = f"There are exports of {', '.join(exports) or 'nobody'}"
        raise InputError(f"no export of '{name}', whom annotate_import.adjudication names", mend=mend)
    won = {frame: name for frame, names in annotators.items() if name in names}
    frames = {"adjudicated": len(won), "named": len(reference) - len(won)}
    report = {"kind": "adjudicated", "annotator": name, "frames": frames}
    return Decided({**reference, **won}, [], report)


def _consensus(
    reference: dict[str, str],
    annotators: Mapping[str, set[str]],
    boxes: Sequence[Mapping[str, Any]],
    rule: Consensus,
    rank: Mapping[str, int],
) -> Decided:
    decided = {frame for frame, names in annotators.items() if len(names) >= rule.votes}
    drawn: dict[str, Rows] = defaultdict(list)
    for row in boxes:
        if row["frame_id"] in decided:
            drawn[row["frame_id"]].append(dict(row))
    added: Rows = []
    counts = Counter(drawn=0, merged=0, outvoted=0, agreed=0, label_differs=0)
    for frame in sorted(drawn):
        for members in clusters(drawn[frame], rule.iou, rank):
            counts["drawn"] += len(members)
            if len(members) < rule.votes:
                counts["outvoted"] += len(members)
                continue
            counts["merged"] += len(members)
            counts["agreed"] += 1
            counts["label_differs"] += len({row["label"] for row in members}) > 1
            added.append(_merged(members))
    report = {
        "kind": "consensus",
        "iou": rule.iou,
        "votes": rule.votes,
        "frames": {"consensus": len(decided), "named": len(reference) - len(decided)},
        "objects": dict(counts),
    }
    return Decided({**reference, **dict.fromkeys(decided, CONSENSUS)}, added, report)


def clusters(rows: Rows, gate: float, rank: Mapping[str, int]) -> list[Rows]:
    """Gather the boxes of one frame that are the same object, at most one of each annotator.

    Annotator by annotator, in the order in which they win, boxes are matched one to one with the
    objects found so far (their mean boxes): those of the same label first, what is left whatever its
    label. An object inside another of another label does not take its place.

    Args:
        rows: Of the Boxes table, of one frame.
        gate: Least IoU of a box and an object.
        rank: Annotator to rank.

    Returns:
        The members of each object, in the order of their annotators.
    """
    found: list[Rows] = []
    by_annotator: dict[str, Rows] = defaultdict(list)
    for row in rows:
        by_annotator[row["annotator"]].append(row)
    for annotator in sorted(by_annotator, key=rank.__getitem__):
        left, free = by_annotator[annotator], list(found)
        for same_label in (True, False):
            left, free = _join(left, free, gate, same_label=same_label)
        found.extend([row] for row in left)
    return found


def _join(rows: Rows, objects: list[Rows], gate: float, *, same_label: bool) -> tuple[Rows, list[Rows]]:
    """Add rows to the objects that they match; return the rows and the objects without a partner."""
    if not rows or not objects:
        return rows, objects
    from scipy.optimize import linear_sum_assignment

    centres = np.array([_boxes(members).mean(axis=0) for members in objects])
    iou = iou_matrix(_boxes(rows), centres)
    possible = iou >= gate
    if same_label:
        labels = [_label(members) for members in objects]
        possible &= np.array([[row["label"] == label for label in labels] for row in rows])
    # One more pair outweighs every gain in IoU.
    pairs = linear_sum_assignment(np.where(possible, iou + min(iou.shape) + 1, 0.0), maximize=True)
    matched = [(int(row), int(one)) for row, one in zip(*pairs, strict=True) if possible[row, one]]
    for row, one in matched:
        objects[one].append(rows[row])
    taken_rows, taken = {row for row, _ in matched}, {one for _, one in matched}
    left = [row for index, row in enumerate(rows) if index not in taken_rows]
    return left, [members for index, members in enumerate(objects) if index not in taken]


def _boxes(rows: Rows) -> Floats:
    return np.array([[row[side] for side in tables.BOX] for row in rows], dtype=np.float64)


def _label(members: Rows) -> str:
    """Return what most say; of equally many, what the annotator says who wins."""
    counts = Counter(row["label"] for row in members)  # counts in the order of the members
    return str(counts.most_common(1)[0][0])


def _merged(members: Rows) -> dict[str, Any]:
    """Return one box of several: the median of each side (of two, the mean), what they agree on, and who."""
    said = [json.loads(row["attributes"]) for row in members]
    shared = {name: value for name, value in said[0].items() if all(one.get(name) == value for one in said)}
    # A mask or an angle belongs to one annotator's own shape; masks are JSON.
    own = {"polygons", "rotation", "ellipse"}
    kept = {key: value for key, value in shared.items() if key not in own and not value.startswith("{")}
    attributes = {**kept, "agreed_by": " ".join(row["annotator"] for row in members)}
    return {
        "frame_id": members[0]["frame_id"],
        "annotator": CONSENSUS,
        "label": _label(members),
        **dict(zip(tables.BOX, np.median(_boxes(members), axis=0).tolist(), strict=True)),
        "polygon": None,
        "attributes": json.dumps(attributes, ensure_ascii=False, sort_keys=True),
    }
