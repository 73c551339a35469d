"""A video's frames in presentation order, from wherever the reader was last sent."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any

import av
from av.packet import Packet
from av.video.frame import VideoFrame

from provenline.footage.probe import open_video, start_pts, time_base

# Without an index nobody knows where the next keyframe is: only a wide gap is worth a try.
BLIND_JUMP_MS = 10_000
BACK_OFF_S = (0, 1, 8, 64)
FOREVER_MS = 1 << 62


@dataclass(frozen=True)
class Shown:
    """One decoded frame.

    Attributes:
        ms: Presentation time in milliseconds from the stream's start, rounded.
        frame: The picture as decoded, not yet turned or converted.
        lost_ms: The first moment before this frame whose own picture was damaged, else None.
    """

    ms: int
    frame: VideoFrame
    lost_ms: int | None


class Reader:
    """Reads one video forward and jumps to keyframes where that saves decoding.

    A jump lands on a keyframe presented no later than the moment that was asked for, checked on the
    packet itself: containers index by decoding time, which runs ahead of presentation. Where no such
    keyframe is found, reading starts over from the beginning, which is slow and right.

    Attributes:
        end_ms: When the last frame stops being presented; known once `read` has returned None.
    """

    def __init__(self, file: Path) -> None:
        self.end_ms = FOREVER_MS
        self._file = file
        self._stack = ExitStack()
        self._bad: set[int | None] = set()
        self._no_jumps = False
        self._start_over()

    def __enter__(self) -> Reader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    @property
    def errors(self) -> int:
        """How many packets met so far were damaged or refused by the decoder."""
        return len(self._bad)

    def read(self) -> Shown | None:
        """Return the next frame in presentation order, or None after the last."""
        while not self._ready:
            packet = next(self._packets, None)
            if packet is None:
                self._finish()
                return None
            self._decode(packet)
        return self._ready.popleft()

    def jump(self, asked_ms: int) -> bool:
        """Go to the keyframe before a moment that lies ahead, if that skips anything.

        Returns:
            Whether the position changed; then the next frame read is a new start.
        """
        target = start_pts(self._stream) + int((asked_ms + Fraction(1, 2)) / 1000 / self._tick)
        if self._no_jumps or not self._keyframe_ahead(target, asked_ms):
            return False
        behind = self._last_dts
        if not self._seek(target):
            self.start_over_for_good()
        # Landing behind means that there are no keyframes worth the search.
        self._no_jumps = self._no_jumps or self._last_dts <= behind
        return True

    def start_over_for_good(self) -> None:
        """Go back to the beginning and read forward only from here on."""
        self._start_over()
        self._no_jumps = True

    def _start_over(self) -> None:
        self._stack.close()
        self._container, self._stream = self._stack.enter_context(open_video(self._file))
        self._tick = time_base(self._stream)
        # AVI has no presentation times, and FFmpeg's guesses are wrong where B-frames shuffle the order:
        # there the frames take the decoding times in the order in which they come out, from the start on.
        self._in_order = self._container.format.name == "avi" and self._stream.codec_context.has_b_frames
        self._no_jumps = self._no_jumps or self._in_order
        self._begin(self._demux(), None)

    def _begin(self, packets: Iterator[Packet[Any]], landing: Packet[Any] | None) -> None:
        self._packets = packets
        self._ready: deque[Shown] = deque()
        self._pending: list[int] = []
        self._damaged = False
        self._lost_pts: int | None = None
        self._floor = landing.pts if landing else None
        self._last_dts = -FOREVER_MS if landing is None or landing.dts is None else landing.dts
        self._last_pts: int | None = None
        self._last_ms = self._hold = 0
        if landing:
            self._decode(landing)

    def _demux(self) -> Iterator[Packet[Any]]:
        """Yield packets; the last one is empty and empties the decoder, also where the file breaks off."""
        try:
            for packet in self._container.demux(self._stream):
                if packet.size:
                    yield packet
        except av.FFmpegError:
            self._refuse(None)
        yield Packet()

    def _keyframe_ahead(self, target: int, asked_ms: int) -> bool:
        entries = self._stream.index_entries
        if len(entries) and entries[len(entries) - 1].timestamp > self._last_dts:
            nearest: int = entries.search_timestamp(target, backward=True)
            return nearest >= 0 and entries[nearest].timestamp > self._last_dts
        return asked_ms - self._last_ms > BLIND_JUMP_MS

    def _seek(self, target: int) -> bool:
        for back_off_s in BACK_OFF_S:
            try:
                goal = target - round(back_off_s / self._tick)
                self._container.seek(goal, stream=self._stream, backward=True)
            except av.FFmpegError:
                return False
            packets = self._demux()
            landing = next((packet for packet in packets if packet.is_keyframe and packet.size), None)
            if landing is None or landing.pts is None or landing.dts is None:
                return False
            if landing.pts <= target:
                self._begin(packets, landing)
                return True
        return False

    def _decode(self, packet: Packet[Any]) -> None:
        if packet.dts is not None:
            self._last_dts = max(self._last_dts, packet.dts)
        owed = packet.dts if self._in_order else packet.pts
        if owed is not None and not packet.is_discard:
            heapq.heappush(self._pending, owed)
        try:
            if packet.is_corrupt:
                raise ValueError("the demuxer knows that it is damaged")
            frames = self._stream.decode(packet if packet.size else None)
        except (av.FFmpegError, ValueError):
            self._refuse(packet.pts)
            # Where frames are told apart by counting, one that is missing makes all others doubtful.
            if (packet.pts is None or self._in_order) and packet.size and self._lost_pts is None:
                self._lost_pts = start_pts(self._stream) if self._last_pts is None else self._last_pts + 1
            return
        for frame in frames:
            self._take(frame)

    def _refuse(self, pts: int | None) -> None:
        self._bad.add(pts)
        self._damaged = True

    def _take(self, frame: VideoFrame) -> None:
        pts = self._pts(frame)
        late = self._last_pts is not None and pts <= self._last_pts
        # Pictures before the keyframe of a jump were made without the frames that they build on.
        if late or (self._floor is not None and pts < self._floor):
            return
        self._settle(pts)
        if frame.is_corrupt and self._lost_pts is None:
            self._lost_pts = pts
        # What builds on a lost picture shows something that never was, and the decoder patches it
        # differently with every number of threads: nothing counts until the next keyframe.
        fresh = frame.key_frame and not frame.is_corrupt and not self._in_order
        if self._lost_pts is not None and not fresh:
            return
        lost = None if self._lost_pts is None else self._ms(self._lost_pts)
        self._damaged = self._damaged and lost is None
        self._hold = max(frame.duration or 0, 0 if self._last_pts is None else pts - self._last_pts)
        self._last_pts, self._last_ms, self._lost_pts = pts, self._ms(pts), None
        self._ready.append(Shown(self._last_ms, frame, lost))

    def _settle(self, pts: int) -> None:
        """Drop what is presented up to ``pts`` from the packets that owe a frame; note the first lost."""
        while self._pending and self._pending[0] <= pts:
            owed = heapq.heappop(self._pending)
            after_last = self._last_pts is None or owed > self._last_pts
            # Some packets carry no picture of their own; only after damage does a silent one count.
            if self._damaged and after_last and owed < pts and self._lost_pts is None:
                self._lost_pts = owed

    def _finish(self) -> None:
        if self._last_pts is None:
            self.end_ms = self._last_ms
            return
        rate = self._stream.average_rate
        frame = round(1 / (rate * self._tick)) if rate else 0
        ends = [self._last_pts + max(self._hold, frame, 1)]
        ends += [owed for owed in self._pending if self._damaged and owed > self._last_pts]
        ends += [] if self._lost_pts is None else [self._lost_pts]
        self.end_ms = self._ms(min(ends))

    def _pts(self, frame: VideoFrame) -> int:
        if self._in_order and self._pending:
            return self._pending[0]
        if frame.pts is not None:
            return frame.pts
        if frame.dts is not None:  # FFmpeg's own second choice
            return frame.dts
        rate = self._stream.average_rate
        step = max(1, round(1 / (rate * self._tick))) if rate else 1
        return start_pts(self._stream) if self._last_pts is None else self._last_pts + step

    def _ms(self, pts: int) -> int:
        return round((pts - start_pts(self._stream)) * self._tick * 1000)
