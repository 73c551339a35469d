"""Two simulated annotators: they look at the truth and err."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from provenline.simline.cvat_xml import Drawn
from provenline.simline.film import Truth
from provenline.simline.motion import Rng
from provenline.simline.params import AnnotatorParams

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class View:
    """One image to be labelled.

    Attributes:
        media: Name of the video or photo.
        time_ms: From the start of the video; None for a photo.
        width: In pixels.
        height: In pixels.
        idle: Before the work starts.
        truths: Who is there.
    """

    media: str
    time_ms: int | None
    width: int
    height: int
    idle: bool
    truths: tuple[Truth, ...]

    @property
    def name(self) -> str:
        """The image's name in the export."""
        return self.media if self.time_ms is None else f"{self.media}/{self.time_ms:09d}.jpg"


def annotate(view: View, params: AnnotatorParams, rng: Rng) -> tuple[Drawn, ...]:
    """Return the boxes that an annotator draws on an image, in pixels."""
    drawn = []
    size = (view.width, view.height)
    for truth in view.truths:
        if rng.random() < _miss(truth, params):
            continue
        dummy = truth.kind == "mannequin"
        fooled = dummy and rng.random() < params.mannequin_as_person
        box = _shaky(truth.box, params, size, rng)
        occluded = truth.occluded != bool(rng.random() < params.attribute_slip)
        role = "operator" if truth.kind == "operator" else "passer_by"
        drawn.append(Drawn(box, occluded, truth.hands_only, dummy and not fooled, role))
    if rng.random() < params.invented:
        drawn.append(
            Drawn(_nothing(size, rng), occluded=False, hands_only=False, mannequin=False, role="passer_by")
        )
    return tuple(drawn)


def _miss(truth: Truth, params: AnnotatorParams) -> float:
    if truth.kind == "mannequin":
        return params.miss_mannequin
    if truth.hands_only:
        return params.miss_hands_only
    return params.miss_operator if truth.kind == "operator" else params.miss_passer_by


def _shaky(box: Box, params: AnnotatorParams, size: tuple[int, int], rng: Rng) -> Box:
    x1, y1, x2, y2 = box
    width, height = x2 - x1, y2 - y1
    # A hand on a mouse errs by a pixel or so even on the smallest box.
    side = np.array([width, height, width, height])
    shift = rng.normal(0.0, np.maximum(params.jitter * side, 0.7)) + params.tightness * side * (-1, -1, 1, 1)
    a, b, c, d = np.asarray(box) + shift
    x1, x2 = np.clip(sorted((a, c)), 0, size[0])
    y1, y2 = np.clip(sorted((b, d)), 0, size[1])
    if x2 - x1 < 2 or y2 - y1 < 2:
        return box
    return (round(float(x1), 2), round(float(y1), 2), round(float(x2), 2), round(float(y2), 2))


def _nothing(size: tuple[int, int], rng: Rng) -> Box:
    width, height = size[0] * rng.uniform(0.05, 0.14), size[1] * rng.uniform(0.15, 0.45)
    x, y = rng.uniform(0, size[0] - width), rng.uniform(0, size[1] - height)
    return (round(x, 2), round(y, 2), round(x + width, 2), round(y + height, 2))


def divide(views: Mapping[str, Sequence[View]], overlap: int, rng: Rng) -> tuple[list[View], list[View]]:
    """Divide the images between two annotators, by media; ``overlap`` images go to both.

    Every fifth shared image is from before the work, with nobody at all in it where there is such
    a one: agreement on presence needs images without people.

    Args:
        views: Images per media name.
        overlap: Number of images that both label.
        rng: Who gets what.
    """
    names = sorted(views)
    order = [names[i] for i in rng.permutation(len(names))]
    shared: dict[str, View] = {}
    videos = [name for name in order if views[name] and views[name][0].time_ms is not None]
    pool = {name: [views[name][i] for i in rng.permutation(len(views[name]))] for name in videos}
    turn = 0
    while len(shared) < overlap and any(pool.values()):
        left = pool[videos[turn % len(videos)]]
        if left:
            empty = [view for view in left if view.idle and not view.truths]
            view = empty[0] if empty and turn % 5 == 0 else left[0]
            left.remove(view)
            shared[view.name] = view
        turn += 1
    first, second = set(order[::2]), set(order[1::2])
    every = [view for name in names for view in views[name]]
    return (
        [view for view in every if view.media in first or view.name in shared],
        [view for view in every if view.media in second or view.name in shared],
    )
