from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from provenline.errors import InputError
from provenline.footage.probe import check_file, probe
from tests.footage.film import SIZE, film, steady

SHARED = Path(__file__).parents[2].parent / "shared"
VIDEOS = SHARED / "data" / "real" / "videos"


@pytest.mark.parametrize(
    ("name", "start", "options"),
    [("a.mp4", 0, {}), ("b.mkv", 0, {}), ("c.mkv", 700, {}), ("d.webm", 0, {"live": "1"})],
)
def test_what_a_video_holds(tmp_path: Path, name: str, start: int, options: dict[str, str]) -> None:
    codec = "libvpx" if name.endswith("webm") else "libx264"
    found = probe(film(tmp_path / name, steady(50, start_ms=start), codec=codec, container_options=options))
    assert (found.width, found.height, found.rotation) == (*SIZE, 0)
    assert found.codec in {"h264", "vp8"}
    # A live recording announces no length, and the last packet of it does not say how long it lasts.
    assert found.duration_ms == 5000 or (options and 4900 <= found.duration_ms <= 5000)
    assert found.fps == pytest.approx(10, rel=0.05)


def test_sizes_are_those_that_are_displayed() -> None:
    found = probe(VIDEOS / "broken" / "video_90.mov")
    assert (found.width, found.height, found.rotation) == (320, 568, -90)


def test_a_name_that_looks_like_an_address(tmp_path: Path) -> None:
    assert probe(film(tmp_path / "http:a %d?.mp4", steady(10))).duration_ms == 1000


def test_an_absurd_announced_length_is_measured(tmp_path: Path) -> None:
    file = film(tmp_path / "a.mkv", steady(20))
    data = file.read_bytes()
    at = data.index(b"\x44\x89\x88") + 3  # the Duration element: an 8-byte float of milliseconds
    file.write_bytes(data[:at] + np.array(1e12, dtype=">f8").tobytes() + data[at + 8 :])
    assert 1900 <= probe(file).duration_ms <= 2000


def sound(file: Path) -> Path:
    with av.open(str(file), "w") as container:
        stream = container.add_stream("aac", rate=8000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = 8000, 0, Fraction(1, 8000)
        container.mux([*stream.encode(frame), *stream.encode(None)])
    return file


def test_what_is_no_video(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    whole = film(tmp_path / "whole.mp4", steady(30)).read_bytes()
    contents = {
        "empty.mp4": b"",
        "text.mp4": b"this is no film\n" * 40,
        "text.txt": b"this is no film\n" * 40,
        "list.mp4": f"ffconcat version 1.0\nfile '{tmp_path}/whole.mp4'\n".encode(),
        "noise.avi": np.random.default_rng(1).bytes(5000),
        "cut.mp4": whole[: len(whole) // 2],
        "head.mp4": whole[:40],
    }
    for name, data in contents.items():
        (tmp_path / name).write_bytes(data)
    sound(tmp_path / "sound.mp4")
    (tmp_path / "folder.mp4").mkdir()
    reasons = {
        "gone.mp4": "file is missing",
        "folder.mp4": "is a folder",
        "empty.mp4": "file is empty",
        "text.mp4": "no video that can be read",
        "text.txt": "no video in it",
        "list.mp4": "no video",
        "noise.avi": "no video",
        "cut.mp4": "truncated",
        "head.mp4": "truncated",
        "sound.mp4": "no video in it",
    }
    for name, reason in reasons.items():
        with pytest.raises(InputError, match=reason) as error:
            probe(tmp_path / name)
        assert str(error.value).startswith(f"{tmp_path / name}: ")
    assert capfd.readouterr() == ("", "")


def test_a_path_that_leads_nowhere_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "circle").symlink_to("circle")
    for name, what in (("n" * 300, "cannot be read"), ("circle", "cannot be read"), ("a/b", "is missing")):
        (tmp_path / "a").write_text("")
        with pytest.raises(InputError, match=what):
            check_file(tmp_path / name)
