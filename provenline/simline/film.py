"""A video before it is encoded: its frames, and the truth about each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import cv2
import numpy as np

from provenline.simline.actor import Actor, Drawn, silhouette
from provenline.simline.camera import Camera, Floats
from provenline.simline.canvas import Colour, Image, Sprite
from provenline.simline.exposure import OPEN, Ground, Sensor, Smear, light
from provenline.simline.figure import Build, Posture
from provenline.simline.garment import Garment
from provenline.simline.motion import Rng
from provenline.simline.operations import CRAFTS, Craft, Work, passing, work
from provenline.simline.people import HEAD, Shape, look
from provenline.simline.plan import Plan
from provenline.simline.props import cloth
from provenline.simline.scene import DUMMY, LANE, Scene, Seat, aim, build

SPAN = 200  # frames whose people are projected at once: bounds the memory
SHIRTS: tuple[Colour, ...] = (
    (150, 100, 50), (120, 118, 112), (130, 140, 60), (225, 225, 228), (60, 50, 120), (70, 62, 60),
    (190, 170, 120), (80, 110, 70), (150, 140, 190),
)  # fmt: skip
WALLS: dict[str, tuple[Colour, ...]] = {
    "development": ((206, 214, 216), (196, 212, 200), (190, 205, 220)),
    "deployment": ((214, 204, 190), (160, 190, 205), (185, 190, 186)),
}


Thing = Shape | Sprite | Smear | Ground


@dataclass(frozen=True)
class Truth:
    """What is really there: one person or mannequin in one frame.

    Attributes:
        kind: operator, passer_by or mannequin.
        box: Of the visible pixels: x1 y1 x2 y2, half-open.
        visible: Share of the whole body that is visible.
        occluded: Whether something in the image hides a good part of it.
        hands_only: Whether the head is out of view or hidden.
    """

    kind: str
    box: tuple[float, float, float, float]
    visible: float
    occluded: bool
    hands_only: bool


@dataclass(frozen=True)
class Frame:
    """One frame.

    Attributes:
        index: 0, 1, ...
        image: Planar YUV 4:2:0, (h * 3 / 2, w).
        mask: Who is where, (h, w) of codes, where it was asked for.
        cast: Who is there, with the shapes that were drawn.
    """

    index: int
    image: Image
    mask: Image | None
    cast: list[tuple[Actor, list[Shape]]]


@dataclass(frozen=True)
class Stage:
    """All that a film is drawn from."""

    camera: Camera
    scene: Scene
    actors: tuple[Actor, ...]
    works: tuple[tuple[Work, Garment], ...]  # of the first actors, one per place
    sensor: Sensor


def stage(plan: Plan, seed: int) -> Stage:
    """Set the stage for a plan: the camera, the room, the people and the light."""
    rng = plan.rng(seed, 1)
    camera = aim(plan.spot, *plan.size, rng)
    palette = WALLS[plan.footage]
    wall = palette[rng.integers(len(palette))]
    seats, crafts = _seats(plan, rng)
    dummies = [_beside(camera, plan, rng)] if plan.dummy else []
    scene = build(camera, wall, seats, dummies, rng)
    times = np.arange(plan.frames) / plan.fps
    actors: list[Actor] = []
    works: list[tuple[Work, Garment]] = []
    door = camera.axes[0][:2] * rng.choice([-1, 1]) * 3.6 + camera.axes[2][:2] * 1.2
    for place, craft in zip(scene.places, crafts, strict=True):
        body = Build.draw(rng)
        done = work(times, plan.shift, craft, place.height, np.asarray(door), body.scale, rng)
        done = replace(done, posture=_shifted(done.posture, place.offset))
        outfit = look(rng, SHIRTS, aprons=True)
        actors.append(Actor(len(actors) + 1, "operator", done.posture, body, outfit, place.key))
        works.append((done, Garment(craft, cloth(rng), times, rng, place.offset)))
    for _ in range(plan.passers_by):
        outfit = look(rng, SHIRTS, aprons=True)
        actors.append(
            Actor(
                len(actors) + 1, "passer_by", _passer(plan, camera, times, rng), Build.draw(rng), outfit, None
            )
        )
    sensor = Sensor(
        light(float(times[-1]), times, rng), plan.spot.gain, plan.spot.noise, plan.size, plan.rng(seed, 2)
    )
    return Stage(camera, scene, tuple(actors), tuple(works), sensor)


def _seats(plan: Plan, rng: Rng) -> tuple[list[Seat], list[Craft]]:
    if not plan.still:
        craft = CRAFTS[plan.category]
        return [Seat((0.0, 0.0), craft.standing, craft.tall)], [craft]
    spots = [
        (x, y)
        for y in (-2.4, -0.4, 1.4)
        for x in (-1.9, 0.2, 2.3)
        if rng.random() < 0.75 and (x, y) != (-1.9, 1.4)
    ]
    crafts = [list(CRAFTS.values())[i] for i in rng.integers(len(CRAFTS), size=len(spots))]
    return [Seat(at, craft.standing, craft.tall) for at, craft in zip(spots, crafts, strict=True)], crafts


def _shifted(posture: Posture, offset: tuple[float, float]) -> Posture:
    by = np.array([*offset, 0.0])
    return replace(posture, pelvis=posture.pelvis + by, hands=posture.hands + by, feet=posture.feet + by)


def _beside(camera: Camera, plan: Plan, rng: Rng) -> tuple[float, float, float]:
    """Return where a mannequin stands: beside and behind the operator, in the camera's view."""
    right, _, forward = camera.axes
    reach = camera.distance + 0.6
    half = reach / camera.focal / 2
    side = rng.choice([-1, 1]) * half * rng.uniform(0.5, 0.85)
    ahead = rng.uniform(0.3, 0.9) if not plan.still else rng.uniform(-0.5, 2.0)
    x, y = (np.asarray(camera.target) + right * side)[:2] + forward[:2] / np.linalg.norm(forward[:2]) * ahead
    return (float(x), float(y), 1.1)


def _passer(plan: Plan, camera: Camera, times: Floats, rng: Rng) -> Posture:
    """Return somebody on the lane behind the operator."""
    right, forward = camera.axes[0][:2], camera.axes[2][:2] / np.linalg.norm(camera.axes[2][:2])
    lane = np.asarray(camera.target)[:2] + forward * (LANE * rng.uniform(0.85, 1.1))
    side = rng.choice([-1.0, 1.0])
    start, end = lane - right * side * 4.2, lane + right * side * 4.2
    if plan.still:
        first = -rng.uniform(2.0, 5.5)
        return passing(times, start, end, (first, first + 8.0), 0.0, rng)
    pause = float(rng.uniform(2.0, 8.0)) if rng.random() < 0.3 else 0.0
    first = rng.uniform(-2.0, max(0.0, times[-1] - 5.0))
    return passing(times, start, end, (first, first + pause + 8.4 / rng.uniform(0.8, 1.4)), pause, rng)


class Film:
    """Frames and truth of one plan, drawn in order."""

    def __init__(self, plan: Plan, seed: int) -> None:
        self.plan, self.stage = plan, stage(plan, seed)

    def frames(self, every: int) -> Iterator[Frame]:
        """Yield the frames in order, with a mask on every ``every``-th."""
        for start in range(0, self.plan.frames, SPAN):
            span = slice(start, min(start + SPAN, self.plan.frames))
            there = [
                actor
                for actor in self.stage.actors
                if actor.seat is not None or actor.posture.present[span].any()
            ]
            drawn = [Drawn(actor, self.stage.camera, span) for actor in there]
            for index in range(span.start, span.stop):
                yield self._frame(index, index - start, drawn, masked=index % every == 0)

    def _frame(self, index: int, local: int, drawn: list[Drawn], *, masked: bool) -> Frame:
        cast = [(item.actor, item.shapes(local, whole=masked)) for item in drawn]
        queue = self._queue(index, local, drawn, [shape for _, shapes in cast for shape in shapes])
        mask = None
        if masked:
            mask = np.zeros(self.stage.scene.background.shape[:2], np.uint8)
            for thing in queue:
                thing.stamp(mask)
        image = self._paint(queue, local, drawn)
        if any(item.strides(local) for item in drawn):  # people who walk: the shutter sees two moments
            earlier = [shape for item in drawn for shape in item.shapes(local, OPEN, whole=False)]
            other = self._paint(self._queue(index, local, drawn, earlier), local, drawn)
            cv2.addWeighted(image, 0.5, other, 0.5, 0, dst=image)
        return Frame(index, self.stage.sensor.expose(image, index), mask, cast)

    def _paint(self, queue: list[Thing], local: int, drawn: list[Drawn]) -> Image:
        image = self.stage.scene.background.copy()
        for item in drawn:
            item.cast(image, local)
        for thing in queue:
            thing.paint(image)
        return image

    def _queue(self, index: int, local: int, drawn: list[Drawn], people: list[Shape]) -> list[Thing]:
        """Return all that is drawn at one moment, farthest first."""
        keyed: list[tuple[float, Thing]] = list(self.stage.scene.props)
        keyed += [(shape.key, shape) for shape in people]
        keyed += [pair for item in drawn for pair in item.smears(local)]
        for (done, garment), item, place in zip(
            self.stage.works, drawn, self.stage.scene.places, strict=False
        ):
            cloths = garment.shapes(
                index, done, item.hands[local], self.stage.camera, (place.key, place.height)
            )
            keyed += [(shape.key, shape) for shape in cloths]
        return [thing for _, thing in sorted(keyed, key=lambda pair: -pair[0])]


def truths(
    mask: Image, cast: list[tuple[Actor, list[Shape]]], scene: Scene, least: tuple[float, int]
) -> list[Truth]:
    """Read the truth off a mask.

    Args:
        mask: Codes of ``people.Part``: 4 * person + part; ``DUMMY`` for mannequins.
        cast: Who is there, with the shapes that were drawn.
        scene: For the mannequin's own outline.
        least: Smallest share and number of visible pixels of a person that counts.
    """
    size = (mask.shape[1], mask.shape[0])
    found = []
    for actor, shapes in cast:
        mine = (mask >> 2 == actor.number).astype(np.uint8)
        seen = cv2.countNonZero(mine)
        if seen < least[1]:
            continue
        whole, inside = silhouette(shapes, size)
        if seen < least[0] * whole:
            continue
        head = cv2.countNonZero((mask == actor.number * 4 + HEAD).astype(np.uint8))
        x, y, width, height = cv2.boundingRect(mine)
        box = (float(x), float(y), float(x + width), float(y + height))
        found.append(
            Truth(actor.role, box, min(1.0, seen / whole), seen < 0.85 * inside, head < 0.01 * whole)
        )
    for _, prop in scene.props:
        mine = (mask == DUMMY).astype(np.uint8)
        seen = cv2.countNonZero(mine) if prop.code == DUMMY else 0
        if seen >= least[1]:
            x, y, width, height = cv2.boundingRect(mine)
            whole = max(1, int((prop.rest[..., 0] < 128).sum()))
            box = (float(x), float(y), float(x + width), float(y + height))
            found.append(Truth("mannequin", box, seen / whole, seen < 0.85 * whole, hands_only=False))
    return found
