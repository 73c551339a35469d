"""Ways to take the frames that a film presents at given moments: ours, floors, and what others use.

Each takes the film and ascending milliseconds and returns the numbers that it read in the pictures that
it got. Each is timed as a whole: opening the file is in it, importing packages is not. Those that ask by
frame number are told it; in a file of variable frame rate they would have to find it out.
"""

from __future__ import annotations

import importlib
import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO, Any, cast

import numpy as np

from benchmarks.film import FRAME_MS, HEIGHT, RATE, WIDTH, Image, number_in
from benchmarks.timing import Clock
from provenline.files import atomic_path

Peer = Callable[[Path, list[int]], list[int]]
TOGETHER = 16  # pictures that torchcodec returns at a time: 100 MB


def ours(file: Path, asked: list[int]) -> list[int]:
    """Take `provenline.footage.decode.frames_at`."""
    from provenline.footage.decode import frames_at

    found = {moment: number_in(image) for moment, _, image in frames_at(file, asked)}
    return [found.get(moment, -1) for moment in asked]


def floor(file: Path, asked: list[int]) -> list[int]:
    """Decode what is needed and no more; convert nothing, check nothing.

    Needed for a moment is, in decoding order from the keyframe before it to the presented frame: the
    keyframe, all pictures on which others build, and the frame itself. Which frame is presented is given.
    No two moments of a task share a group of pictures, so nothing is decoded twice. The decoder has a
    thread for each core, and is emptied after each moment. Seeking and reading the file are counted.
    """
    return [number_in(_luma(frame)) for frame in _needed(file, asked)]


def floor_bgr(file: Path, asked: list[int]) -> list[int]:
    """Do what `floor` does, and convert the presented frames to BGR."""
    return [number_in(frame.to_ndarray(format="bgr24")) for frame in _needed(file, asked)]


def floor_in_one_go(file: Path, asked: list[int]) -> list[int]:
    """Decode the packets of `floor` without emptying the decoder: its threads never run dry.

    Only somebody can who trusts that each keyframe closes what came before it.
    """
    wanted = {moment // FRAME_MS for moment in asked}
    with _opened(file) as (container, stream, ticks):
        packets = [packet for moment in asked for packet in _packets(container, stream, moment)]
        codec, found = stream.codec_context, []
        for packet in [*packets, None]:
            codec.skip_frame = "NONREF" if packet and packet.pts // ticks not in wanted else "DEFAULT"
            frames = [frame for frame in codec.decode(packet) if frame.pts // ticks in wanted]
            found += [number_in(_luma(frame)) for frame in frames]
    return found


def opencv_read(file: Path, asked: list[int]) -> list[int]:
    """Call `read()` from the film's start to the last moment."""
    import cv2

    wanted = {moment // FRAME_MS for moment in asked}
    film = cv2.VideoCapture(str(file))
    found = []
    for number in range(max(wanted) + 1):
        done, image = film.read()
        if number in wanted:
            found.append(number_in(image) if done else -1)
    film.release()
    return found


def opencv_set(file: Path, asked: list[int]) -> list[int]:
    """Call `set(CAP_PROP_POS_FRAMES)` and `read()` for each moment."""
    import cv2

    film = cv2.VideoCapture(str(file))
    found = []
    for moment in asked:
        film.set(cv2.CAP_PROP_POS_FRAMES, moment // FRAME_MS)
        done, image = film.read()
        found.append(number_in(image) if done else -1)
    film.release()
    return found


def ffmpeg_select(file: Path, asked: list[int]) -> list[int]:
    """Run ffmpeg with `-ss` to the first moment and the filter `select`, BGR through a pipe."""
    import imageio_ffmpeg

    step = (asked[1] - asked[0]) // FRAME_MS if len(asked) > 1 else 1
    start = asked[0] // FRAME_MS * FRAME_MS / 1000
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-nostdin", "-ss", f"{start:.3f}"]
    command += ["-i", str(file), "-vf", f"select=not(mod(n\\,{step}))", "-fps_mode", "passthrough"]
    command += ["-frames:v", str(len(asked)), "-f", "rawvideo", "-pix_fmt", "bgr24", "pipe:1"]
    size = WIDTH * HEIGHT * 3
    with subprocess.Popen(command, stdout=subprocess.PIPE, bufsize=size) as process:
        pipe = cast("IO[bytes]", process.stdout)
        pictures = (np.frombuffer(data, dtype=np.uint8) for data in iter(partial(pipe.read, size), b""))
        found = [number_in(picture.reshape(HEIGHT, WIDTH, 3)) for picture in pictures]
    if process.returncode:
        raise RuntimeError(f"ffmpeg ended with status {process.returncode}")
    return found


def torchcodec(file: Path, asked: list[int]) -> list[int]:
    """Call `VideoDecoder.get_frames_played_at`, with a decoder thread for each core."""
    from torchcodec.decoders import VideoDecoder

    film = VideoDecoder(str(file), dimension_order="NHWC", num_ffmpeg_threads=0)
    found = []
    for first in range(0, len(asked), TOGETHER):
        seconds = [moment / 1000 for moment in asked[first : first + TOGETHER]]
        found += [number_in(image.numpy()) for image in film.get_frames_played_at(seconds=seconds).data]
    return found


# Each peer's name in the table, itself, and what is imported before the clock runs.
PEERS: dict[str, tuple[Peer, str]] = {
    "ours, frames_at": (ours, "provenline.footage.decode"),
    "floor: needed frames, not converted": (floor, "av"),
    "floor in one go, not converted": (floor_in_one_go, "av"),
    "floor with conversion to BGR": (floor_bgr, "av"),
    "OpenCV read()": (opencv_read, "cv2"),
    "OpenCV set() + read()": (opencv_set, "cv2"),
    "ffmpeg -ss, select": (ffmpeg_select, "imageio_ffmpeg"),
    "torchcodec get_frames_played_at": (torchcodec, "torchcodec.decoders"),
}
OURS, FLOOR, *_, TORCHCODEC = PEERS


def timed(name: str, file: Path, asked: list[int]) -> tuple[Clock, list[int]]:
    """Run one peer in this process; return what it took and the numbers that it read."""
    peer, package = PEERS[name]
    importlib.import_module(package)
    with Clock() as clock:
        numbers = peer(file, asked)
    return clock, numbers


def length_ms(file: Path) -> int:
    """Return how long a film is, in milliseconds."""
    with _opened(file) as (_, stream, _):
        return stream.frames * FRAME_MS


def libraries(folder: Path) -> Path:
    """Return a folder in which PyAV's FFmpeg has the names under which torchcodec looks for it.

    torchcodec brings none; so it decodes with the very build that ours and the floors use.
    """
    import av

    bundled = Path(av.__file__).parents[1] / "av.libs"
    names = folder / f"ffmpeg_of_av_{av.__version__}"
    if not names.exists() and bundled.exists():
        with atomic_path(names) as temporary:
            temporary.mkdir()
            for file in bundled.iterdir():
                plain = re.sub(r"-[0-9a-f]+(\.so\.\d+).*", r"\1", file.name)
                for name in {file.name, plain}:
                    (temporary / name).symlink_to(file)
    return names


def _needed(file: Path, asked: list[int]) -> Iterator[Any]:
    """Yield the frame that is presented at each moment."""
    with _opened(file) as (container, stream, ticks):
        codec = stream.codec_context
        for moment in asked:
            wanted, frames = moment // FRAME_MS, []
            for packet in [*_packets(container, stream, moment), None]:
                codec.skip_frame = "NONREF" if packet and packet.pts // ticks != wanted else "DEFAULT"
                frames += [frame for frame in codec.decode(packet) if frame.pts // ticks == wanted]
            yield from frames


def _packets(container: Any, stream: Any, moment: int) -> Iterator[Any]:
    """Yield the packets from the keyframe before a moment to that of the frame that is presented then."""
    ticks = _ticks(stream)
    wanted = moment // FRAME_MS * ticks
    container.seek(wanted, stream=stream)
    for packet in container.demux(stream):
        yield packet
        if packet.pts == wanted:
            return


def _luma(frame: Any) -> Image:
    """Look at a decoded frame's brightness where it lies."""
    plane = frame.planes[0]
    return np.frombuffer(plane, dtype=np.uint8).reshape(plane.height, plane.line_size)[:, :WIDTH]


@contextmanager
def _opened(file: Path) -> Iterator[tuple[Any, Any, int]]:
    """Open a film; the third value is how long a frame is in the stream's ticks."""
    import av

    with av.open(str(file)) as container:
        stream = container.streams.video[0]
        stream.thread_type, stream.codec_context.thread_count = "AUTO", 0
        yield container, stream, _ticks(stream)


def _ticks(stream: Any) -> int:
    return round(1 / (RATE * stream.time_base))
