"""Films of one's own making: a picture for every time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

Paint = Callable[[float], np.ndarray]


def paint_film(file: Path, times_ms: Sequence[int], paint: Paint, gop: int = 50, bf: int = 3) -> Path:
    """Write an H.264 film that shows ``paint(seconds from the first frame)``, BGR, at each of the times."""
    file.parent.mkdir(parents=True, exist_ok=True)
    options = {"preset": "ultrafast", "bf": str(bf), "b-adapt": "0", "x264-params": "scenecut=0"}
    with av.open(str(file), "w") as container:
        stream = container.add_stream("libx264", rate=10, options=options)
        height, width = paint(0.0).shape[:2]
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.codec_context.gop_size = gop
        stream.codec_context.thread_count = 1
        stream.codec_context.time_base = Fraction(1, 1000)
        for time in times_ms:
            image = paint((time - times_ms[0]) / 1000)
            frame = av.VideoFrame.from_ndarray(image, format="bgr24")
            frame.pts, frame.time_base = time, Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return file


def blob(spans: Sequence[tuple[float, float]], seed: int = 1, light: float = 0.0, size: int = 24) -> Paint:
    """A still room with sensor noise (160 x 120) in which a square circles during the spans, in seconds.

    ``light`` is by how many grey levels the room brightens and darkens, slowly.
    """
    rng = np.random.default_rng(seed)
    room = rng.integers(60, 160, (15, 20)).repeat(8, axis=0).repeat(8, axis=1)[..., None].repeat(3, axis=2)

    def paint(at: float) -> np.ndarray:
        image = room + rng.normal(0, 3, room.shape) + light * np.sin(at / 7)
        busy = sum(min(max(at - start, 0), end - start) for start, end in spans)
        x, y = int(60 + 40 * np.cos(busy)), int(45 + 30 * np.sin(busy))
        image[y : y + size, x : x + size] = (20, 230, 240)
        return image.clip(0, 255).astype(np.uint8)

    return paint


def shots(cuts: Sequence[float]) -> Paint:
    """Pictures (160 x 120) of quite another colour after every cut, in seconds, with a moving square."""
    colours = [(40, 40, 200), (200, 60, 40), (60, 190, 60), (30, 30, 30), (220, 220, 220)]

    def paint(at: float) -> np.ndarray:
        shot = sum(at >= cut for cut in cuts)
        image = np.full((120, 160, 3), colours[shot % len(colours)], np.uint8)
        x = int(20 + 50 * (at % 2))
        image[50:70, x : x + 20] = 128
        return image

    return paint
