"""What an extraction did, as JSON-able values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from provenline.footage.media import Media
from provenline.footage.params import ExtractParams


@dataclass(frozen=True)
class Outcome:
    """What came of one media.

    Attributes:
        media: The media.
        bad: Why it was set aside; empty when it was used.
        rows: Its rows of the Frames table, by time.
        duration_ms: Announced length; 0 for a photo.
        asked: How many moments the plan asked for.
        undelivered: Asked moments in milliseconds without a frame, ascending.
        errors: Damaged packets that were met.
    """

    media: Media
    bad: str = ""
    rows: tuple[dict[str, Any], ...] = ()
    duration_ms: int = 0
    asked: int = 1
    undelivered: tuple[int, ...] = ()
    errors: int = 0


def report(outcomes: list[Outcome], params: ExtractParams) -> dict[str, Any]:
    """Count what was used, set aside, and not delivered.

    Args:
        outcomes: One per media, in the order in which they are to be named.
        params: What was asked for.
    """
    used = [outcome for outcome in outcomes if not outcome.bad]
    rows = [row for outcome in used for row in outcome.rows]
    return {
        "sampling": params.sampling.model_dump(),
        "media": {
            "listed": len(outcomes),
            "used": len(used),
            "videos": sum(outcome.media.kind == "video" for outcome in used),
            "photos": sum(outcome.media.kind == "photo" for outcome in used),
            "set_aside": len(outcomes) - len(used),
        },
        "frames": len(rows),
        "frames_per_plan": _counts(row["plan"] for row in rows),
        "frames_per_category": _counts(row["category"] for row in rows),
        "media_per_category": _counts(outcome.media.category for outcome in used),
        "groups": len({outcome.media.group for outcome in used}),
        "sources": _sources([outcome.media for outcome in outcomes]),
        "seconds": round(sum(outcome.duration_ms for outcome in used) / 1000, 3),
        "set_aside": [
            {"media": outcome.media.name, "reason": outcome.bad} for outcome in outcomes if outcome.bad
        ],
        "undelivered": [_missing(outcome) for outcome in used if outcome.undelivered],
        "damaged": [
            {"media": outcome.media.name, "errors": outcome.errors} for outcome in used if outcome.errors
        ],
    }


def _sources(media: list[Media]) -> dict[str, Any]:
    """Return what the media list says about its media; "" is "not stated"."""
    return {
        "media": len(media),
        "groups": len({one.group for one in media}),
        "cameras": len({one.camera for one in media if one.camera}),
        "days": len({one.day for one in media if one.day}),
        **{
            name: _counts(getattr(one, name) for one in media)
            for name in ("provenance", "consent", "licence")
        },
    }


def _missing(outcome: Outcome) -> dict[str, Any]:
    times = outcome.undelivered
    return {
        "media": outcome.media.name,
        "asked": outcome.asked,
        "undelivered": len(times),
        "first_ms": times[0],
        "last_ms": times[-1],
    }


def _counts(values: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(values).items()))
