"""Where a video's keyframes are, by its packets: nothing is decoded where they say it all."""

from __future__ import annotations

from pathlib import Path

import av

from provenline.footage.probe import open_video, start_pts, time_base
from provenline.footage.reader import Reader


def keyframe_times(file: Path) -> list[int]:
    """Return when the keyframes of a video are presented.

    A keyframe is what the container marks as one. Frames that an edit list cuts away, and packets that
    are known to be damaged, do not count. Where packets have no presentation times (AVI, elementary
    streams) the video is decoded, and the decoder says which frames are keyframes.

    Returns:
        Milliseconds from the stream's start, ascending.

    Raises:
        InputError: The file is missing, empty, truncated or no video.
    """
    times: set[int] = set()
    with open_video(file) as (container, stream):
        start, tick = start_pts(stream), time_base(stream)
        told = container.format.name != "avi"
        try:
            for packet in container.demux(stream) if told else ():
                if not packet.size:
                    continue
                if packet.pts is None:
                    told = False
                    break
                if packet.is_keyframe and not packet.is_discard and not packet.is_corrupt:
                    times.add(round((packet.pts - start) * tick * 1000))
        except av.FFmpegError:
            pass  # the file breaks off here
    return sorted(time for time in times if time >= 0) if told else _decoded(file)


def _decoded(file: Path) -> list[int]:
    times: list[int] = []
    with Reader(file) as reader:
        while shown := reader.read():
            if shown.frame.key_frame:
                times.append(shown.ms)
    return times
