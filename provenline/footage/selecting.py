"""Which of the listed media a sampling plan looks at."""

from __future__ import annotations

from provenline.footage.media import Media
from provenline.footage.params import SamplingPlan


def choose(plan: SamplingPlan, media: list[Media]) -> list[Media]:  # noqa: ARG001
    """Return the media that a plan looks at, sorted by name; all of them unless the plan says less."""
    return sorted(media, key=lambda one: one.name)
