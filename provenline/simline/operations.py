"""What is done at a work place: the seven categories, and a posture for every moment of a video."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from provenline.simline.camera import Floats
from provenline.simline.figure import Posture, directions
from provenline.simline.motion import Rng, drift, ramp, spells

WALK = 4.0  # seconds between the door and the seat
SHIRT = ((-0.5, -0.4), (0.5, -0.4), (0.5, 0.15), (0.8, 0.3), (0.65, 0.5), (0.2, 0.42), (0, 0.36),
         (-0.2, 0.42), (-0.65, 0.5), (-0.8, 0.3), (-0.5, 0.15))  # fmt: skip
STRIP = (
    (-0.5, -0.1),
    (-0.2, -0.02),
    (0.2, -0.02),
    (0.5, -0.1),
    (0.56, 0.05),
    (0.25, 0.12),
    (-0.25, 0.12),
    (-0.56, 0.05),
)
PANEL = ((-0.45, -0.5), (0.45, -0.5), (0.5, 0.2), (0.25, 0.5), (-0.1, 0.45), (-0.4, 0.3))


@dataclass(frozen=True)
class Craft:
    """How one category is worked.

    Attributes:
        slug: Folder name.
        names: Operations, as in the file names.
        standing: Done on foot at an inspection table.
        tall: Done on a buttonhole machine.
        lean: Mean forward lean, radians.
        nod: Mean downward look, radians.
        reach: How far the hands wander, metres.
        pace: Seconds between changes of the hands' movement.
        cut: Outline of the piece that is worked on, unit square.
        size: Of the piece, metres.
    """

    slug: str
    names: tuple[str, ...]
    standing: bool
    tall: bool
    lean: float
    nod: float
    reach: float
    pace: float
    cut: tuple[tuple[float, float], ...]
    size: float


CRAFTS = {
    "Collar": Craft("collar", ("pegar_cuello", "pespuntar_cuello", "voltear_cuello"), False, False,
                    0.24, 0.30, 0.09, 0.8, STRIP, 0.42),
    "Cuffs": Craft("cuffs", ("pegar_punos", "pespuntar_punos", "preparar_punos"), False, False,
                   0.22, 0.34, 0.07, 0.6, STRIP, 0.30),
    "Back/yoke": Craft("back_yoke", ("unir_canesu", "coser_espalda", "pegar_etiqueta_canesu"), False, False,
                       0.28, 0.22, 0.16, 1.1, PANEL, 0.62),
    "Front": Craft("front", ("coser_tapeta", "pegar_bolsillo", "dobladillar_delantero"), False, False,
                   0.26, 0.26, 0.13, 0.9, PANEL, 0.48),
    "Assembly": Craft("assembly", ("cerrar_costados", "pegar_mangas", "unir_hombros"), False, False,
                      0.30, 0.20, 0.19, 1.0, SHIRT, 0.70),
    "Buttonholes & buttons": Craft("buttonholes_buttons", ("hacer_ojales", "pegar_botones", "marcar_ojales"),
                                   False, True, 0.40, 0.45, 0.06, 0.7, PANEL, 0.45),
    "Inspection & pack": Craft("inspection_pack", ("revisar_prenda", "doblar_y_empacar", "cortar_hilos"),
                               True, False, 0.16, 0.38, 0.20, 1.0, SHIRT, 0.72),
}  # fmt: skip


@dataclass(frozen=True)
class Shift:
    """When the operator is where, in seconds.

    Attributes:
        enters: Comes into the room.
        starts: Begins to work.
        ends: Stops working.
        away: Leaves and is back at work, or None.
    """

    enters: float
    starts: float
    ends: float
    away: tuple[float, float] | None


@dataclass(frozen=True)
class Work:
    """What the operator does.

    Attributes:
        posture: At every moment.
        working: (T,) 0..1, at the work place with the hands on the work.
        lifted: (T,) 0..1, the garment is held up.
    """

    posture: Posture
    working: Floats
    lifted: Floats


def gait(path: Floats, heading: Floats, step: float, phase: float) -> tuple[Floats, Floats]:
    """Return swinging feet and hands (T, 2, 3) of somebody whose pelvis follows ``path`` (T, 3)."""
    moved = np.linalg.norm(np.diff(path[:, :2], axis=0, prepend=path[:1, :2]), axis=1)
    angle = phase + np.cumsum(moved) / step * np.pi
    swing = np.clip(moved / np.maximum(np.median(moved[moved > 0]) if (moved > 0).any() else 1.0, 1e-6), 0, 1)
    forward, right = directions(heading)
    feet, hands = [], []
    for sign in (-1.0, 1.0):
        stride = (np.sin(angle) * sign * swing)[:, None]
        lift = (np.maximum(np.cos(angle) * sign, 0) * swing * 0.09)[:, None]
        ground = path * (1.0, 1.0, 0.0) + right * sign * 0.10
        feet.append(ground + forward * stride * 0.27 + (0, 0, 0.08) + lift * np.array([0, 0, 1.0]))
        hands.append(path + right * sign * 0.28 - forward * (stride * 0.22 - 0.06) + (0, 0, -0.06))
    return np.stack(feet, axis=1), np.stack(hands, axis=1)


def _route(times: Floats, shift: Shift, craft: Craft, door: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Return the pelvis on the floor (T, 2), heading, sitting and presence (T,)."""
    seat = np.array([0.0, -0.42 if craft.standing else -0.50])
    aside = seat + np.array([np.sign(door[0]) * 0.35, -0.35])
    outward = float(np.arctan2(door[0] - aside[0], door[1] - aside[1]))
    place, heading = np.tile(seat, (len(times), 1)), np.zeros_like(times)
    sitting = np.ones_like(times)
    spans = [(shift.enters, shift.starts, False), (shift.ends, shift.ends + WALK, True)]
    present = (times >= shift.enters) & (times <= shift.ends + WALK)
    if shift.away:
        left, back = shift.away
        spans += [(left, left + WALK, True), (back - WALK, back, False)]
        present &= (times <= left + WALK) | (times >= back - WALK)
    for start, end, leaves in spans:
        inside = (times >= start) & (times <= end)
        share = np.clip((times[inside] - start) / (end - start), 0, 1)
        share = 1 - share if leaves else share  # 0 at the door, 1 at the seat
        walk, step = np.clip(share / 0.62, 0, 1)[:, None], np.clip((share - 0.62) / 0.18, 0, 1)[:, None]
        place[inside] = door + (aside - door) * walk + (seat - aside) * step
        turn = np.clip((share - 0.55) / 0.2, 0, 1)
        heading[inside] = (outward if leaves else outward + (np.pi if outward < 0 else -np.pi)) * (1 - turn)
        sitting[inside] = np.clip((share - 0.8) / 0.2, 0, 1)
    return place, heading, sitting * (0.0 if craft.standing else 1.0), present.astype(np.float64)


def _hands(times: Floats, craft: Craft, height: float, lifted: Floats, rng: Rng) -> Floats:
    """Return where the wrists are at work, (T, 2, 3)."""
    wander = drift(times, craft.pace, rng, 6) * 0.6 + drift(times, craft.pace * 2.7, rng, 6) * 0.7
    push = drift(times, craft.pace * 1.6, rng)[:, 0] * craft.reach * 0.8
    fetch = spells(times, 14.0, 1.6, rng)  # to the pile of pieces and back
    centre = np.array([-0.10 if not craft.standing else 0.0, 0.02 if not craft.standing else 0.08])
    hands = np.zeros((len(times), 2, 3))
    for index, sign in enumerate((-1.0, 1.0)):
        w = wander[:, 3 * index : 3 * index + 3]
        spread = 0.115 + 0.25 * craft.reach + craft.size * 0.06
        x = centre[0] + sign * spread + w[:, 0] * craft.reach * 0.8
        y = centre[1] + push + w[:, 1] * craft.reach * 0.7
        z = height + 0.055 + np.maximum(w[:, 2], 0) * 0.07
        hands[:, index] = np.stack([x, y, z], axis=1)
    pile = np.array([-0.42, 0.12, height + 0.13])
    hands[:, 0] += (pile - hands[:, 0]) * fetch[:, None]
    for index, sign in enumerate((-1.0, 1.0)):
        high = np.stack(
            [0 * times + sign * 0.27, -0.02 + 0 * times, height + 0.42 + 0.05 * wander[:, 0]], axis=1
        )
        hands[:, index] += (high - hands[:, index]) * lifted[:, None]
    return hands


def work(
    times: Floats, shift: Shift, craft: Craft, height: float, door: Floats, scale: float, rng: Rng
) -> Work:
    """Return the operator's posture over a video.

    Args:
        times: (T,) seconds.
        shift: When the operator is where.
        craft: The category.
        height: Of the table, in metres.
        door: Where the operator comes from, (2,) metres.
        scale: The body's size.
        rng: What varies.
    """
    place, heading, sitting, present = _route(times, shift, craft, door)
    active = ramp(times, shift.starts - 0.5, 1.2) - ramp(times, shift.ends - 0.5, 1.0)
    if shift.away:
        active = active - ramp(times, shift.away[0] - 0.5, 1.0) + ramp(times, shift.away[1] - 0.5, 1.0)
    lifted = spells(times, 9.0 if craft.standing else 30.0, 3.0 if craft.standing else 1.3, rng) * active
    tall = 0.93 * scale
    pelvis = np.column_stack([place, tall + (0.56 - tall) * sitting])
    feet, swung = gait(pelvis, heading, 0.62, rng.uniform(0, 6))
    forward, right = directions(heading)
    for index, sign in enumerate((-1.0, 1.0)):
        rest = pelvis * (1, 1, 0) + forward * 0.40 + right * sign * 0.13 + (0, 0, 0.08)
        feet[:, index] += (rest - feet[:, index]) * sitting[:, None]
    lap = (
        pelvis[:, None]
        + np.stack([forward * 0.3 - right * 0.12, forward * 0.3 + right * 0.12], axis=1)
        + (0, 0, 0.14)
    )
    idle = swung + (lap - swung) * sitting[:, None, None]
    hands = idle + (_hands(times, craft, height, lifted, rng) - idle) * active[:, None, None]
    bow = spells(times, 17.0, 3.5, rng) * active
    sway = drift(times, 3.1, rng, 4)
    lean = 0.04 + active * (craft.lean + 0.08 * sway[:, 0] + 0.22 * bow) * (1 - 0.5 * lifted)
    tilt = active * (0.07 * sway[:, 1] + 0.16 * spells(times, 21.0, 2.5, rng) * rng.choice([-1, 1]))
    nod = 0.05 + active * (craft.nod + 0.12 * sway[:, 2]) * (1 - 0.6 * lifted)
    glance = spells(times, 12.0, 1.4, rng) * rng.choice([-1, 1])
    turn = 0.15 * sway[:, 3] + 0.7 * glance
    gone = Posture(pelvis, heading, lean, tilt, nod, turn, hands, feet, sitting, present > 0)
    return Work(gone, active * present, lifted)


def passing(
    times: Floats, start: Floats, end: Floats, when: tuple[float, float], pause: float, rng: Rng
) -> Posture:
    """Return somebody who walks from ``start`` to ``end`` (2,), and stops for ``pause`` seconds."""
    first, last = when
    half = first + (last - first - pause) * rng.uniform(0.35, 0.65)
    stop = (half - first) / (last - first - pause)
    share = np.interp(times, [first, half, half + pause, last], [0.0, stop, stop, 1.0])
    place = start + (end - start) * share[:, None]
    heading = np.full(len(times), float(np.arctan2(*(end - start))))
    pelvis = np.column_stack([place, np.full(len(times), 0.93)])
    feet, hands = gait(pelvis, heading, 0.62, rng.uniform(0, 6))
    still = 0.05 * drift(times, 2.0, rng, 4)
    look = still[:, 3] * 4 + rng.uniform(-0.5, 0.5)
    present = (times >= first) & (times <= last)
    flat = np.zeros(len(times))
    return Posture(
        pelvis, heading, 0.05 + still[:, 0], still[:, 1], 0.05 + still[:, 2], look, hands, feet, flat, present
    )
