"""A pinhole camera in a room measured in metres: x to the right, y into the room, z up."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
NEAR = 0.15


@dataclass(frozen=True)
class Camera:
    """Where the camera stands and what it looks at.

    Attributes:
        position: In metres.
        target: The point in the middle of the image, in metres.
        focal: Focal length as a multiple of the image's width.
        width: Of the image, in pixels.
        height: Of the image, in pixels.
    """

    position: tuple[float, float, float]
    target: tuple[float, float, float]
    focal: float
    width: int
    height: int

    @cached_property
    def axes(self) -> Floats:
        """Rows: right, up and forward, as unit vectors in the room."""
        forward = np.subtract(self.target, self.position).astype(np.float64)
        forward /= np.linalg.norm(forward)
        right = np.cross(forward, (0.0, 0.0, 1.0))
        right /= np.linalg.norm(right)
        return np.stack([right, np.cross(right, forward), forward])

    @property
    def distance(self) -> float:
        """Metres from the camera to its target."""
        return float(np.linalg.norm(np.subtract(self.target, self.position)))

    def view(self, points: Floats) -> Floats:
        """Turn room points (..., 3) into camera points (right, up, depth), in metres."""
        return np.asarray((points - np.asarray(self.position)) @ self.axes.T, dtype=np.float64)

    def to_pixels(self, viewed: Floats) -> Floats:
        """Turn camera points (..., 3) into pixels (..., 2); depth is held at the near plane."""
        scale = self.focal * self.width / np.maximum(viewed[..., 2], NEAR)
        x = self.width / 2 + viewed[..., 0] * scale
        y = self.height / 2 - viewed[..., 1] * scale
        return np.stack([x, y], axis=-1)

    def project(self, points: Floats) -> tuple[Floats, Floats]:
        """Return pixels (..., 2) and depths (...) of room points (..., 3)."""
        viewed = self.view(points)
        return self.to_pixels(viewed), viewed[..., 2]

    def depth(self, point: tuple[float, float, float]) -> float:
        """Metres along the view axis."""
        return float(self.view(np.asarray(point, dtype=np.float64))[2])

    def polygon(self, corners: Floats) -> Floats | None:
        """Project a flat polygon (n, 3), cut at the near plane; None where nothing is in front."""
        viewed = self.view(corners)
        kept: list[Floats] = []
        for here, there in zip(viewed, np.roll(viewed, -1, axis=0), strict=True):
            inside, leaves = here[2] > NEAR, (here[2] > NEAR) != (there[2] > NEAR)
            if inside:
                kept.append(here)
            if leaves:
                share = (NEAR - here[2]) / (there[2] - here[2])
                kept.append(here + share * (there - here))
        return self.to_pixels(np.stack(kept)) if len(kept) > 2 else None
