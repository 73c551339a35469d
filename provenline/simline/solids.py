"""Boxes, rolls and discs in the room, lit by one lamp, drawn at twice the image's size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product

import cv2
import numpy as np

from provenline.simline.camera import Camera, Floats
from provenline.simline.canvas import Colour, Image, Sprite, fill, fixed, hull_of, shade, sprite

LIGHT = np.array([-0.35, 0.25, 0.9]) / np.linalg.norm([-0.35, 0.25, 0.9])
Point = tuple[float, float, float]


@dataclass(frozen=True)
class Face:
    """A flat polygon.

    Attributes:
        corners: (n, 3) metres.
        normal: Which way it looks; None is seen from both sides.
        colour: Unlit colour.
    """

    corners: Floats
    normal: Floats | None
    colour: Colour


@dataclass(frozen=True)
class Piece:
    """A convex thing: flat faces or one round hull.

    Attributes:
        faces: Flat polygons.
        hull: Hull of spheres: (n, 3) centres, (n,) radii, colour; or None.
        centre: What the drawing order goes by.
        rank: Drawn after all pieces of a lower rank (a pile on a table).
    """

    faces: tuple[Face, ...]
    hull: tuple[Floats, Floats, Colour] | None
    centre: Point
    rank: int = 0


@dataclass(frozen=True)
class Solid:
    """Pieces that belong together.

    Attributes:
        pieces: Convex things.
        centre: What the drawing order among solids goes by.
    """

    pieces: tuple[Piece, ...]
    centre: Point


class Sheet:
    """An image at twice the size and its opacity."""

    def __init__(self, camera: Camera) -> None:
        self.camera = replace(camera, width=camera.width * 2, height=camera.height * 2)
        self.image: Image = np.zeros((self.camera.height, self.camera.width, 3), np.uint8)
        self.alpha: Image = np.zeros(self.image.shape[:2], np.uint8)

    def polygon(self, corners: Floats, colour: Colour, *, convex: bool = True) -> None:
        """Fill a flat polygon (n, 3) of the room."""
        pixels = self.camera.polygon(corners)
        if pixels is not None:
            points = fixed(pixels)
            fill(self.image, points, colour, convex=convex)
            cv2.fillPoly(self.alpha, [points], (255,), cv2.LINE_AA, 4)

    def hull(self, centres: Floats, radii: Floats, colour: Colour) -> None:
        """Fill the hull of spheres, shaded as a round body."""
        pixels, depths = self.camera.project(centres)
        if depths.min() < 0.3:
            return
        sizes = radii * self.camera.focal * self.camera.width / depths
        angle = np.arange(20) * np.pi / 10
        ring = np.stack([np.cos(angle), np.sin(angle)], axis=-1)
        for size, light, shift in ((1.0, 0.6, 0.0), (0.86, 0.76, 0.1), (0.66, 0.9, 0.2), (0.4, 1.04, 0.32)):
            moved = pixels + np.array([-0.45, -0.9]) * (shift * sizes)[:, None]
            circles = moved[:, None] + (sizes * size)[:, None, None] * ring
            points = hull_of(fixed(circles.reshape(-1, 2)))
            fill(self.image, points, shade(colour, light))
            if size == 1.0:
                cv2.fillConvexPoly(self.alpha, points, (255,), cv2.LINE_AA, 4)

    def solid(self, solid: Solid) -> None:
        """Draw the pieces, by rank and farthest first."""
        eye = np.asarray(self.camera.position)
        for piece in sorted(solid.pieces, key=lambda p: (p.rank, -float(np.linalg.norm(p.centre - eye)))):
            for face in piece.faces:
                self._face(face, eye)
            if piece.hull is not None:
                self.hull(*piece.hull)

    def _face(self, face: Face, eye: Floats) -> None:
        if face.normal is None:
            self.polygon(face.corners, face.colour)
        elif float(face.normal @ (eye - face.corners.mean(axis=0))) > 0:
            lit = 0.62 + 0.42 * max(0.0, float(face.normal @ LIGHT))
            self.polygon(face.corners, shade(face.colour, lit))

    def sprite(self, code: int = 0) -> Sprite | None:
        """Return what was drawn, shrunk to the image's size."""
        return sprite(self.image, self.alpha, code)


def box(low: Sequence[float], high: Sequence[float], colour: Colour, top: Colour | None = None) -> Solid:
    """Return an upright box between two opposite corners."""
    bounds = np.array([low, high], dtype=np.float64)
    faces = []
    for axis, end in product(range(3), (0, 1)):
        others = [a for a in range(3) if a != axis]
        corners = np.zeros((4, 3))
        corners[:, axis] = bounds[end, axis]
        for row, pick in enumerate(((0, 0), (0, 1), (1, 1), (1, 0))):
            corners[row, others] = bounds[pick[0], others[0]], bounds[pick[1], others[1]]
        normal = np.zeros(3)
        normal[axis] = 1.0 if end else -1.0
        faces.append(Face(corners, normal, top if top and axis == 2 and end else colour))
    return single(tuple(faces), None, bounds.mean(axis=0))


def rod(
    start: Sequence[float], end: Sequence[float], radius: float, colour: Colour, tip: float = 1.0
) -> Solid:
    """Return a round bar, a roll or (with a small ``tip``) a cone."""
    ends = np.array([start, end], dtype=np.float64)
    return single((), (ends, np.array([radius, radius * tip]), colour), ends.mean(axis=0))


def panel(corners: Sequence[Sequence[float]], colour: Colour, normal: Sequence[float] | None = None) -> Solid:
    """Return a flat polygon; without a normal it is unlit and seen from both sides."""
    outward = None if normal is None else np.asarray(normal, dtype=np.float64)
    points = np.array(corners, dtype=np.float64)
    return single((Face(points, outward, colour),), None, points.mean(axis=0))


def together(*solids: Solid, centre: Point | None = None) -> Solid:
    """Return several solids as one."""
    x, y, z = np.mean([solid.centre for solid in solids], axis=0)
    pieces = tuple(piece for solid in solids for piece in solid.pieces)
    return Solid(pieces, centre or (float(x), float(y), float(z)))


def ranked(solid: Solid, rank: int) -> Solid:
    """Return the solid with all its pieces at a rank."""
    return replace(solid, pieces=tuple(replace(piece, rank=rank) for piece in solid.pieces))


def single(faces: tuple[Face, ...], hull: tuple[Floats, Floats, Colour] | None, middle: Floats) -> Solid:
    """Return a solid of one convex piece around ``middle`` (3,)."""
    x, y, z = (float(value) for value in middle)
    return Solid((Piece(faces, hull, (x, y, z)),), (x, y, z))


def moved(solid: Solid, by: Sequence[float]) -> Solid:
    """Return the solid shifted by metres."""
    shift = np.asarray(by, dtype=np.float64)

    def point(old: Point) -> Point:
        return (old[0] + by[0], old[1] + by[1], old[2] + by[2])

    pieces = []
    for piece in solid.pieces:
        faces = tuple(replace(face, corners=face.corners + shift) for face in piece.faces)
        hull = piece.hull and (piece.hull[0] + shift, piece.hull[1], piece.hull[2])
        pieces.append(replace(piece, faces=faces, hull=hull, centre=point(piece.centre)))
    return Solid(tuple(pieces), point(solid.centre))


def on_table(table: float, depth: float) -> float:
    """Return the drawing key of something on a table: after the table, in the order of depth."""
    return table - 0.32 + 0.28 * min(1.0, max(-1.0, depth - table))
