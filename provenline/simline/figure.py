"""A body: from posture over time to joints in the room."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from provenline.simline.camera import Floats
from provenline.simline.motion import Rng, limb, unit

Joints = dict[str, Floats]
UP = np.array([0.0, 0.0, 1.0])
SIDES = ((-1.0, "l"), (1.0, "r"))


@dataclass(frozen=True)
class Build:
    """Body measures.

    Attributes:
        scale: Height as a multiple of about 1.70 m.
        girth: Thickness of trunk and limbs as a multiple of a slim body's.
    """

    scale: float
    girth: float

    @staticmethod
    def draw(rng: Rng) -> Build:
        """Return somebody's measures."""
        return Build(float(rng.uniform(0.92, 1.06)), float(rng.uniform(0.92, 1.25)))


@dataclass(frozen=True)
class Posture:
    """What a body does, over T moments.

    Attributes:
        pelvis: (T, 3) metres.
        heading: (T,) radians; 0 looks along +y, a quarter turn along +x.
        lean: (T,) radians forward.
        tilt: (T,) radians to the right.
        nod: (T,) radians that the head looks down, beyond the lean.
        turn: (T,) radians that the head looks to the right.
        hands: (T, 2, 3) where left and right wrist should be, metres.
        feet: (T, 2, 3) ankles, metres.
        sitting: (T,) 0 stands, 1 sits.
        present: (T,) whether anybody is there.
    """

    pelvis: Floats
    heading: Floats
    lean: Floats
    tilt: Floats
    nod: Floats
    turn: Floats
    hands: Floats
    feet: Floats
    sitting: Floats
    present: NDArray[np.bool_]


def directions(heading: Floats) -> tuple[Floats, Floats]:
    """Return forward and right (T, 3) of a heading (T,)."""
    zero = np.zeros_like(heading)
    forward = np.stack([np.sin(heading), np.cos(heading), zero], axis=-1)
    right = np.stack([np.cos(heading), -np.sin(heading), zero], axis=-1)
    return forward, right


def joints(posture: Posture, build: Build) -> Joints:
    """Return every joint as (T, 3) metres."""
    forward, right = directions(posture.heading)
    lean, tilt = posture.lean[:, None], posture.tilt[:, None]
    spine = unit(UP * np.cos(lean) + forward * np.sin(lean) + right * np.sin(tilt))
    size = build.scale
    found: Joints = {"pelvis": posture.pelvis}
    found["waist"] = posture.pelvis + spine * 0.17 * size
    found["chest"] = posture.pelvis + spine * 0.34 * size + forward * 0.02
    found["neck"] = posture.pelvis + spine * 0.51 * size
    found["belly"] = posture.pelvis + spine * 0.10 * size + forward * 0.05 * build.girth
    _head(found, posture, spine, size)
    front = unit(np.cross(spine, right) * -1.0)
    across = unit(right - spine * (right * spine).sum(-1, keepdims=True))
    for index, (sign, side) in enumerate(SIDES):
        shoulder = found["neck"] + across * sign * 0.175 * size - spine * 0.045
        _arm(
            found,
            side,
            shoulder,
            posture.hands[:, index],
            size,
            across * sign * 0.75 - UP * 0.8 - front * 0.25,
        )
        found[f"breast_{side}"] = found["chest"] + across * sign * 0.09 * size + forward * 0.045
        hip = posture.pelvis + right * sign * 0.095 * size
        found[f"hip_{side}"] = hip
        pole = forward + UP * 0.35 + right * sign * 0.12
        knee, ankle = limb(hip, posture.feet[:, index], (0.44 * size, 0.45 * size), pole)
        found[f"knee_{side}"], found[f"ankle_{side}"] = knee, ankle
        found[f"toe_{side}"] = ankle + forward * 0.15 - UP * 0.035
    return found


def _arm(found: Joints, side: str, shoulder: Floats, hand: Floats, size: float, pole: Floats) -> None:
    elbow, wrist = limb(shoulder, hand, (0.30 * size, 0.26 * size), pole)
    reach = unit(wrist - elbow)
    found[f"shoulder_{side}"], found[f"elbow_{side}"], found[f"wrist_{side}"] = shoulder, elbow, wrist
    found[f"sleeve_{side}"] = shoulder + (elbow - shoulder) * 0.6
    found[f"palm_{side}"] = wrist + reach * 0.06
    found[f"tips_{side}"] = wrist + unit(reach - UP * 0.35) * 0.13
    inward = -1.0 if side == "r" else 1.0
    found[f"thumb_{side}"] = wrist + reach * 0.075 + unit(np.cross(reach, UP)) * inward * -0.04


def _head(found: Joints, posture: Posture, spine: Floats, size: float) -> None:
    gaze, _ = directions(posture.heading + posture.turn)
    nod = (posture.nod + posture.lean * 0.6)[:, None]
    look = gaze * np.cos(nod) - UP * np.sin(nod)
    top = UP * np.cos(nod) + gaze * np.sin(nod)
    side = unit(np.cross(look, top))
    base = found["neck"] + spine * 0.045
    head = base + (spine * 0.35 + top * 0.65) * 0.13 * size
    found.update(nape=base, head=head, jaw=head - top * 0.065 + look * 0.035)
    found["crown"] = head + top * 0.035 - look * 0.012
    found["occiput"] = head - look * 0.035 + top * 0.005
    found["hair_low"] = head - look * 0.055 - top * 0.08
    found["bun"] = head - look * 0.11 + top * 0.05
    found["tail"] = head - look * 0.10 - top * 0.17
    found["brim"] = head + look * 0.12 + top * 0.065
    found["nose"] = head + look * 0.105 - top * 0.018
    found["mouth"] = head + look * 0.085 - top * 0.06
    for sign, name in SIDES:
        found[f"eye_{name}"] = head + look * 0.078 + side * sign * 0.033 + top * 0.015
        found[f"brow_{name}"] = head + look * 0.083 + side * sign * 0.033 + top * 0.035
        found[f"ear_{name}"] = head + side * sign * 0.086 - top * 0.005
        found[f"mouth_{name}"] = head + look * 0.083 + side * sign * 0.018 - top * 0.06
