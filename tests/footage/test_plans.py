from __future__ import annotations

import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError

from provenline.footage.params import EveryPlan, ExtractParams, SamplingPlan, WindowPlan
from provenline.footage.plans import times_ms

WINDOW = WindowPlan(kind="window", period_s=5, span_s=60, grid_s=0.5)
EVERY = EveryPlan(kind="every", period_s=2, grid_s=0.5)
WHOLE = (None, None)


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
        plan = WindowPlan(kind="window", period_s=period, span_s=span, grid_s=grid)
        times = times_ms(plan, duration, (start, end))
        assert times == sorted(set(times))
        assert times
        assert all(time % round(grid * 1000) == 0 and 0 <= time < duration for time in times)
        centre = (start + end) * 500
        assert all(abs(time - centre) <= span * 500 + grid * 1000 + 2 for time in times)
        assert len(times) <= span / period + 2


def test_params_are_checked_and_the_kind_chooses_the_plan() -> None:
    adapter = TypeAdapter(SamplingPlan)
    assert adapter.validate_python({"kind": "every", "period_s": 2, "grid_s": 0.5}) == EVERY
    for wrong in (
        {"kind": "every", "period_s": 2, "grid_s": 0.5, "span_s": 60},
        {"kind": "window", "period_s": 5, "grid_s": 0.5},
        {"kind": "every", "period_s": 0, "grid_s": 0.5},
        {"kind": "every", "period_s": float("inf"), "grid_s": 0.5},
        {"kind": "other", "period_s": 1, "grid_s": 0.5},
    ):
        with pytest.raises(ValidationError):
            adapter.validate_python(wrong)
    with pytest.raises(ValidationError):
        ExtractParams(sampling=EVERY, jpeg_quality=101, tolerance=0.01)
