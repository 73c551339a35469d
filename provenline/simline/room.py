"""The room around the line: walls, floor, windows, lamps, shelves, and the light on them."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from provenline.simline.camera import Camera
from provenline.simline.canvas import Colour, Image, shade
from provenline.simline.motion import Rng
from provenline.simline.props import crate, shelf, station
from provenline.simline.solids import Solid, box, moved, panel, rod

HALF, DEEP, FAR, HIGH = 4.6, -4.4, 4.8, 3.1  # the room: |x| <= HALF, DEEP <= y <= FAR, 0 <= z <= HIGH


def walls(rng: Rng, colour: Colour) -> list[Solid]:
    """Return floor, walls, ceiling, windows and lamps, in drawing order."""
    floor: Colour = ((120, 128, 132), (105, 120, 140), (130, 135, 128), (92, 104, 112))[rng.integers(4)]
    corners = [(-HALF, DEEP), (HALF, DEEP), (HALF, FAR), (-HALF, FAR)]
    made = [panel([(x, y, 0.0) for x, y in corners], floor)]
    step = (0.6, 0.9)[rng.integers(2)]
    joint = shade(floor, 0.86)
    made += [_strip((x, DEEP), (x + 0.02, FAR), 0.0, joint) for x in np.arange(-HALF, HALF, step)]
    made += [_strip((-HALF, y), (HALF, y + 0.02), 0.0, joint) for y in np.arange(DEEP, FAR, step)]
    made.append(panel([(x, y, HIGH) for x, y in corners], (205, 208, 208)))
    lamps = [(x, y) for x in (-2.6, 0.0, 2.6) for y in (-2.8, 0.0, 2.8)]
    made += [_strip((x - 0.1, y - 0.7), (x + 0.1, y + 0.7), HIGH - 0.02, (255, 255, 255)) for x, y in lamps]
    for number in range(4):
        made += _wall(
            corners[number], corners[(number + 1) % 4], shade(colour, (0.92, 1.0, 0.96, 1.03)[number]), rng
        )
    return made


def _strip(low: tuple[float, float], high: tuple[float, float], z: float, colour: Colour) -> Solid:
    """Return a level rectangle."""
    (x1, y1), (x2, y2) = low, high
    return panel([(x1, y1, z), (x2, y1, z), (x2, y2, z), (x1, y2, z)], colour)


def _wall(start: tuple[float, float], end: tuple[float, float], colour: Colour, rng: Rng) -> list[Solid]:
    first, last = np.array([*start, 0.0]), np.array([*end, 0.0])

    def part(low: float, high: float, bottom: float, top: float, paint: Colour) -> Solid:
        a, b = first + (last - first) * low, first + (last - first) * high
        up = np.array([0, 0, 1.0])
        return panel([a + up * bottom, b + up * bottom, b + up * top, a + up * top], paint)

    made = [
        part(0, 1, 0, HIGH, colour),
        part(0, 1, 0, 1.1, shade(colour, 0.86)),
        part(0, 1, 0, 0.12, shade(colour, 0.55)),
    ]
    kind = rng.integers(3)
    if kind == 0:  # a row of windows
        for low in (0.08, 0.31, 0.54, 0.77):
            made += [
                part(low, low + 0.15, 1.25, 2.6, (120, 120, 118)),
                part(low + 0.008, low + 0.142, 1.3, 2.55, (250, 244, 232)),
                part(low + 0.072, low + 0.078, 1.3, 2.55, (120, 120, 118)),
                part(low + 0.008, low + 0.142, 1.9, 1.93, (120, 120, 118)),
            ]
    elif kind == 1:  # notices and a clock's box
        for low in rng.uniform(0.05, 0.9, 6):
            high, size = rng.uniform(1.3, 2.1), rng.uniform(0.02, 0.05)
            b, g, r = rng.uniform(90, 240, 3).tolist()
            made += [part(low, low + size, high, high + rng.uniform(0.2, 0.5), (b, g, r))]
        made.append(part(0.45, 0.55, 2.3, 2.62, (70, 140, 60)))
    else:  # a door and a duct
        made += [part(0.6, 0.71, 0, 2.15, (90, 110, 130)), part(0.61, 0.70, 0.05, 2.1, (110, 135, 160))]
        made.append(part(0, 1, 2.72, 2.9, (165, 165, 160)))
    return made


def furniture(rng: Rng, *, others: bool) -> list[Solid]:
    """Return what stands around the operator's place: shelves, bins and, if asked for, other stations."""
    made: list[Solid] = []
    for x in (-2.9, -0.9, 1.1, 3.0):
        for y, chance in ((DEEP + 0.35, 0.8), (FAR - 0.35, 0.6)):
            if rng.random() < chance:
                made.append(shelf(x, y, along_x=True, rng=rng))
    for y in (-2.6, -0.4, 1.8):
        made += [
            shelf(side * (HALF - 0.35), y, along_x=False, rng=rng) for side in (-1, 1) if rng.random() < 0.5
        ]
    for x, y in (
        (-2.1, -2.6),
        (0.0, -2.8),
        (2.1, -2.6),
        (-2.6, 0.0),
        (2.6, 0.0),
        (-1.9, 2.9),
        (0.3, 3.0),
        (2.4, 2.9),
    ):
        if others and rng.random() < 0.85:
            other = station(False, bool(rng.random() < 0.3), rng)
            made += [moved(item, (x, y, 0)) for item in (other.stool, other.table, other.machine) if item]
    for _ in range(5):
        made.append(crate(rng.uniform(-3.8, 3.8), rng.choice([-1, 1]) * rng.uniform(2.0, 3.6), rng))
    for x in (-3.2, -1.0, 1.6, 3.4):  # lamps hanging over the line
        made.append(box((x - 0.6, -2.75, 2.25), (x + 0.6, -2.6, 2.32), (235, 240, 240)))
        made.append(rod((x, -2.68, 2.32), (x, -2.68, HIGH), 0.01, (80, 80, 80)))
    return made


def grained(large: Image, camera: Camera, rng: Rng) -> Image:
    """Shrink a drawing, then add grain of surfaces, pools of light and the lens's vignette."""
    size = (camera.width, camera.height)
    image = cv2.resize(large, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    blotches = cv2.resize(
        rng.normal(1.0, 0.035, (9, 16)).astype(np.float32), size, interpolation=cv2.INTER_CUBIC
    )
    raw = rng.standard_normal((camera.height, camera.width), dtype=np.float32) * 5
    grain = cv2.GaussianBlur(raw, (0, 0), 1.2)
    x = np.linspace(-1, 1, camera.width)[None, :] - rng.uniform(-0.4, 0.4)
    y = np.linspace(-1, 1, camera.height)[:, None] + 0.2
    pool = (1.14 - 0.15 * (x**2 + y**2)).astype(np.float32)
    lit = image * (blotches * pool)[..., None] + grain[..., None]
    return np.asarray(np.clip(lit, 0, 255), dtype=np.uint8)


def floor_shadows(image: Image, camera: Camera, solids: list[Solid]) -> Image:
    """Darken the floor under furniture, softly."""
    large = replace(camera, width=image.shape[1], height=image.shape[0])
    dark = np.full(image.shape[:2], 255, np.uint8)
    for solid in solids:
        x, y, _ = solid.centre
        pixels = large.polygon(
            np.array(
                [
                    (x + a * 0.7 + 0.12, y + b * 0.42 - 0.1, 0.0)
                    for a, b in ((-1, -1), (1, -1), (1, 1), (-1, 1))
                ]
            )
        )
        if pixels is not None:
            cv2.fillPoly(dark, [np.clip(pixels, -5000, 5000).astype(np.int32)], (150,))
    soft = cv2.GaussianBlur(dark, (0, 0), image.shape[1] / 90)
    return np.asarray(cv2.multiply(image, cv2.merge([soft] * 3), scale=1 / 255), dtype=np.uint8)
