"""Which videos and photos there are: everything about each that can be said before it is drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from provenline.simline.motion import Rng
from provenline.simline.operations import CRAFTS, Shift
from provenline.simline.params import CATEGORIES, FootageParams
from provenline.simline.scene import DEPLOYMENT, DEVELOPMENT, PHOTO, Spot

Footage = Literal["development", "deployment"]
DAYS = {
    "development": ("2024-03-04", "2024-03-05", "2024-03-06", "2024-03-07", "2024-03-11", "2024-03-12"),
    "deployment": ("2024-05-20", "2024-05-21", "2024-05-23"),
}
PHOTOS = "Wide photo"


@dataclass(frozen=True)
class Plan:
    """One video or photo.

    Attributes:
        key: What its random numbers are keyed by: footage (0, 1), kind (0 video, 1 photo), index.
        footage: development or deployment.
        name: Path below the footage folder.
        category: The operation's category.
        spot: The camera.
        day: YYYY-MM-DD.
        frames: Number of frames; 1 for a photo.
        fps: Frames per second.
        size: Width and height in pixels.
        shift: When the operator is where.
        dummy: Whether a mannequin stands in view.
        passers_by: How many people pass.
    """

    key: tuple[int, int, int]
    footage: Footage
    name: str
    category: str
    spot: Spot
    day: str
    frames: int
    fps: int
    size: tuple[int, int]
    shift: Shift
    dummy: bool
    passers_by: int

    @property
    def still(self) -> bool:
        """Whether it is a photo."""
        return self.key[1] == 1

    def rng(self, seed: int, stream: int) -> Rng:
        """Return a generator of this video's own: neither order nor number of videos matters."""
        return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(*self.key, stream)))


def plans(footage: Footage, params: FootageParams, seed: int) -> list[Plan]:
    """Return the videos, then the photos, of a footage."""
    made: list[Plan] = []
    for category, count in zip(CATEGORIES, params.videos, strict=False):
        for number in range(count):
            made.append(_video(footage, params, seed, len(made), (category, number)))
    return made + [_photo(footage, number, seed) for number in range(params.photos)]


def _video(footage: Footage, params: FootageParams, seed: int, index: int, what: tuple[str, int]) -> Plan:
    category, number = what
    key = (int(footage == "deployment"), 0, index)
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(*key, 0)))
    craft, spots = CRAFTS[category], DEPLOYMENT if footage == "deployment" else DEVELOPMENT
    # Cameras and days go round with different periods, so that each category sees most of them.
    turn = CATEGORIES.index(category)
    spot = spots[(number + turn) % len(spots)]
    days = DAYS[footage]
    day = days[(number * 5 + turn * 2) % len(days)]
    frames = round(rng.uniform(*params.seconds) * params.fps)
    operation = craft.names[number % len(craft.names)]
    seconds = frames / params.fps
    return Plan(
        key=key,
        footage=footage,
        name=f"{craft.slug}/{operation}_{spot.name}_{day}_{number + 1:02d}.mp4",
        category=category,
        spot=spot,
        day=day,
        frames=frames,
        fps=params.fps,
        size=(params.width, params.height),
        shift=_shift(params, seconds, rng),
        dummy=bool(rng.random() < params.mannequin_share),
        passers_by=int(rng.poisson(params.passers_by * seconds / 60)),
    )


def _shift(params: FootageParams, seconds: float, rng: Rng) -> Shift:
    starts = float(rng.uniform(*params.lead_in_s))
    ends = seconds - float(rng.uniform(*params.lead_out_s))
    enters = max(0.0, starts - 5.0)
    length = ends - starts
    away = None
    if rng.random() < params.break_share and length > 22:
        left = starts + length * rng.uniform(0.3, 0.5)
        away = (round(left, 1), round(left + min(rng.uniform(11.0, 18.0), length * 0.3 + 4), 1))
    return Shift(round(enters, 1), round(starts, 1), round(ends, 1), away)


def _photo(footage: Footage, number: int, seed: int) -> Plan:
    key = (int(footage == "deployment"), 1, number)
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(*key, 0)))
    days = DAYS[footage]
    day = days[number % len(days)]
    return Plan(
        key=key,
        footage=footage,
        name=f"photos/linea_completa_{day}_{number + 1:02d}.jpg",
        category=PHOTOS,
        spot=PHOTO,
        day=day,
        frames=1,
        fps=1,
        size=(1280, 720),
        shift=Shift(-100.0, -90.0, 100.0, None),
        dummy=bool(rng.random() < 0.6),
        passers_by=int(rng.integers(0, 4)),
    )
