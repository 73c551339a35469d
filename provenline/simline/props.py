"""Furniture of a sewing line: tables, machines, stools, shelves, the tailor's dummy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from provenline.simline.canvas import Colour
from provenline.simline.motion import Rng
from provenline.simline.solids import Solid, box, moved, panel, ranked, rod, single, together

CLOTHS: tuple[Colour, ...] = (
    (210, 190, 170), (150, 90, 60), (90, 60, 50), (225, 225, 228), (120, 160, 200), (60, 60, 150),
    (110, 140, 90), (180, 150, 205), (70, 110, 120), (200, 205, 160), (60, 50, 48), (90, 150, 210),
)  # fmt: skip
STEEL: Colour = (120, 118, 116)
TABLE = 0.76  # metres: height of a sewing table
BENCH = 0.92  # metres: height of an inspection table


def cloth(rng: Rng) -> Colour:
    """Draw a fabric's colour."""
    b, g, r = (float(np.clip(c * rng.uniform(0.85, 1.15), 0, 255)) for c in CLOTHS[rng.integers(len(CLOTHS))])
    return (b, g, r)


@dataclass(frozen=True)
class Station:
    """One work place around (0, 0); the operator sits at negative y and looks along +y.

    Attributes:
        table: Top, legs and what lies on it behind the hands.
        machine: What stands on the table and hides hands; None for an inspection table.
        stool: What the operator sits on; None for standing work.
        height: Of the table's top, in metres.
    """

    table: Solid
    machine: Solid | None
    stool: Solid | None
    height: float


def station(standing: bool, tall: bool, rng: Rng) -> Station:
    """Return a work place; ``tall`` machines (buttonholes) have a big head."""
    height = BENCH if standing else TABLE
    wood: Colour = ((150, 175, 200), (190, 195, 198), (120, 150, 178), (205, 210, 205))[rng.integers(4)]
    half, front, back = (0.8, -0.10, 0.62) if standing else (0.60, -0.08, 0.50)
    top = box((-half, front, height - 0.045), (half, back, height), (90, 100, 108), wood)
    legs = [
        box((x - 0.025, y - 0.025, 0), (x + 0.025, y + 0.025, height - 0.04), (92, 92, 90))
        for x in (-half + 0.06, half - 0.06)
        for y in (front + 0.06, back - 0.06)
    ]
    bar = box((-half + 0.06, back - 0.08, 0.2), (half - 0.06, back - 0.05, 0.3), (80, 80, 80))
    litter = [ranked(thing, 2 + number) for number, thing in enumerate(_litter(half, back, height, rng))]
    table = together(*legs, bar, ranked(top, 1), *litter, centre=(0.0, 0.2, height))
    if standing:
        return Station(table, None, None, height)
    return Station(table, machine(height, tall, rng), stool(rng), height)


def _litter(half: float, back: float, height: float, rng: Rng) -> list[Solid]:
    things: list[Solid] = []
    for _ in range(int(rng.integers(2, 6))):  # cones of thread along the back edge
        x, y = rng.uniform(-half + 0.08, half - 0.08), back - rng.uniform(0.05, 0.12)
        things.append(rod((x, y, height + 0.04), (x, y, height + 0.15), 0.035, cloth(rng), 0.45))
    x = -half + 0.16
    for layer in range(int(rng.integers(2, 7))):  # a pile of cut pieces
        z, slip = height + layer * 0.018, rng.uniform(-0.015, 0.015)
        things.append(box((x - 0.12 + slip, 0.12, z), (x + 0.12 + slip, 0.36, z + 0.016), cloth(rng)))
    if rng.random() < 0.6:
        low, high = (half - 0.26, 0.1, height), (half - 0.06, 0.34, height + 0.09)
        things.append(box(low, high, (170, 110, 60), (90, 60, 40)))
    return things


def machine(height: float, tall: bool, rng: Rng) -> Solid:
    """Return a lockstitch machine; its needle is at (-0.14, 0.13)."""
    paint: Colour = ((205, 212, 210), (180, 190, 170), (222, 226, 228), (150, 165, 150))[rng.integers(4)]
    rise = 0.42 if tall else 0.32
    bed = box((-0.26, 0.05, height), (0.30, 0.22, height + 0.035), paint, (170, 175, 176))
    column = box((0.16, 0.06, height + 0.03), (0.29, 0.21, height + rise - 0.02), paint)
    arm = box((-0.19, 0.07, height + rise - 0.14), (0.29, 0.20, height + rise), paint)
    head = box(
        (-0.24, 0.06, height + rise - (0.24 if tall else 0.20)), (-0.10, 0.21, height + rise + 0.01), paint
    )
    needle = rod((-0.15, 0.13, height + 0.03), (-0.15, 0.13, height + 0.15), 0.009, STEEL)
    wheel = rod(
        (0.30, 0.135, height + rise - 0.08), (0.335, 0.135, height + rise - 0.08), 0.062, (60, 60, 62)
    )
    edge = height + rise - 0.07
    corners = [(x, 0.215, edge + z) for x, z in ((-0.02, -0.02), (0.12, -0.02), (0.12, 0.02), (-0.02, 0.02))]
    label = panel(corners, (130, 70, 30), (0, 1, 0))
    stand = rod((0.42, 0.36, height), (0.42, 0.36, height + 0.62), 0.010, STEEL)
    cross = rod((0.34, 0.36, height + 0.60), (0.50, 0.36, height + 0.60), 0.008, STEEL)
    cones = [
        rod((x, 0.36, height + 0.02), (x, 0.36, height + 0.17), 0.045, cloth(rng), 0.4) for x in (0.36, 0.48)
    ]
    lamp = together(
        rod((0.1, 0.2, height + rise), (-0.02, 0.24, height + rise + 0.24), 0.011, STEEL),
        rod((-0.02, 0.24, height + rise + 0.24), (-0.12, 0.17, height + rise + 0.2), 0.045, (235, 240, 240)),
    )
    extra = [lamp] if rng.random() < 0.6 else []
    if tall:
        extra.append(box((0.33, 0.1, height), (0.36, 0.3, height + 0.3), (60, 60, 60)))
    above = [ranked(thing, 1) for thing in (column, arm, needle, head, wheel, stand, cross, *cones, *extra)]
    return together(bed, *above, ranked(label, 2), centre=(0.0, 0.13, height + 0.2))


def stool(rng: Rng) -> Solid:
    """Return a chair with a low back."""
    colour: Colour = ((60, 60, 62), (140, 90, 50), (60, 80, 140))[rng.integers(3)]
    seat = box((-0.2, -0.72, 0.43), (0.2, -0.34, 0.48), colour)
    back = box((-0.18, -0.76, 0.62), (0.18, -0.72, 0.86), colour)
    bars = [box((x - 0.015, -0.75, 0.45), (x + 0.015, -0.73, 0.64), STEEL) for x in (-0.13, 0.13)]
    foot = rod((0, -0.53, 0.08), (0, -0.53, 0.42), 0.03, STEEL)
    star = [rod((0, -0.53, 0.08), (0.24 * np.cos(a), -0.53 + 0.24 * np.sin(a), 0.04), 0.022, (60, 60, 60))
            for a in np.arange(5) * 2 * np.pi / 5]  # fmt: skip
    return together(seat, back, *bars, foot, *star, centre=(0.0, -0.62, 0.5))


def mannequin(x: float, y: float, rng: Rng, dressed: bool) -> Solid:
    """Return a tailor's dummy: a trunk on a pole, without head and arms."""
    skin: Colour = ((150, 180, 205), (50, 48, 50), (70, 60, 140), (200, 205, 210))[rng.integers(4)]
    top = cloth(rng) if dressed else skin

    def hull(points: list[tuple[float, float, float]], radii: list[float], colour: Colour) -> Solid:
        centres = np.array(points) + np.array([x, y, 0.0])
        return single((), (centres, np.array(radii), colour), np.array([x, y, 1.1]))

    trunk = hull(
        [(-0.14, 0, 1.34), (0.14, 0, 1.34), (-0.07, 0, 1.08), (0.07, 0, 1.08)], [0.06, 0.06, 0.09, 0.09], top
    )
    hips = hull([(-0.08, 0, 1.06), (0.08, 0, 1.06), (-0.09, 0, 0.88), (0.09, 0, 0.88)], [0.085] * 4, top)
    neck = rod((x, y, 1.38), (x, y, 1.48), 0.05, skin)
    knob = rod((x, y, 1.50), (x, y, 1.53), 0.025, (60, 90, 130))
    pole = rod((x, y, 0.06), (x, y, 0.85), 0.022, (70, 75, 80))
    feet = [rod((x, y, 0.1), (x + 0.22 * np.cos(a), y + 0.22 * np.sin(a), 0.02), 0.018, (60, 60, 60))
            for a in (0.3, 2.4, 4.5)]  # fmt: skip
    arms = []
    if dressed:  # a half-made shirt with empty sleeves
        arms = [hull([(s * 0.19, 0, 1.33), (s * 0.27, 0.02, 1.02)], [0.06, 0.05], top) for s in (-1.0, 1.0)]
    return together(*feet, pole, hips, trunk, neck, knob, *arms, centre=(x, y, 1.1))


def shelf(x: float, y: float, along_x: bool, rng: Rng) -> Solid:
    """Return a rack with rolls of fabric, 1.8 m long and 2 m high, along x or y."""
    length, depth = 0.9, 0.22
    wide, deep = (length, depth) if along_x else (depth, length)
    frame: Colour = ((140, 120, 90), (110, 130, 150), (90, 110, 180))[rng.integers(3)]
    made = [
        box((x - wide, y - deep, z), (x + wide, y + deep, z + 0.03), frame) for z in (0.25, 0.85, 1.45, 2.0)
    ]
    ends = ((-1, -1), (-1, 1), (1, -1), (1, 1))
    for u, v in ((x + a * wide, y + b * deep) for a, b in ends):
        made += [box((u - 0.025, v - 0.025, 0), (u + 0.025, v + 0.025, 2.05), frame)]
    for level in (0.28, 0.88, 1.48):
        spot = -length + 0.12
        while spot < length - 0.1:
            radius = rng.uniform(0.07, 0.11)
            z = level + radius
            start, end = ((x + spot, y - depth, z), (x + spot, y + depth, z))
            if not along_x:
                start, end = ((x - depth, y + spot, z), (x + depth, y + spot, z))
            made.append(rod(start, end, radius, cloth(rng)))
            spot += 2 * radius + rng.uniform(0.0, 0.12)
    return together(*made, centre=(x, y, 1.0))


def crate(x: float, y: float, rng: Rng) -> Solid:
    """Return a bin full of cut pieces on the floor."""
    colour: Colour = ((170, 110, 50), (70, 130, 60), (60, 70, 170), (190, 190, 190))[rng.integers(4)]
    bin_ = box((-0.25, -0.18, 0), (0.25, 0.18, 0.3), colour, (60, 60, 60))
    pile = rod((-0.12, 0, 0.3), (0.12, 0, 0.32), 0.11, cloth(rng))
    return moved(together(bin_, pile), (x, y, 0.0))
