"""Small films whose frames say which they are: the number stands in the picture as black and white blocks."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

BITS, SIDE = 10, 16
SIZE = (BITS * SIDE, 64)  # width, height


def picture(number: int) -> np.ndarray:
    """A BGR picture (64 x 160) with ``number`` in its top row and its opposite below, over moving noise."""
    image = np.random.default_rng(number // 7).integers(90, 160, (SIZE[1], SIZE[0], 3), dtype=np.uint8)
    for bit in range(BITS):
        white = bool(number >> bit & 1)
        image[:SIDE, bit * SIDE : (bit + 1) * SIDE] = 255 * white
        image[SIDE : 2 * SIDE, bit * SIDE : (bit + 1) * SIDE] = 255 * (not white)
    return image


def number_in(image: np.ndarray) -> int:
    """The number in a picture; -1 where its two rows contradict each other."""
    blocks = image[: 2 * SIDE].reshape(2, SIDE, BITS, SIDE, 3)[:, 4:-4, :, 4:-4].mean(axis=(1, 3, 4))
    top, bottom = blocks > 128
    return int(sum(1 << bit for bit in range(BITS) if top[bit])) if (top != bottom).all() else -1


def film(
    file: Path,
    times_ms: Sequence[int],
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    options: dict[str, str] | None = None,
    container_options: dict[str, str] | None = None,
    numbers: Sequence[int] | None = None,
    gop: int = 12,
) -> Path:
    """Write a film whose frame ``i`` is presented at ``times_ms[i]`` and shows ``numbers[i]``, else ``i``."""
    file.parent.mkdir(parents=True, exist_ok=True)
    rate = Fraction(1000, max(1, times_ms[1] - times_ms[0])) if len(times_ms) > 1 else Fraction(10)
    with av.open(str(file), "w", options=container_options or {}) as container:
        stream = container.add_stream(codec, rate=rate.limit_denominator(1000), options=options or {})
        stream.width, stream.height, stream.pix_fmt = *SIZE, pix_fmt
        stream.codec_context.gop_size = gop
        stream.codec_context.thread_count = 1
        # AVI and MPEG-2 count frames, all others take milliseconds.
        counts = file.suffix == ".avi" or codec == "mpeg2video"
        tick = 1 / rate if counts else Fraction(1, 1000)
        stream.codec_context.time_base = tick
        for index, time in enumerate(times_ms):
            frame = av.VideoFrame.from_ndarray(picture(numbers[index] if numbers else index), format="bgr24")
            frame.pts, frame.time_base = round(Fraction(time, 1000) / tick), tick
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return file


def steady(count: int, period_ms: int = 100, start_ms: int = 0) -> list[int]:
    """``count`` times, ``period_ms`` apart."""
    return [start_ms + index * period_ms for index in range(count)]


def irregular(count: int, seed: int, start_ms: int = 0) -> list[int]:
    """``count`` times, 20 to 400 ms apart."""
    gaps = np.random.default_rng(seed).integers(1, 20, count) * 20
    return (start_ms + np.concatenate([[0], np.cumsum(gaps)[:-1]])).tolist()
