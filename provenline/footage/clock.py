"""When each frame of a video is presented: how many there are, and which is the n-th."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from provenline.errors import InputError
from provenline.footage.decode import Image, frames_at
from provenline.footage.media import Media
from provenline.footage.photos import check_photo, read_photo
from provenline.footage.probe import open_video, start_pts, time_base
from provenline.footage.reader import Reader

# Where one packet is one picture, presented when the packet says so. VP8 hides pictures that are never
# shown, AVI has no presentation times, and transport streams may begin in the middle of a group.
_CONTAINERS = frozenset({"mov", "mp4", "matroska", "webm"})
_CODECS = frozenset({"h264", "hevc", "av1", "vp9", "mpeg4", "mjpeg"})


def presentation_times(file: Path) -> list[int]:
    """Return when each frame of a video is presented, without decoding where the packets say it all.

    Args:
        file: The video.

    Returns:
        Milliseconds from the start of the video stream, ascending, one per frame: the times that
        `decode.frames_at` presents. Frames that an edit list cuts away are not among them. A picture
        that is damaged inside is, as long as its packet is whole.

    Raises:
        InputError: The file is missing, empty, truncated or no video.
    """
    with open_video(file) as (container, stream):
        pts = _packet_pts(container, stream)
        if pts is not None:
            start, tick = start_pts(stream), time_base(stream)
            return [round((one - start) * tick * 1000) for one in pts]
    return list(_decoded_ms(file))


def _packet_pts(container: InputContainer, stream: VideoStream) -> list[int] | None:
    """Return the packets' presentation times in order; None where they do not say what is shown."""
    if stream.codec_context.name not in _CODECS or not _CONTAINERS & set(container.format.name.split(",")):
        return None
    found: list[int] = []
    first_keyframe: int | None = None
    try:
        for packet in container.demux(stream):
            if not packet.size:
                continue
            if packet.pts is None or packet.is_corrupt:
                return None
            if first_keyframe is None:
                # Whether a decoder shows what comes before the first keyframe is its own affair.
                if not packet.is_keyframe:
                    return None
                first_keyframe = packet.pts
            if not packet.is_discard:
                found.append(packet.pts)
    except av.FFmpegError:
        return None
    found.sort()
    distinct = len(set(found)) == len(found)
    return found if found and distinct and first_keyframe == found[0] else None


def _decoded_ms(file: Path) -> Iterator[int]:
    with Reader(file) as reader:
        while (shown := reader.read()) is not None:
            yield shown.ms


class ListedFootage:
    """The footage of a media list, asked by the names of its media; a photo is a film of one frame."""

    def __init__(self, media: Iterable[Media]) -> None:
        self._media = {one.name: one for one in media}
        self._times: dict[str, list[int]] = {}

    def times_ms(self, media: str) -> Sequence[int]:
        """Return when each frame of a media is presented, in order; the answer is kept.

        Raises:
            InputError: The media list does not name it, or its file is missing or cannot be read.
        """
        if media not in self._times:
            one = self._find(media)
            if one.kind == "photo":
                check_photo(one.file)
            self._times[media] = [0] if one.kind == "photo" else presentation_times(one.file)
        return self._times[media]

    def pictures(self, media: str, times_ms: Sequence[int]) -> Iterator[tuple[int, Image]]:
        """Yield the frames presented at the asked moments, ascending, each with the asked moment.

        Yields:
            Asked milliseconds and picture (height x width x 3, uint8, BGR), turned as it is displayed.
            Damaged frames are left out.

        Raises:
            InputError: As in `times_ms`.
        """
        one = self._find(media)
        if one.kind == "photo":
            yield 0, read_photo(one.file)[0]
            return
        for asked, _, image in frames_at(one.file, times_ms):
            yield asked, image

    def _find(self, media: str) -> Media:
        if media not in self._media:
            raise InputError(f"the media list does not name '{media}'", mend="Run `dvc repro extract` again")
        return self._media[media]
