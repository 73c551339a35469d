from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from provenline.footage.decode import frames_at
from provenline.footage.keyframes import keyframe_times
from provenline.footage.media import Media
from provenline.footage.params import KeyframesPlan, ScenePlan, StridePlan
from provenline.footage.plans import moments
from provenline.footage.probe import probe
from provenline.footage.scenes import scenes, small_frames
from tests.footage.film import film, irregular, number_in, steady
from tests.footage.painting import paint_film, shots

B_FRAMES = {"bf": "3", "b-adapt": "0", "preset": "veryfast", "x264-params": "scenecut=0"}
OPEN_GOP = {**B_FRAMES, "x264-params": "open-gop=1:scenecut=0"}
FILMS = {
    "steady.mp4": (steady(90), "libx264", B_FRAMES),
    "variable.mkv": (irregular(90, 2), "libx264", B_FRAMES),
    "late.mp4": (steady(90, start_ms=5000), "libx264", B_FRAMES),
    "stream.ts": (steady(90, 40, 7000), "libx264", B_FRAMES),
    "open-gop.mp4": (steady(90), "libx264", OPEN_GOP),
    "b-frames.avi": (steady(90), "mpeg4", {"bf": "2"}),
    "motion.avi": (steady(40), "mjpeg", {}),
    "elementary.h264": (steady(90, 40), "libx264", {"bf": "0", "x264-params": "scenecut=0"}),
}


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("films")
    for name, (times, codec, options) in FILMS.items():
        pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        film(folder / name, times, codec, pix_fmt, options)
    return folder


def asked(plan: StridePlan | KeyframesPlan | ScenePlan, file: Path) -> list[int]:
    times = moments(plan, Media(file.name, file, "video"), probe(file))
    assert times == sorted(set(times)) and all(0 <= time < probe(file).duration_ms for time in times)
    return times


def shown(file: Path, times: list[int]) -> list[int]:
    """The numbers burnt into the frames that are presented at exactly these times."""
    got = list(frames_at(file, times))
    assert [one[0] for one in got] == [one[1] for one in got] == times
    return [number_in(one[2]) for one in got]


def keyframe_numbers(file: Path) -> list[int]:
    """As the decoder tells them, from the pictures."""
    with av.open(str(file)) as container:
        frames = list(container.decode(video=0))
    return [number_in(frame.to_ndarray(format="bgr24")) for frame in frames if frame.key_frame]


@pytest.mark.parametrize("name", [name for name in FILMS if name != "elementary.h264"])
@pytest.mark.parametrize(("n", "offset"), [(1, 0), (7, 3), (13, 0)])
def test_stride_takes_every_nth_presented_frame(films: Path, name: str, n: int, offset: int) -> None:
    times = FILMS[name][0]
    plan = StridePlan(kind="stride", n=n, offset=offset)
    expected = list(range(len(times)))[offset::n]
    assert asked(plan, films / name) == [times[index] - times[0] for index in expected]
    assert shown(films / name, asked(plan, films / name)) == expected


def test_stride_leaves_out_what_an_edit_list_cuts_off(films: Path, tmp_path: Path) -> None:
    # Copied from 2.5 s on without encoding again: the group's first pictures are cut off by an edit list.
    cut = tmp_path / "cut.mp4"
    with av.open(str(films / "steady.mp4")) as source, av.open(str(cut), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is not None and packet.pts >= 2400 / 1000 / packet.time_base:
                shift = round(2.5 / packet.time_base)
                packet.pts, packet.dts, packet.stream = packet.pts - shift, packet.dts - shift, stream
                target.mux(packet)
    with av.open(str(cut)) as container:
        discarded = sum(packet.is_discard for packet in container.demux(video=0))
    assert discarded
    times = asked(StridePlan(kind="stride", n=10, offset=0), cut)
    first = shown(cut, times)[0]
    assert shown(cut, times) == list(range(first, 90, 10))
    assert times == [index * 100 - first * 100 for index in range(first, 90, 10)]


def test_stride_of_a_video_that_is_too_short_asks_for_nothing(films: Path) -> None:
    assert asked(StridePlan(kind="stride", n=5, offset=200), films / "steady.mp4") == []


@pytest.mark.parametrize("name", FILMS)
def test_keyframes_are_those_of_the_decoder(films: Path, name: str) -> None:
    times = keyframe_times(films / name)
    assert shown(films / name, times) == keyframe_numbers(films / name)
    assert len(times) == (40 if name == "motion.avi" else 8)


def test_keyframes_keep_their_distance_and_their_cap(films: Path) -> None:
    file = films / "steady.mp4"  # every 1.2 s
    plan = KeyframesPlan(kind="keyframes", min_distance_s=2.0, cap=99)
    assert asked(plan, file) == [0, 2400, 4800, 7200]
    assert asked(plan.model_copy(update={"min_distance_s": 0.0}), file) == keyframe_times(file)
    assert asked(plan.model_copy(update={"cap": 2}), file) == [2400, 7200]


CUTS = [2.0, 5.5, 6.5, 9.0]


@pytest.mark.parametrize("name", ["steady.mp4", "variable.mkv", "late.mkv"])
def test_scenes_start_at_the_first_frame_after_each_cut(tmp_path: Path, name: str) -> None:
    start = 4000 if name == "late.mkv" else 0
    times = steady(120, start_ms=start) if name != "variable.mkv" else irregular(70, 3)
    file = paint_film(tmp_path / name, times, shots(CUTS))
    length = probe(file).duration_ms
    shown_at = np.array(times) - times[0]
    firsts = [0, *(int(shown_at[shown_at >= cut * 1000][0]) for cut in CUTS)]
    assert scenes(file, length, 27.0, 600) == list(zip(firsts, [*firsts[1:], length], strict=True))
    plan = ScenePlan(kind="scene", threshold=27.0, min_scene_s=0.6, at="start", cap=99)
    assert asked(plan, file) == firsts
    middles = [(low + high) // 2 for low, high in zip(firsts, [*firsts[1:], length], strict=True)]
    assert asked(plan.model_copy(update={"at": "middle"}), file) == middles
    assert asked(plan.model_copy(update={"cap": 2}), file) == [firsts[1], firsts[3]]
    assert asked(plan.model_copy(update={"threshold": 250.0}), file) == [0]


def test_scenes_are_those_of_the_librarys_own_reader(tmp_path: Path) -> None:
    from scenedetect import ContentDetector, SceneManager, open_video

    file = paint_film(tmp_path / "film.mp4", steady(120), shots(CUTS))
    manager = SceneManager()
    manager.add_detector(ContentDetector(threshold=27.0, min_scene_len=6))
    manager.detect_scenes(open_video(str(file), backend="pyav", suppress_output=True))
    theirs = [round(start.seconds * 1000) for start, _ in manager.get_scene_list()]
    assert [start for start, _ in scenes(file, 12_000, 27.0, 600)] == theirs


def test_a_flicker_is_one_cut(tmp_path: Path) -> None:
    file = paint_film(tmp_path / "film.mp4", steady(80), shots([3.0, 3.2, 3.4]))
    assert len(scenes(file, 8000, 27.0, 1000)) == 2


def test_small_frames_have_our_times_and_are_small(films: Path) -> None:
    times = FILMS["variable.mkv"][0]
    frames = list(small_frames(films / "variable.mkv"))
    assert [ms for ms, _ in frames] == times
    assert [number_in(image) for _, image in frames] == list(range(len(times)))
    big = film_of_width(films.parent / "wide.mp4", 640)
    assert {image.shape for _, image in small_frames(big)} == {(144, 256, 3)}


def film_of_width(file: Path, width: int) -> Path:
    return paint_film(file, steady(3), lambda _: np.zeros((width * 9 // 16, width, 3), np.uint8))
