"""Makes people unrecognisable in pictures that leave the machine; never in frames that train.

There is no face model at hand, so people are where somebody or something said so: the boxes of all
annotators and the finds of both models, also unsure ones. Each region is averaged to a few cells and
its colours are rounded. A light blur could be undone, and networks recognise faces behind a mosaic of
small cells (R. McPherson et al., "Defeating image obfuscation with deep learning", 2016); from four
cells along a side nothing can be brought back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt
import pandas as pd

from provenline import tables
from provenline.errors import InputError
from provenline.footage.params import PrivacyParams

Mode = Literal["none", "faces", "persons"]
Image = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]

FACE_SHARE = 0.45  # of a person's box, from the top: the head of somebody who sits or is cut off, too
MARGIN = 0.15  # of the box's width and height, at every side
MIN_MARGIN = 4.0  # pixels: the boxes of small people are the least exact
FLOOR = 0.05  # confidence from which a detector's find is blurred
CELLS = 4  # along a region's longer side
LEVELS = 32  # shades per colour channel


@dataclass(frozen=True)
class Blur:
    """What is blurred, and where the people are.

    Attributes:
        mode: ``none``, ``faces`` or ``persons``.
        people: Labels whose objects are people.
        boxes: frame_id -> (n, 4) boxes of people, absolute pixels of the frame; empty for ``none``.
    """

    mode: Mode
    people: tuple[str, ...]
    boxes: Mapping[str, Floats]

    def apply(self, image: Image, frame_id: str) -> Image:
        """Return the frame with its people blurred: a new image, or the same one for ``none``."""
        return anonymise(image, self.boxes.get(frame_id, np.empty((0, 4))), self.mode)


def blur_of(
    privacy: PrivacyParams, boxes: Iterable[pd.DataFrame], predictions: Iterable[pd.DataFrame]
) -> Blur:
    """Gather where people are.

    Args:
        privacy: What is to be blurred, and which labels are people.
        boxes: Tables of BOXES; those of every annotator count, not of the reference alone.
        predictions: Tables of PREDICTIONS; finds from confidence ``FLOOR`` count.

    Raises:
        InputError: Something is to be blurred, but no label of the tables is among the people.
    """
    if privacy.anonymise == "none":
        return Blur("none", privacy.people, {})
    parts = [one[["frame_id", "label", *tables.BOX]] for one in boxes]
    found = [one[["frame_id", "label", *tables.BOX, "score"]] for one in predictions]
    _check(privacy, {label for part in (*parts, *found) for label in part["label"].unique()})
    parts += [one.loc[one["score"] >= FLOOR].drop(columns="score") for one in found]
    kept = [part[part["label"].isin(privacy.people)] for part in parts]
    kept = [part for part in kept if len(part)]
    if not kept:
        return Blur(privacy.anonymise, privacy.people, {})
    people = pd.concat(kept, ignore_index=True)
    places = people.groupby("frame_id", sort=True).indices
    corners = people[tables.BOX].to_numpy(dtype=np.float64)
    return Blur(
        privacy.anonymise, privacy.people, {str(name): corners[rows] for name, rows in places.items()}
    )


def _check(privacy: PrivacyParams, labels: set[str]) -> None:
    if labels and not labels & set(privacy.people):
        here, people = ", ".join(sorted(labels)), ", ".join(privacy.people) or "empty"
        raise InputError(
            f"footage.anonymise is {privacy.anonymise}, but footage.people ({people}) names none of the "
            f"labels here ({here}): nobody would be blurred",
            mend="Name the labels of people in footage.people, or set footage.anonymise to none",
        )


def anonymise(image: Image, boxes: Floats, mode: Mode) -> Image:
    """Return the image with people's faces or whole people averaged away.

    Args:
        image: (h, w, 3) 8-bit; not changed.
        boxes: (n, 4) people, absolute pixels of this image, half-open.
        mode: ``none`` returns ``image`` itself.
    """
    if mode == "none":
        return image
    done = image.copy()
    for x1, y1, x2, y2 in regions(boxes, image.shape[0], image.shape[1], mode):
        done[y1:y2, x1:x2] = _averaged(done[y1:y2, x1:x2])
    return done


def regions(boxes: Floats, height: int, width: int, mode: Mode) -> npt.NDArray[np.int64]:
    """Return the regions that are blurred, (m, 4) whole pixels, half-open, inside the image.

    For ``faces`` the upper ``FACE_SHARE`` of each box: all of it where the box is wider than high,
    because somebody who bends down or lies has the head at a side. Both modes add the margin.
    """
    if mode == "none" or not len(boxes):
        return np.empty((0, 4), dtype=np.int64)
    size = boxes[:, 2:] - boxes[:, :2]
    margin = np.maximum(MARGIN * size, MIN_MARGIN)
    low, high = boxes[:, :2] - margin, boxes[:, 2:] + margin
    if mode == "faces":
        upright = size[:, 1] >= size[:, 0]
        high[upright, 1] = (boxes[:, 1] + FACE_SHARE * size[:, 1] + margin[:, 1])[upright]
    ends = np.array([width, height])
    found = np.hstack([np.clip(np.floor(low), 0, ends), np.clip(np.ceil(high), 0, ends)]).astype(np.int64)
    return np.asarray(found[(found[:, 2] > found[:, 0]) & (found[:, 3] > found[:, 1])])


def _averaged(region: Image) -> Image:
    """Return a region as a few means, their colours rounded, smoothly joined."""
    height, width = region.shape[:2]
    cell = max(height, width) / CELLS
    grid = (max(1, round(width / cell)), max(1, round(height / cell)))
    means = cv2.resize(region, grid, interpolation=cv2.INTER_AREA).astype(np.int64)
    step = 256 // LEVELS
    rounded = (means // step * step + step // 2).astype(np.uint8)
    return np.asarray(cv2.resize(rounded, (width, height), interpolation=cv2.INTER_LINEAR), dtype=np.uint8)
