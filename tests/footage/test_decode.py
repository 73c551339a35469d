from __future__ import annotations

from bisect import bisect_right
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from provenline.errors import InputError
from provenline.footage.decode import frames_at, frames_every
from provenline.footage.reader import Reader
from tests.footage.film import film, irregular, number_in, steady

SHARED = Path(__file__).parents[2].parent / "shared"
VIDEOS = SHARED / "data" / "real" / "videos"
B_FRAMES = {"bf": "3", "b-adapt": "0", "preset": "veryfast"}

FILMS = {
    "b-frames.mp4": {"times": steady(120), "options": B_FRAMES},
    "no-b-frames.mp4": {"times": steady(120), "options": {"bf": "0"}},
    "variable.mp4": {"times": irregular(120, 1), "options": B_FRAMES},
    "variable.mkv": {"times": irregular(120, 2), "options": B_FRAMES},
    "late-start.mkv": {"times": steady(120, start_ms=5000), "options": B_FRAMES},
    "late-start.mp4": {"times": steady(120, start_ms=5000), "options": B_FRAMES},
    "stream.ts": {"times": steady(500, 40), "options": {"bf": "2"}, "codec": "mpeg2video"},
    "stream-h264.ts": {"times": steady(300), "options": B_FRAMES},
    "open-gop.mp4": {"times": steady(120), "options": {**B_FRAMES, "x264-params": "open-gop=1:scenecut=0"}},
    "refresh.mp4": {"times": steady(120), "options": {"bf": "0", "x264-params": "intra-refresh=1"}},
    "one-keyframe.mp4": {"times": steady(120), "options": B_FRAMES, "gop": 10_000},
    "ten-bit.mp4": {"times": steady(60), "options": B_FRAMES, "pix_fmt": "yuv420p10le"},
    "full-colour.mkv": {"times": steady(60), "options": {}, "pix_fmt": "yuv444p"},
    "mpeg4.avi": {"times": steady(120), "codec": "mpeg4", "options": {}},
    "mpeg4-b-frames.avi": {"times": steady(120), "codec": "mpeg4", "options": {"bf": "2"}},
    "h264-b-frames.avi": {"times": steady(120), "options": B_FRAMES},
    "elementary.h264": {"times": steady(120, 40), "options": {"bf": "0", "preset": "veryfast"}},
    "hevc.mkv": {
        "times": steady(60),
        "codec": "libx265",
        "options": {"preset": "ultrafast", "x265-params": "bframes=3:open-gop=1:log-level=none"},
    },
    "motion-jpeg.avi": {"times": steady(60), "codec": "mjpeg", "pix_fmt": "yuvj420p", "options": {}},
    "live.webm": {
        "times": steady(60),
        "codec": "libvpx",
        "options": {"deadline": "realtime", "auto-alt-ref": "0"},
        "container_options": {"live": "1"},
    },
    "alternate-references.webm": {
        "times": steady(60),
        "codec": "libvpx",
        "options": {"deadline": "good", "auto-alt-ref": "1", "lag-in-frames": "16"},
    },
}


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("films")
    for name, how in FILMS.items():
        film(folder / name, how["times"], **{key: value for key, value in how.items() if key != "times"})
    return folder


def shown_at(times: list[int], asked: int) -> int:
    """The number of the frame that a player shows at ``asked`` ms from the first frame on."""
    return max(0, bisect_right([time - times[0] for time in times], asked) - 1)


@pytest.mark.parametrize("name", FILMS)
def test_the_exact_frame_comes_back(films: Path, name: str) -> None:
    times = FILMS[name]["times"]
    rng = np.random.default_rng(3)
    for count in (1, 1, 2, 5, 40):
        asked = sorted(set(rng.integers(0, times[-1] - times[0] + 1, count).tolist()))
        got = [(ask, presented, number_in(image)) for ask, presented, image in frames_at(films / name, asked)]
        want = [(ask, times[shown_at(times, ask)] - times[0], shown_at(times, ask)) for ask in asked]
        assert [one[0] for one in got] == asked
        assert [one[2] for one in got] == [one[2] for one in want]
        assert all(abs(one[1] - other[1]) <= 1 for one, other in zip(got, want, strict=True))


def test_what_nothing_builds_on_is_not_decoded(films: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of the frames are plain B-frames; on the way to a moment they are left out."""
    taken: list[int] = []
    take = Reader._take
    monkeypatch.setattr(Reader, "_take", lambda self, frame: taken.append(frame.pts) or take(self, frame))
    got = [(asked, number_in(image)) for asked, _, image in frames_at(films / "one-keyframe.mp4", [10_000])]
    assert got == [(10_000, 100)]
    sparse, _ = len(taken), taken.clear()
    list(frames_at(films / "one-keyframe.mp4", range(0, 10_001, 100)))
    assert sparse < 0.65 * len(taken)


@pytest.mark.parametrize("name", ["film.mp4", "film.ts"])
def test_damage_among_what_is_left_out_changes_nothing(tmp_path: Path, name: str) -> None:
    """What comes when all is decoded comes now too, and nothing wrong does."""
    file = film(tmp_path / name, steady(120), options=B_FRAMES, gop=30)
    with av.open(str(file)) as container:
        packets = [(one.pos, one.size) for one in container.demux(video=0) if one.size]
    whole = file.read_bytes()
    for number in range(3, 60, 7):
        data = bytearray(whole)
        position, size = packets[number]
        data[position + size // 3 : position + size] = b"\x55" * (size - size // 3)
        file.write_bytes(data)
        everything = {asked: number_in(image) for asked, _, image in frames_at(file, steady(120))}
        for asked in (400, 1700, 2900, 3300, 5000, 8000, 11_900):
            got = {ask: number_in(image) for ask, _, image in frames_at(file, [asked])}
            assert got.items() >= {asked: everything[asked]}.items() if asked in everything else True
            assert all(seen == ask // 100 for ask, seen in got.items()), (number, asked)


@pytest.mark.parametrize("name", ["b-frames.mp4", "variable.mkv", "stream.ts", "mpeg4.avi"])
def test_asking_for_a_presented_time_gives_the_same_frame(films: Path, name: str) -> None:
    first = [
        (presented, number_in(image)) for _, presented, image in frames_at(films / name, range(0, 6000, 470))
    ]
    again = frames_at(films / name, [presented for presented, _ in first])
    assert [(presented, number_in(image)) for _, presented, image in again] == first


def test_times_may_come_in_any_order_twice_and_before_the_first_frame(films: Path) -> None:
    got = list(frames_at(films / "late-start.mkv", [900, -50, 900, 0]))
    assert [(asked, presented, number_in(image)) for asked, presented, image in got] == [
        (-50, 0, 0),
        (0, 0, 0),
        (900, 900, 9),
    ]


def test_after_the_last_frame_there_is_none(films: Path) -> None:
    got = list(frames_at(films / "b-frames.mp4", [11_900, 11_999, 12_050, 10**9]))
    assert [(asked, presented) for asked, presented, _ in got] == [(11_900, 11_900), (11_999, 11_900)]


@pytest.mark.parametrize("name", ["b-frames.mp4", "variable.mkv", "motion-jpeg.avi"])
def test_jumps_save_decoding_wherever_there_is_an_index(
    films: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Matroska's is read at the first jump, and the first one here is a short one."""
    decoded: list[int] = []
    take = Reader._take
    monkeypatch.setattr(Reader, "_take", lambda self, frame: decoded.append(1) or take(self, frame))
    asked = [0, 1500, 3000, 4500]
    assert len(list(frames_at(films / name, asked))) == len(asked)
    assert len(decoded) < 4 * 12 + 12


def test_jumps_save_decoding_and_are_not_taken_within_one_stretch(
    films: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded, jumps = [], []
    read, jump = Reader.read, Reader.jump
    monkeypatch.setattr(Reader, "read", lambda self: decoded.append(1) or read(self))
    monkeypatch.setattr(Reader, "jump", lambda self, ask: jumps.append(jump(self, ask)) or jumps[-1])
    list(frames_at(films / "b-frames.mp4", [0, 100, 200, 300, 9000]))
    assert sum(jumps) == 1
    assert len(decoded) < 25


@pytest.mark.parametrize("name", FILMS)
def test_streaming_gives_one_frame_a_period_without_knowing_the_length(films: Path, name: str) -> None:
    times = FILMS[name]["times"]
    wanted = [shown_at(times, ask) for ask in range(0, times[-1] - times[0] + 1, 1000)]
    got = [number_in(image) for _, image in frames_every(films / name, 1.0, whole=True)]
    # How long the very last frame stays is the container's word, so one more may come.
    assert got[: len(wanted)] == wanted
    assert got[len(wanted) :] in ([], [len(times) - 1])


def test_streaming_does_not_repeat_a_frame(films: Path) -> None:
    presented = [time for time, _ in frames_every(films / "motion-jpeg.avi", 0.03)]
    assert presented == steady(60)


def test_pictures_are_turned_as_they_are_displayed() -> None:
    (_, _, turned), (_, _, plain) = (next(frames_at(VIDEOS / f"broken/video_{a}.mov", [0])) for a in (90, 0))
    assert turned.shape == (568, 320, 3)
    assert plain.shape == (320, 568, 3)
    for name, image in (("video_90.mov", turned), ("video_0.mov", plain)):
        decoded, independent = cv2.VideoCapture(str(VIDEOS / "broken" / name)).read()
        assert decoded
        assert np.abs(image.astype(int) - independent).mean() < 1


def test_a_damaged_stretch_is_left_out_up_to_the_next_keyframe(tmp_path: Path) -> None:
    file = film(tmp_path / "film.mp4", steady(60), options={"bf": "0", "x264-params": "scenecut=0"}, gop=12)
    with av.open(str(file)) as container:
        packets = [(one.pos, one.size) for one in container.demux(video=0) if one.size]
    data = bytearray(file.read_bytes())
    position, size = packets[15]
    data[position : position + size] = b"\xff" * size
    file.write_bytes(data)
    with Reader(file) as reader:
        seen = []
        while (shown := reader.read()) is not None:
            seen.append((shown.ms, shown.lost_ms))
        assert reader.errors
    assert [time // 100 for time, _ in seen] == [*range(15), *range(24, 60)]
    assert dict(seen)[2400] == 1500
    got = [(asked, number_in(image)) for asked, _, image in frames_at(file, range(1400, 2500, 50))]
    assert got == [(1400, 14), (1450, 14), (2400, 24), (2450, 24)]


@pytest.mark.parametrize("name", ["cut.mkv", "cut.ts", "cut.avi", "cut.mp4"])
def test_of_a_truncated_video_the_frames_that_are_there_come_out(tmp_path: Path, name: str) -> None:
    front = {"movflags": "+faststart"} if name.endswith("mp4") else {}
    codec = "mpeg4" if name.endswith("avi") else "libx264"
    file = film(tmp_path / name, steady(100), codec=codec, options={"bf": "0"}, container_options=front)
    data = file.read_bytes()
    file.write_bytes(data[: len(data) * 6 // 10])
    got = [(asked, number_in(image)) for asked, _, image in frames_at(file, steady(100))]
    assert 5 <= len(got) < 80
    assert got == [(index * 100, index) for index in range(len(got))]
    streamed = frames_every(file, 0.1)
    assert [number_in(image) for _, image in streamed] == list(range(len(got)))
    if not name.endswith("ts"):  # which does not announce how long it is
        with pytest.raises(InputError, match=r"breaks off at \d.\d s of \d+.0 s"):
            list(frames_every(file, 1, whole=True))


def test_the_wrong_file_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"gone.mp4: file is missing"):
        list(frames_at(tmp_path / "gone.mp4", [0]))
    with pytest.raises(InputError, match=r"gone.mp4: file is missing"):
        list(frames_every(tmp_path / "gone.mp4", 1))
