"""A video's packets in decoding order, from wherever it was last sent, with a look at those to come."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any

import av
from av.container import InputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from provenline.footage.probe import open_video, start_pts, time_base
from provenline.footage.slices import Slices

# Without an index nobody knows where the next keyframe is: only a wide gap is worth a try.
BLIND_JUMP_MS = 10_000
BACK_OFF_S = (0, 1, 8, 64)
# Where packets say when they are shown; how much is looked at ahead.
TELLING_CONTAINERS = frozenset({"mov", "mp4", "matroska", "webm"})
LOOK_AHEAD_BYTES = 1 << 26


class Packets:
    """Opens one video, hands out its packets, and jumps to keyframes.

    A jump lands on a keyframe presented no later than the moment that was asked for, checked on the
    packet itself: containers index by decoding time, which runs ahead of presentation.

    Args:
        file: The video.
        threads: Of the decoder; 0 leaves it to FFmpeg.

    Attributes:
        stream: The video stream; its decoder is the caller's to use.
        in_order: Frames take the decoding times in the order in which they come out.
        lossy: Whole packets can be missing, so that what is damaged cannot be told from their times.
        broke_off: The file ended within a packet, or its end could not be read.
        spent: Nothing comes any more before the next jump.
    """

    stream: VideoStream
    in_order: bool
    lossy: bool
    spent: bool

    def __init__(self, file: Path, threads: int = 0) -> None:
        self.broke_off = False
        self._file = file
        self._threads = threads
        self._stack = ExitStack()
        self._no_jumps = self._no_skips = False
        self._queue: deque[Packet[Any]] = deque()
        self._delay = 0  # by which keyframes are decoded before they are shown: what indexes may count by
        self.start_over()

    def close(self) -> None:
        """Close the file."""
        self._stack.close()

    def start_over(self, *, jumps: bool = True, skips: bool = True, threads: int | None = None) -> None:
        """Open the file anew, at its beginning.

        Args:
            jumps: False reads forward only from here on.
            skips: False decodes everything from here on.
            threads: Of the decoder from here on. With one, a packet that is refused is the one that was
                handed out last.
        """
        self._open()
        names = set(self._container.format.name.split(","))
        # AVI has no presentation times, and FFmpeg's guesses are wrong where B-frames shuffle the order:
        # there the frames take the decoding times in the order in which they come out, from the start on.
        self.in_order = "avi" in names and bool(self.stream.codec_context.has_b_frames)
        self.lossy = "mpegts" in names
        # A program stream does not time every packet, and after a jump FFmpeg guesses the others wrong.
        self._no_jumps = self._no_jumps or not jumps or self.in_order or "mpeg" in names
        self._slices = Slices(self.stream)
        telling = TELLING_CONTAINERS & names and self._slices.tell
        self._no_skips = self._no_skips or not skips or not telling
        self._threads = self._threads if threads is None else threads
        self._begin(self._demux())
        if "matroska" in names and not self._no_jumps:
            self._load_index()
        self.stream.codec_context.thread_count = self._threads

    @property
    def careful(self) -> bool:
        """Whether one thread decodes, so that a packet is refused at once."""
        return self._threads == 1

    def ms(self, pts: int) -> int:
        """Return a presentation time in milliseconds from the stream's start, rounded."""
        return round((pts - start_pts(self.stream)) * self._tick * 1000)

    def frame_ticks(self) -> int:
        """Return how long a frame stays by the average rate, in ticks of the stream; 0 where unknown."""
        rate = self.stream.average_rate
        return round(1 / (rate * self._tick)) if rate else 0

    def next(self) -> Packet[Any] | None:
        """Return the next packet; the last one is empty and empties the decoder; None after it."""
        packet = self._queue.popleft() if self._queue else self._demuxed()
        if packet is not None and packet.is_keyframe and packet.pts is not None and packet.dts is not None:
            self._delay = packet.pts - packet.dts
        return packet

    def jump(self, asked_ms: int) -> Packet[Any] | None:
        """Go to the keyframe before a moment; return its packet, which comes next, or None in vain."""
        if self._no_jumps:
            return None
        target = self._target(asked_ms)
        for back_off_s in BACK_OFF_S:
            try:
                goal = target - round(back_off_s / self._tick)
                self._container.seek(goal, stream=self.stream, backward=True)
            except av.FFmpegError:
                return None
            packets = self._demux()
            landing = next((packet for packet in packets if packet.is_keyframe and packet.size), None)
            if landing is None or landing.pts is None:
                return None
            if landing.pts <= target:
                self._begin(packets)
                self._queue.append(landing)
                return landing
        return None

    def no_more_jumps(self) -> None:
        """Read forward only from here on."""
        self._no_jumps = True

    def keyframe_ahead(self, asked_ms: int, since_dts: int, since_ms: int) -> bool:
        """Say whether a jump to a moment would save decoding, seen from a place before it."""
        if self._no_jumps:
            return False
        entries = self.stream.index_entries
        if len(entries) and entries[len(entries) - 1].timestamp > since_dts:
            nearest: int = entries.search_timestamp(self._target(asked_ms) - self._delay, backward=True)
            # On the way to the file's first keyframe there is nothing to save.
            return nearest > 0 and entries[nearest].timestamp > since_dts
        return asked_ms - since_ms > BLIND_JUMP_MS

    def due(self, asked_ms: int) -> list[int]:
        """Return when the packets to come are shown, up to a moment, in ticks and in order.

        Empty where they do not tell which of them is the last one shown up to then.
        """
        held = sum(one.size for one in self._queue)
        while not self._no_skips and not (self._queue and self._past(self._queue[-1], asked_ms)):
            packet = self._demuxed() if held < LOOK_AHEAD_BYTES else None
            if packet is None:
                return []
            self._queue.append(packet)
            held += packet.size
        if self._no_skips:
            return []
        shown = (one.pts for one in self._queue if one.size and not one.is_discard)
        return sorted(pts for pts in shown if pts is not None and self.ms(pts) <= asked_ms)

    def unused(self, packet: Packet[Any]) -> bool:
        """Say whether no other picture builds on that of this packet, one of those that `due` told of."""
        return self._slices.unused(packet)

    def cut_off(self, needed: int, asked_ms: int, following_ms: int | None) -> None:
        """Let the decoder end with the packet that is needed, if the next moment is reached by a jump.

        Near the file's end everything is read: only then it is known how long the last frame stays.

        Args:
            needed: Its presentation time in ticks; it is still to come.
            asked_ms: The moment at which it is shown.
            following_ms: The moment asked for next; None where this is the last one.
        """
        last = next(index for index, one in enumerate(self._queue) if one.pts == needed)
        since = decoded_at(self._queue[last])
        if not self._queue[-1].size or since is None:
            return
        if following_ms is None or self.keyframe_ahead(following_ms, since, asked_ms):
            self._queue = deque([*islice(self._queue, last + 1), Packet()])
            self.spent = True

    def _open(self) -> None:
        self._stack.close()
        self._container: InputContainer
        self._container, self.stream = self._stack.enter_context(open_video(self._file))
        self._tick = time_base(self.stream)

    def _load_index(self) -> None:
        """Jump to where the file begins: only then FFmpeg reads the index of a Matroska file."""
        first = next(self._packets)
        try:
            self._container.seek(first.pts or 0, stream=self.stream, backward=True)
            packets = self._demux()
            again = next(packets)
        except av.FFmpegError:
            again = None
        if again is None or again.pos is None or again.pos != first.pos:
            self._open()
            self._begin(self._demux())
        else:
            self._begin(packets)
            self._queue.append(again)

    def _begin(self, packets: Iterator[Packet[Any]]) -> None:
        self._packets = packets
        self._queue.clear()
        self.spent = False

    def _demux(self) -> Iterator[Packet[Any]]:
        try:
            for packet in self._container.demux(self.stream):
                if packet.size:
                    yield packet
        except av.FFmpegError:
            self.broke_off = True
        yield Packet()

    def _demuxed(self) -> Packet[Any] | None:
        return None if self.spent else next(self._packets, None)

    def _past(self, packet: Packet[Any], asked_ms: int) -> bool:
        """Say whether this packet, and all that follow, are presented after a moment, or cannot be told."""
        if not packet.size:
            return True  # the file's end
        # Nothing is left out where a packet does not say when it is shown.
        self._no_skips = self._no_skips or packet.pts is None or packet.is_corrupt
        return self._no_skips or (packet.dts is not None and self.ms(packet.dts) > asked_ms)

    def _target(self, asked_ms: int) -> int:
        return start_pts(self.stream) + int((asked_ms + Fraction(1, 2)) / 1000 / self._tick)


def decoded_at(packet: Packet[Any]) -> int | None:
    """Return when a packet is decoded, in ticks; after a jump Matroska's first only says when it is shown."""
    return packet.pts if packet.dts is None else packet.dts
