"""From a folder of recordings through its manifest to frames."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from provenline.errors import InputError
from provenline.footage.extract import extract
from provenline.footage.manifest import scan
from provenline.footage.media import Media, read_media_list
from provenline.footage.params import (
    EveryPlan,
    ExtractParams,
    KeyframesPlan,
    RollingBufferPlan,
    SamplePlan,
    ScenePlan,
    StridePlan,
)
from tests.footage.film import film, steady

PATTERN = "{camera}/{day}/{hour}{minute}{second}.mp4"


@pytest.fixture(scope="module")
def buffer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two cameras, three recordings of 12 s each; every picture has numbers of its own."""
    root = tmp_path_factory.mktemp("buffer")
    for index, name in enumerate(
        f"{camera}/2024-05-0{day}/{start}.mp4"
        for camera in ("c1", "c2")
        for day, start in ((6, "075955"), (6, "080007"), (7, "120001"))
    ):
        numbers = range(index * 150, index * 150 + 120)
        film(root / name, steady(120), options={"preset": "ultrafast"}, numbers=numbers)
        os.utime(root / name, (time.time() - 999,) * 2)
    return root


def listed(buffer: Path, folder: Path) -> list[Media]:
    scan(buffer, folder / "manifest.csv", PATTERN, 60)
    return read_media_list(folder / "manifest.csv", buffer)


def params(sampling: object) -> ExtractParams:
    return ExtractParams.model_validate(
        {"sampling": sampling, "jpeg_quality": 95, "folder_limit": 1000, "tolerance": 0.0}
    )


def test_frames_lie_on_the_clock_in_the_hours_cameras_and_days_asked_for(
    buffer: Path, tmp_path: Path
) -> None:
    plan = RollingBufferPlan(
        kind="rolling_buffer",
        period_s=5,
        hours=(7, 12),
        cameras=("c2",),
        days=("2024-05-06",),
        per_camera_hour=720,
    )
    frames, report = extract(listed(buffer, tmp_path), params(plan), tmp_path / "frames")
    # 07:59:55 and 08:00:00; 08:00:10 and 08:00:15; what the first runs over into 8 o'clock is at 08:00:05.
    assert list(zip(frames["media"], frames["time_ms"], strict=True)) == [
        ("c2/2024-05-06/075955.mp4", 0),
        ("c2/2024-05-06/075955.mp4", 5000),
        ("c2/2024-05-06/075955.mp4", 10000),
        ("c2/2024-05-06/080007.mp4", 3000),
        ("c2/2024-05-06/080007.mp4", 8000),
    ]
    assert set(frames["group"]) == {"c2/2024-05-06"}
    assert set(frames["plan"]) == {"rolling_buffer"}
    assert report["set_aside"] == report["undelivered"] == []


@pytest.mark.parametrize(
    ("plan", "times"),
    [
        (StridePlan(kind="stride", n=50, offset=10), [1000, 6000, 11000]),
        (KeyframesPlan(kind="keyframes", min_distance_s=5, cap=9), [0, 6000]),
        (ScenePlan(kind="scene", threshold=200, min_scene_s=1, at="middle", cap=9), [6000]),
    ],
)
def test_plans_that_look_into_the_video_become_frames(
    buffer: Path, tmp_path: Path, plan: StridePlan | KeyframesPlan | ScenePlan, times: list[int]
) -> None:
    frames, _ = extract(listed(buffer, tmp_path), params(plan), tmp_path / "frames")
    assert frames["time_ms"].tolist() == times * 6
    assert set(frames["plan"]) == {plan.kind}


def test_a_sample_of_the_buffer(buffer: Path, tmp_path: Path) -> None:
    (tmp_path / "ledger.csv").write_text("media,category\nc1/2024-05-07/120001.mp4,\n")
    plan = SamplePlan(
        kind="sample",
        per_category=2,
        seed=1,
        ledger=str(tmp_path / "ledger.csv"),
        plan=EveryPlan(kind="every", period_s=10, grid_s=0.5),
    )
    frames, report = extract(listed(buffer, tmp_path), params(plan), tmp_path / "frames")
    assert json.loads(json.dumps(report))["sampling"]["plan"]["kind"] == "every"
    assert frames["media"].nunique() == 2 and "c1/2024-05-07/120001.mp4" in set(frames["media"])
    assert frames["time_ms"].tolist() == [0, 10_000] * 2
    assert set(frames["plan"]) == {"sample"}
    with pytest.raises(InputError, match="file is missing"):
        extract(
            [], params(plan.model_copy(update={"ledger": str(tmp_path / "none.csv")})), tmp_path / "frames"
        )
