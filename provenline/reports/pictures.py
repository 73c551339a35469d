"""Frames with boxes drawn in, as JPEG inside the page; people are blurred before anything else is done.

White with a dark rim is what the annotators drew, orange dashes the base, solid blue the candidate:
told apart by line as well as by colour. The three are drawn a few pixels inside one another, so
that equal boxes stay visible. Where two annotators differ, the first is solid green, the second
dashed pink; a doubted label is dashed pink too.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from provenline.errors import InputError
from provenline.footage.anonymise import Blur
from provenline.images import read_image
from provenline.reports.disputes import Dispute
from provenline.reports.examples import Scene
from provenline.reports.suspects import Suspect
from provenline.reports.words import plural

Image = npt.NDArray[np.uint8]
WHITE, DARK, ORANGE, BLUE = (255, 255, 255), (20, 20, 20), (30, 140, 255), (255, 130, 30)  # BGR
GREEN, PINK = (80, 200, 60), (200, 110, 255)
QUALITY = 82
_DASH = 6  # pixels


@dataclass(frozen=True)
class Picture:
    """A frame ready for the page.

    Attributes:
        data: The JPEG, base64.
        width: In pixels.
        height: In pixels.
        caption: What it is a frame of.
        alt: What can be seen, in words.
    """

    data: str
    width: int
    height: int
    caption: str
    alt: str


def _opened(path: Path, frame_id: str, width: int, blur: Blur) -> tuple[Any, float] | None:
    """Return a frame with its people blurred, shrunk, and by how much; None where it is not here."""
    try:
        image = read_image(path)
    except InputError:
        return None
    image = blur.apply(image, frame_id)
    scale = min(1.0, width / image.shape[1])
    if scale == 1:
        return image.copy(), scale
    return cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), scale


def draw(
    scene: Scene, width: int, blur: Blur, names: tuple[str, str] = ("base", "candidate")
) -> Picture | None:
    """Draw a scene; None where its image is not on this machine.

    Args:
        scene: Frame and boxes.
        width: Of the picture; smaller frames keep their size.
        blur: What of the people may not be recognised.
        names: What the two detectors are called.
    """
    opened = _opened(scene.path, scene.frame_id, width, blur)
    if opened is None:
        return None
    small, scale = opened
    for box in scene.truth:
        _box(small, box * scale, 3, DARK, 4)
        _box(small, box * scale, 3, WHITE, 2)
    for box in scene.base:
        _dashed(small, box[:4] * scale, 0, ORANGE)
    for box in scene.candidate:
        _box(small, box[:4] * scale, -2, BLUE, 2)
    # Scores go on last, base at the top and candidate at the bottom, so that neither hides the other.
    for box in scene.base:
        _label(small, box[:4] * scale, f"{box[4]:.2f}", ORANGE, top=True)
    for box in scene.candidate:
        _label(small, box[:4] * scale, f"{box[4]:.2f}", BLUE, top=False)
    return _picture(small, scene.about, _alt(scene, names))


def draw_all(
    scenes: Sequence[Scene], width: int, blur: Blur, names: tuple[str, str] = ("base", "candidate")
) -> list[Picture]:
    """Draw the scenes whose images are there."""
    return [picture for scene in scenes if (picture := draw(scene, width, blur, names)) is not None]


def draw_dispute(dispute: Dispute, width: int, blur: Blur) -> Picture | None:
    """Draw what two annotators made of one frame; None where its image is not on this machine."""
    opened = _opened(dispute.path, dispute.frame_id, width, blur)
    if opened is None:
        return None
    small, scale = opened
    for boxes in (dispute.first, dispute.second):
        for box in boxes:
            _box(small, box * scale, 1, DARK, 4)
    for box in dispute.first:
        _box(small, box * scale, 1, GREEN, 2)
    for box in dispute.second:
        _dashed(small, box * scale, -2, PINK)
    drawn = (
        f"{plural(len(boxes), 'box', 'boxes')} by {name}"
        for name, boxes in zip(dispute.annotators, (dispute.first, dispute.second), strict=True)
    )
    return _picture(small, dispute.about, f"Frame of {dispute.about}: {', '.join(drawn)}.")


def draw_suspect(suspect: Suspect, width: int, blur: Blur) -> Picture | None:
    """Draw a doubted label and what a model sees; None where its image is not on this machine."""
    opened = _opened(suspect.path, suspect.frame_id, width, blur)
    if opened is None:
        return None
    small, scale = opened
    for box in suspect.others:
        _box(small, box * scale, 3, DARK, 4)
        _box(small, box * scale, 3, WHITE, 2)
    for box in suspect.doubted:
        _dashed(small, box * scale, 0, PINK)
    for box in suspect.found:
        _box(small, box[:4] * scale, -3, BLUE, 2)
        _label(small, box[:4] * scale, f"{box[4]:.2f}", BLUE, top=False)
    drawn = plural(len(suspect.others), "box", "boxes")
    doubted = "one of them doubted" if len(suspect.doubted) else "none of them on what the model sees"
    scores = [f"a model is sure of one (score {box[4]:.2f})" for box in suspect.found]
    seen = scores[0] if scores else "no model sees it"
    return _picture(small, suspect.about, f"Frame of {suspect.about}: {drawn} drawn, {doubted}; {seen}.")


def _picture(image: Any, caption: str, alt: str) -> Picture:
    return Picture(data=_jpeg(image), width=image.shape[1], height=image.shape[0], caption=caption, alt=alt)


def _alt(scene: Scene, names: tuple[str, str]) -> str:
    people = plural(len(scene.truth), "box", "boxes") + " by the annotators, " if len(scene.truth) else ""
    found = [
        f"{plural(len(boxes), 'box', 'boxes')} by {name}"
        for name, boxes in zip(names, (scene.base, scene.candidate), strict=True)
    ]
    return f"Frame of {scene.about}: {people}{', '.join(found)}."


def _corners(box: npt.NDArray[np.float64], grow: int) -> tuple[tuple[int, int], tuple[int, int]]:
    x1, y1, x2, y2 = (round(float(value)) for value in box)
    return (x1 - grow, y1 - grow), (x2 - 1 + grow, y2 - 1 + grow)


def _box(
    image: Any, box: npt.NDArray[np.float64], grow: int, colour: tuple[int, int, int], thick: int
) -> None:
    cv2.rectangle(image, *_corners(box, grow), colour, thick)


def _dashed(image: Any, box: npt.NDArray[np.float64], grow: int, colour: tuple[int, int, int]) -> None:
    (x1, y1), (x2, y2) = _corners(box, grow)
    for x in range(x1, x2, 2 * _DASH):
        for y in (y1, y2):
            cv2.line(image, (x, y), (min(x + _DASH, x2), y), colour, 2)
    for y in range(y1, y2, 2 * _DASH):
        for x in (x1, x2):
            cv2.line(image, (x, y), (x, min(y + _DASH, y2)), colour, 2)


def _label(
    image: Any, box: npt.NDArray[np.float64], text: str, colour: tuple[int, int, int], *, top: bool
) -> None:
    (x1, y1), (_, y2) = _corners(box, 0)
    (wide, high), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, 0.38, 1)
    x = int(np.clip(x1, 0, max(0, image.shape[1] - wide - 4)))
    y = int(np.clip(y1 + high + 5 if top else y2 - 4, high + 4, image.shape[0] - 3))
    cv2.rectangle(image, (x, y - high - 3), (x + wide + 4, y + 3), colour, -1)
    cv2.putText(
        image, text, (x + 2, y), cv2.FONT_HERSHEY_SIMPLEX, 0.38, DARK if top else WHITE, 1, cv2.LINE_AA
    )


def _jpeg(image: Image) -> str:
    done, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    assert done, "OpenCV encodes every 8-bit image"
    return base64.b64encode(data.tobytes()).decode("ascii")
