"""Smooth randomness over time, and the two-bone limb."""

from __future__ import annotations

import numpy as np

from provenline.simline.camera import Floats

Rng = np.random.Generator


def drift(times: Floats, period: float, rng: Rng, dims: int = 1) -> Floats:
    """Return smooth noise (T, dims), roughly within -1..1, that turns about every ``period`` seconds."""
    knots = np.arange(times[0] - 2 * period, times[-1] + 3 * period, period)
    values = rng.uniform(-1.0, 1.0, (len(knots), dims))
    place = (times - knots[0]) / period
    low = np.floor(place).astype(int)
    share = (place - low)[:, None]
    share = share * share * (3 - 2 * share)
    return np.asarray(values[low] * (1 - share) + values[low + 1] * share)


def spells(times: Floats, every: float, length: float, rng: Rng) -> Floats:
    """Return (T,) in 0..1 that swells to 1 for about ``length`` seconds, about once in ``every``."""
    total = np.zeros_like(times)
    at = times[0] + rng.uniform(0.2, 1.0) * every
    while at < times[-1]:
        lasts = length * rng.uniform(0.6, 1.5)
        total = np.maximum(total, ramp(times, at, 0.9) - ramp(times, at + lasts, 0.9))
        at += lasts + every * rng.uniform(0.6, 1.5)
    return total


def ramp(times: Floats, start: float, seconds: float) -> Floats:
    """Return (T,): 0 before ``start``, 1 ``seconds`` later, smooth between."""
    share = np.clip((times - start) / max(seconds, 1e-6), 0.0, 1.0)
    return np.asarray(share * share * (3 - 2 * share))


def unit(vectors: Floats) -> Floats:
    """Scale vectors (..., 3) to length 1."""
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9))


def limb(root: Floats, tip: Floats, bones: tuple[float, float], pole: Floats) -> tuple[Floats, Floats]:
    """Return the middle joint and the reachable tip of a limb of two bones.

    Args:
        root: Shoulder or hip, (T, 3).
        tip: Where hand or foot should be, (T, 3); pulled in where it is out of reach.
        bones: Lengths in metres.
        pole: The direction in which elbow or knee points, (T, 3).
    """
    upper, lower = bones
    axis = tip - root
    length = np.linalg.norm(axis, axis=-1, keepdims=True)
    reach = np.clip(length, abs(upper - lower) + 0.02, (upper + lower) * 0.995)
    axis = unit(axis)
    along = (upper**2 - lower**2 + reach**2) / (2 * reach)
    side = unit(pole - (pole * axis).sum(-1, keepdims=True) * axis)
    middle = root + axis * along + side * np.sqrt(np.maximum(upper**2 - along**2, 0.0))
    return middle, root + axis * reach
