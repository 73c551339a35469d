"""Worlds whose true numbers are known, in correlated groups: what intervals are held against.

A world draws independent groups. Within a group everything shares the group's own luck (its light,
its camera, its people), as frames of one video do.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from provenline.evaluation.intervals import Resamples, Statistic, median, ratio
from provenline.evaluation.matching import Matches
from provenline.evaluation.proportions import wilson_clustered
from provenline.evaluation.slices import Slice

Floats = NDArray[np.float64]
Ends = tuple[float, float]
CONFIDENCE = 0.95
MANY = 10_000  # groups, ten times over, from which a population's number is taken where no formula gives it


@dataclass(frozen=True)
class Sample:
    """What one study sees.

    Attributes:
        statistic: Of the number in question.
        wilson: Ends of Wilson's interval with the effective sample size; None where it is no share.
    """

    statistic: Statistic
    wilson: Ends | None = None


@dataclass(frozen=True)
class World:
    """A population of groups.

    Attributes:
        name: In the table.
        about: In the picture, one line.
        truth: Returns the population's number.
        study: Draws groups and measures on these replicates; the generator is the study's own.
        promised: Nominal 95% are promised to be 93 to 97 here, from 20 groups on.
    """

    name: str
    about: str
    truth: Callable[[], float]
    study: Callable[[np.random.Generator, Resamples], Sample]
    promised: bool = True


def shares(rng: np.random.Generator, mean: float | Floats, icc: float, groups: int) -> Floats:
    """Draw each group's own share: beta, so that counts are beta-binomial with this correlation."""
    scale = 1 / icc - 1
    return rng.beta(np.asarray(mean) * scale, (1 - np.asarray(mean)) * scale, groups)


def found(rng: np.random.Generator, resamples: Resamples, mean: float, icc: float) -> Sample:
    """Recall where each group has twelve objects."""
    groups = len(resamples.groups)
    trials = np.full(groups, 12.0)
    return _share(rng.binomial(12, shares(rng, mean, icc, groups)), trials, resamples)


def rarely_bad(rng: np.random.Generator, resamples: Resamples) -> Sample:
    """Recall where one group in twelve is bad (0.4), and all others are good (0.98)."""
    groups = len(resamples.groups)
    objects = rng.integers(4, 31, groups)
    hits = rng.binomial(objects, np.where(rng.random(groups) < 1 / 12, 0.4, 0.98))
    return _share(hits, objects.astype(np.float64), resamples)


def sizes(rng: np.random.Generator, groups: int) -> NDArray[np.int64]:
    """Draw how many objects groups have: 1 to some 80, 12 on average, most of them few."""
    return 1 + rng.negative_binomial(1, 1 / 12, groups)


def crowded_share(objects: NDArray[np.int64]) -> Floats:
    """Return how much of its objects is found in a group of this size: the more, the worse."""
    return 0.95 - 0.2 * objects / (objects + 20)


def unequal(rng: np.random.Generator, resamples: Resamples) -> Sample:
    """Recall where groups differ in size, and large ones are harder."""
    groups = len(resamples.groups)
    objects = sizes(rng, groups)
    hits = rng.binomial(objects, shares(rng, crowded_share(objects), 0.2, groups))
    return _share(hits, objects.astype(np.float64), resamples)


@cache
def unequal_truth() -> float:
    """Return the population's recall, summed over sizes."""
    objects = np.arange(1, 2000)
    chance = (1 / 12) * (11 / 12) ** (objects - 1)
    return float((chance * objects * crowded_share(objects)).sum() / (chance * objects).sum())


def _share(hits: NDArray[np.int64], trials: Floats, resamples: Resamples) -> Sample:
    wilson = wilson_clustered(hits.astype(np.float64), trials, CONFIDENCE)
    ends = None if wilson is None else (float(wilson["low"] or 0.0), float(wilson["high"] or 0.0))
    return Sample(ratio(hits.astype(np.float64), trials, resamples, proportion=True), ends)


def gained(rng: np.random.Generator, resamples: Resamples) -> Sample:
    """Difference in recall of two models on the same twelve objects a group, 0.80 to 0.86.

    Where the first finds an object the second mostly does too.
    """
    groups = len(resamples.groups)
    base = shares(rng, 0.8, 0.2, groups)
    better = np.clip(base + rng.normal(0.06, 0.08, groups), 0, 1)
    luck = rng.random((groups, 12))
    again = np.where(rng.random((groups, 12)) < 0.7, luck, rng.random((groups, 12)))
    trials = np.full(groups, 12.0)
    first, second = (
        ratio((draw < share[:, None]).sum(axis=1).astype(np.float64), trials, resamples, proportion=True)
        for draw, share in ((luck, base), (again, better))
    )
    return Sample(second - first)


@cache
def gained_truth() -> float:
    """Return the population's difference, from many groups."""
    rng = np.random.default_rng(1)
    base = shares(rng, 0.8, 0.2, 4_000_000)
    return float((np.clip(base + rng.normal(0.06, 0.08, len(base)), 0, 1) - base).mean())


def confidences(rng: np.random.Generator, groups: int) -> Floats:
    """Draw the best confidence of twelve frames a group; now and then nothing is seen, (G, 12)."""
    level = rng.normal(0.5, 0.8, groups)[:, None]
    seen = 1 / (1 + np.exp(-(level + rng.normal(0, 0.7, (groups, 12)))))
    return np.where(rng.random((groups, 12)) < 0.08, 0.0, seen)


def middle(rng: np.random.Generator, resamples: Resamples) -> Sample:
    """Median confidence over frames."""
    groups = len(resamples.groups)
    group = np.repeat(np.arange(groups), 12)
    return Sample(median(confidences(rng, groups).ravel(), group, resamples))


@cache
def middle_truth() -> float:
    """Return the population's median, from many groups."""
    return float(np.median(confidences(np.random.default_rng(1), 1_000_000)))


def detections(rng: np.random.Generator, groups: int, *, better: float = 0.0) -> Matches:
    """Draw what a detector makes of groups of 6 to 30 objects, at one threshold.

    A group that is hard has fewer of its objects found, with less confidence, and more false finds.
    """
    objects = rng.integers(6, 31, groups)
    ease = rng.normal(0, 0.8, groups)
    return _records(rng, objects, ease + better)


def _records(rng: np.random.Generator, objects: NDArray[np.int64], ease: Floats) -> Matches:
    truth_group = np.repeat(np.arange(len(objects)), objects)
    hit = rng.random(len(truth_group)) < 1 / (1 + np.exp(-1.4 - ease[truth_group]))
    right = np.flatnonzero(hit)
    wrong = np.repeat(np.arange(len(objects)), rng.poisson(objects * 0.35 * np.exp(-0.4 * ease)))
    group = np.concatenate([truth_group[right], wrong])
    mean = np.concatenate([0.6 + 0.5 * ease[truth_group[right]], np.full(len(wrong), -0.9)])
    score = 1 / (1 + np.exp(-rng.normal(mean, 1.0)))
    truth = np.concatenate([right, np.full(len(wrong), -1)])
    at = np.full(len(truth_group), -1)
    at[right] = np.arange(len(right))
    one_label = np.zeros(len(truth_group), dtype=np.int64)
    return Matches(
        ious=np.array([0.5]),
        labels=("object",),
        frames=len(objects),
        frame=group,
        label=np.zeros(len(group), dtype=np.int64),
        score=score,
        row=np.arange(len(group)),
        truth=truth[None],
        truth_frame=truth_group,
        truth_label=one_label,
        truth_row=np.arange(len(truth_group)),
        found=at[None],
        ignored=np.zeros((1, len(group)), dtype=np.bool_),
    )


def precise(rng: np.random.Generator, resamples: Resamples) -> Sample:
    """AP50."""
    return Sample(_ap(detections(rng, len(resamples.groups)), resamples))


def more_precise(rng: np.random.Generator, resamples: Resamples) -> Sample:
    """Difference in AP50 of two models on the same objects: what is hard for one is hard for the other."""
    groups = len(resamples.groups)
    objects, ease = rng.integers(6, 31, groups), rng.normal(0, 0.8, groups)
    first = _ap(_records(rng, objects, ease), resamples)
    own = rng.normal(0.3, 0.3, groups)
    return Sample(_ap(_records(rng, objects, ease + own), resamples) - first)


def _ap(matches: Matches, resamples: Resamples) -> Statistic:
    return Slice(pd.DataFrame(), np.arange(matches.frames), resamples).average_precision(matches, [0.5])


@cache
def precise_truth() -> float:
    """Return the population's AP50, from many groups."""
    return _population_ap(lambda rng: rng.normal(0, 0.8, MANY))


@cache
def more_precise_truth() -> float:
    """Return the population's difference in AP50, from many groups."""
    better = _population_ap(lambda rng: rng.normal(0, 0.8, MANY) + rng.normal(0.3, 0.3, MANY))
    return better - precise_truth()


def _population_ap(ease: Callable[[np.random.Generator], Floats]) -> float:
    from provenline.evaluation.average_precision import average_precision

    values = []
    for seed in range(10):
        rng = np.random.default_rng([1, seed])
        records = _records(rng, rng.integers(6, 31, MANY), ease(rng))
        one_group = np.zeros(MANY, dtype=np.int64)
        values.append(average_precision(records, one_group, np.ones((1, 1)), [0.5])[0])
    return float(np.mean(values))


def _recall(mean: float, icc: float) -> Callable[[np.random.Generator, Resamples], Sample]:
    return lambda rng, resamples: found(rng, resamples, mean, icc)


def _rarely_truth() -> float:
    return 0.4 / 12 + 0.98 * 11 / 12


WORLDS = (
    World("recall 0.9", "Recall 0.90, 12 objects a group, ICC 0.2", lambda: 0.9, _recall(0.9, 0.2)),
    World("recall 0.7", "Recall 0.70, 12 objects a group, ICC 0.4", lambda: 0.7, _recall(0.7, 0.4)),
    World("recall 0.97", "Recall 0.97, 12 objects a group, ICC 0.2", lambda: 0.97, _recall(0.97, 0.2)),
    World("recall unequal", "Recall 0.88, groups of 1 to 80, large ones harder", unequal_truth, unequal),
    World(
        "recall, rarely bad",
        "Recall 0.93: one group in twelve at 0.4",
        _rarely_truth,
        rarely_bad,
        promised=False,
    ),
    World("median confidence", "Median confidence over frames", middle_truth, middle),
    World("ap50", "AP50", precise_truth, precise),
    World("recall difference", "Difference in recall, paired", gained_truth, gained),
    World("ap50 difference", "Difference in AP50, paired", more_precise_truth, more_precise),
)
