"""The frames that a video presents at given moments, as pictures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import count
from pathlib import Path

import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from provenline.errors import InputError
from provenline.footage.probe import probe
from provenline.footage.reader import Reader, Shown

Image = NDArray[np.uint8]


def frames_at(file: Path, times_ms: Sequence[int]) -> Iterator[tuple[int, int, Image]]:
    """Yield the frames that a video presents at the asked moments.

    The frame presented at a moment is the last one whose presentation time, in whole milliseconds,
    is not later; before the first frame it is the first. So asking for a presented time again
    delivers the same frame. One picture is held in memory.

    Args:
        file: The video.
        times_ms: Milliseconds from the start of its video stream; answered in ascending order.

    Yields:
        Asked milliseconds, presented milliseconds, picture (height x width x 3, uint8, BGR), turned
        as it is displayed. Moments whose frame is damaged, or that lie after the last frame, are
        left out.

    Raises:
        InputError: The file is missing, empty, truncated or no video.
    """
    with Reader(file) as reader:
        yield from answer(reader, sorted(set(times_ms)))


def frames_every(file: Path, period_s: float, *, whole: bool = False) -> Iterator[tuple[int, Image]]:
    """Yield one frame per period over the whole video, without a word about its length.

    Args:
        file: The video.
        period_s: Seconds from one asked moment to the next, from the video's start on.
        whole: Refuse a video that breaks off, once everything that is there has been yielded.

    Yields:
        Presented milliseconds and picture as in `frames_at`, each frame once.

    Raises:
        InputError: The file is missing, empty, truncated or no video; or, where ``whole`` is asked for,
            it ends before the length that it announces.
    """
    last = None
    with Reader(file) as reader:
        for _, presented, image in answer(reader, (round(step * period_s * 1000) for step in count())):
            if presented != last:
                yield presented, image
            last = presented
        if whole:
            _refuse_broken_off(file, reader)


def answer(reader: Reader, times_ms: Iterable[int]) -> Iterator[tuple[int, int, Image]]:
    """Yield what `frames_at` yields, from a reader that the caller opened; times must ascend."""
    held: tuple[Shown, Image] | None = None
    for asked, shown in _presented(reader, times_ms):
        if held is None or held[0] is not shown:
            held = shown, to_bgr(shown.frame)
        yield asked, shown.ms, held[1]


def to_bgr(frame: VideoFrame) -> Image:
    """Return a decoded frame as BGR, 8 bits, turned as it is displayed (height x width x 3)."""
    image: Image = np.asarray(frame.to_ndarray(format="bgr24"), dtype=np.uint8)
    # Both the display matrix and rot90 count counterclockwise.
    return np.ascontiguousarray(np.rot90(image, round(frame.rotation / 90)))


def _refuse_broken_off(file: Path, reader: Reader) -> None:
    announced = probe(file).duration_ms
    # Containers round, and some announce the sound's length.
    if reader.broke_off or reader.end_ms + max(1000, announced // 50) < announced:
        what = f"breaks off at {reader.end_ms / 1000:.1f} s of {announced / 1000:.1f} s"
        raise InputError(what, file=file, mend="Copy or export it again")


def _presented(reader: Reader, times_ms: Iterable[int]) -> Iterator[tuple[int, Shown]]:
    shown: Shown | None = None
    ahead: Shown | None = None
    begun = False
    for asked, following in _with_next(times_ms):
        if not begun or reader.spent or (ahead is not None and ahead.ms <= asked):
            here = None if reader.jump(asked) else (shown, ahead)
            shown, ahead = _forward(reader, asked, following, here)
            while reader.doubtful:
                reader.go_back(asked)
                shown, ahead = _forward(reader, asked, following, None)
            begun = True
        if ahead is None and not reader.spent and asked >= reader.end_ms:
            return
        # Where nothing is presented up to the moment, what comes next is the video's first frame.
        candidate = shown or ahead
        if candidate is not None and (ahead is None or ahead.lost_ms is None or asked < ahead.lost_ms):
            yield asked, candidate


def _forward(
    reader: Reader, asked: int, following: int | None, here: tuple[Shown | None, Shown | None] | None
) -> tuple[Shown | None, Shown | None]:
    """Return the last frame presented up to a moment, and the first one after it.

    Args:
        reader: Where it was sent.
        asked: The moment.
        following: What will be asked for next.
        here: The last frame read and the next one, both before the moment; None where the reader has
            just jumped.
    """
    reader.aim(asked, following)
    shown, ahead = here or (None, None)
    ahead = ahead or reader.read()
    if here is None and (ahead is None or ahead.ms > asked) and not reader.doubtful:
        # A keyframe that decodes to nothing in time (gradual refresh, damage).
        reader.start_over_for_good()
        ahead = reader.read()
    while ahead is not None and ahead.ms <= asked:
        shown, ahead = ahead, reader.read()
    return shown, ahead


def _with_next(times_ms: Iterable[int]) -> Iterator[tuple[int, int | None]]:
    """Yield every moment with the one after it."""
    times = iter(times_ms)
    this = next(times, None)
    while this is not None:
        following = next(times, None)
        yield this, following
        this = following
