"""Small films of static cameras with people moving about, and what becomes of films that are copied."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pandas as pd

from provenline.files import sha256_file
from provenline.footage.decode import frames_at
from provenline.footage.hashing import thumbnail
from tests.splits import world

WIDTH, HEIGHT = 160, 96


def background(camera: int) -> np.ndarray:
    """A grey room of blocks (height x width), the same for every clip of a camera."""
    rng = np.random.default_rng([7, camera])
    coarse = rng.integers(40, 200, (6, 10)).astype(np.float32)
    fine = rng.normal(0, 8, (HEIGHT, WIDTH)).astype(np.float32)
    return cv2.resize(coarse, (WIDTH, HEIGHT), interpolation=cv2.INTER_LINEAR) + cv2.GaussianBlur(
        fine, (5, 5), 1
    )


@dataclass(frozen=True)
class Scene:
    """What one recording shows.

    Attributes:
        camera: Whose background.
        seed: Of the people's ways; another seed is another recording.
        seconds: Length.
        people: How many walk about.
        light: ``steady``, ``step`` (a lamp goes on half way) or ``drift``.
        way: ``free``, or ``belt``: everybody follows the same line, as parts on a conveyor do.
    """

    camera: int
    seed: int
    seconds: int = 14
    people: int = 2
    light: str = "steady"
    way: str = "free"

    def pictures(self, fps: int) -> Iterable[np.ndarray]:
        """The scene's pictures (height x width, uint8), the same at every rate."""
        rng = np.random.default_rng([11, self.camera, self.seed])
        room, knots = background(self.camera), self.seconds // 2 + 3
        ways = rng.uniform([8, 20], [WIDTH - 8, HEIGHT - 12], (self.people, knots, 2))
        if self.way == "belt":
            # Parts come at moments of their own, but all of them along one line.
            phase = rng.uniform(0, 1, (self.people, 1))
            along = (phase + np.arange(knots) * 0.37) % 1
            ways = np.stack([8 + along * (WIDTH - 16), np.full_like(along, HEIGHT * 0.6)], axis=2)
        tones = rng.choice([10, 25, 230, 245], self.people)
        sizes = rng.integers(7, 12, self.people)
        for number in range(self.seconds * fps):
            time = number / fps
            picture = room * self._lamp(time)
            for person, way in enumerate(ways):
                x, y = (np.interp(time / 2, np.arange(knots), way[:, axis]) for axis in (0, 1))
                size = int(sizes[person])
                cv2.ellipse(
                    picture,
                    (round(x * 16), round(y * 16)),
                    (size * 8, size * 22),
                    0,
                    0,
                    360,
                    float(tones[person]),
                    -1,
                    cv2.LINE_AA,
                    4,
                )
            noise = np.random.default_rng([self.seed, number]).normal(0, 2, picture.shape)
            yield np.clip(picture + noise, 0, 255).astype(np.uint8)

    def _lamp(self, time: float) -> float:
        if self.light == "step":
            return 0.75 if time < self.seconds / 2 else 1.1
        return 0.8 + 0.3 * time / self.seconds if self.light == "drift" else 1.0


@dataclass(frozen=True)
class Copy:
    """How a recording is written.

    Attributes:
        fps: Frames a second.
        size: Width, height.
        codec: FFmpeg's name.
        crf: Quality, where the codec has one.
        mirrored: Left and right exchanged.
        gain: Times this brightness, as a converter of levels does.
        skip: Seconds cut off at the start.
    """

    fps: int = 12
    size: tuple[int, int] = (WIDTH, HEIGHT)
    codec: str = "libx264"
    crf: int = 23
    mirrored: bool = False
    gain: float = 1.0
    skip: int = 0


def write(file: Path, scene: Scene, how: Copy | None = None) -> Path:
    """Write a scene as a film."""
    how = how or Copy()
    options = {"crf": str(how.crf), "preset": "ultrafast"} if how.codec.startswith("libx26") else {}
    if how.codec == "libx265":
        options["x265-params"] = "log-level=none"
    with av.open(str(file), "w") as container:
        stream = container.add_stream(how.codec, rate=how.fps, options=options)
        stream.width, stream.height = how.size
        stream.pix_fmt = "yuvj420p" if how.codec == "mjpeg" else "yuv420p"
        stream.codec_context.thread_count = 1
        stream.codec_context.time_base = Fraction(1, how.fps)
        for number, picture in enumerate(scene.pictures(how.fps)):
            if number < how.skip * how.fps:
                continue
            shown = picture[:, ::-1] if how.mirrored else picture
            shown = np.clip(shown * how.gain, 0, 255).astype(np.uint8)
            shown = cv2.resize(shown, how.size, interpolation=cv2.INTER_AREA)
            frame = av.VideoFrame.from_ndarray(cv2.cvtColor(shown, cv2.COLOR_GRAY2BGR), format="bgr24")
            frame.pts, frame.time_base = number - how.skip * how.fps, Fraction(1, how.fps)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return file


def dhash(picture: np.ndarray) -> str:
    import imagehash
    from PIL import Image

    return str(imagehash.dhash(Image.fromarray(picture[..., ::-1])))


def rows(
    file: Path, times_ms: Iterable[int], name: str | None = None, camera: str = "", day: str = ""
) -> list[dict]:
    """Rows of the Frames table, sampled as the stage `extract` does."""
    digest = sha256_file(file)
    return [
        world.frame(
            name or file.name,
            presented,
            frame_id=f"{digest[:12]}_{presented:09d}_{name or file.name}",
            media_sha256=digest,
            camera=camera,
            day=day,
            dhash=dhash(picture),
            thumbnail=thumbnail(picture),
        )
        for _, presented, picture in frames_at(file, list(times_ms))
    ]


def table(media: Iterable[list[dict]]) -> pd.DataFrame:
    return world.frames([row for one in media for row in one])
