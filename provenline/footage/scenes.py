"""Scenes: what lies between two hard cuts."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from provenline.footage.reader import Reader

WIDTH = 256  # cuts show as well in a small picture


def scenes(file: Path, duration_ms: int, threshold: float, min_scene_ms: int) -> list[tuple[int, int]]:
    """Return a video's scenes.

    Every frame is decoded, one is held. Method: the content detector of PySceneDetect, which counts
    in milliseconds here, so that a varying frame rate changes nothing.

    Args:
        file: The video.
        duration_ms: Its length in milliseconds; the last scene ends there.
        threshold: Mean change of hue, saturation and brightness (0 to 255) that counts as a cut.
        min_scene_ms: Cuts that follow each other more quickly are one.

    Returns:
        Start and end of each scene in milliseconds from the stream's start, half-open, without gaps.
        A scene starts at the presentation time of its first frame.

    Raises:
        InputError: The file is missing, empty, truncated or no video.
    """
    from scenedetect import ContentDetector, FrameTimecode

    detector = ContentDetector(threshold=threshold, min_scene_len=min_scene_ms)
    starts = {0}
    for ms, image in small_frames(file):
        if 0 <= ms < duration_ms:
            cuts = detector.process_frame(FrameTimecode(ms, 1000.0), image)
            starts |= {cut.frame_num for cut in cuts}
    bounds = [*sorted(starts), duration_ms]
    return list(pairwise(bounds))


def small_frames(file: Path) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """Yield every frame of a video in the order of presentation, small.

    Args:
        file: The video.

    Yields:
        Presentation time in milliseconds from the stream's start, and the picture as stored (not
        turned) at most 256 pixels wide: height x width x 3, uint8, BGR. Damaged frames are passed over.

    Raises:
        InputError: The file is missing, empty, truncated or no video.
    """
    with Reader(file) as reader:
        while shown := reader.read():
            frame = shown.frame
            width = min(WIDTH, frame.width)
            height = max(1, round(frame.height * width / frame.width))
            yield shown.ms, np.asarray(frame.to_ndarray(format="bgr24", width=width, height=height), np.uint8)
