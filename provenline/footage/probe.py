"""What a video file holds, or in one line why it cannot be used."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from stat import S_ISDIR

import av
from av.container import InputContainer
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from provenline.errors import InputError

# FFmpeg draws any .txt as a film of its text, and follows lists to files that nobody listed.
NOT_FOOTAGE = frozenset({"tty", "bin", "xbin", "adf", "idf", "concat", "hls", "dash", "sdp", "image2"})
# Fewer bytes a second than any camera writes: a header that announces it is not to be believed.
LEAST_BYTES_PER_S = 100


@dataclass(frozen=True)
class Probe:
    """What a video announces, with its first frame decoded as proof.

    Attributes:
        duration_ms: Length of the video stream; the container's word where the stream says nothing.
        width: Pixels, as displayed (after rotation).
        height: Pixels, as displayed (after rotation).
        fps: Average frames per second; 0 where unknown.
        codec: FFmpeg's name of the codec.
        rotation: Degrees counterclockwise by which the stored picture is turned for display.
    """

    duration_ms: int
    width: int
    height: int
    fps: float
    codec: str
    rotation: int


def probe(file: Path) -> Probe:
    """Open a video, decode its first frame and say what it holds.

    Raises:
        InputError: The file is missing, empty, truncated or no video, or no frame of it decodes.
    """
    with open_video(file) as (container, stream):
        first = _first_frame(container, stream)
        if first is None:
            raise InputError("no frame can be decoded", file=file, mend="Copy or export it again")
        turned = first.rotation % 180 != 0
        rate, codec = stream.average_rate, stream.codec_context.name
        duration_ms = _announced_ms(container, stream)
    if not 0 < duration_ms <= file.stat().st_size / LEAST_BYTES_PER_S * 1000:
        duration_ms = _measured_ms(file)
    return Probe(
        duration_ms=duration_ms,
        width=first.height if turned else first.width,
        height=first.width if turned else first.height,
        fps=float(rate) if rate else 0.0,
        codec=codec,
        rotation=first.rotation,
    )


def check_file(file: Path) -> None:
    """Check that there is a file with something in it.

    Raises:
        InputError: It is missing, a folder, or empty, or its path leads nowhere.
    """
    try:
        status = file.stat()
    except (FileNotFoundError, NotADirectoryError):
        raise InputError("file is missing", file=file, mend="Put it there or remove its row") from None
    except OSError as error:  # too long a name, links in a circle, a folder that may not be read
        what = f"cannot be read ({error.strerror})"
        raise InputError(what, file=file, mend="Correct or remove its row") from None
    if S_ISDIR(status.st_mode):
        raise InputError("is a folder, not a file", file=file, mend="List the files in it")
    if status.st_size == 0:
        raise InputError("file is empty", file=file, mend="Copy it again or remove its row")


@contextmanager
def open_video(file: Path) -> Iterator[tuple[InputContainer, VideoStream]]:
    """Open a video's main picture stream for reading; closed when the block ends.

    Where a file has several, FFmpeg's choice counts (the default one, then the best quality). Pixels
    are those stored: like CVAT, nothing here stretches anamorphic pictures.

    Raises:
        InputError: The file is missing, empty, truncated or no video.
    """
    check_file(file)
    try:
        # With the prefix, a colon in a name is not taken for a network protocol.
        container = av.open(f"file:{file}", options={"protocol_whitelist": "file"})
    except (av.FFmpegError, OSError, ValueError):
        raise InputError(_why_not(file), file=file, mend="Copy or export it again") from None
    with container:
        stream = container.streams.best("video")
        if container.format.name in NOT_FOOTAGE or not isinstance(stream, VideoStream):
            raise InputError("no video in it", file=file, mend="Remove its row")
        # The cover of a piece of music is a "video" of one picture.
        if stream.disposition & Disposition.attached_pic or stream.codec_context is None:
            raise InputError("no video that can be decoded in it", file=file, mend="Remove its row")
        stream.thread_type = "AUTO"
        # Otherwise the decoder paints over what it cannot read, and nobody is told.
        stream.codec_context.options = {"err_detect": "explode"}
        yield container, stream


def start_pts(stream: VideoStream) -> int:
    """Return where the stream's own clock starts, in its time base."""
    return stream.start_time or 0


def time_base(stream: VideoStream) -> Fraction:
    """Return the seconds that one tick of the stream's clock lasts."""
    return stream.time_base or Fraction(1, 1000)


def _why_not(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            head = stream.read(8)
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    # MP4 keeps its index at the end unless asked otherwise: what was cut off there has none.
    return "video is truncated (its index is missing)" if head[4:] == b"ftyp" else "no video that can be read"


def _first_frame(container: InputContainer, stream: VideoStream) -> VideoFrame | None:
    try:
        for packet in container.demux(stream):
            try:
                frames = packet.decode()
            except av.FFmpegError:
                continue
            if frames:
                return frames[0]
    except av.FFmpegError:
        pass
    return None


def _announced_ms(container: InputContainer, stream: VideoStream) -> int:
    if stream.duration is not None:
        return round(stream.duration * time_base(stream) * 1000)
    length = Fraction(container.duration or 0, av.time_base)
    if "matroska" in container.format.name:
        # Matroska counts to the end of the last frame from zero, wherever the picture starts.
        length -= start_pts(stream) * time_base(stream)
    return round(length * 1000)


def _measured_ms(file: Path) -> int:
    """Return the end of the last packet; reads the whole file, decodes nothing."""
    end = 0
    with open_video(file) as (container, stream):
        try:
            for packet in container.demux(stream):
                if packet.pts is not None:
                    end = max(end, packet.pts + (packet.duration or 0) - start_pts(stream))
        except av.FFmpegError:
            pass
        return max(1, round(end * time_base(stream) * 1000))
