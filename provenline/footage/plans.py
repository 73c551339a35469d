"""Sampling plans: which moments of a media are asked for."""

from __future__ import annotations

from datetime import datetime, time

from provenline.errors import InputError
from provenline.footage.clock import presentation_times
from provenline.footage.keyframes import keyframe_times
from provenline.footage.media import Media
from provenline.footage.params import (
    EveryPlan,
    KeyframesPlan,
    RollingBufferPlan,
    SamplePlan,
    SamplingPlan,
    ScenePlan,
    StridePlan,
    WindowPlan,
)
from provenline.footage.probe import Probe
from provenline.progress import notice

Work = tuple[float | None, float | None]
HOUR_MS = 3_600_000


def moments(plan: SamplingPlan, media: Media, found: Probe) -> list[int]:
    """Return the moments that a plan asks for in one video, looking into it where the plan needs that.

    Args:
        plan: The sampling plan.
        media: A video; what the list says of it.
        found: What the video announces.

    Returns:
        Milliseconds from the stream's start: ascending, without repetition, each
        ``0 <= t < found.duration_ms``. Empty where the plan asks for nothing in this video, such as a
        recording of a rolling buffer in which no moment of the clock lies.

    Raises:
        InputError: The work lies outside the video, or the video cannot be read.
    """
    duration = found.duration_ms
    if isinstance(plan, SamplePlan):
        return moments(plan.plan, media, found)
    if isinstance(plan, WindowPlan | EveryPlan):
        asked = times_ms(plan, duration, _work(plan, media, duration))
        if not asked:
            raise InputError(f"the work lies outside the video, which lasts {duration / 1000:.1f} s")
    elif isinstance(plan, RollingBufferPlan):
        asked = clock_ms(plan, duration, media.started)
    elif isinstance(plan, ScenePlan):
        asked = _scenes(plan, media, duration)
    elif isinstance(plan, KeyframesPlan):
        asked = _keyframes(plan, media, duration)
    else:
        asked = _stride(plan, media)
    return sorted({moment for moment in asked if 0 <= moment < duration})


def times_ms(plan: WindowPlan | EveryPlan, duration_ms: int, work: Work) -> list[int]:
    """Return the moments that a plan asks for in one video. A pure function of numbers.

    Args:
        plan: The sampling plan.
        duration_ms: Length of the video in milliseconds.
        work: Start and end of the work in seconds from the video's start; None means the video's own.
            Only ``WindowPlan`` looks at it.

    Returns:
        Milliseconds from the video's start: ascending, without repetition, multiples of the grid,
        each ``0 <= t < duration_ms``. Spans are half-open: 60 s at one frame per 5 s are 12 frames.
        Empty when the video has no length or the work lies outside it.

    >>> window = WindowPlan(kind="window", work="listed", period_s=5, span_s=60, grid_s=0.5)
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


def clock_ms(plan: RollingBufferPlan, duration_ms: int, started: datetime | None) -> list[int]:
    """Return the moments of a recording at which the clock shows a multiple of the period.

    Args:
        plan: The plan; cameras and days are not looked at.
        duration_ms: Length of the recording in milliseconds.
        started: What the clock showed at its start; None counts the period from the start itself, and
            leaves the hours of the day alone.

    Returns:
        Milliseconds from the recording's start: ascending, each ``0 <= t < duration_ms``. Which moments
        of an hour are taken does not depend on how the hour is cut into files.

    >>> plan = RollingBufferPlan(
    ...     kind="rolling_buffer", period_s=30, hours=None, cameras=(), days=(), per_camera_hour=120
    ... )
    >>> clock_ms(plan, 70_000, datetime(2024, 5, 6, 8, 59, 50))
    [10000, 40000]
    """
    at = time() if started is None else started.time()
    begin = ((at.hour * 60 + at.minute) * 60 + at.second) * 1000 + at.microsecond // 1000
    first, last = (0, 24) if started is None or plan.hours is None else plan.hours
    period, asked = _ms(plan.period_s), list[int]()
    for hour in range(begin // HOUR_MS, (begin + duration_ms - 1) // HOUR_MS + 1):
        if first <= hour % 24 < last:
            multiples = range(-(-hour * HOUR_MS // period) * period, (hour + 1) * HOUR_MS, period)
            asked += [multiple - begin for multiple in spread(multiples, plan.per_camera_hour)]
    return [moment for moment in asked if 0 <= moment < duration_ms]


def spread(items: list[int] | range, cap: int) -> list[int]:
    """Return at most ``cap`` of the items, evenly spread over them: the middle of equal shares.

    >>> spread([0, 1, 2, 3, 4, 5, 6, 7, 8], 3)
    [1, 4, 7]
    """
    count = len(items)
    chosen = range(count) if count <= cap else [(2 * one + 1) * count // (2 * cap) for one in range(cap)]
    return [items[index] for index in chosen]


def apart(times: list[int], distance: int) -> list[int]:
    """Return the times that lie at least ``distance`` after the one taken before; they must ascend.

    >>> apart([0, 40, 100, 130, 210], 100)
    [0, 100, 210]
    """
    taken = times[:1]
    for moment in times[1:]:
        if moment - taken[-1] >= distance:
            taken.append(moment)
    return taken


def _work(plan: WindowPlan | EveryPlan, media: Media, duration_ms: int) -> Work:
    listed = media.work_start_s, media.work_end_s
    if not isinstance(plan, WindowPlan) or plan.work == "listed" or listed != (None, None):
        return listed
    from provenline.footage.work import moving_span

    found = moving_span(media.file, duration_ms)
    if found is None:
        notice(f"{media.name}: nothing moves, so the window is centred on the whole length")
    return found or listed


def _scenes(plan: ScenePlan, media: Media, duration_ms: int) -> list[int]:
    from provenline.footage.scenes import scenes

    bounds = scenes(media.file, duration_ms, plan.threshold, _ms(plan.min_scene_s))
    asked = [start if plan.at == "start" else (start + end) // 2 for start, end in bounds]
    return spread(asked, plan.cap)


def _keyframes(plan: KeyframesPlan, media: Media, duration_ms: int) -> list[int]:
    times = [moment for moment in keyframe_times(media.file) if moment < duration_ms]
    if not times:
        raise InputError("no keyframe is marked in it", file=media.file, mend="Choose another plan")
    return spread(apart(times, _ms(plan.min_distance_s)), plan.cap)


def _stride(plan: StridePlan, media: Media) -> list[int]:
    return [moment for moment in presentation_times(media.file) if moment >= 0][plan.offset :: plan.n]


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
