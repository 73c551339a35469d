"""A number with its interval, and a bound that it has to clear."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Verdict = Literal["pass", "fail", "inconclusive"]
FEW = 10  # groups under which an interval is a hint


@dataclass(frozen=True)
class Estimate:
    """A number and its interval.

    Attributes:
        value: The estimate; None where it could not be measured.
        low: Lower end of the interval; None where there is none.
        high: Upper end of the interval; None where there is none.
        groups: Groups (videos) that the interval was resampled over, where the file says so.
        reason: Why something is None.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    groups: int | None = None
    reason: str = ""

    @property
    def few(self) -> bool:
        """Whether it rests on too few groups to be called better or worse."""
        return self.groups is not None and self.groups < FEW


@dataclass(frozen=True)
class Gate:
    """A bound that was asked for, and whether the interval clears it.

    Attributes:
        metric: What is judged.
        bound: The value asked for.
        better: ``higher`` or ``lower``.
        verdict: ``pass``, ``fail`` or ``inconclusive``.
        reason: The evaluator's own sentence.
        more_groups: About how many more groups would settle it; None where settled or unknown.
        estimate: What was measured.
    """

    metric: str
    bound: float
    better: str
    verdict: Verdict
    reason: str
    more_groups: int | None
    estimate: Estimate | None
