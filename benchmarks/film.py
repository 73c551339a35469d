"""A film like a camera's, whose frames say which they are: the number stands in black and white blocks."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from provenline.errors import InputError
from provenline.files import atomic_path
from provenline.progress import track

WIDTH, HEIGHT, RATE, GOP = 1920, 1080, 25, 50
FRAME_MS = 1000 // RATE
BITS, ROW = 16, 64  # blocks in a row, and the height of one in pixels
BLOCK = WIDTH // BITS
MARGIN = 256  # the texture is larger than the picture by so much on each side
# Whatever else the encoder does is the preset's default, three B-frames among it.
OPTIONS = {"preset": "veryfast", "crf": "23", "x264-params": f"keyint={GOP}:min-keyint={GOP}:scenecut=0"}

Image = NDArray[np.uint8]


def film(minutes: float, folder: Path) -> Path:
    """Return the film of so many minutes from a folder, where it is made once.

    1080p25, H.264, a keyframe every 50 frames, constant frame rate. A texture pans slowly under fresh
    grain, so that every picture costs bits as a camera's does.
    """
    count = round(minutes * 60 * RATE)
    if not GOP <= count < 1 << BITS:
        mend = f"Ask for {GOP / RATE / 60:.2f} to {((1 << BITS) - 1) / RATE / 60:.0f}"
        raise InputError(
            f"{minutes:g} minutes cannot be numbered or are no film", place="--minutes", mend=mend
        )
    # What the film shows is this module's affair: a change here makes it anew.
    recipe = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:8]
    file = folder / f"film_{count}_{recipe}.mp4"
    if not file.exists():
        _encode(file, count)
    return file


def parts(whole: Path, count: int) -> dict[Path, int]:
    """Cut a film into files of equal length at keyframes, without encoding it again.

    Returns:
        The files, each with the number that its first frame shows.
    """
    with av.open(str(whole)) as container:
        gops = container.streams.video[0].frames // GOP
    each = max(1, gops // count) * GOP
    folder = whole.with_name(f"{whole.stem}_in_{count}")
    starts = {folder / f"part_{index}.mp4": index * each for index in range(min(count, gops))}
    if not folder.exists():
        with atomic_path(folder) as temporary:
            temporary.mkdir()
            for file, start in starts.items():
                _cut(whole, temporary / file.name, start, start + each)
    return starts


def number_in(image: NDArray[Any]) -> int:
    """Return the number in a picture, grey or in colour; -1 where its two rows contradict each other."""
    middles = image[: 2 * ROW].reshape(2, ROW, BITS, BLOCK, -1)[:, 28:-28, :, 56:-56].mean(axis=(1, 3, 4))
    top, bottom = middles > 128
    return int(sum(1 << bit for bit in range(BITS) if top[bit])) if (top != bottom).all() else -1


def _encode(file: Path, count: int) -> None:
    with atomic_path(file) as temporary, av.open(str(temporary), "w") as container:
        stream = container.add_stream("libx264", rate=RATE, options=OPTIONS)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.codec_context.thread_count = 0
        for index, planes in enumerate(track(_pictures(count), f"Making {count} frames", total=count)):
            frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
            frame.pts, frame.time_base = index, Fraction(1, RATE)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def _cut(whole: Path, file: Path, start: int, stop: int) -> None:
    with av.open(str(whole)) as source, av.open(str(file), "w") as target:
        stream = source.streams.video[0]
        assert stream.time_base is not None
        copy = target.add_stream_from_template(stream)
        first, last = (round(number / RATE / stream.time_base) for number in (start, stop))
        source.seek(first, stream=stream)
        for packet in source.demux(stream):
            if packet.pts is None or packet.dts is None or packet.pts >= last:
                continue
            packet.pts, packet.dts, packet.stream = packet.pts - first, packet.dts - first, copy
            target.mux(packet)


def _pictures(count: int) -> Iterator[Image]:
    """Yield Y, U and V of each frame, stacked as yuv420p has them, in one array that is drawn anew."""
    import cv2

    rng = np.random.default_rng(0)
    bright = _texture(rng, HEIGHT + 2 * MARGIN, WIDTH + 2 * MARGIN, (20, 200))
    colour = _texture(rng, HEIGHT // 2 + MARGIN, WIDTH // 2 + MARGIN, (96, 160))
    grain = rng.integers(0, 12, bright.shape, dtype=np.uint8)
    planes = np.empty((HEIGHT * 3 // 2, WIDTH), dtype=np.uint8)
    chroma = planes[HEIGHT:].reshape(2, HEIGHT // 2, WIDTH // 2)
    for number in range(count):
        x, y = _pan(number)
        top, left = rng.integers(2 * MARGIN, size=2)
        grains = grain[top : top + HEIGHT, left : left + WIDTH]
        cv2.add(bright[y : y + HEIGHT, x : x + WIDTH], grains, dst=planes[:HEIGHT])
        chroma[:] = colour[y // 2 : y // 2 + HEIGHT // 2, x // 2 : x // 2 + WIDTH // 2]
        _burn_in(planes, number)
        yield planes


def _texture(rng: np.random.Generator, height: int, width: int, span: tuple[int, int]) -> Image:
    """Noise at five scales, the coarse ones strongest."""
    import cv2

    image = np.zeros((height, width), dtype=np.float32)
    for step in (256, 96, 32, 12, 4):
        coarse = rng.random((height // step + 2, width // step + 2), dtype=np.float32)
        image += step**0.5 * cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    cv2.normalize(image, image, *span, norm_type=cv2.NORM_MINMAX)
    return image.astype(np.uint8)


def _pan(number: int) -> tuple[int, int]:
    """Left and upper edge of the picture in the texture: a slow pan that comes back."""
    seconds = number / RATE
    x = MARGIN * (1 + math.sin(seconds / 7))
    y = MARGIN * (1 + math.sin(seconds / 11))
    return int(x), int(y)


def _burn_in(planes: Image, number: int) -> None:
    bits = number >> np.arange(BITS) & 1
    row = np.repeat(np.where(bits == 1, 235, 16).astype(np.uint8), BLOCK)
    planes[:ROW], planes[ROW : 2 * ROW] = row, 251 - row
    planes[HEIGHT:].reshape(2, HEIGHT // 2, -1)[:, :ROW] = 128
