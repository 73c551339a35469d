"""How far trainings scatter that differ by their seed alone, for the comparisons that come later."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from provenline.ablation.measure import Scores
from provenline.evaluation.proportions import rounded
from provenline.evaluation.seeds import Spread, fingerprint, read_spreads
from provenline.files import write_json


@dataclass(frozen=True)
class Training:
    """One training of a sweep.

    Attributes:
        seed: Of it.
        report: What `train` wrote of it (metrics/train.json).
        scores: Set -> metric -> number.
    """

    seed: int
    report: Mapping[str, Any]
    scores: Scores


def spreads(trainings: Iterable[Training], name: str, judged_on: str, ground: str) -> dict[str, Spread]:
    """Return fingerprint -> spread for every recipe that was trained with two seeds or more.

    Args:
        trainings: All of a sweep, judged on the same frames.
        name: Of the sweep.
        judged_on: The set that claims rest on.
        ground: Its hash (``seeds.ground_sha256``).
    """
    alike: dict[str, dict[int, Scores]] = {}
    for one in trainings:
        alike.setdefault(fingerprint(one.report, ground), {})[one.seed] = one.scores
    found = {mark: _figures(by_seed, judged_on) for mark, by_seed in alike.items()}
    return {mark: _spread(values, name, judged_on) for mark, values in found.items() if values}


def _figures(by_seed: Mapping[int, Scores], judged_on: str) -> dict[str, dict[int, float]]:
    """Return metric -> seed -> figure, of the metrics that are defined for all of two seeds or more."""
    metrics = next(iter(by_seed.values())).get(judged_on, {})
    found = {
        metric: {
            seed: one[judged_on][metric].estimate for seed, one in sorted(by_seed.items()) if judged_on in one
        }
        for metric in metrics
    }
    return {
        metric: {seed: float(value) for seed, value in row.items() if value is not None}
        for metric, row in found.items()
        if len(row) > 1 and None not in row.values()
    }


def _spread(values: Mapping[str, Mapping[int, float]], name: str, judged_on: str) -> Spread:
    return Spread(
        name=name,
        judged_on=judged_on,
        figures={
            metric: {seed: rounded(value) or 0.0 for seed, value in row.items()}
            for metric, row in values.items()
        },
        sd={
            metric: rounded(float(np.std(list(row.values()), ddof=1))) or 0.0
            for metric, row in values.items()
        },
        freedom=len(next(iter(values.values()))) - 1,
    )


def keep(trained: Iterable[Training], name: str, judged_on: str, ground: str, path: Path) -> None:
    """Add how far trainings by one recipe scatter to what `eval` reads; older findings on others stay.

    Args:
        trained: As in ``spreads``, as are the next three.
        name: Of the sweep.
        judged_on: The set that claims rest on.
        ground: Its hash.
        path: What ``seeds.read_spreads`` reads.
    """
    kept = {**read_spreads(path), **spreads(trained, name, judged_on, ground)}
    write_json(path, {one: kept[one].model_dump(mode="json") for one in sorted(kept)})
