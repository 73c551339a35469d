"""A video's frames in presentation order, from wherever the reader was last sent."""

from __future__ import annotations

import heapq
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import av
from av.packet import Packet
from av.video.frame import VideoFrame

from provenline.footage.packets import Packets, decoded_at
from provenline.footage.probe import start_pts

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

    Where no keyframe is found, reading starts over from the beginning, which is slow and right.

    On the way to a moment, pictures on which no other builds are not decoded. Which frame is presented at
    the moment is told from the packets' own times before; where they are silent, or something is damaged,
    everything is decoded. Where the moment after asks for a jump, nothing behind that frame is decoded.

    Args:
        file: The video.
        threads: Of the decoder; 0 leaves it to FFmpeg.

    Attributes:
        end_ms: When the last frame stops being presented; known once `read` has returned None.
        doubtful: Something was damaged or missing where pictures had been left out, where several threads
            hide which packet was at fault, or where a jump may be to blame. What was read since the last
            jump may be wrong; `go_back` mends it.
    """

    _needed: int | None  # leave out what comes before, where nothing builds on it
    _awaited: int | None  # the same, until it has come
    _before: int | None  # the frame presented before that one

    def __init__(self, file: Path, threads: int = 0) -> None:
        self.end_ms = FOREVER_MS
        self.doubtful = False
        self._bad: set[int | None] = set()
        self._bad_before: set[int | None] = set()  # the last jump
        self._wary = False  # of jumps: they land one keyframe earlier
        self._packets = Packets(file, threads)
        self._begin(None)

    def __enter__(self) -> Reader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._packets.close()

    @property
    def errors(self) -> int:
        """How many packets met so far were damaged or refused by the decoder."""
        return len(self._bad)

    @property
    def broke_off(self) -> bool:
        """Whether the file's end could not be read."""
        return self._packets.broke_off

    @property
    def spent(self) -> bool:
        """Whether nothing can be read any more before a jump."""
        return self._packets.spent

    def read(self) -> Shown | None:
        """Return the next frame in presentation order, or None after the last, or where it is `spent`."""
        while not self._ready:
            packet = self._packets.next()
            if packet is None:
                self._arrived(None)
                if not self.spent:
                    self._finish()
                return None
            if not packet.size and self._packets.broke_off:
                self._refuse(None)
            self._decode(packet)
        return self._ready.popleft()

    def jump(self, asked_ms: int) -> bool:
        """Go to the keyframe before a moment that lies ahead, if that skips anything.

        Returns:
            Whether the position changed; then the next frame read is a new start.
        """
        if not self.spent and not self._packets.keyframe_ahead(asked_ms, self._last_dts, self._last_ms):
            return False
        behind = self._last_dts
        self._jump(asked_ms)
        if self._last_dts <= behind:
            # There are no keyframes worth the search.
            self._packets.no_more_jumps()
        return True

    def aim(self, asked_ms: int, following_ms: int | None) -> None:
        """Leave out, from here on, what is not needed for the frame presented at a moment ahead.

        The next frames read may miss some of those before it, never that frame. Later ones come too,
        unless the moment that is asked for next lies behind another keyframe, or there is none.
        """
        self._needed = self._awaited = None
        due = [] if self._bad else self._packets.due(asked_ms)
        if due and (self._last_pts is None or due[-1] > self._last_pts):
            self._needed = self._awaited = due[-1]
            self._before = due[-2] if len(due) > 1 else None
            self._packets.cut_off(due[-1], asked_ms, following_ms)

    def go_back(self, asked_ms: int) -> None:
        """Go to the keyframe before a moment, wherever the reader is, and be more careful from here on.

        At first with one thread, then with a run-in before the keyframe, at last leaving nothing out.
        """
        if not self._packets.careful:
            self._packets.start_over(threads=1)
        elif self._blamed:
            self._packets.start_over()
            self._wary = True
        else:
            self._packets.start_over(skips=False)
        self._begin(None)
        self.doubtful = False
        self._bad.clear()  # what is damaged will be met again
        self._jump(asked_ms)

    def start_over_for_good(self) -> None:
        """Go back to the beginning and read forward only from here on."""
        self._packets.start_over(jumps=False)
        self._begin(None)
        self._bad = self._bad & self._bad_before  # what is damaged will be met again

    def _jump(self, asked_ms: int) -> None:
        self._bad_before = set(self._bad)
        landing = self._packets.jump(asked_ms)
        if landing and landing.pts is not None and self._wary:
            landing = self._packets.jump(self._packets.ms(landing.pts) - 1)
        if landing is None:
            self.start_over_for_good()
        else:
            self._begin(landing)

    def _begin(self, landing: Packet[Any] | None) -> None:
        self._needed = self._awaited = self._before = None
        self._skipped = False
        self._runs_in = landing is not None  # what a jump left behind may be missed up to another keyframe
        self._blamed = False  # it was
        self._ready: deque[Shown] = deque()
        self._pending: list[int] = []
        self._damaged = False
        self._lost_pts: int | None = None  # what is presented from then on is lost, up to a keyframe
        self._floor = landing.pts if landing else None
        at = decoded_at(landing) if landing else None
        self._last_dts = -FOREVER_MS if at is None else at
        self._last_pts: int | None = None
        self._last_ms = self._hold = 0

    def _decode(self, packet: Packet[Any]) -> None:
        stream = self._packets.stream
        if packet.is_keyframe and packet.pts != self._floor:
            self._runs_in = False
        if packet.dts is not None:
            self._last_dts = max(self._last_dts, packet.dts)
        owed = packet.dts if self._packets.in_order else packet.pts
        if self._may_leave_out(packet):
            self._skipped = True
            return
        if owed is not None and not packet.is_discard:
            heapq.heappush(self._pending, owed)
        if self._damaged and not packet.is_keyframe and packet.pts is not None:
            # It may build on what was damaged, wherever it is presented.
            self._lose(packet.pts)
        try:
            if packet.is_corrupt:
                raise ValueError("the demuxer knows that it is damaged")
            frames = stream.decode(packet if packet.size else None)
        except (av.FFmpegError, ValueError):
            self._refused(packet)
            return
        for frame in frames:
            self._take(frame)

    def _may_leave_out(self, packet: Packet[Any]) -> bool:
        early = self._needed is not None and packet.pts is not None and packet.pts < self._needed
        return early and not packet.is_corrupt and self._packets.unused(packet)

    def _refused(self, packet: Packet[Any]) -> None:
        hidden = packet.pts is None or self._packets.in_order or self._packets.lossy
        if self._floor is not None and packet.pts is not None and packet.pts < self._floor:
            return  # it builds on what a jump left behind, and is never shown
        if self._runs_in and self._wary and packet.pts is not None:
            self._damaged = True
            self._lose(packet.pts)
            return  # but perhaps not damaged: what a jump left behind is missed
        self._refuse(packet.pts)
        if packet.size and hidden:
            # Where frames are told apart by counting, one that is missing makes all others doubtful.
            self._lose(start_pts(self._packets.stream) if self._last_pts is None else self._last_pts + 1)

    def _refuse(self, pts: int | None) -> None:
        self._bad.add(pts)
        self._damaged = True
        self._blamed = self._blamed or (self._runs_in and not self._wary)
        left_out = self._skipped or self.spent
        self.doubtful = self.doubtful or self._blamed or left_out or not self._packets.careful

    def _lose(self, pts: int) -> None:
        if self._last_pts is None or pts > self._last_pts:
            self._lost_pts = pts if self._lost_pts is None else min(pts, self._lost_pts)

    def _take(self, frame: VideoFrame) -> None:
        pts = self._pts(frame)
        late = self._last_pts is not None and pts <= self._last_pts
        # Pictures before the keyframe of a jump were made without the frames that they build on.
        if late or (self._floor is not None and pts < self._floor):
            return
        self._settle(pts)
        if frame.is_corrupt:
            self.doubtful = self.doubtful or self._skipped or self.spent
            self._lose(pts)
        lost = None
        if self._lost_pts is not None and pts >= self._lost_pts:
            # What builds on a lost picture shows something that never was, and the decoder patches it
            # differently with every number of threads: nothing counts until the next keyframe.
            if not frame.key_frame or frame.is_corrupt or self._packets.in_order:
                return
            lost, self._lost_pts, self._damaged = self._packets.ms(self._lost_pts), None, False
        self._arrived(pts)
        before = self._before if pts == self._needed and self._before is not None else self._last_pts
        self._hold = max(
            frame.duration or 0, 0 if before is None else pts - max(before, self._last_pts or before)
        )
        self._last_pts, self._last_ms = pts, self._packets.ms(pts)
        self._ready.append(Shown(self._last_ms, frame, lost))

    def _arrived(self, pts: int | None) -> None:
        """Where the frame aimed at does not come, another one is shown, and that may have been left out."""
        if self._awaited is not None and (pts is None or pts >= self._awaited):
            self.doubtful = self.doubtful or (pts != self._awaited and (self._skipped or self.spent))
            self._awaited = None

    def _settle(self, pts: int) -> None:
        """Drop what is presented up to ``pts`` from the packets that owe a frame; note the first lost."""
        while self._pending and self._pending[0] <= pts:
            owed = heapq.heappop(self._pending)
            after_last = self._last_pts is None or owed > self._last_pts
            # Some packets carry no picture of their own; only after damage does a silent one count.
            if self._damaged and after_last and owed < pts:
                self._lose(owed)

    def _finish(self) -> None:
        if self._last_pts is None:
            self.end_ms = self._last_ms
            return
        ends = [self._last_pts + max(self._hold, self._packets.frame_ticks(), 1)]
        ends += [owed for owed in self._pending if self._damaged and owed > self._last_pts]
        ends += [] if self._lost_pts is None else [self._lost_pts]
        self.end_ms = self._packets.ms(min(ends))

    def _pts(self, frame: VideoFrame) -> int:
        if self._packets.in_order and self._pending:
            return self._pending[0]
        if frame.pts is not None:
            return frame.pts
        if frame.dts is not None:  # FFmpeg's own second choice
            return frame.dts
        if self._last_pts is None:
            return start_pts(self._packets.stream)
        return self._last_pts + max(1, self._packets.frame_ticks())
