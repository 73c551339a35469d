"""One way from a network's output to detections, for the checkpoint and every engine made from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from provenline.detectors.base import Detections
from provenline.detectors.bundle import Layout
from provenline.detectors.params import ModelParams
from provenline.detectors.preprocess import Fit, Letterbox, fit_of
from provenline.errors import InputError

Decoded = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]  # boxes, scores, classes
_CANDIDATES = 3000  # strongest boxes that enter suppression: bounds its cost where the floor lets all pass


@dataclass(frozen=True)
class Decoder:
    """How one model's output is read.

    Attributes:
        layout: `raw`: (4 + classes, n) rows `cx cy w h`, then class scores after the sigmoid.
            `end2end`: (m, 6) rows `x1 y1 x2 y2 score class`, suppressed already. Input pixels both. What
            a network for outlines adds to either is left alone.
            `queries`: (m, 6) rows `cx cy w h score class` of RT-DETR, as shares of the input.
        names: The model's class names, in its order.
        labels: Class name to our label; other classes are dropped.
        score_floor: Weaker detections are dropped.
        nms_iou: Of two boxes of one label that overlap more than this, the weaker is dropped.
        max_detections: At most so many are returned.
    """

    layout: Layout
    names: tuple[str, ...]
    labels: Mapping[str, str]
    score_floor: float
    nms_iou: float
    max_detections: int

    @property
    def fit(self) -> Fit:
        """How an image gets into the input."""
        return fit_of(self.layout)

    def __call__(self, output: NDArray[Any], place: Letterbox) -> Detections:
        """Decode one image's ``output`` into detections in image pixels, strongest first.

        Raw candidates count for their best class, as in ultralytics' own prediction; other layouts may
        name one box under several classes, of which the strongest counts for each of our labels. Boxes are
        clipped to the image; what has no area left is dropped.
        """
        boxes, scores, classes = self._rows(np.asarray(output), place)
        ours, mapped = self._vocabulary()
        label = mapped[classes]
        chosen = np.flatnonzero((scores >= self.score_floor) & (label >= 0))
        order = chosen[np.argsort(-scores[chosen], kind="stable")][:_CANDIDATES]
        if self.layout == "raw":
            order = order[suppress(boxes[order], label[order], self.nms_iou, self.max_detections)]
        else:
            order = order[_once(boxes[order], label[order])]
        order = order[: self.max_detections]
        return _in_image(place.to_image(boxes[order]), scores[order], [ours[i] for i in label[order]], place)

    def _rows(self, output: NDArray[Any], place: Letterbox) -> Decoded:
        if self.layout == "raw":
            return _raw(output, len(self.names))
        if self.layout == "end2end":
            return _end2end(output)
        side = np.array([place.inner_width, place.inner_height] * 2, dtype=np.float64)
        centre, size = output[:, :2].astype(np.float64), output[:, 2:4].astype(np.float64)
        corners = np.concatenate([centre - size / 2, centre + size / 2], axis=1) * side
        return _end2end(np.concatenate([corners, output[:, 4:6]], axis=1))

    def _vocabulary(self) -> tuple[list[str], NDArray[np.int64]]:
        """Return our labels, and for each class of the model the index of its label or -1."""
        ours = sorted(set(self.labels.values()))
        return ours, np.array(
            [ours.index(self.labels[name]) if name in self.labels else -1 for name in self.names],
            dtype=np.int64,
        )


def decoder_of(params: ModelParams, layout: Layout, names: tuple[str, ...]) -> Decoder:
    """Return how the output of a model with these class names is read.

    Raises:
        InputError: ``params.labels`` names classes and it has none of them.
    """
    if params.labels and not set(names) & set(params.labels):
        known = ", ".join(names[:20])
        raise InputError(f"none of {sorted(params.labels)} is a class of it ({known})", file=params.weights)
    return Decoder(
        layout=layout,
        names=names,
        labels=params.labels,
        score_floor=params.score_floor,
        nms_iou=params.nms_iou,
        max_detections=params.max_detections,
    )


def _raw(output: NDArray[Any], classes: int) -> Decoded:
    centre, size, scores = output[:2].T, output[2:4].T, output[4 : 4 + classes]
    half = size.astype(np.float64) / 2
    boxes = np.concatenate([centre - half, centre + half], axis=1)
    return boxes, scores.max(axis=0).astype(np.float64), scores.argmax(axis=0).astype(np.int64)


def _end2end(output: NDArray[Any]) -> Decoded:
    rows = output.astype(np.float64)
    return rows[:, :4], rows[:, 4], rows[:, 5].astype(np.int64)


def _once(boxes: NDArray[np.float64], labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the indices, in their order, of the first row of each box and label."""
    _, first = np.unique(np.column_stack([boxes, labels]), axis=0, return_index=True)
    return np.sort(first)


def suppress(
    boxes: NDArray[np.float64], labels: NDArray[np.int64], iou: float, limit: int
) -> NDArray[np.int64]:
    """Return the indices of the boxes that greedy non-maximum suppression keeps, per label.

    Args:
        boxes: (n, 4) `x1 y1 x2 y2`, strongest first.
        labels: (n,) boxes of different labels never suppress each other.
        iou: Overlap above which the weaker box goes.
        limit: Stop after so many: as the strongest come first, the rest could not change them.
    """
    area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    alive = np.arange(len(boxes))
    kept: list[int] = []
    while alive.size and len(kept) < limit:
        best, rest = alive[0], alive[1:]
        kept.append(int(best))
        corner = np.maximum(boxes[best, :2], boxes[rest, :2])
        sides = np.clip(np.minimum(boxes[best, 2:], boxes[rest, 2:]) - corner, 0.0, None)
        shared = sides[:, 0] * sides[:, 1]
        union = area[best] + area[rest] - shared
        alive = rest[(shared <= iou * union) | (labels[rest] != labels[best])]
    return np.array(kept, dtype=np.int64)


def _in_image(
    boxes: NDArray[np.float64], scores: NDArray[np.float64], labels: Sequence[str], place: Letterbox
) -> Detections:
    edge = np.tile([float(place.width), float(place.height)], 2)
    boxes = np.clip(boxes, 0.0, edge)
    whole = (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])
    kept = [label for label, keep in zip(labels, whole, strict=True) if keep]
    return Detections(boxes[whole], scores[whole], kept)
