"""What each factor is worth: paired within a seed and within a draw of groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from provenline.ablation.crossed import Crossed, Floats, crossed
from provenline.ablation.design import Contrast
from provenline.ablation.params import AblationParams
from provenline.evaluation.holm import holm
from provenline.evaluation.intervals import Statistic
from provenline.evaluation.params import IntervalParams
from provenline.evaluation.proportions import rounded

Cells = Mapping[tuple[str, int], Statistic]  # (setting, seed) -> one metric on one set
TOLD, UNTOLD, NO_VERDICT = ("better", "worse"), "cannot be told apart", "no verdict"


@dataclass(frozen=True)
class Rules:
    """When something may be said.

    Attributes:
        confidence: Of an interval; one minus it is the chance of any false word in a family.
        min_seeds: With fewer seeds there is no verdict.
        warn_seeds: With fewer seeds a verdict carries a warning.
        min_groups: With fewer groups there is no verdict.
        warn_groups: With fewer groups a verdict carries a warning.
    """

    confidence: float
    min_seeds: int
    warn_seeds: int
    min_groups: int
    warn_groups: int


@dataclass(frozen=True)
class Mean:
    """A mean over seeds: of a setting's metric, or of a difference between two settings.

    Attributes:
        seeds: Which seeds it is over.
        values: One per seed.
        groups: Groups that inform it, 0 where nothing does.
        parts: Its variance, taken apart; None with one seed, or where it cannot be estimated.
    """

    seeds: tuple[int, ...]
    values: tuple[float, ...]
    groups: int
    parts: Crossed | None

    @property
    def estimate(self) -> float | None:
        """Return the mean, None where there is no seed."""
        return float(np.mean(self.values)) if self.values else None

    def ends(self, confidence: float, least: float = -1.0) -> tuple[float | None, float | None]:
        """Return the interval over seeds and groups, within ``least`` (of a difference -1) and 1."""
        if self.parts is None:
            return None, None
        reach = self.parts.reach(confidence)
        return max(least, self.parts.estimate - reach), min(1.0, self.parts.estimate + reach)

    def to_dict(self, confidence: float, least: float = -1.0) -> dict[str, Any]:
        """Return a JSON object; ``seed_sd`` is how far single seeds scatter. See ``ends``."""
        low, high = self.ends(confidence, least)
        spread = float(np.std(self.values, ddof=1)) if len(self.values) > 1 else None
        return {
            "estimate": rounded(self.estimate),
            "low": rounded(low),
            "high": rounded(high),
            "groups": self.groups,
            "seeds": list(self.seeds),
            "per_seed": [rounded(value) for value in self.values],
            "seed_sd": rounded(spread),
        }


@dataclass(frozen=True)
class Effect:
    """One level of a factor against its reference level, on one set by one metric.

    Attributes:
        contrast: What is compared.
        mean: Of the difference: the level minus the reference level.
        p: Two-sided, None without an interval.
        p_holm: The same, adjusted for all factors being looked at.
        reads: ``better`` or ``worse`` (the level than the reference level), ``cannot be told apart``, or
            ``no verdict``.
    """

    contrast: Contrast
    mean: Mean
    p: float | None
    p_holm: float | None
    reads: str


def mean_of(cells: Cells, setting: str, seeds: Sequence[int]) -> Mean:
    """Return a setting's mean over those of the seeds for which it was measured."""
    return _mean({seed: _numbers(cells, setting, seed) for seed in seeds})


def difference(cells: Cells, contrast: Contrast, seeds: Sequence[int]) -> Mean:
    """Return the mean difference over the seeds for which both sides of every pair were measured.

    Within a seed the pairs of a contrast are averaged, each subtracted replicate by replicate.
    """
    found = {}
    for seed in seeds:
        sides = [tuple(_numbers(cells, name, seed) for name in pair) for pair in contrast.pairs]
        found[seed] = _average([_minus(one, other) for one, other in sides])
    return _mean(found)


def effects(cells: Cells, contrasts: Sequence[Contrast], seeds: Sequence[int], rules: Rules) -> list[Effect]:
    """Return the effect of every contrast, adjusted (Holm 1979) for all of them being looked at.

    Contrasts without a verdict, for too few seeds or groups, are no members of the family.

    Args:
        cells: One metric on one set.
        contrasts: What is compared.
        seeds: In order.
        rules: When something may be said.
    """
    found = [_alone(contrast, difference(cells, contrast, seeds), rules) for contrast in contrasts]
    family = [one.p for one in found if one.p is not None]
    adjusted = iter(holm(family))
    return [_told(one, next(adjusted), rules) if one.p is not None else one for one in found]


_Numbers = tuple[float, Floats, int]


def _numbers(cells: Cells, setting: str, seed: int) -> _Numbers | None:
    one = cells.get((setting, seed))
    return None if one is None or one.estimate is None else (one.estimate, one.replicates, one.groups)


def _minus(one: _Numbers | None, other: _Numbers | None) -> _Numbers | None:
    if one is None or other is None:
        return None
    return one[0] - other[0], one[1] - other[1], min(one[2], other[2])


def _average(parts: Sequence[_Numbers | None]) -> _Numbers | None:
    known = [part for part in parts if part is not None]
    if not known or len(known) < len(parts):
        return None
    values, replicates, groups = zip(*known, strict=True)
    return float(np.mean(values)), np.mean(replicates, axis=0), min(groups)


def _mean(by_seed: Mapping[int, _Numbers | None]) -> Mean:
    known = {seed: one for seed, one in by_seed.items() if one is not None}
    if not known:
        return Mean((), (), 0, None)
    values, replicates, counts = zip(*known.values(), strict=True)
    groups = min(counts)
    parts = crossed(np.array(values), np.column_stack(replicates), groups)
    return Mean(tuple(known), tuple(values), groups, parts)


def _alone(contrast: Contrast, mean: Mean, rules: Rules) -> Effect:
    enough = len(mean.seeds) >= rules.min_seeds and mean.groups >= rules.min_groups
    p = mean.parts.p_value() if mean.parts is not None and enough else None
    return Effect(contrast, mean, p, None, NO_VERDICT)


def _told(one: Effect, p_holm: float, rules: Rules) -> Effect:
    if p_holm >= 1 - rules.confidence:
        return replace(one, p_holm=p_holm, reads=UNTOLD)
    return replace(one, p_holm=p_holm, reads=TOLD[0] if (one.mean.estimate or 0.0) > 0 else TOLD[1])


def rules_of(params: AblationParams, interval: IntervalParams) -> Rules:
    """Return when something may be said: of seeds as the ablation says, of groups as everywhere."""
    return Rules(
        confidence=interval.confidence,
        min_seeds=params.min_seeds,
        warn_seeds=params.warn_seeds,
        min_groups=interval.min_groups,
        warn_groups=interval.warn_groups,
    )
