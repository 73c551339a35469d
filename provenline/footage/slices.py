"""Whether a packet's picture is one on which no other builds, read from the headers of its slices."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from av.packet import Packet
from av.video.stream import VideoStream


class Slices:
    """Reads the slices of one H.264 or H.265 stream as MP4 and Matroska hold them, with lengths before them.

    Sources: ISO/IEC 14496-15, 5.3.3.1 and 8.3.3.1 (avcC, hvcC); ITU-T H.264, 7.3.1 (nal_ref_idc); ITU-T
    H.265, 7.4.2.2 (sub-layer non-reference pictures). In H.265 a lower layer's picture that its own layer
    does not use may still be used by a higher one, so streams of several layers tell nothing.

    Attributes:
        tell: Whether the stream's packets can be read.
    """

    def __init__(self, stream: VideoStream) -> None:
        codec = stream.codec_context
        data = codec.extradata or b""
        self._hevc = codec.name == "hevc"
        if self._hevc:
            self.tell = len(data) > 21 and data[0] == 1 and data[21] >> 3 & 7 == 1
        else:
            self.tell = codec.name == "h264" and len(data) > 6 and data[0] == 1
        self._bytes = (data[21 if self._hevc else 4] & 3) + 1 if self.tell else 0

    def unused(self, packet: Packet[Any]) -> bool:
        """Say whether no other picture builds on this one; False where that cannot be told."""
        slices = [used for used in self._used(memoryview(packet)) if used is not None]
        return bool(slices) and not any(slices)

    def _used(self, data: memoryview) -> Iterator[bool | None]:
        place = 0
        while place + self._bytes < len(data):
            head = data[place + self._bytes]
            yield self._used_hevc(head >> 1 & 63) if self._hevc else self._used_h264(head)
            place += self._bytes + int.from_bytes(data[place : place + self._bytes], "big")

    @staticmethod
    def _used_h264(head: int) -> bool | None:
        return bool(head >> 5 & 3) if 1 <= head & 31 <= 5 else None

    @staticmethod
    def _used_hevc(kind: int) -> bool | None:
        return None if kind > 31 else kind > 14 or bool(kind % 2)
