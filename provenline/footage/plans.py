"""Sampling plans: which moments of a media are asked for. Pure functions of numbers."""

from __future__ import annotations

from provenline.footage.media import Media
from provenline.footage.params import EveryPlan, SamplingPlan, WindowPlan
from provenline.footage.probe import Probe

Work = tuple[float | None, float | None]


def moments(plan: SamplingPlan, media: Media, found: Probe) -> list[int]:
    """Return the moments that a plan asks for in one video, looking into it where the plan needs that.

    Args:
        plan: The sampling plan.
        media: A video; what the list says of it.
        found: What the video announces.

    Returns:
        As `times_ms` does.
    """
    return times_ms(plan, found.duration_ms, (media.work_start_s, media.work_end_s))


def times_ms(plan: WindowPlan | EveryPlan, duration_ms: int, work: Work) -> list[int]:
    """Return the moments that a plan asks for in one video.

    Args:
        plan: The sampling plan.
        duration_ms: Length of the video in milliseconds.
        work: Start and end of the work in seconds from the video's start; None means the video's own.
            Only ``WindowPlan`` looks at it.

    Returns:
        Milliseconds from the video's start: ascending, without repetition, multiples of the grid,
        each ``0 <= t < duration_ms``. Spans are half-open: 60 s at one frame per 5 s are 12 frames.
        Empty when the video has no length or the work lies outside it.

    >>> window = WindowPlan(kind="window", period_s=5, span_s=60, grid_s=0.5)
    >>> times_ms(window, 100_000, (20.0, 90.2))[:3]
    [25000, 30000, 35000]
    >>> times_ms(EveryPlan(kind="every", period_s=2, grid_s=0.5), 6_000, (None, None))
    [0, 2000, 4000]
    """
    if isinstance(plan, WindowPlan):
        low, high = _window(plan, duration_ms, work)
    else:
        low, high = 0, duration_ms
    grid, period = _ms(plan.grid_s), _ms(plan.period_s)
    first = _snap(low, grid)
    # Counted from the snapped start: otherwise snapping down would let a 13th frame into a window of 12.
    asked = {_snap(first + step, grid) for step in range(0, max(0, high - low), period)}
    inside = sorted(time for time in asked if time < duration_ms)
    # A video that ends before the first grid point after its window's start still gives one frame.
    return inside or ([low // grid * grid] if low < high else [])


def _window(plan: WindowPlan, duration_ms: int, work: Work) -> tuple[int, int]:
    start = 0 if work[0] is None else _ms(work[0])
    end = duration_ms if work[1] is None else min(_ms(work[1]), duration_ms)
    if start >= duration_ms:
        return 0, 0
    centre, span = (start + max(start, end)) // 2, _ms(plan.span_s)
    low = centre - span // 2
    return max(0, low), min(duration_ms, low + span)


def _snap(time: int, grid: int) -> int:
    return (time + grid // 2) // grid * grid


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
