"""Every frame is the right frame: against everything decoded in a row, for whatever encoders do."""

from __future__ import annotations

import hashlib
import struct
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

from provenline.footage.decode import answer, frames_at
from provenline.footage.reader import Reader
from tests.footage.film import film, irregular, number_in, steady

VIDEOS = Path(__file__).parents[2].parent / "shared" / "data" / "real" / "videos"
B = {"bf": "3", "b-adapt": "0", "preset": "veryfast"}
X265 = "log-level=none:frame-threads=1:pools=none"


@dataclass
class Sequence:
    """What a video presents, decoded from its first packet to its last.

    Attributes:
        ms: Presentation times from the stream's start, ascending.
        hashes: Of the pictures, BGR, turned as displayed.
        numbers: What stands in them.
    """

    ms: list[int]
    hashes: list[str] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)

    def shown_at(self, asked: int) -> int:
        return max(0, bisect_right(self.ms, asked) - 1)


def digest(image: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(image).tobytes()).hexdigest()


def in_a_row(file: Path) -> Sequence:
    """Decode everything with one thread, and sort it by presentation time; packets may refuse."""
    found: dict[int, tuple[str, int]] = {}
    with av.open(str(file)) as container:
        stream = container.streams.best("video")
        stream.codec_context.thread_count = 1
        start, tick = stream.start_time or 0, stream.time_base
        packets = container.demux(stream)
        while True:
            try:
                packet = next(packets, None)
                frames = [] if packet is None else packet.decode()
            except av.FFmpegError:
                continue
            for frame in frames:
                image = np.rot90(frame.to_ndarray(format="bgr24"), round(frame.rotation / 90))
                ms = round((frame.pts - start) * tick * 1000)
                found.setdefault(ms, (digest(image), number_in(image) if image.shape[1] == 160 else -1))
            if packet is None:
                break
    times = sorted(found)
    return Sequence(times, [found[ms][0] for ms in times], [found[ms][1] for ms in times])


def wrong(file: Path, reference: Sequence, asked: Iterable[int]) -> list[tuple[int, int, int]]:
    """Return the asked moments that were answered with another frame or not at all."""
    asked = sorted(set(asked))
    got = {ask: (ms, digest(image)) for ask, ms, image in frames_at(file, asked)}
    want = {ask: reference.shown_at(ask) for ask in asked}
    return [
        (ask, reference.ms[index], got.get(ask, (-1,))[0])
        for ask, index in want.items()
        if got.get(ask) != (reference.ms[index], reference.hashes[index])
    ]


def asked_of(reference: Sequence, seed: int) -> list[list[int]]:
    """Moments in several ways: single ones, many, all, presented times, runs with gaps between them."""
    rng = np.random.default_rng(seed)
    last = reference.ms[-1]
    runs = [start + 37 * step for start in rng.integers(0, last + 1, 4) for step in range(8)]
    return [
        *([int(one)] for one in rng.integers(0, last + 1, 6)),
        rng.integers(0, last + 1, 12).tolist(),
        list(range(0, last + 1, 50)),
        reference.ms[:: int(rng.integers(1, 9))],
        [one for one in runs if one <= last],
    ]


def check(file: Path, reference: Sequence, seed: int) -> None:
    for asked in asked_of(reference, seed):
        assert wrong(file, reference, asked) == [], (file.name, asked)


FILMS: dict[str, dict[str, Any]] = {
    "variable.mp4": {"times": irregular(120, 1), "options": B},
    "variable-hevc.mkv": {
        "times": irregular(80, 2),
        "codec": "libx265",
        "options": {"preset": "ultrafast", "x265-params": f"bframes=4:{X265}"},
    },
    "pyramid.mp4": {
        "times": steady(120, 40),
        "options": {"bf": "7", "b-adapt": "0", "x264-params": "b-pyramid=normal:ref=4"},
        "gop": 60,
    },
    "open-gop.mp4": {"times": steady(120, 40), "options": {**B, "x264-params": "open-gop=1:scenecut=0"}},
    "open-gop.ts": {"times": steady(120, 40), "options": {**B, "x264-params": "open-gop=1:scenecut=0"}},
    "open-gop-hevc.mp4": {
        "times": steady(80, 40),
        "codec": "libx265",
        "options": {"preset": "ultrafast", "x265-params": f"bframes=3:open-gop=1:keyint=12:{X265}"},
    },
    "layers-hevc.mkv": {
        "times": steady(80, 40),
        "codec": "libx265",
        "options": {"preset": "fast", "x265-params": f"bframes=7:b-adapt=0:temporal-layers=3:{X265}"},
    },
    "hevc.ts": {
        "times": steady(80, 40),
        "codec": "libx265",
        "options": {"preset": "ultrafast", "x265-params": f"bframes=3:keyint=20:{X265}"},
    },
    "motion-jpeg.mov": {"times": irregular(60, 3), "codec": "mjpeg", "pix_fmt": "yuvj420p"},
    "late-start.mkv": {"times": steady(90, 40, 7000), "options": B},
    "late-start.mp4": {"times": steady(90, 40, 7000), "options": B},
    "stream.ts": {"times": steady(120, 40, 3000), "options": B},
    "long-gop.mp4": {"times": steady(500, 40), "options": B, "gop": 250},
    "refresh.mp4": {
        "times": steady(120, 40),
        "options": {"bf": "0", "x264-params": "intra-refresh=1:keyint=24"},
    },
    "refresh.ts": {
        "times": steady(120, 40),
        "options": {"bf": "0", "x264-params": "intra-refresh=1:keyint=24"},
    },
    "fields.mp4": {"times": steady(90, 40), "options": {**B, "x264-params": "tff=1"}},
    "low-delay.mp4": {"times": steady(90, 40), "options": {"tune": "zerolatency", "preset": "veryfast"}},
    "one-slice-each.mp4": {"times": steady(90, 40), "options": {**B, "x264-params": "slices=4"}},
    "b-frames.avi": {"times": steady(90, 40), "options": B},
    "mpeg4-b-frames.mp4": {"times": steady(90, 40), "codec": "mpeg4", "options": {"bf": "2"}},
    "mpeg4-b-frames.avi": {"times": steady(90, 40), "codec": "mpeg4", "options": {"bf": "2"}},
    "mpeg2-b-frames.mpg": {"times": steady(90, 40), "codec": "mpeg2video", "options": {"bf": "2"}},
    "mpeg2-b-frames.mkv": {"times": steady(90, 40), "codec": "mpeg2video", "options": {"bf": "2"}},
    "vp9.webm": {"times": steady(60, 40), "codec": "libvpx-vp9", "options": {"deadline": "realtime"}},
    "av1.mp4": {"times": steady(40, 40), "codec": "libsvtav1", "options": {"preset": "12"}},
}


@pytest.mark.parametrize("name", FILMS)
def test_against_everything_in_a_row(tmp_path: Path, name: str) -> None:
    how = {"options": {}, **FILMS[name]}
    times = how.pop("times")
    file = film(tmp_path / name, times, **how)
    reference = in_a_row(file)
    if not name.endswith(".avi"):  # which does not say when B-frames are presented
        # A gradual refresh shows its first pictures only when they are whole.
        assert reference.numbers == list(range(len(times)))[-len(reference.numbers) :]
        check(file, reference, len(name))
        return
    for asked in asked_of(Sequence([time - times[0] for time in times]), len(name)):
        got = [(ask, number_in(image)) for ask, _, image in frames_at(file, asked)]
        assert got == [(ask, bisect_right(times, ask) - 1) for ask in sorted(set(asked))]


@pytest.mark.parametrize("bf", ["0", "3"])
def test_an_edit_list_that_skips_the_first_frames(tmp_path: Path, bf: str) -> None:
    """What lies before it is decoded and never shown; times count from the first frame that is."""
    options = {"avoid_negative_ts": "disabled", "use_editlist": "1"}
    file = film(
        tmp_path / "cut.mp4", steady(90, 40, -320), options={**B, "bf": bf}, container_options=options
    )
    reference = in_a_row(file)
    assert reference.numbers == list(range(8, 90)) and reference.ms[0] == 0
    check(file, reference, 5)


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_rotation_flag_turns_every_frame(tmp_path: Path, turns: int) -> None:
    file = film(tmp_path / "turned.mp4", steady(60, 40), options=B)
    data = bytearray(file.read_bytes())
    one = 1 << 16
    cos, sin = ((0, one), (-one, 0), (0, -one))[turns - 1]
    place = data.index(b"tkhd") + 4 + 40
    data[place : place + 36] = struct.pack(">9i", cos, sin, 0, -sin, cos, 0, 0, 0, 1 << 30)
    file.write_bytes(data)
    opened = cv2.VideoCapture(str(file))
    for number in (0, 17, 44):
        ((_, _, image),) = frames_at(file, [number * 40])
        assert number_in(np.rot90(image, turns)) == number
        opened.set(cv2.CAP_PROP_POS_FRAMES, number)
        shown, independent = opened.read()
        assert shown and independent.shape == image.shape
        assert np.abs(image.astype(int) - independent).mean() < 3
    check(file, in_a_row(file), turns)


@pytest.mark.parametrize("name", ["cut.mkv", "cut.ts", "cut.mp4"])
@pytest.mark.parametrize("share", [0.35, 0.62, 0.9])
def test_of_a_truncated_tail_nothing_wrong_comes(tmp_path: Path, name: str, share: float) -> None:
    front = {"movflags": "+faststart"} if name.endswith("mp4") else {}
    file = film(tmp_path / name, steady(120, 40), options=B, container_options=front, gop=25)
    data = file.read_bytes()
    file.write_bytes(data[: int(len(data) * share)])
    end = in_a_row(file).ms[-1]
    whole = [ms for ms in steady(120, 40) if ms + 300 < end]
    for asked in (steady(120, 40), whole[::13], whole[-1:], [whole[5], whole[-1]]):
        got = {ask: number_in(image) for ask, _, image in frames_at(file, asked)}
        assert all(number == ask // 40 for ask, number in got.items())
        assert set(asked) & set(whole) <= set(got)


def test_a_moment_after_the_end_has_no_frame_even_alone(tmp_path: Path) -> None:
    file = film(tmp_path / "film.mp4", steady(60, 40), options=B)
    assert [list(frames_at(file, [asked])) for asked in (2400, 2500, 10**7)] == [[], [], []]
    assert [presented for _, presented, _ in frames_at(file, [2399])] == [2360]


@pytest.mark.parametrize("name", [name for name in FILMS if "open-gop" in name or "refresh" in name])
def test_what_a_jump_leaves_behind_is_no_damage(tmp_path: Path, name: str) -> None:
    how = {**FILMS[name]}
    file = film(tmp_path / name, how.pop("times"), **how)
    for threads in (1, 2):
        with Reader(file, threads) as reader:
            assert len(list(answer(reader, [300, 1300, 1700, 2500]))) == 4
            assert reader.errors == 0


@pytest.mark.parametrize("seed", range(4))
def test_damage_gives_the_same_frames_whatever_the_number_of_threads(tmp_path: Path, seed: int) -> None:
    """And only frames that are right: a packet that is refused spoils those decoded after it."""
    rng = np.random.default_rng(seed)
    options = {"bf": "3", "b-adapt": "0", "x264-params": "b-pyramid=normal:scenecut=0"}
    file = film(tmp_path / "film.mp4", steady(120, 40), options=options, gop=25)
    reference = in_a_row(file)
    with av.open(str(file)) as container:
        packets = [(one.pos, one.size) for one in container.demux(video=0) if one.size]
    data = bytearray(file.read_bytes())
    for number in rng.integers(2, 118, 2):
        position, size = packets[number]
        data[position + 6 : position + size] = rng.bytes(size - 6)
    file.write_bytes(data)
    for asked in asked_of(reference, seed):
        found = []
        for threads in (1, 2, 4):
            with Reader(file, threads) as reader:
                found.append([(ask, ms, digest(image)) for ask, ms, image in answer(reader, sorted(asked))])
        assert found[0] == found[1] == found[2]
        for ask, ms, seen in found[0]:
            index = reference.shown_at(ask)
            assert (ms, seen) == (reference.ms[index], reference.hashes[index])


def settings(seed: int) -> tuple[str, dict[str, Any]]:
    """An encoder's settings, drawn."""
    rng = np.random.default_rng(seed)

    def draw(*values: Any) -> Any:
        return values[int(rng.integers(len(values)))]

    codec = draw("libx264", "libx264", "libx264", "libx265", "mpeg4", "mpeg2video")
    count, bf, gop = int(rng.integers(40, 140)), int(rng.integers(0, 6)), int(rng.integers(4, 80))
    steady_only = codec in {"mpeg2video", "mpeg4"}
    start = draw(0, 0, 1000, 4321)
    times = (
        steady(count, 40, start) if steady_only else draw(steady(count, 40, start), irregular(count, seed))
    )
    options: dict[str, str] = {"bf": str(min(bf, 2) if steady_only else bf)}
    if codec == "libx264":
        params = f"open-gop={draw(0, 1)}:b-pyramid={draw('none', 'strict', 'normal')}:ref={draw(1, 2, 5)}"
        params += f":scenecut={draw(0, 40)}:weightp={draw(0, 2)}:b-adapt={draw(0, 1)}"
        params += f":direct={draw('spatial', 'temporal')}"
        options |= {"preset": draw("ultrafast", "veryfast", "medium"), "x264-params": params}
    if codec == "libx265":
        params = f"bframes={min(bf, 4)}:open-gop={draw(0, 1)}:keyint={gop}:b-pyramid={draw(0, 1)}"
        params += f":ref={draw(1, 3)}:{X265}"
        options = {"preset": draw("ultrafast", "veryfast"), "x265-params": params}
    suffix = draw("mp4", "mkv", "ts", "mov")
    return f"{codec}-{seed}.{suffix}", {"times": times, "codec": codec, "options": options, "gop": gop}


def check_drawn(folder: Path, seed: int) -> None:
    name, how = settings(seed)
    file = film(folder / name, how.pop("times"), **how)
    check(file, in_a_row(file), seed)


@pytest.mark.parametrize("seed", range(12))
def test_drawn_settings(tmp_path: Path, seed: int) -> None:
    check_drawn(tmp_path, seed)


@pytest.mark.slow
def test_many_drawn_settings(tmp_path: Path) -> None:
    for seed in range(100, 300):
        check_drawn(tmp_path, seed)


REAL = sorted(path for path in VIDEOS.rglob("*.*") if path.suffix != ".csv" and "truncated" not in path.name)


@pytest.mark.parametrize("file", REAL, ids=lambda path: path.name)
@pytest.mark.slow
def test_real_footage(file: Path) -> None:
    reference = in_a_row(file)
    rng = np.random.default_rng(len(file.name))
    with Reader(file) as reader:
        while reader.read():
            pass
        damaged = reader.errors
    asked = [sorted(rng.integers(0, reference.ms[-1] + 1, count).tolist()) for count in (1, 1, 3, 20)]
    for times in [*asked, list(range(0, reference.ms[-1] + 1, 2000))]:
        lost = wrong(file, reference, times)
        assert lost == [] or (damaged and all(got == -1 for _, _, got in lost)), lost
