"""One witness against the annotation: how likely is a label wrong, given what the witness usually misses?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from provenline.evaluation.crowds import crowds
from provenline.evaluation.error_table import occlusions, sizes
from provenline.evaluation.matching import areas
from provenline.evaluation.near import Pairs, mates, near
from provenline.evaluation.pairing import BoolArray, FloatArray, IntArray
from provenline.evaluation.panel import calibrated
from provenline.evaluation.params import WhyParams
from provenline.tables import BOX

Codes = npt.NDArray[np.int64]
_SHRINK = 5.0  # a habit seen on few boxes is drawn to that of all of the label as if by so many more
_FEW = 10  # places of so few boxes say nothing about a size of its own
_RARE = 0.02  # how often one label passes for another before anything was seen ...
_UNSEEN = 25.0  # ... as if on so many boxes: half of one


@dataclass(frozen=True)
class Sight:
    """What a witness sees of N annotated boxes; what is seen are S detections.

    Attributes:
        boxes: The annotated boxes, by frame.
        seen: The detections, by frame.
        pairs: Which overlap by more than the background, left are the annotated boxes.
        partner: The detection that goes with each box, or -1, (N,); one to one.
        iou: Overlap with the partner, (N,).
        support: How much is seen of each pair, (P,): the probability of the detection, less where it
            overlaps too little to count as found.
        covered: Largest overlap of each detection with anything annotated, (S,).
    """

    boxes: pd.DataFrame
    seen: pd.DataFrame
    pairs: Pairs
    partner: IntArray
    iou: FloatArray
    support: FloatArray
    covered: FloatArray

    def largest(self, keep: BoolArray) -> FloatArray:
        """Return the largest support of each box among the pairs where ``keep`` (P,) is true, (N,)."""
        result = np.zeros(len(self.boxes))
        np.maximum.at(result, self.pairs.left[keep], self.support[keep])
        return result


def accuse(
    frames: pd.DataFrame, boxes: pd.DataFrame, seen: pd.DataFrame, labels: Sequence[str], params: WhyParams
) -> pd.DataFrame:
    """Return all suspicions of one witness, in no order; see ``label_errors.suspicions``.

    Args:
        frames: That it looked at.
        boxes: The annotated boxes that count there, of all labels.
        seen: See ``panel.panel``.
        labels: Labels that are looked at.
        params: See there.

    Returns:
        Columns of ``label_errors.COLUMNS`` that are about boxes, and ``object``: a box's position among
        those of its frame, -1 for ``missing``.
    """
    sight = look(frames, boxes, seen, params)
    label = sight.boxes["label"].to_numpy(dtype=object)
    wanted = np.isin(label, list(labels))
    prior = params.label_errors.prior
    usual = usually(sight, wanted, params)
    kinds = {
        "spurious": np.where(wanted, (1 - partner_support(sight)) / (1 - usual), 0.0),
        "location": np.where(wanted, displaced(sight, params), 0.0),
    }
    other, kinds["label"] = renamed(sight, labels, usual, wanted)
    ratios = np.stack(list(kinds.values()))
    best = ratios.argmax(axis=0) if len(sight.boxes) else np.zeros(0, dtype=np.int64)
    kind = np.array(list(kinds), dtype=object)[best]
    ratio = ratios.max(axis=0, initial=0.0)
    about = _about_boxes(sight, kind, other, prior * ratio / (1 - prior + prior * ratio))
    found: pd.DataFrame = pd.concat([about[ratio > 0], _about_nothing(sight, params)], ignore_index=True)
    return found


def look(frames: pd.DataFrame, boxes: pd.DataFrame, seen: pd.DataFrame, params: WhyParams) -> Sight:
    """Pair what is annotated with what is seen, one to one; of crowds nothing is asked."""
    index = pd.Index(frames["frame_id"], dtype=object)
    boxes, frame = _sorted(index, boxes)
    seen, seen_frame = _sorted(index, seen)
    crowd = crowds(boxes)
    covered = near(seen_frame, _boxes(seen), frame, _boxes(boxes), 0.0).best(len(seen))[1]
    boxes, frame = boxes[~crowd].reset_index(drop=True), frame[~crowd]
    pairs = near(frame, _boxes(boxes), seen_frame, _boxes(seen), params.budget.background)
    p = seen["p"].to_numpy(dtype=np.float64)[pairs.right]
    pair = mates(pairs, p * pairs.iou, len(boxes), len(seen))
    partner = np.where(pair >= 0, np.append(pairs.right, -1)[pair], -1)
    iou = np.where(pair >= 0, np.append(pairs.iou, 0.0)[pair], 0.0)
    support = p * np.minimum(1.0, pairs.iou / params.budget.foreground)
    return Sight(boxes, seen, pairs, partner, iou, support, covered)


def _sorted(index: pd.Index, table: pd.DataFrame) -> tuple[pd.DataFrame, IntArray]:
    frame = index.get_indexer(pd.Index(table["frame_id"], dtype=object)).astype(np.int64)
    order = np.argsort(frame, kind="stable")
    return table.iloc[order].reset_index(drop=True), frame[order]


def _boxes(table: pd.DataFrame) -> FloatArray:
    return table[BOX].to_numpy(dtype=np.float64)


def partner_support(sight: Sight) -> FloatArray:
    """Return how much is seen where each box is, by its partner, whatever that is taken for, (N,)."""
    mine = sight.pairs.right == sight.partner[sight.pairs.left]
    return sight.largest(mine)


def usually(sight: Sight, wanted: BoolArray, params: WhyParams) -> FloatArray:
    """Return how much is seen on average of other boxes like each: label, size, occlusion, (N,).

    The ratio (1 - seen) / (1 - usually seen) is then 1 on average over such boxes, as a likelihood ratio
    must be where nothing is wrong. Each box is left out of its own average.
    """
    support = partner_support(sight)
    label = pd.factorize(sight.boxes["label"])[0]
    size = sizes(areas(_boxes(sight.boxes)))
    hidden = occlusions(sight.boxes, params.budget.occlusion)
    like = pd.factorize(pd.Series([f"{a}\0{b}\0{c}" for a, b, c in zip(label, size, hidden, strict=True)]))[0]
    half = np.full(len(support), 0.5)
    of_label = _others_mean(support, label, half, 1.0)
    found = _others_mean(support, like, of_label, _SHRINK)
    return np.where(wanted, found, 0.0)


def _others_mean(values: FloatArray, code: Codes, towards: FloatArray, weight: float) -> FloatArray:
    """Return the mean of the others of each value's kind, drawn towards something, (N,)."""
    total = np.bincount(code, weights=values)[code] - values if len(code) else values
    count = np.bincount(code)[code] - 1 if len(code) else values
    return np.asarray((total + weight * towards) / (count + weight), dtype=np.float64)


def displaced(sight: Sight, params: WhyParams) -> FloatArray:
    """Return how much the place of each box's partner speaks for a badly placed label, (N,).

    How far off a witness usually is, is taken for exponential, with the median that its confident
    detections have on boxes of that size; a wrong label may be off by anything. Where the partner is no
    object at all, its place says nothing.
    """
    there = sight.partner >= 0
    p = np.append(sight.seen["p"].to_numpy(dtype=np.float64), 0.0)[sight.partner]
    alike = sight.boxes["label"].to_numpy(dtype=object) == _labels(sight)[sight.partner]
    off = 1 - sight.iou
    size = sizes(areas(_boxes(sight.boxes)))
    sure = there & alike & (p >= 0.5)
    rate = np.full(len(off), _rate(off[sure]))
    for name in set(size):
        mine = sure & (size == name)
        if mine.sum() >= _FEW:
            rate[size == name] = _rate(off[mine])
    reach = 1 - params.budget.background
    fine = rate * np.exp(-rate * off) / -np.expm1(-rate * reach)
    ratio = p / (reach * fine) + (1 - p)
    return np.where(there & alike, ratio, 0.0)


def _rate(off: FloatArray) -> float:
    """Return the rate of an exponential with the median of these distances; without any, one of 0.2."""
    middle = float(np.median(off)) if len(off) else 0.2
    return math.log(2) / max(middle, 0.01)


def _labels(sight: Sight) -> npt.NDArray[np.object_]:
    """Return the labels of the detections, with one more place for none, (S + 1,)."""
    return np.append(sight.seen["label"].to_numpy(dtype=object), "")


def renamed(
    sight: Sight, labels: Sequence[str], usual: FloatArray, wanted: BoolArray
) -> tuple[npt.NDArray[np.object_], FloatArray]:
    """Return the other label that each box's place speaks for most, and how much, (N,) each.

    How much is seen of another label is held against how much of it is usually seen on boxes of this one and
    on boxes of its own; each other label is as likely beforehand. What is seen of the box's own label speaks
    against. Of a label that is not looked for the witness has no notion.
    """
    code = pd.factorize(sight.boxes["label"])[0]
    own = sight.boxes["label"].to_numpy(dtype=object)
    seen = _labels(sight)[sight.pairs.right]
    doubt = 1 - sight.largest(seen == own[sight.pairs.left])
    others = np.maximum(len(labels) - wanted, 1)
    name, ratio = np.full(len(own), "", dtype=object), np.zeros(len(own))
    for label in labels:
        speaks = sight.largest(seen == label)
        there = float(usual[own == label].mean()) if (own == label).any() else 0.5
        rarely = _others_mean(speaks, code, np.full(len(own), _RARE), _UNSEEN)
        this = np.where(own == label, 0.0, doubt * speaks * there / rarely / others)
        name[this > ratio] = label
        ratio = np.maximum(ratio, this)
    return name, ratio


def _about_boxes(
    sight: Sight, kind: npt.NDArray[np.object_], other: npt.NDArray[np.object_], score: FloatArray
) -> pd.DataFrame:
    boxes, seen = sight.boxes, sight.seen
    place = sight.partner
    witness = np.append(seen["witness"].to_numpy(dtype=object), "")[place]
    label = boxes["label"].to_numpy(dtype=object)
    named = np.select([kind == "label", kind == "location"], [other, label], "")
    found = np.vstack([_boxes(seen), np.full((1, 4), np.nan)])[place]
    return pd.DataFrame(
        {
            "frame_id": boxes["frame_id"],
            "kind": kind,
            "label": label,
            "other": named,
            "score": score,
            "iou": sight.iou,
            **{name: boxes[name] for name in BOX},
            **{f"found_{name}": found[:, i] for i, name in enumerate(BOX)},
            "found_score": np.append(seen["score"].to_numpy(dtype=np.float64), np.nan)[place],
            "witness": np.where(kind == "spurious", "", witness),
            "object": boxes.groupby("frame_id").cumcount(),
        }
    )


def _about_nothing(sight: Sight, params: WhyParams) -> pd.DataFrame:
    """Return what is seen where nothing is annotated.

    Among what is seen where something of its label or nothing at all is annotated, let p be the share that
    is annotated at such a confidence. If a share of ``prior`` of all objects was not annotated,
    p / (1 - prior) of them are objects; what is left are the witness's own errors. What overlaps an annotated
    box a little may be that box, badly seen.
    """
    taken = np.zeros(len(sight.seen), dtype=np.bool_)
    taken[sight.partner[sight.partner >= 0]] = True
    p = _object_or_nothing(sight, taken, params)[~taken]
    seen, covered = sight.seen[~taken], sight.covered[~taken]
    prior = params.label_errors.prior
    objects = np.minimum(p / (1 - prior), 1.0)
    score = np.minimum(objects * prior / np.maximum(1 - p, 1e-9), p)
    score = score * np.maximum(0.0, 1 - covered / params.budget.foreground)
    return pd.DataFrame(
        {
            "frame_id": seen["frame_id"],
            "kind": "missing",
            "label": "",
            "other": seen["label"],
            "score": score,
            "iou": covered,
            **dict.fromkeys(BOX, np.nan),
            **{f"found_{name}": seen[name] for name in BOX},
            "found_score": seen["score"],
            "witness": seen["witness"],
            "object": -1,
        }
    )


def _object_or_nothing(sight: Sight, taken: BoolArray, params: WhyParams) -> FloatArray:
    """Return the share of annotated objects among such detections and those on nothing, (S,)."""
    right = np.zeros(len(sight.seen), dtype=np.bool_)
    place = np.flatnonzero((sight.partner >= 0) & (sight.iou >= params.budget.foreground))
    place = place[_labels(sight)[sight.partner[place]] == sight.boxes["label"].to_numpy(dtype=object)[place]]
    right[sight.partner[place]] = True
    alone = ~taken & (sight.covered <= params.budget.background)
    surety = sight.seen["p"].to_numpy(dtype=np.float64)
    asked = np.flatnonzero(right | alone)
    result = np.zeros(len(sight.seen))
    if len(asked):
        known, first = np.unique(surety[asked], return_index=True)
        result = np.interp(surety, known, calibrated(surety[asked], right[asked])[first])
    return result
