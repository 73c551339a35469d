"""Which of the listed media a sampling plan looks at."""

from __future__ import annotations

from provenline.footage.media import Media
from provenline.footage.params import RollingBufferPlan, SamplePlan, SamplingPlan
from provenline.footage.sample import sample
from provenline.progress import notice


def choose(plan: SamplingPlan, media: list[Media]) -> list[Media]:
    """Return the media that a plan looks at, sorted by name; nothing is opened.

    Plans are about videos: photos are always among them.

    Args:
        plan: The sampling plan.
        media: What the list holds.

    Raises:
        InputError: The ledger of a ``sample`` is missing or malformed.
    """
    ordered = sorted(media, key=lambda one: one.name)
    videos = [one for one in ordered if one.kind == "video"]
    if isinstance(plan, SamplePlan):
        taken = {one.name for one in sample(plan, choose(plan.plan, videos))}
    elif isinstance(plan, RollingBufferPlan):
        taken = {one.name for one in _of_buffer(plan, videos)}
    else:
        return ordered
    return [one for one in ordered if one.kind == "photo" or one.name in taken]


def _of_buffer(plan: RollingBufferPlan, videos: list[Media]) -> list[Media]:
    taken = [one for one in videos if _wanted(plan, one)]
    if videos and not taken:
        notice(f"rolling_buffer: cameras, days and hours leave none of {len(videos)} videos")
    unknown = sum(one.started is None for one in taken)
    if plan.hours and unknown:
        notice(f"rolling_buffer: {unknown} videos without `started` are taken whatever the hour")
    return taken


def _wanted(plan: RollingBufferPlan, video: Media) -> bool:
    at = None if video.started is None or plan.hours is None else video.started.hour
    return (
        (not plan.cameras or video.camera in plan.cameras)
        and (not plan.days or video.day in plan.days)
        and (plan.hours is None or at is None or plan.hours[0] <= at < plan.hours[1])
    )
