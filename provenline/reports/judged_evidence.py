"""Base against candidate, typed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from provenline.reports.estimates import Estimate, Gate


@dataclass(frozen=True)
class Paired:
    """One metric of both models on the same frames, and the difference, candidate minus base."""

    base: Estimate | None
    candidate: Estimate | None
    difference: Estimate | None


@dataclass(frozen=True)
class Comparison:
    """Both models on one slice of frames."""

    name: str
    groups: int
    frames: int
    objects: int
    metrics: Mapping[str, Paired]


@dataclass(frozen=True)
class Evaluation:
    """Base against candidate.

    Attributes:
        same_model: Both are one file: nothing to compare.
        splits: ``train``, ``val``, ``test`` and ``deployment``, those that have frames.
        judged_on: The set that the claims rest on; empty where nothing could be judged.
        categories: Slices per operation of that set.
        classes: Per class of that set: name, mAP50, mAP50-95 of both; without intervals.
        targets: Absolute gates of the candidate.
        improvement: The gate on the paired difference; None for the same model.
        score: Operating threshold.
        iou: Overlap at which an object counts as found.
        warnings: Sentences of the evaluator.
    """

    same_model: bool
    splits: tuple[Comparison, ...]
    judged_on: str
    categories: tuple[Comparison, ...]
    classes: tuple[tuple[str, Paired, Paired], ...]
    targets: tuple[Gate, ...]
    improvement: Gate | None
    score: float
    iou: float
    warnings: tuple[str, ...]

    @property
    def judged(self) -> Comparison | None:
        """Return the set that the claims rest on."""
        return next((one for one in self.splits if one.name == self.judged_on), None)

    @property
    def losses(self) -> tuple[tuple[str, Paired], ...]:
        """Return the metrics of the judged set in which the candidate is proven worse.

        One gate may pass while another metric falls: a threshold that suits the base may be wrong for
        the candidate.
        """
        pairs = self.judged.metrics.items() if self.judged else ()
        return tuple(
            (name, pair)
            for name, pair in pairs
            if pair.difference and pair.difference.high is not None and pair.difference.high < 0
        )
