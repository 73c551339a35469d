from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError

from provenline.errors import InputError
from provenline.footage.media import Media
from provenline.footage.params import (
    EveryPlan,
    ExtractParams,
    RollingBufferPlan,
    SamplePlan,
    SamplingPlan,
    WindowPlan,
)
from provenline.footage.plans import apart, clock_ms, moments, spread, times_ms
from provenline.footage.probe import Probe

WINDOW = WindowPlan(kind="window", work="listed", period_s=5, span_s=60, grid_s=0.5)
EVERY = EveryPlan(kind="every", period_s=2, grid_s=0.5)
WHOLE = (None, None)
BUFFER = {
    "kind": "rolling_buffer",
    "period_s": 30,
    "hours": None,
    "cameras": [],
    "days": [],
    "per_camera_hour": 120,
}
SAMPLE = {
    "kind": "sample",
    "per_category": 2,
    "seed": 0,
    "ledger": "ledger.csv",
    "plan": {"kind": "every", "period_s": 2, "grid_s": 0.5},
}


def buffer(**changes: object) -> RollingBufferPlan:
    return RollingBufferPlan.model_validate(BUFFER | changes)


def clock(hour: int, minute: int = 0, second: int = 0, ms: int = 0) -> datetime:
    return datetime(2024, 5, 6, hour, minute, second, ms * 1000)  # noqa: DTZ001


PROBE = Probe(100_000, 640, 480, 25.0, "h264", 0)


@pytest.mark.parametrize(
    ("duration_ms", "work", "first", "count"),
    [
        (100_000, WHOLE, 20_000, 12),
        (100_000, (20.0, 90.0), 25_000, 12),
        (100_000, (20.0, None), 30_000, 12),
        (100_000, (20.3, 90.3), 25_500, 12),  # 25.3 s is nearest to 25.5 s
        (100_000, (0.0, 20.0), 0, 8),  # the window reaches from -20 s to 40 s
        (100_000, (90.0, 100.0), 65_000, 7),
        (100_000, (90.0, 400.0), 65_000, 7),  # work beyond the end ends with the video
        (30_000, WHOLE, 0, 6),
        (2_600, WHOLE, 0, 1),
        (40, WHOLE, 0, 1),
    ],
)
def test_window(duration_ms: int, work: tuple[float | None, float | None], first: int, count: int) -> None:
    assert times_ms(WINDOW, duration_ms, work) == [first + 5000 * index for index in range(count)]


def test_every_takes_the_whole_length_whatever_the_work() -> None:
    assert times_ms(EVERY, 9_000, (3.0, 4.0)) == [0, 2000, 4000, 6000, 8000]
    assert times_ms(EVERY, 8_000, WHOLE) == [0, 2000, 4000, 6000]
    assert times_ms(EVERY, 10, WHOLE) == [0]


def test_work_outside_the_video_and_a_video_without_length_give_nothing() -> None:
    assert times_ms(WINDOW, 60_000, (60.0, 80.0)) == []
    assert times_ms(WINDOW, 0, WHOLE) == []
    assert times_ms(EVERY, 0, WHOLE) == []


def test_any_plan_keeps_its_promises() -> None:
    rng = np.random.default_rng(7)
    for _ in range(300):
        duration = int(rng.integers(1, 200_000))
        start, end = sorted(rng.uniform(0, duration / 1000, 2).tolist())
        period, span, grid = rng.uniform(0.2, 9), rng.uniform(0.5, 90), rng.choice([0.1, 0.5, 1.0])
        plan = WindowPlan(kind="window", work="listed", period_s=period, span_s=span, grid_s=grid)
        times = times_ms(plan, duration, (start, end))
        assert times == sorted(set(times))
        assert times
        assert all(time % round(grid * 1000) == 0 and 0 <= time < duration for time in times)
        centre = (start + end) * 500
        assert all(abs(time - centre) <= span * 500 + grid * 1000 + 2 for time in times)
        assert len(times) <= span / period + 2


def test_work_outside_the_video_is_one_line_and_a_sample_asks_as_its_plan_does() -> None:
    late = Media("a.mp4", Path("a.mp4"), "video", work_start_s=100.0)
    with pytest.raises(InputError, match=r"the work lies outside the video, which lasts 100\.0 s"):
        moments(WINDOW, late, PROBE)
    assert moments(EVERY, late, PROBE) == times_ms(EVERY, 100_000, WHOLE)
    media = Media("a.mp4", Path("a.mp4"), "video", work_start_s=20.0, work_end_s=90.0)
    sample = SamplePlan.model_validate(SAMPLE | {"plan": WINDOW.model_dump()})
    assert moments(sample, media, PROBE) == times_ms(WINDOW, 100_000, (20.0, 90.0))


@pytest.mark.parametrize(
    ("plan", "started", "seconds", "expected_s"),
    [
        (buffer(), clock(8), 100, [0, 30, 60, 90]),
        (buffer(), clock(8, 0, 20), 100, [10, 40, 70]),
        (buffer(), clock(8, 0, 0, 500), 60, [29.5, 59.5]),
        (buffer(), None, 100, [0, 30, 60, 90]),
        (buffer(), clock(8, 0, 1), 20, []),  # the clock shows no multiple
        (buffer(), clock(23, 59, 40), 60, [20, 50]),  # past midnight
        (buffer(hours=[8, 9]), clock(8, 59, 20), 100, [10]),
        (buffer(hours=[9, 10]), clock(8, 59, 20), 100, [40, 70]),
        (buffer(hours=[0, 1]), clock(23, 59, 40), 60, [20, 50]),
        (buffer(hours=[9, 10]), None, 100, [0, 30, 60, 90]),  # nobody knows the hour
        (buffer(per_camera_hour=2), clock(8), 7200, [1800 / 2, 1800 * 1.5, 3600 + 900, 3600 + 2700]),
        (buffer(per_camera_hour=1), None, 100, []),
        (buffer(period_s=7, per_camera_hour=999), clock(0, 0, 1), 20, [6, 13]),
        (buffer(period_s=7200), clock(1), 7200, [3600]),
    ],
)
def test_a_buffer_follows_the_clock(
    plan: RollingBufferPlan, started: datetime | None, seconds: int, expected_s: list[float]
) -> None:
    assert clock_ms(plan, seconds * 1000, started) == [round(second * 1000) for second in expected_s]


def test_how_an_hour_is_cut_into_files_changes_nothing() -> None:
    rng = np.random.default_rng(4)
    for _ in range(40):
        plan = buffer(period_s=float(rng.uniform(3, 90)), per_camera_hour=int(rng.integers(1, 60)))
        whole = clock_ms(plan, 6 * 3_600_000, clock(6))
        for hour in range(6):
            assert (
                sum(hour * 3_600_000 <= time < (hour + 1) * 3_600_000 for time in whole)
                <= plan.per_camera_hour
            )
        cuts = [0, *sorted(rng.integers(1, 6 * 3_600_000, 9).tolist()), 6 * 3_600_000]
        pieces = [
            start + time
            for start, end in pairwise(cuts)
            for time in clock_ms(plan, end - start, clock(6) + timedelta(milliseconds=start))
        ]
        assert pieces == whole


def test_a_cap_spreads_evenly() -> None:
    for count in range(1, 40):
        for cap in range(1, count + 3):
            chosen = spread(range(count), cap)
            assert len(chosen) == len(set(chosen)) == min(cap, count)
            assert chosen == sorted(chosen)
            if cap < count:
                gaps = np.diff([-chosen[0] - 1, *chosen, 2 * count - chosen[-1] - 1])
                assert gaps.max() <= np.ceil(count / cap) + 1
    assert spread([], 3) == []
    assert apart([], 10) == []
    assert apart([0, 9, 10, 19, 20], 10) == [0, 10, 20]
    assert apart([3, 3, 4], 0) == [3, 3, 4]


def test_params_are_checked_and_the_kind_chooses_the_plan() -> None:
    adapter = TypeAdapter(SamplingPlan)
    assert adapter.validate_python({"kind": "every", "period_s": 2, "grid_s": 0.5}) == EVERY
    for wrong in (
        {"kind": "every", "period_s": 2, "grid_s": 0.5, "span_s": 60},
        {"kind": "window", "work": "listed", "period_s": 5, "grid_s": 0.5},
        {"kind": "window", "period_s": 5, "span_s": 60, "grid_s": 0.5},
        {"kind": "window", "work": "guessed", "period_s": 5, "span_s": 60, "grid_s": 0.5},
        {"kind": "stride", "n": 0, "offset": 0},
        {"kind": "stride", "n": 5, "offset": -1},
        {"kind": "scene", "threshold": 0, "min_scene_s": 1, "at": "middle", "cap": 3},
        {"kind": "scene", "threshold": 27, "min_scene_s": 1, "at": "end", "cap": 3},
        {"kind": "keyframes", "min_distance_s": 1, "cap": 0},
        BUFFER | {"hours": [18, 8]},
        BUFFER | {"hours": [8, 25]},
        BUFFER | {"hours": [8]},
        SAMPLE | {"plan": SAMPLE},
        SAMPLE | {"per_category": 0},
        SAMPLE | {"ledger": None},
        {"kind": "every", "period_s": 0, "grid_s": 0.5},
        {"kind": "every", "period_s": float("inf"), "grid_s": 0.5},
        {"kind": "other", "period_s": 1, "grid_s": 0.5},
    ):
        with pytest.raises(ValidationError):
            adapter.validate_python(wrong)
    with pytest.raises(ValidationError):
        ExtractParams(sampling=EVERY, jpeg_quality=101, folder_limit=1000, tolerance=0.01)
