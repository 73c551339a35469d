"""Intervals against SciPy's BCa, and how often they hold the truth."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import pytest
from scipy.stats import bootstrap, t

from provenline.annotations.kappa import cohen_kappa
from provenline.annotations.resampling import draw, estimate


def presence(rng: np.random.Generator, groups: int, each: int, error: float) -> np.ndarray:
    """Confusion tables (g, 2, 2) of two annotators; presence and errors differ between groups."""
    here = rng.random((groups, each)) < rng.beta(1.5, 1.0, groups)[:, None]
    slip = rng.beta(error * 10, (1 - error) * 10, groups)[:, None]
    a, b = (here ^ (rng.random((groups, each)) < slip) for _ in range(2))
    cells = [[(a == i) & (b == j) for j in (0, 1)] for i in (0, 1)]
    return np.moveaxis(np.array(cells, dtype=float).sum(axis=3), 2, 0)


def found(rng: np.random.Generator, groups: int, error: float) -> np.ndarray:
    """Twice the matched and all objects (g, 2) of a pair; recall differs between groups."""
    drawn = rng.poisson(8, groups) + 1
    return np.column_stack(
        [2 * rng.binomial(drawn, rng.beta((1 - error) * 10, error * 10, groups)), 2 * drawn]
    ).astype(float)


def kappas(table: np.ndarray):
    return lambda weights: cohen_kappa(np.tensordot(weights, table, 1))


def ratios(table: np.ndarray):
    return lambda weights: (weights @ table)[:, 0] / (weights @ table)[:, 1]


@pytest.mark.parametrize("seed", range(3))
def test_agrees_with_scipys_bca_at_the_widened_level(seed):
    groups = 15
    measure = kappas(presence(np.random.default_rng(seed), groups, 6, 0.08))
    resamples = draw([f"g{n:02d}" for n in range(groups)], 8000, 0.95, 1)
    mine = estimate(measure, resamples, "")
    reach = t.ppf(0.975, groups - 1) * np.sqrt(groups / (groups - 1))
    theirs = bootstrap(
        (np.arange(groups),),
        lambda drawn: measure(np.bincount(drawn, minlength=groups)[None].astype(float))[0],
        vectorized=False,
        n_resamples=4000,
        confidence_level=2 * NormalDist().cdf(reach) - 1,
        method="BCa",
        rng=np.random.default_rng(2),
    ).confidence_interval
    assert mine["low"] == pytest.approx(theirs.low, abs=0.025)
    assert mine["high"] == pytest.approx(theirs.high, abs=0.01)


def test_the_order_of_the_units_does_not_matter():
    rng = np.random.default_rng(0)
    names = [f"g{n % 7}" for n in range(40)]
    values = rng.random(40)
    turn = rng.permutation(40)
    first, second = draw(names, 200, 0.95, 3), draw([names[n] for n in turn], 200, 0.95, 3)
    assert first.sums(values) == pytest.approx(second.sums(values[turn]))
    assert np.array_equal(first.weights, second.weights)


def test_what_has_no_interval_says_why():
    one = draw(["g"] * 5, 100, 0.95, 0)
    assert estimate(lambda weights: weights[:, 0], one, "") == {
        "value": 1.0,
        "low": None,
        "high": None,
        "reason": "one group: no interval",
    }
    many = draw([f"g{n}" for n in range(20)], 200, 0.95, 0)
    rare = estimate(lambda weights: np.where(weights[:, 0] > 0, 1.0, np.nan), many, "")
    assert rare["low"] is None and "too few groups" in rare["reason"]
    assert estimate(lambda weights: np.full(len(weights), np.nan), many, "nothing")["reason"] == "nothing"
    assert estimate(lambda weights: np.ones(len(weights)), many, "")["low"] == 1


@pytest.mark.slow
@pytest.mark.parametrize(("name", "error"), [("kappa", 0.05), ("kappa", 0.15), ("f1", 0.05), ("f1", 0.2)])
@pytest.mark.parametrize("groups", [10, 20, 30])
def test_coverage_is_better_than_that_of_percentiles(name, error, groups):
    rng = np.random.default_rng(groups)

    def measure(size: int):
        return kappas(presence(rng, size, 5, error)) if name == "kappa" else ratios(found(rng, size, error))

    true = float(measure(100_000)(np.ones((1, 100_000)))[0])
    # One draw serves all trials: replicates do not know the data.
    resamples = draw([f"g{n:02d}" for n in range(groups)], 1000, 0.95, 9)
    held = np.zeros(2)
    trials = 1000
    for _ in range(trials):
        values = measure(groups)
        interval = estimate(values, resamples, "")
        replicates = values(resamples.weights)
        low, high = np.quantile(replicates[~np.isnan(replicates)], [0.025, 0.975])
        held += [interval["low"] <= true <= interval["high"], low <= true <= high]
    mine, percentile = held / trials
    print(f"{name} {true:.3f}, {groups} groups: {mine:.3f} hold the truth, of percentiles {percentile:.3f}")
    assert percentile < mine < 0.985
    assert mine > 0.92
