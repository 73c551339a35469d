from __future__ import annotations

import shutil
from itertools import combinations
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

from provenline.errors import InputError
from provenline.footage.hashing import thumbnail
from provenline.splits import copies
from provenline.splits.copies import refuse_across, search
from provenline.splits.params import CopyParams
from tests.splits import clips, world
from tests.splits.clips import Copy, Scene

VIDEOS = Path(__file__).parents[2].parent / "shared" / "data" / "real" / "videos"
PARAMS = CopyParams(correlation=0.9, action="report")
CAMERAS = 5

KINDS = {
    "bytes": None,
    "bitrate": Copy(crf=36),
    "size": Copy(size=(96, 64)),
    "rate": Copy(fps=7),
    "low-rate": Copy(fps=5, crf=32),
    "mjpeg": Copy(codec="mjpeg"),
    "hevc": Copy(codec="libx265", crf=32),
    "mpeg4": Copy(codec="mpeg4", size=(240, 144)),
    "darker": Copy(gain=0.8, crf=30),
    "cut": Copy(skip=3, crf=30),
    "mirrored": Copy(mirrored=True, crf=32),
    "mirrored-size-rate": Copy(mirrored=True, size=(128, 80), fps=10),
    "mirrored-cut": Copy(mirrored=True, skip=3),
}


def find(frames: pd.DataFrame, params: CopyParams) -> list[copies.Copy]:
    return search(frames, params).copies


def scene(number: int) -> Scene:
    light = ("steady", "steady", "step", "drift")[number % 4]
    way = "belt" if number % 7 == 6 else "free"
    return Scene(number % CAMERAS, number, people=1 + number % 3, light=light, way=way)


def plant(folder: Path, count: int, decoys: int) -> tuple[pd.DataFrame, dict[tuple[str, str], bool]]:
    """Films of static cameras, ``count`` of them twice, and for each pair of names whether it is mirrored."""
    media, planted = [], {}
    every = range(0, 14_000, 750)  # which frames of other rates do not hit
    for number in range(count + decoys):
        original = clips.write(folder / f"{number:03d}.mp4", scene(number))
        media.append(clips.rows(original, every, camera=f"c{number % CAMERAS}"))
        if number >= count:
            continue
        kind = list(KINDS)[number % len(KINDS)]
        how = KINDS[kind]
        copy = folder / f"{number:03d}-{kind}.{'avi' if kind == 'mjpeg' else 'mp4'}"
        if how is None:
            shutil.copy(original, copy)
        else:
            clips.write(copy, scene(number), how)
        media.append(clips.rows(copy, every, camera=f"c{number % CAMERAS}"))
        planted[min(copy.name, original.name), max(copy.name, original.name)] = "mirrored" in kind
    return clips.table(media), planted


def check(folder: Path, count: int, decoys: int, most_missed: int, least_others: int) -> None:
    frames, planted = plant(folder, count, decoys)
    found = search(frames, PARAMS)
    got = {(one.first, one.second): one.mirrored for one in found.copies}
    assert not found.cannot_tell
    assert not found.unseen
    assert set(got) <= set(planted), "a false alarm"
    missed = sorted(set(planted) - set(got))
    assert len(missed) <= most_missed, missed
    assert {pair: planted[pair] for pair in got} == got
    cameras = dict(zip(frames["media"], frames["camera"], strict=True))
    same_camera = [pair for pair in combinations(sorted(cameras), 2) if cameras[pair[0]] == cameras[pair[1]]]
    assert len(set(same_camera) - set(planted)) >= least_others


def test_planted_copies_are_found_and_nothing_else(tmp_path):
    check(tmp_path, count=len(KINDS), decoys=12, most_missed=0, least_others=100)


@pytest.mark.slow
def test_ninety_nine_of_a_hundred_planted_copies_are_found_and_nothing_else(tmp_path):
    check(tmp_path, count=100, decoys=30, most_missed=1, least_others=200)


def test_few_frames_far_apart_are_enough(tmp_path):
    """One frame per 5 s of a minute, as the plan ``window`` samples."""
    media = []
    for number in range(6):
        minute = Scene(0, 100 + number, seconds=60, people=1 + number % 2)
        file = clips.write(tmp_path / f"{number}.mp4", minute, Copy(fps=4))
        media.append(clips.rows(file, range(0, 60_000, 5000)))
        if number < 2:
            how = Copy(fps=3, mirrored=bool(number), crf=32, size=(128, 80))
            file = clips.write(tmp_path / f"{number}-copy.mp4", minute, how)
            media.append(clips.rows(file, range(0, 60_000, 5000)))
    found = find(clips.table(media), PARAMS)
    assert [(one.first, one.second, one.mirrored) for one in found] == [
        ("0-copy.mp4", "0.mp4", False),
        ("1-copy.mp4", "1.mp4", True),
    ]


def test_the_offset_says_what_was_cut(tmp_path):
    whole = clips.write(tmp_path / "whole.mp4", scene(3))
    cut = clips.write(tmp_path / "cut.mp4", scene(3), Copy(skip=5))
    found = find(clips.table([clips.rows(f, range(0, 14_000, 1000)) for f in (whole, cut)]), PARAMS)
    assert [(one.first, one.second, one.offset_ms, one.frames) for one in found] == [
        ("cut.mp4", "whole.mp4", 5000, 9)
    ]


@pytest.mark.parametrize("light", ["steady", "step"])
def test_an_empty_room_cannot_be_told(tmp_path, light):
    media = []
    for number, camera in enumerate((0, 0, 1)):
        empty = Scene(camera, number, seconds=8, people=0, light=light)
        media.append(
            clips.rows(clips.write(tmp_path / f"{number}.mp4", empty, Copy(fps=4)), range(0, 8000, 500))
        )
    found = search(clips.table(media), PARAMS)
    assert found.copies == []
    assert found.cannot_tell == [("0.mp4", "1.mp4")]


def picture(camera: int, person: tuple[int, int] | None = None) -> np.ndarray:
    grey = np.clip(clips.background(camera), 0, 255).astype(np.uint8)
    image = cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR)
    return cv2.ellipse(image, person, (6, 14), 0, 0, 360, (20, 30, 40), -1) if person else image


def photo(name: str, image: np.ndarray, quality: int = 95) -> dict:
    data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    shown = cv2.imdecode(data, cv2.IMREAD_COLOR)
    return world.frame(name, dhash=clips.dhash(shown), thumbnail=thumbnail(shown))


def test_photos_are_compared_whole():
    rows = [photo(f"room{n}.jpg", picture(n)) for n in range(20)]
    rows += [photo("copy.jpg", cv2.resize(picture(3), (120, 72), interpolation=cv2.INTER_AREA), 60)]
    rows += [photo("mirror.jpg", picture(4)[:, ::-1], 80)]
    rows += [photo("person.jpg", picture(5, (40, 50))), photo("moved.jpg", picture(5, (100, 50)))]
    found = find(world.frames(rows), PARAMS)
    assert [(one.first, one.second, one.mirrored, one.frames) for one in found] == [
        ("copy.jpg", "room3.jpg", False, 1),
        ("mirror.jpg", "room4.jpg", True, 1),
    ]


def test_the_same_bytes_need_no_thumbnail():
    rows = [world.frame("a", t) for t in (0, 1)] + [world.frame("b", 0), world.frame("c", 0)]
    for row in rows:
        row["frame_id"] += row["media"]
    rows[2]["media_sha256"] = rows[0]["media_sha256"]
    found = search(world.frames(rows), PARAMS)
    assert [(one.first, one.second, one.correlation, one.frames) for one in found.copies] == [
        ("a", "b", 1.0, 1)
    ]
    assert found.unseen == ["a", "b", "c"]
    assert (found.media, found.pairs) == (3, 3)


def test_two_tables_are_compared_with_each_other_only(tmp_path):
    files = {
        name: clips.write(tmp_path / f"{name}.mp4", scene(n), Copy(crf=crf))
        for name, n, crf in (("a", 0, 23), ("a2", 0, 33), ("b", 1, 23), ("c", 0, 28))
    }
    rows = {name: clips.rows(file, range(0, 14_000, 1000)) for name, file in files.items()}
    one, other = clips.table([rows["a"], rows["a2"], rows["b"]]), clips.table([rows["c"], rows["b"]])
    found, joining = search(one, PARAMS, other), PARAMS.model_copy(update={"action": "join"})
    assert [(copy.first, copy.second) for copy in found.copies] == [
        ("a.mp4", "c.mp4"),
        ("a2.mp4", "c.mp4"),
        ("b.mp4", "b.mp4"),
    ]
    assert found.pairs == 6
    with pytest.raises(InputError, match=r"deployment's 'c\.mp4' shows what development's 'a\.mp4' shows"):
        refuse_across(one, other, joining)
    refuse_across(one, other, PARAMS)  # which says `report`
    refuse_across(one.head(14), clips.table([rows["b"]]), joining)  # another recording


def test_the_order_of_the_rows_does_not_matter(tmp_path):
    frames, _ = plant(tmp_path, 3, 2)
    assert search(frames.sample(frac=1, random_state=1), PARAMS) == search(frames, PARAMS)


def test_nothing_is_found_in_nothing():
    found = search(world.frames([]), PARAMS)
    assert (found.copies, found.cannot_tell, found.unseen, found.media, found.pairs) == ([], [], [], 0, 0)


def test_a_thumbnail_of_another_size_names_its_frame():
    row = world.frame("a", thumbnail=b"123")
    with pytest.raises(InputError, match=rf"frame {row['frame_id']}: a thumbnail is not 16 x 16"):
        find(world.frames([row]), PARAMS)


def test_real_footage():
    """A transcode of 4 seconds of a film is found in it; signs by one person in one place are not copies."""
    media = [
        clips.rows(file, range(0, 60_000, 500), name=file.name)
        for file in (
            *sorted((VIDEOS / "asl_gestures").glob("*.mkv")),
            VIDEOS / "derived" / "one-by-one_mjpeg.avi",
            VIDEOS / "people" / "one-by-one-person-detection.mp4",
            VIDEOS / "people" / "vtest_first300.avi",
        )
    ]
    found = find(clips.table(media), PARAMS)
    assert [(one.first, one.second, one.mirrored, one.offset_ms) for one in found] == [
        ("one-by-one-person-detection.mp4", "one-by-one_mjpeg.avi", False, -20_000)
    ]
