"""What readers of several files share: verdicts, gates, parts named by operation."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

from provenline.errors import InputError
from provenline.reports.document import Document
from provenline.reports.estimates import Estimate, Gate, Verdict


def verdict(given: Document, key: str) -> Verdict:
    """Return one of the three verdicts.

    Raises:
        InputError: It is another word.
    """
    word = given.text(key)
    if word not in ("pass", "fail", "inconclusive"):
        place = f"{given.place}.{key}".lstrip(".")
        raise InputError(f"unknown verdict '{word}'", file=given.file, place=place)
    return cast("Verdict", word)


def gate(given: Document, estimate: Estimate | None) -> Gate:
    """Return a gate with what was measured."""
    return Gate(
        metric=given.text("metric"),
        bound=given.number("bound"),
        better=given.text("better"),
        verdict=verdict(given, "value"),
        reason=given.text("reason", ""),
        more_groups=given.maybe_count("groups_needed"),
        estimate=estimate,
    )


def named(parts: Iterable[tuple[str, Document]]) -> list[tuple[str, Document]]:
    """Return the parts, or none of them where the footage names none."""
    found = list(parts)
    return [] if [name for name, _ in found] == [""] else found
