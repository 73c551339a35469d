"""Ablations whose truth is known: settings with effects, seeds and groups that scatter."""

from __future__ import annotations

from typing import Any

import numpy as np

from provenline.ablation.effects import Rules
from provenline.ablation.params import AblationParams
from provenline.evaluation.intervals import Statistic

FACTORS = {
    "mosaic": {"on": "t.mosaic=1", "off": "t.mosaic=0"},
    "flip": {"off": "t.flip=0", "on": "t.flip=1", "half": "t.flip=0.5"},
}
RULES = Rules(confidence=0.95, min_seeds=2, warn_seeds=5, min_groups=10, warn_groups=20)


def params(**more: Any) -> AblationParams:
    values = {
        "about": "?", "design": "one_at_a_time", "seed_key": "train.recipe.seed", "seeds": [0, 1, 2],
        "common": [], "factors": FACTORS, "wholes": {}, "metrics": ["map50"], "min_seeds": 2, "warn_seeds": 5,
    }  # fmt: skip
    return AblationParams.model_validate(values | more)


def draws(groups: int, replicates: int = 400, seed: int = 1) -> np.ndarray:
    """Return (R, G) weights that sum to one in each row."""
    share = np.full(groups, 1 / groups)
    return np.random.default_rng(seed).multinomial(groups, share, size=replicates) / groups


def statistic(values: np.ndarray, weights: np.ndarray) -> Statistic:
    """Return the mean over groups, (G,), with its replicates."""
    return Statistic(float(values.mean()), weights @ values, len(values))


def table(
    rng: np.random.Generator, seeds: int, groups: int, by_seed: float, by_group: float, by_both: float
) -> np.ndarray:
    """Return (S, G) values of mean 0 that scatter by seed, by group and by both."""
    seed_part = rng.normal(0, by_seed, (seeds, 1)) if by_seed else 0.0
    group_part = rng.normal(0, by_group, (1, groups)) if by_group else 0.0
    return seed_part + group_part + rng.normal(0, by_both, (seeds, groups))
