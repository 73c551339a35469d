from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

from provenline import tables
from provenline.errors import InputError
from provenline.files import sha256_file
from provenline.footage.extract import extract
from provenline.footage.hashing import dhash, thumbnail
from provenline.footage.media import Media, read_media_list, scan, write_media_list
from provenline.footage.params import EveryPlan, ExtractParams, WindowPlan
from provenline.images import read_bytes
from tests.footage.film import SIZE, film, irregular, number_in, picture, steady

SHARED = Path(__file__).parents[2].parent / "shared"
VIDEOS = SHARED / "data" / "real" / "videos"
EVERY = EveryPlan(kind="every", period_s=2, grid_s=0.5)
WINDOW = WindowPlan(kind="window", work="listed", period_s=1, span_s=4, grid_s=0.5)


def params(plan: EveryPlan | WindowPlan = EVERY, tolerance: float = 0.0) -> ExtractParams:
    return ExtractParams(sampling=plan, jpeg_quality=95, folder_limit=1000, tolerance=tolerance)


def world(root: Path) -> list[Media]:
    film(root / "a" / "one.mp4", steady(100), options={"bf": "2"})
    film(root / "b" / "one.mkv", irregular(60, 5), options={"bf": "2"})
    cv2.imwrite(str(root / "photo.png"), picture(5))
    cv2.imwrite(str(root / "wide.jpg"), picture(900))
    (root / "media.csv").write_text(
        "path,category,camera,day,group,work_start_s,work_end_s,workplace\n"
        "a/one.mp4,Collar,cam1,2024-05-06,g1,4,8,0 0.25 0.5 1\n"
        "b/one.mkv,Cuffs,cam2,2024-05-07,,,,\n"
        "photo.png,Collar,cam3,,,,,\n"
        "wide.jpg,Collar,cam3,,,,,\n"
    )
    return read_media_list(root / "media.csv", root)


def test_the_table_and_the_stored_frames(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    frames, report = extract(world(tmp_path / "footage"), params(WINDOW), Path("data/frames"))
    tables.write(frames, tmp_path / "frames.parquet", tables.FRAMES)
    assert frames["frame_id"].is_unique
    assert frames["media"].is_monotonic_increasing
    one = frames[frames["media"] == "a/one.mp4"]
    assert one["time_ms"].tolist() == [4000, 5000, 6000, 7000]
    assert set(one["plan"]) == {"window"}
    assert set(one["group"]) == {"g1"}
    assert one["workplace"].iloc[0].tolist() == [0, 16, 80, 64]
    assert frames["workplace"].iloc[-1] is None
    assert not frames["annotated"].any()
    for row in frames.itertuples():
        assert row.path == f"data/frames/{row.media_sha256[:12]}/{row.frame_id}.jpg"
        assert row.frame_id == f"{row.media_sha256[:12]}_{row.time_ms:09d}"
        assert row.media_sha256 == sha256_file(tmp_path / "footage" / row.media)
        image = cv2.imread(row.path)
        assert image.shape == (row.height, row.width, 3) == (SIZE[1], SIZE[0], 3)
        assert (int(row.dhash, 16) ^ int(dhash(image), 16)).bit_count() <= 4
        grey = np.frombuffer(thumbnail(image), np.uint8).astype(int)
        assert np.abs(np.frombuffer(row.thumbnail, np.uint8) - grey).max() <= 3
    assert [number_in(cv2.imread(path)) for path in one["path"]] == [40, 50, 60, 70]
    photos = frames[frames["plan"] == "photo"]
    assert [number_in(cv2.imread(path)) for path in photos["path"]] == [5, 900]
    assert Path(photos["path"].iloc[1]).read_bytes() == (tmp_path / "footage" / "wide.jpg").read_bytes()
    assert report["media"] == {"listed": 4, "used": 4, "videos": 2, "photos": 2, "set_aside": 0}
    assert report["frames"] == len(frames) == sum(report["frames_per_plan"].values())
    assert report["frames_per_category"]["Collar"] == 6
    assert report["sampling"] == WINDOW.model_dump()
    assert 20 < report["seconds"] < 24.5
    json.dumps(report, allow_nan=False)


def test_the_same_again_whatever_the_order_and_what_stood_there(tmp_path: Path) -> None:
    media = world(tmp_path / "footage")
    first, report = extract(media, params(), tmp_path / "frames")
    before = {path.name: path.read_bytes() for path in (tmp_path / "frames").rglob("*.jpg")}
    (tmp_path / "frames" / "0123456789ab").mkdir()
    again, report_again = extract(media[::-1], params(), tmp_path / "frames")
    pd.testing.assert_frame_equal(first, again)
    assert report == report_again
    assert before == {path.name: path.read_bytes() for path in (tmp_path / "frames").rglob("*.jpg")}
    assert not (tmp_path / "frames" / "0123456789ab").exists()
    assert len(first[first["media"] == "a/one.mp4"]) == 5


def test_beyond_the_limit_a_clip_is_one_archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    media = world(tmp_path / "footage")
    loose, _ = extract(media, params(), Path("loose"))
    few = params().model_copy(update={"folder_limit": len(loose) - 1})
    packed, _ = extract(media, few, Path("packed"))
    assert {path.suffix for path in Path("packed").iterdir()} == {".zip"}
    pd.testing.assert_frame_equal(loose.drop(columns="path"), packed.drop(columns="path"))
    for here, there in zip(loose["path"], packed["path"], strict=True):
        assert read_bytes(here) == read_bytes(there)
    before = {path.name: path.read_bytes() for path in Path("packed").iterdir()}
    extract(media, few, Path("packed"))
    assert before == {path.name: path.read_bytes() for path in Path("packed").iterdir()}


@pytest.mark.parametrize("workers", ["1", "2"])
def test_the_number_of_workers_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers: str
) -> None:
    media = world(tmp_path / "footage")
    expected, report = extract(media, params(), tmp_path / "frames")
    monkeypatch.setenv("PROVENLINE_WORKERS", workers)
    found, again = extract(media, params(), tmp_path / "frames")
    pd.testing.assert_frame_equal(expected, found)
    assert report == again


def test_processes_store_what_threads_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PROVENLINE_WORKERS", "2")
    media = world(tmp_path / "footage")
    (tmp_path / "footage" / "bad.mp4").write_bytes(b"no film")
    media.append(Media("bad.mp4", tmp_path / "footage" / "bad.mp4", "video"))
    expected, report = extract(media, params(tolerance=0.5), Path("threads"))
    monkeypatch.setattr("provenline.footage.extract._FEW", 0)
    found, again = extract(media, params(tolerance=0.5), Path("processes"))
    assert report == again and report["media"]["set_aside"] == 1
    pd.testing.assert_frame_equal(expected.drop(columns="path"), found.drop(columns="path"))
    for here, there in zip(expected["path"], found["path"], strict=True):
        assert here == there.replace("processes", "threads")
        assert Path(here).read_bytes() == Path(there).read_bytes()


def test_an_interruption_ends_soon_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored: list[int] = []

    def slow_jpeg(image: np.ndarray, quality: int) -> bytes:
        stored.append(quality)
        time.sleep(0.02)
        return b""

    def interrupted(items: Iterator[object], title: str, total: int) -> Iterator[object]:
        yield from items if title == "Checking media" else ()
        if title != "Checking media":
            raise KeyboardInterrupt

    monkeypatch.setattr("provenline.footage.extract._jpeg", slow_jpeg)
    monkeypatch.setattr("provenline.footage.extract.track", interrupted)
    film(tmp_path / "footage" / "long.mp4", steady(400, 100))
    media = [Media("long.mp4", tmp_path / "footage" / "long.mp4", "video")]
    with pytest.raises(KeyboardInterrupt):
        extract(media, params(EveryPlan(kind="every", period_s=0.1, grid_s=0.1)), tmp_path / "frames")
    assert len(stored) < 200
    assert [path.name for path in tmp_path.iterdir()] == ["footage"]


def test_two_moments_in_one_frame_are_one_row(tmp_path: Path) -> None:
    film(tmp_path / "slow.mp4", steady(5, 1000))
    plan = EveryPlan(kind="every", period_s=0.5, grid_s=0.5)
    frames, report = extract(
        [Media("slow.mp4", tmp_path / "slow.mp4", "video")], params(plan), tmp_path / "frames"
    )
    assert frames["time_ms"].tolist() == [0, 1000, 2000, 3000, 4000]
    assert report["undelivered"] == []


def test_no_media_is_an_empty_table_and_an_empty_folder(tmp_path: Path) -> None:
    frames, report = extract([], params(), tmp_path / "frames")
    assert frames.empty
    tables.write(frames, tmp_path / "frames.parquet", tables.FRAMES)
    assert list((tmp_path / "frames").iterdir()) == []
    assert report["media"]["listed"] == 0


def bad_world(root: Path) -> list[Media]:
    media = world(root)
    (root / "empty.mp4").touch()
    (root / "text.mp4").write_text("no film\n" * 100)
    whole = (root / "wide.jpg").read_bytes()
    (root / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    names = ("empty.mp4", "text.mp4", "gone.mp4", "cut.jpg")
    bad = [Media(name, root / name, "photo" if name.endswith("jpg") else "video") for name in names]
    return [*media, *bad, Media("late.mp4", root / "late.mp4", "video", work_start_s=50)]


def test_bad_media_are_set_aside_counted_and_named(tmp_path: Path) -> None:
    media = bad_world(tmp_path / "footage")
    film(tmp_path / "footage" / "late.mp4", steady(20))
    frames, report = extract(media, params(WINDOW, tolerance=0.6), tmp_path / "frames")
    assert {one["media"]: one["reason"] for one in report["set_aside"]} == {
        "cut.jpg": "photo is truncated",
        "empty.mp4": "file is empty",
        "gone.mp4": "file is missing",
        "late.mp4": "the work lies outside the video, which lasts 2.0 s",
        "text.mp4": "no video that can be read",
    }
    assert report["media"] == {"listed": 9, "used": 4, "videos": 2, "photos": 2, "set_aside": 5}
    assert set(frames["media"]) == {"a/one.mp4", "b/one.mkv", "photo.png", "wide.jpg"}


def test_too_many_bad_media_stop_it_and_leave_nothing(tmp_path: Path) -> None:
    media = bad_world(tmp_path / "footage")
    with pytest.raises(InputError, match=r"cut\.jpg: media 'cut\.jpg': photo is truncated; 5 of 9") as caught:
        extract(media, params(tolerance=0.5), tmp_path / "frames")
    assert "also 'empty.mp4' (file is empty), 'gone.mp4' (file is missing)" in str(caught.value)
    assert "extract.tolerance" in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["footage"]


def test_a_video_that_breaks_only_while_it_is_decoded_counts_as_bad_too(tmp_path: Path) -> None:
    file = film(tmp_path / "a.mkv", steady(100))
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    media = [Media("a.mkv", file, "video", work_start_s=8, work_end_s=10)]
    with pytest.raises(InputError, match="no frame that the plan asks for can be decoded"):
        extract(media, params(WINDOW), tmp_path / "frames")
    assert [path.name for path in tmp_path.iterdir()] == ["a.mkv"]


def test_a_missing_tail_is_counted(tmp_path: Path) -> None:
    file = film(tmp_path / "a.mkv", steady(100), options={"bf": "0"})
    file.write_bytes(file.read_bytes()[: file.stat().st_size * 6 // 10])
    frames, report = extract([Media("a.mkv", file, "video")], params(), tmp_path / "frames")
    (missing,) = report["undelivered"]
    assert missing["media"] == "a.mkv"
    assert missing["asked"] == 5
    assert missing["undelivered"] == 5 - len(frames) > 0
    assert missing["last_ms"] == 8000
    assert frames["time_ms"].tolist() == [2000 * index for index in range(len(frames))]


@pytest.mark.parametrize("tolerance", [0.0, 1.0])
def test_one_content_under_two_names_is_always_an_error(tmp_path: Path, tolerance: float) -> None:
    media = world(tmp_path / "footage")
    shutil.copy(tmp_path / "footage" / "a" / "one.mp4", tmp_path / "footage" / "copy.mp4")
    media.append(Media("copy.mp4", tmp_path / "footage" / "copy.mp4", "video"))
    match = (
        r"video listed twice under two names: 'a/one.mp4' and 'copy.mp4' are the same\. Remove one of them"
    )
    with pytest.raises(InputError, match=match):
        extract(media, params(tolerance=tolerance), tmp_path / "frames")
    assert not (tmp_path / "frames").exists()


def test_a_folder_with_other_things_in_it_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(InputError, match=r"holds 'thesis.txt', which is no folder of frames"):
        extract([], params(), tmp_path)
    assert (tmp_path / "thesis.txt").exists()


@pytest.mark.parametrize(
    ("folder", "count"), [("asl_gestures", 12), ("people", 7), ("codecs", 7), ("derived", 3)]
)
def test_real_footage(tmp_path: Path, folder: str, count: int, capfd: pytest.CaptureFixture[str]) -> None:
    write_media_list(tmp_path / "media.csv", scan(VIDEOS / folder))
    media = read_media_list(tmp_path / "media.csv", VIDEOS / folder)
    plan = WindowPlan(kind="window", work="listed", period_s=5, span_s=60, grid_s=0.5)
    frames, report = extract(media, params(plan, tolerance=0.4), tmp_path / "frames")
    assert report["media"]["listed"] == count
    bad = ["worker_feed_short_truncated.mp4"] if folder == "derived" else []
    assert [one["media"] for one in report["set_aside"]] == bad
    assert report["undelivered"] == report["damaged"] == []
    assert frames["media"].nunique() == count - len(bad)
    # Nothing but the progress bars: decoders keep their complaints to themselves.
    written = capfd.readouterr()
    assert written.out == ""
    assert "[" not in written.err


def test_broken_real_footage(tmp_path: Path) -> None:
    write_media_list(tmp_path / "media.csv", scan(VIDEOS / "broken"))
    media = read_media_list(tmp_path / "media.csv", VIDEOS / "broken")
    plan = EveryPlan(kind="every", period_s=0.5, grid_s=0.5)
    frames, report = extract(media, params(plan), tmp_path / "frames")
    assert report["media"]["used"] == 4
    # The picture at 3.0 s is damaged, and this film has no later keyframe to start afresh from.
    (missing,) = report["undelivered"]
    assert missing == {
        "media": "corrupted.mp4",
        "asked": 10,
        "undelivered": 4,
        "first_ms": 3000,
        "last_ms": 4500,
    }
    assert [one["media"] for one in report["damaged"]] == ["corrupted.mp4"]
    assert np.isin(["video_90.mov", "video_0.mov", "unordered.mov"], frames["media"]).all()
