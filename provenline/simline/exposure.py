"""What a cheap camera makes of a scene: exposure time, lens, light, white balance and noise.

Everything happens on planar YUV 4:2:0, which is what the encoder takes: half the pixels of BGR.
"""

from __future__ import annotations

import cv2
import numpy as np

from provenline.simline.camera import Floats
from provenline.simline.canvas import Image
from provenline.simline.motion import Rng, drift, ramp

GHOST = 0.10  # share of the previous frame that the sensor's own noise reduction leaves in this one
OPEN = 0.35  # share of a frame's time in which the shutter is open
TILE = 48  # pixels by which the noise's tile is larger than an image
GREY = 110.0  # brightness at which a shift of chroma equals the gain that it stands for


def light(seconds: float, times: Floats, rng: Rng) -> Floats:
    """Return the brightness (T,) over a video: clouds, flicker, a lamp that is switched."""
    level = (
        rng.uniform(0.88, 1.16) + 0.09 * drift(times, 16.0, rng)[:, 0] + 0.012 * drift(times, 0.4, rng)[:, 0]
    )
    if rng.random() < 0.3:
        drop = rng.uniform(0.15, 0.3) * rng.choice([-0.5, 1])
        level = level * (1 - drop * ramp(times, rng.uniform(0.2, 0.8) * seconds, 0.5))
    return np.asarray(level)


class Smear:
    """The blur of a small moving thing along its way.

    Args:
        before: Where it was a frame ago, (2,) pixels.
        now: Where it is, (2,) pixels.
        radius: Of the thing, in pixels.
    """

    def __init__(self, before: Floats, now: Floats, radius: float) -> None:
        across, down = (min(15, round(abs(float(step)) * OPEN) | 1) for step in now - before)
        self.kernel = (across, down)
        low, high = np.minimum(before, now) - radius, np.maximum(before, now) + radius
        self.window = tuple(slice(max(0, int(low[axis])), max(0, int(high[axis]))) for axis in (1, 0))
        self.ground: Image | None = None

    def paint(self, image: Image) -> None:
        """Blur what was drawn since the ground was noted, in place."""
        region = image[self.window]
        if self.ground is None or min(region.shape[:2]) < 5:
            return
        drawn = cv2.cvtColor(cv2.absdiff(region, self.ground), cv2.COLOR_BGR2GRAY)
        share = cv2.blur((drawn > 2).astype(np.float32), self.kernel)[..., None]
        region[:] = self.ground + (cv2.blur(region, self.kernel) - self.ground.astype(np.float32)) * share

    def stamp(self, mask: Image) -> None:
        """Leave a mask as it is: truth is where the thing is now."""


class Ground:
    """Notes what is behind a thing before it is drawn."""

    def __init__(self, smear: Smear) -> None:
        self.smear = smear

    def paint(self, image: Image) -> None:
        """Note the image's part that the smear is about."""
        self.smear.ground = image[self.smear.window].copy()

    def stamp(self, mask: Image) -> None:
        """Leave a mask as it is."""


class Sensor:
    """Turns drawn BGR images into what the camera delivers, in order.

    Args:
        gains: Brightness over time, (T,).
        balance: Gain on blue, green and red.
        noise: Standard deviation in grey levels.
        size: Width and height; the height is a multiple of four.
        rng: The noise.
    """

    def __init__(
        self,
        gains: Floats,
        balance: tuple[float, float, float],
        noise: float,
        size: tuple[int, int],
        rng: Rng,
    ) -> None:
        width, height = size
        self.gains, self.rng = gains, rng
        blue, green, red = balance
        self.tint = (0.5 * GREY * (blue - green), 0.5 * GREY * (red - green))
        tile = rng.normal(128.0, noise, (height + TILE, width + TILE))
        colour = rng.normal(128.0, noise * 0.4, (height // 2 + TILE, width + TILE))
        self.tiles = [np.clip(np.round(t), 0, 255).astype(np.uint8) for t in (tile, colour)]
        self._last: Image | None = None

    def expose(self, image: Image, index: int) -> Image:
        """Return planar YUV 4:2:0, (h * 3 / 2, w), of a BGR image (h, w, 3)."""
        height, width = image.shape[:2]
        planes: Image = np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2YUV_I420), np.uint8)
        cv2.GaussianBlur(planes[:height], (3, 3), 0.7, dst=planes[:height])
        if self._last is not None:
            planes = np.asarray(cv2.addWeighted(planes, 1 - GHOST, self._last, GHOST, 0), np.uint8)
        self._last = planes
        out = np.empty_like(planes)
        gain, grey = float(self.gains[index]), np.arange(256.0)
        quarter = height // 4
        curves = (16 + (grey - 16) * gain, *(128 + (grey - 128) * gain + tint for tint in self.tint))
        edges = (0, height, height + quarter, height + 2 * quarter)
        for curve, top, bottom in zip(curves, edges, edges[1:], strict=False):
            cv2.LUT(planes[top:bottom], np.clip(curve, 16, 240).astype(np.uint8), dst=out[top:bottom])
        for tile, top, bottom in zip(self.tiles, (0, height), (height, height * 3 // 2), strict=True):
            y, x = self.rng.integers(0, TILE, 2)
            window = tile[y : y + bottom - top, x : x + width]
            cv2.addWeighted(out[top:bottom], 1, window, 1, -128, dst=out[top:bottom])
        return out
