"""The piece of cloth between the operator's hands."""

from __future__ import annotations

import numpy as np

from provenline.simline.camera import Camera, Floats
from provenline.simline.canvas import Colour, Ints, fixed, shade
from provenline.simline.motion import Rng, drift
from provenline.simline.operations import Craft, Work
from provenline.simline.people import Shape

NEEDLE = np.array([-0.14, 0.10])


class Garment:
    """A cloth that lies on the table, follows the hands and is held up now and then."""

    def __init__(
        self, craft: Craft, colour: Colour, times: Floats, rng: Rng, offset: tuple[float, float]
    ) -> None:
        self.craft, self.colour, self.offset = craft, colour, np.asarray(offset)
        cut = np.array(craft.cut)
        # More corners, so that the outline can wave like cloth.
        parts = [cut + (np.roll(cut, -1, axis=0) - cut) * share for share in (0.0, 0.33, 0.67)]
        self.cut = np.stack(parts, axis=1).reshape(-1, 2)
        self.wave = drift(times, 0.9, rng, 2 * len(self.cut)).reshape(len(times), -1, 2)
        self.turn = 0.5 * drift(times, 4.0, rng)[:, 0] + rng.uniform(-0.4, 0.4)

    def shapes(
        self, index: int, work: Work, palms: Floats, camera: Camera, seat: tuple[float, float]
    ) -> list[Shape]:
        """Return the cloth at one moment.

        Args:
            index: The moment in the video.
            work: What the operator does.
            palms: (2, 3) both palms, metres.
            camera: Of the video.
            seat: Key and height (metres) of the table.
        """
        table, height = seat
        lifted = float(work.lifted[index])
        if lifted > 0.35:
            return self._hanging(index, palms, camera, lifted)
        busy = float(work.working[index])
        palms = palms - (*self.offset, 0.0)
        middle = NEEDLE * (1 - busy) + (0.55 * palms[:, :2].mean(axis=0) + 0.45 * NEEDLE) * busy
        if self.craft.standing:
            middle = palms[:, :2].mean(axis=0) * busy + np.array([0.0, 0.16]) * (1 - busy) + (0, 0.05)
        angle = self.turn[index]
        spin = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        flat = (self.cut + 0.05 * self.wave[index]) @ spin.T * self.craft.size + middle
        flat[:, 1] = np.maximum(flat[:, 1], -0.10)
        z = height + 0.012 + 0.03 * np.abs(self.wave[index][:, 0])
        corners = np.column_stack([flat + self.offset, z])
        return [self._sheet(corners, camera, table - 0.03, 0.95)]

    def _hanging(self, index: int, palms: Floats, camera: Camera, lifted: float) -> list[Shape]:
        left, right = palms
        drop = self.craft.size * (0.55 + 0.35 * lifted)
        share = np.linspace(0, 1, 7)[:, None]
        top = left + (right - left) * share - np.array([0, 0, 0.05]) * np.sin(share * np.pi)
        low = left + (right - left) * (share * 1.16 - 0.08) - np.array([0, 0, drop])
        ripple = np.resize(self.wave[index], (7, 2)) * 0.035
        low = low + np.column_stack([ripple[:, 0], ripple[:, 1], ripple[:, 0]])
        corners = np.concatenate([top, low[::-1]])
        return [self._sheet(corners, camera, float(camera.view(palms)[:, 2].mean()) + 0.02, 0.85)]

    def _sheet(self, corners: Floats, camera: Camera, key: float, light: float) -> Shape:
        pixels, _ = camera.project(corners)
        centre = pixels.mean(axis=0)
        under = pixels + np.array([1.5, 3.0])
        rings: list[Ints] = [fixed(under), fixed(pixels)]
        colours = [shade(self.colour, 0.45), shade(self.colour, light)]
        half = len(pixels) // 2
        for start, tone in ((0, 1.09), (half // 2, 0.86)):  # two folds
            fold = np.concatenate([pixels[start : start + half // 2 + 1], centre[None]])
            rings.append(fixed(centre + (fold - centre) * 0.86))
            colours.append(shade(self.colour, light * tone))
        return Shape(key, tuple(rings), tuple(colours), 0, convex=False)
