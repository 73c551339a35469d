from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path
from typing import Any

import av
import cv2
import defusedxml.ElementTree as ET
import pytest

from provenline.files import sha256_file, sha256_tree
from provenline.simline.params import CATEGORIES
from provenline.simline.plan import plans
from provenline.simline.simulate import COLUMNS, simulate
from tests.simline.conftest import footage, line

World = tuple[Path, dict[str, Any]]


def rows_of(folder: Path) -> list[dict[str, str]]:
    with (folder / "media.csv").open(newline="") as stream:
        return list(csv.DictReader(stream))


def images_of(folder: Path, name: str) -> dict[str, Any]:
    root = ET.parse(folder / "annotations" / f"{name}.xml").getroot()
    assert root.findtext("version") == "1.1"
    return {image.get("name"): image for image in root.iter("image")}


def test_the_bytes_do_not_depend_on_the_number_of_processes(development: World, tmp_path: Path) -> None:
    folder, report = development
    again = simulate("development", line(workers=2), tmp_path / "again")
    assert again == report
    assert sha256_tree(tmp_path / "again") == sha256_tree(folder) == report["sha256"]


def test_a_video_does_not_depend_on_the_others(development: World, tmp_path: Path) -> None:
    folder, _ = development
    simulate("development", line(development=footage(videos=(1,), photos=0)), tmp_path / "one")
    (video,) = (tmp_path / "one" / "footage").rglob("*.mp4")
    assert sha256_file(video) == sha256_file(
        folder / "footage" / video.relative_to(tmp_path / "one" / "footage")
    )


def test_another_seed_makes_other_videos(development: World, tmp_path: Path) -> None:
    _, report = development
    small = line(seed=6, development=footage(videos=(1,), photos=0, seconds=(2.0, 2.0), lead_in_s=(0.5, 0.5)))
    assert simulate("development", small, tmp_path / "other")["sha256"] != report["sha256"]


def test_the_media_list_names_every_file_and_nothing_else(development: World) -> None:
    folder, report = development
    rows = rows_of(folder)
    assert tuple(rows[0]) == COLUMNS
    files = {
        p.relative_to(folder / "footage").as_posix() for p in (folder / "footage").rglob("*") if p.is_file()
    }
    assert {row["path"] for row in rows} == files
    assert report["videos"] == 3
    assert report["photos"] == 1
    for row in rows:
        assert row["provenance"] == "staged"
        assert row["consent"] == "simulated, nobody filmed"
        assert row["licence"] == "AGPL-3.0-or-later"
        if row["path"].endswith(".mp4"):
            x1, y1, x2, y2 = map(float, row["workplace"].split())
            assert 0 <= x1 < x2 <= 1
            assert 0 <= y1 < y2 <= 1
            assert 0 < float(row["work_start_s"]) < float(row["work_end_s"]) < 6.6


def test_the_videos_are_what_the_parameters_say(development: World) -> None:
    folder, report = development
    total = 0
    for path in (folder / "footage").rglob("*.mp4"):
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            assert (stream.codec_context.name, stream.width, stream.height) == ("h264", 320, 180)
            times = [float(frame.time) for frame in container.decode(stream)]
        assert times == pytest.approx([i / 10 for i in range(len(times))])
        total += len(times)
    assert total == report["frames"]
    photo = cv2.imread(str(next((folder / "footage").rglob("*.jpg"))))
    assert photo.shape == (720, 1280, 3)


def test_both_exports_parse_and_share_the_overlap(development: World) -> None:
    folder, report = development
    first, second = images_of(folder, "annotator_a"), images_of(folder, "annotator_b")
    shared = set(first) & set(second)
    assert len(shared) == report["annotators"]["overlap"] == 12
    assert len({name.rsplit("/", 1)[0] for name in shared}) == 3
    media = {row["path"] for row in rows_of(folder)}
    every = set(first) | set(second)
    assert len(every) == report["labelled_images"]
    for name in every - media:
        parent, stem = name.rsplit("/", 1)
        assert parent in media
        assert int(stem.removesuffix(".jpg")) % 500 == 0
    assert media & every == {name for name in media if name.endswith(".jpg")}


def test_boxes_lie_in_their_images_and_carry_the_attributes(development: World) -> None:
    folder, report = development
    count = 0
    for name in ("annotator_a", "annotator_b"):
        for image in images_of(folder, name).values():
            width, height = float(image.get("width")), float(image.get("height"))
            for box in image.findall("box"):
                count += 1
                assert box.get("label") == "person"
                assert box.get("occluded") in {"0", "1"}
                assert 0 <= float(box.get("xtl")) < float(box.get("xbr")) <= width
                assert 0 <= float(box.get("ytl")) < float(box.get("ybr")) <= height
                values = {a.get("name"): a.text for a in box.findall("attribute")}
                assert set(values) == {"hands_only", "mannequin", "role"}
                assert values["role"] in {"operator", "passer_by"}
    assert count == sum(report["annotators"][name]["boxes"] for name in ("annotator_a", "annotator_b"))


def test_the_two_footages_share_no_camera_and_no_day() -> None:
    full = footage(
        videos=(6, 6, 6, 6, 6, 6, 5), seconds=(75, 120), lead_in_s=(8, 16), lead_out_s=(3, 7), photos=16
    )
    ours = plans("development", full, 1)
    theirs = plans("deployment", footage(videos=(3,) * 7, photos=0), 1)
    videos = [plan for plan in ours if not plan.still]
    assert Counter(plan.category for plan in videos) == dict(zip(CATEGORIES, full.videos, strict=True))
    assert len({plan.name for plan in ours}) == 41 + 16
    assert len({plan.spot.name for plan in videos}) >= 4
    assert len({plan.day for plan in videos}) >= 5
    assert len(theirs) == 21
    assert not {plan.spot.name for plan in ours} & {plan.spot.name for plan in theirs}
    assert not {plan.day for plan in ours} & {plan.day for plan in theirs}
    assert all(75 <= plan.frames / 10 <= 120 for plan in videos)


def test_work_needs_time() -> None:
    with pytest.raises(ValueError, match="leave no time for work"):
        footage(seconds=(2.0, 3.0), lead_in_s=(1.0, 2.0))
