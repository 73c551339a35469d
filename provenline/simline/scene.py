"""Where the cameras hang, and what does not move while they film."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from provenline.simline.camera import Camera
from provenline.simline.canvas import Colour, Image, Sprite
from provenline.simline.motion import Rng
from provenline.simline.props import mannequin, station
from provenline.simline.room import floor_shadows, furniture, grained, walls
from provenline.simline.solids import Point, Sheet, Solid, box, moved, on_table

LANE = 1.5  # metres behind the target where people pass
DUMMY = 255  # the mask's code of a mannequin


@dataclass(frozen=True)
class Spot:
    """A place where a camera hangs.

    Attributes:
        name: As in file names and the media list.
        position: In metres, the operator's table being at (0, 0.2).
        target: In metres.
        focal: As a multiple of the image's width.
        gain: Sensor's gain on blue, green and red.
        noise: Standard deviation of the sensor's noise, grey levels.
    """

    name: str
    position: Point
    target: Point
    focal: float
    gain: tuple[float, float, float]
    noise: float


DEVELOPMENT = (
    Spot("cam1", (-1.15, 1.95, 1.75), (0.0, -0.15, 0.98), 0.95, (0.98, 1.0, 1.02), 3.0),
    Spot("cam2", (2.05, 0.55, 1.55), (0.0, -0.15, 0.95), 0.90, (0.94, 1.0, 1.06), 4.0),
    Spot("cam3", (0.50, 1.30, 1.45), (0.0, -0.05, 0.75), 1.12, (1.05, 1.0, 0.95), 3.0),
    Spot("cam4", (1.35, -1.75, 2.05), (0.0, 0.05, 0.85), 0.85, (1.0, 1.0, 1.0), 5.0),
    Spot("cam5", (-2.3, 2.4, 2.35), (0.1, -0.35, 0.85), 0.82, (1.02, 1.01, 0.98), 3.5),
)
DEPLOYMENT = (
    Spot("cam6", (1.55, 1.80, 2.10), (-0.05, -0.15, 0.92), 0.88, (1.10, 1.0, 0.92), 5.0),
    Spot("cam7", (-1.95, 0.20, 1.30), (0.0, -0.10, 0.95), 0.85, (0.88, 0.98, 1.08), 4.0),
    Spot("cam8", (-0.25, 1.25, 2.05), (0.05, -0.10, 0.80), 0.80, (1.0, 1.02, 0.98), 6.0),
    Spot("cam9", (-1.6, -1.55, 1.85), (0.05, 0.05, 0.88), 0.78, (0.95, 1.0, 1.04), 4.5),
)
PHOTO = Spot("photo", (-3.6, 3.9, 2.45), (0.7, -0.9, 0.75), 0.72, (1.0, 1.0, 1.0), 2.0)


@dataclass(frozen=True)
class Seat:
    """A work place to build.

    Attributes:
        offset: Where it stands, (x, y) metres from the middle of the line.
        standing: An inspection table instead of a machine.
        tall: A buttonhole machine.
    """

    offset: tuple[float, float]
    standing: bool
    tall: bool


@dataclass(frozen=True)
class Place:
    """A built work place: where, its table's drawing key, its table's height in metres."""

    offset: tuple[float, float]
    key: float
    height: float


@dataclass(frozen=True)
class Scene:
    """What does not move.

    Attributes:
        background: The empty room, (h, w, 3) BGR.
        props: Sprites and their drawing keys (metres), to be sorted among the people.
        places: Work places, in the order of the seats.
    """

    background: Image
    props: tuple[tuple[float, Sprite], ...]
    places: tuple[Place, ...]


def aim(spot: Spot, width: int, height: int, rng: Rng) -> Camera:
    """Return the spot's camera, as it hangs on one day: a little off."""
    x, y, z = np.asarray(spot.position) + rng.normal(0, 0.06, 3)
    u, v, w = np.asarray(spot.target) + rng.normal(0, 0.05, 3)
    focal = spot.focal * rng.uniform(0.94, 1.08)
    return Camera((x, y, z), (u, v, w), focal, width, height)


def build(camera: Camera, wall: Colour, seats: Sequence[Seat], dummies: Sequence[Point], rng: Rng) -> Scene:
    """Draw the room and its work places for one camera.

    Args:
        camera: Of the video or the photo.
        wall: Colour of the walls.
        seats: Work places; with more than one, nothing else stands among them.
        dummies: Where mannequins stand.
        rng: What is where.
    """
    sheet = Sheet(camera)
    for item in walls(rng, wall):
        sheet.solid(item)
    behind, props = _sort_out(furniture(rng, others=len(seats) == 1), camera, wide=len(seats) > 1)
    built = [_place(seat, camera, rng) for seat in seats]
    ground = [
        moved(box((0, 0, 0), (0, 0, 0), (0, 0, 0)), (x, y + 0.2, 0)) for x, y in (s.offset for s in seats)
    ]
    sheet.image = floor_shadows(sheet.image, camera, [*behind, *ground])
    for item in behind:
        sheet.solid(item)
    background = grained(sheet.image, camera, rng)
    for spot in dummies:
        props.append((camera.depth(spot), mannequin(spot[0], spot[1], rng, bool(rng.random() < 0.6)), DUMMY))
    for _, items in built:
        props += items
    return Scene(background, _sprites(camera, props), tuple(place for place, _ in built))


Keyed = tuple[float, Solid, int]


def _place(seat: Seat, camera: Camera, rng: Rng) -> tuple[Place, list[Keyed]]:
    made = station(seat.standing, seat.tall, rng)
    table = moved(made.table, (*seat.offset, 0.0))
    key = camera.depth(table.centre)
    items: list[Keyed] = [(key, table, 0)]
    if made.stool:
        stool = moved(made.stool, (*seat.offset, 0.0))
        items.append((camera.depth(stool.centre), stool, 0))
    if made.machine:
        machine = moved(made.machine, (*seat.offset, 0.0))
        items.append((on_table(key, camera.depth(machine.centre)), machine, 0))
    return Place(seat.offset, key, made.height), items


def _sort_out(solids: list[Solid], camera: Camera, *, wide: bool) -> tuple[list[Solid], list[Keyed]]:
    """Part furniture into what nobody passes behind, and what stands beside; drop what blocks the view."""
    placed = sorted(((camera.depth(solid.centre), solid) for solid in solids), key=lambda item: -item[0])
    limit = camera.distance + LANE + 0.3
    beside: list[Keyed] = []
    for depth, solid in placed:
        x = camera.project(np.asarray(solid.centre))[0][0] / camera.width
        if camera.distance * (0.6 if wide else 0.85) < depth <= limit and (wide or not 0.18 < x < 0.82):
            beside.append((depth, solid, 0))
    return [solid for depth, solid in placed if depth > limit], beside


def _sprites(camera: Camera, props: list[Keyed]) -> tuple[tuple[float, Sprite], ...]:
    made = []
    for key, solid, code in props:
        sheet = Sheet(camera)
        sheet.solid(solid)
        drawn = sheet.sprite(code)
        if drawn is not None:
            made.append((key, drawn))
    return tuple(made)
