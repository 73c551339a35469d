"""A person over time: posture, look and role, ready to be drawn at any moment."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from provenline.simline.camera import NEAR, Camera, Floats
from provenline.simline.canvas import Colour, Image, Ints, fill, fixed, hull_of, shade, shadow
from provenline.simline.exposure import Ground, Smear
from provenline.simline.figure import Build, Posture, joints
from provenline.simline.people import ARMS, LAYERS, Look, Part, Shape, parts, project
from provenline.simline.solids import on_table


@dataclass(frozen=True)
class Actor:
    """A person of one video.

    Attributes:
        number: 1, 2, ...: stands in the mask's codes.
        role: operator or passer_by.
        posture: Over the video's T moments.
        build: Body measures.
        look: Colours and clothes.
        seat: Depth of the table that the person works at; its hands lie on it. None for passers-by.
    """

    number: int
    role: str
    posture: Posture
    build: Build
    look: Look
    seat: float | None


class Drawn:
    """An actor's projected parts for a span of moments; drawing one is then a few fills."""

    def __init__(self, actor: Actor, camera: Camera, span: slice) -> None:
        posture = Posture(**{name: value[span] for name, value in vars(actor.posture).items()})
        self.actor, self.camera, self.posture = actor, camera, posture
        found = joints(posture, actor.build)
        self.depths = {name: camera.view(place)[:, 2] for name, place in found.items()}
        self.hands = np.stack([found["palm_l"], found["palm_r"]], axis=1)
        self.spots, depths = camera.project(self.hands)  # (T, 2, 2) pixels
        self.reach = 0.11 * camera.focal * camera.width / max(1.0, float(np.median(depths)))
        ground, _ = camera.project(posture.pelvis)
        steps = np.linalg.norm(np.diff(ground, axis=0, prepend=ground[:1]), axis=1)
        self._moving = (steps > 0.008 * camera.width) & posture.present
        self.parts: list[tuple[Part, list[Ints], Floats, tuple[Colour, ...]]] = []
        self.inside: list[NDArray[np.bool_]] = []
        edge = fixed(np.array([[camera.width, camera.height]], dtype=np.float64))
        for part in parts(actor.look, actor.build.girth):
            rings, depths = project(part, found, camera)
            layers = LAYERS[1:2] if part.flat else LAYERS
            colours = tuple(shade(part.colour, 1.0 if part.flat else light) for _, light, _ in layers)
            self.parts.append((part, rings, depths - part.bias, colours))
            low, high = rings[0].min(axis=1), rings[0].max(axis=1)
            # A feature of the face that is smaller than a pixel costs time and shows nothing.
            shown = (high >= 0) & (low <= edge) & (high - low >= (16 if part.flat else 1))
            self.inside.append(shown.all(axis=1))

    def strides(self, index: int) -> bool:
        """Return whether the body moves fast enough to blur."""
        return bool(index and self._moving[index])

    def shapes(self, index: int, back: float = 0.0, *, whole: bool = True) -> list[Shape]:
        """Return the shapes at one moment of the span; none while the person is away.

        Args:
            index: In the span.
            back: Share of a frame's time by which the outlines are earlier.
            whole: Also those outside the image.
        """
        if not self.posture.present[index]:
            return []
        made = []
        for (part, rings, depths, colours), inside in zip(self.parts, self.inside, strict=True):
            depth = float(depths[index])
            if depth < NEAR * 2 or not (whole or inside[index]):
                continue
            if part.facing and depth + part.bias > self.depths[part.facing][index] - 0.01:
                continue
            hulls = tuple(hull_of(_at(ring, index, back)) for ring in rings)
            key = depth if part.code != ARMS else self._reach(part, depth)
            made.append(Shape(key, hulls, colours, self.actor.number * 4 + part.code))
        return made

    def _reach(self, part: Part, depth: float) -> float:
        """Hands and forearms at work lie on the table, however the depths compare."""
        low = part.spheres[0][0].startswith("shoulder")
        if self.actor.seat is None or low:
            return depth
        return on_table(self.actor.seat, depth)

    def smears(self, index: int) -> list[tuple[float, Smear | Ground]]:
        """Return the blur of moving hands, keyed so as to enclose the hands' own shapes."""
        if not index or not self.posture.present[index] or self._moving[index]:
            return []
        made: list[tuple[float, Smear | Ground]] = []
        for hand, side in enumerate("lr"):
            smear = Smear(self.spots[index - 1, hand], self.spots[index, hand], self.reach)
            if max(smear.kernel) > 1:
                depths = [float(self.depths[f"{name}_{side}"][index]) for name in ("wrist", "tips")]
                if self.actor.seat is not None:
                    depths = [on_table(self.actor.seat, depth) for depth in depths]
                made += [(max(depths) + 0.01, Ground(smear)), (min(depths) - 0.03, smear)]
        return made

    def cast(self, image: Image, index: int) -> None:
        """Darken the floor under a person on foot, in place; a table's own shadow covers who sits at it."""
        if not self.posture.present[index] or (
            self.actor.seat is not None and self.posture.sitting[index] > 0.5
        ):
            return
        centre = self.posture.pelvis[index] * (1.0, 1.0, 0.0)
        angle = np.arange(16) * np.pi / 8
        ring = centre + np.stack([0.36 * np.cos(angle), 0.36 * np.sin(angle), 0 * angle], axis=-1)
        pixels, depths = self.camera.project(ring)
        if float(depths.min()) > 3 * NEAR:
            shadow(image, pixels, 0.35)


def _at(ring: Ints, index: int, back: float) -> Ints:
    now: Ints = ring[index]
    if not back or not index:
        return now
    return np.asarray(now + (ring[index - 1] - now) * back, dtype=np.int32)


def silhouette(shapes: list[Shape], size: tuple[int, int]) -> tuple[int, int]:
    """Return how many pixels a body would cover if nothing hid it: anywhere, and inside the image.

    Args:
        shapes: Of one person at one moment.
        size: Width and height of the image.
    """
    width, height = size
    mask = np.zeros((height, width), np.uint8)
    middle = fixed(np.array([[width / 2 + 0.5, height / 2 + 0.5]]))
    for shape in shapes:  # at half the scale the canvas shows twice the image's width and height
        fill(mask, (shape.rings[0] - middle) // 2 + middle, 255)
    inner = mask[height // 4 : height - height // 4, width // 4 : width - width // 4]
    return 4 * int(cv2.countNonZero(mask)), 4 * int(cv2.countNonZero(inner))
