"""Where in a video something moves, from a few small pictures."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from provenline.footage.decode import frames_every

LOOK_S = 1.0
MOST_LOOKS = 900  # a longer video is looked at less often
SIZE = (64, 48)  # width, height
LEAST_LEVELS = 12.0  # of 255: less is compression
QUIET_FACTOR = 6.0
LEAST_SHARE = 0.004  # of the picture: about a hand
BRIDGE_S = 10.0  # somebody who works holds still for so long


def moving_span(file: Path, duration_ms: int) -> tuple[float, float] | None:
    """Return the longest stretch in which something moves, for a camera that stands still.

    One picture a second is made small and grey, and each compared with the one before. What all
    pixels share (the light) is taken off. The quiet level is the robust spread of the rest, median over
    the video; a pixel has changed when it differs by six times that and by 12 grey levels. Something
    moves where 0.4% of the picture has changed. Pauses of up to 10 s are bridged, and a stretch lasts
    at least two looks: a flash is no work.

    Args:
        file: The video.
        duration_ms: Its length in milliseconds.

    Returns:
        Start and end in seconds from the stream's start, to within one look on either side; None when
        nothing moves.

    Raises:
        InputError: The file is missing, empty, truncated or no video.
    """
    period_s = max(LOOK_S, duration_ms / 1000 / MOST_LOOKS)
    times, pictures = [], []
    for ms, image in frames_every(file, period_s):
        times.append(ms / 1000)
        grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
        pictures.append(cv2.resize(grey, SIZE, interpolation=cv2.INTER_AREA).astype(np.float32))
    if len(times) < 3:
        return None
    moves = changed_share(np.stack(pictures)) >= LEAST_SHARE
    # A last frame may be presented after the length that the file announces.
    span = longest_stretch(times, moves.tolist(), max(BRIDGE_S, 2 * period_s))
    return None if span is None else (span[0], min(span[1], duration_ms / 1000))


def changed_share(pictures: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the share of pixels that changed from each picture to the next.

    Args:
        pictures: n x height x width, grey levels 0 to 255.

    Returns:
        n - 1 shares, 0 to 1; see `moving_span` for the measure.
    """
    change = np.diff(pictures, axis=0).reshape(len(pictures) - 1, -1)
    change = np.abs(change - np.median(change, axis=1, keepdims=True))
    # 1.4826 makes the median absolute deviation a standard deviation where noise is Gaussian.
    quiet = 1.4826 * float(np.median(np.median(change, axis=1)))
    limit = max(LEAST_LEVELS, QUIET_FACTOR * quiet)
    share: NDArray[np.float64] = (change > limit).mean(axis=1)
    return share


def longest_stretch(times: list[float], moves: list[bool], bridge_s: float) -> tuple[float, float] | None:
    """Return the longest stretch of movement; of equally long ones the first.

    Args:
        times: When each picture was taken, in seconds, ascending.
        moves: Whether something moved from each picture to the next; one fewer.
        bridge_s: Pauses up to this long are part of the stretch.

    Returns:
        Its start and end in seconds, or None where no stretch has two moves.
    """
    stretches: list[list[float]] = []  # start, end, moves
    for start, end, moved in zip(times, times[1:], moves, strict=False):
        if moved and stretches and start - stretches[-1][1] <= bridge_s:
            stretches[-1][1:] = [end, stretches[-1][2] + 1]
        elif moved:
            stretches.append([start, end, 1])
    lasting = [one for one in stretches if one[2] >= 2]
    best = max(lasting, key=lambda one: one[1] - one[0], default=None)
    return None if best is None else (best[0], best[1])
