from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from provenline.errors import InputError
from provenline.footage.clock import ListedFootage, presentation_times
from provenline.footage.media import Media
from provenline.footage.reader import Reader
from tests.footage.film import film, irregular, number_in, steady
from tests.footage.test_decode import B_FRAMES, FILMS, VIDEOS


def decoded_ms(file: Path) -> list[int]:
    times = []
    with Reader(file) as reader:
        while (shown := reader.read()) is not None:
            times.append(shown.ms)
    return times


QUICK = ["b-frames.mp4", "variable.mkv", "variable.mp4", "late-start.mkv", "late-start.mp4", "open-gop.mp4"]
SLOW_PATH = ["h264-b-frames.avi", "alternate-references.webm", "stream-h264.ts", "elementary.h264"]


@pytest.mark.parametrize("name", [*QUICK, *SLOW_PATH, "hevc.mkv", "refresh.mp4"])
def test_packets_say_what_decoding_shows(tmp_path: Path, name: str) -> None:
    how = {key: value for key, value in FILMS[name].items() if key != "times"}
    times = FILMS[name]["times"]
    file = film(tmp_path / name, times, **how)
    found = presentation_times(file)
    assert found == decoded_ms(file)
    if name not in ("elementary.h264", "stream-h264.ts"):
        assert found == [time - times[0] for time in times]


def test_what_an_edit_list_cuts_away_is_no_frame(tmp_path: Path) -> None:
    whole = film(tmp_path / "whole.mp4", steady(60), options=B_FRAMES, gop=60)
    with av.open(str(whole)) as source, av.open(str(tmp_path / "cut.mp4"), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                # Shifted before zero, MP4 writes an edit list that starts inside the first group.
                packet.pts -= round(Fraction(2) / packet.time_base)
                packet.dts -= round(Fraction(2) / packet.time_base)
                target.mux(packet)
    found = presentation_times(tmp_path / "cut.mp4")
    assert found == decoded_ms(tmp_path / "cut.mp4")
    assert len(found) == 40


REAL = [
    "derived/vtest_vfr_h264.mp4", "codecs/h265_video.mp4",
    "codecs/worker_feed_short_first40.avi", "broken/unordered.mov", "asl_gestures/milk.mkv",
    "broken/video_90.mov",
]  # fmt: skip


@pytest.mark.parametrize("name", REAL)
def test_real_videos(name: str) -> None:
    assert presentation_times(VIDEOS / name) == decoded_ms(VIDEOS / name)


def test_footage_is_asked_by_the_names_of_the_list(tmp_path: Path) -> None:
    times = irregular(30, 5)
    film(tmp_path / "a.mp4", times, options=B_FRAMES)
    cv2.imwrite(str(tmp_path / "p.png"), np.full((20, 30, 3), 7, np.uint8))
    listed = [Media("a", tmp_path / "a.mp4", "video"), Media("p", tmp_path / "p.png", "photo")]
    footage = ListedFootage([*listed, Media("gone", tmp_path / "gone.mp4", "video")])
    assert footage.times_ms("a") == [time - times[0] for time in times]
    asked = [footage.times_ms("a")[number] for number in (3, 17, 29)]
    assert [(ms, number_in(image)) for ms, image in footage.pictures("a", asked)] == list(
        zip(asked, (3, 17, 29), strict=True)
    )
    assert footage.times_ms("p") == [0]
    assert [(ms, image.shape) for ms, image in footage.pictures("p", [0])] == [(0, (20, 30, 3))]
    with pytest.raises(InputError, match="does not name 'b'"):
        footage.times_ms("b")
    with pytest.raises(InputError, match="file is missing"):
        footage.times_ms("gone")
