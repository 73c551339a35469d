"""The two-way interval: against explicit resampling, against closed forms, and its coverage."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from provenline.ablation.crossed import Crossed, crossed
from tests.ablation.world import draws, table


def parts_of(x: np.ndarray, replicates: int = 4000) -> Crossed:
    """Give `crossed` a table of (S, G) values through an explicit bootstrap of its groups."""
    weights = draws(x.shape[1], replicates)
    found = crossed(x.mean(axis=1), weights @ x.T, x.shape[1])
    assert found is not None
    return found


def test_the_parts_are_those_of_the_analysis_of_variance() -> None:
    """Mean squares of a two-way table without replication: what a bootstrap of groups must come to."""
    x = table(np.random.default_rng(0), 4, 30, 0.5, 0.8, 0.6)
    seeds, groups = x.shape
    rows, columns = x.mean(axis=1), x.mean(axis=0)
    residual = x - rows[:, None] - columns[None, :] + x.mean()
    both = float((residual**2).sum()) / ((seeds - 1) * (groups - 1))
    found = parts_of(x, 40_000)
    assert found.estimate == pytest.approx(x.mean())
    assert found.seed_variance == pytest.approx(rows.var(ddof=1) / seeds)
    assert found.group_variance == pytest.approx((columns.var(ddof=1) - both / seeds) / groups, rel=0.05)


def test_the_parts_add_up_to_resampling_seeds_and_groups_by_copying() -> None:
    """Owen's pigeonhole bootstrap done the long way: rows and columns drawn, copied, averaged."""
    rng = np.random.default_rng(3)
    x = table(rng, 5, 24, 0.5, 0.8, 0.6)
    seeds, groups = x.shape
    means = np.empty(20_000)
    for place in range(len(means)):
        picked = x[rng.integers(0, seeds, seeds)]
        means[place] = picked[:, rng.integers(0, groups, groups)].mean()
    found = parts_of(x, 40_000)
    residual = x - x.mean(axis=1, keepdims=True) - x.mean(axis=0, keepdims=True) + x.mean()
    both = float((residual**2).sum()) / ((seeds - 1) * (groups - 1)) / (seeds * groups)
    # A bootstrap's variance is that of n, not n - 1; and what both do together is drawn a third time.
    by_seeds = found.seed_variance * (seeds - 1) / seeds
    by_groups = (found.group_variance + both) * (groups - 1) / groups
    together = both * (seeds - 1) * (groups - 1) / (seeds * groups)
    assert means.var() == pytest.approx(by_seeds + by_groups + together, rel=0.04)


def test_with_groups_alone_it_is_students_interval() -> None:
    values = np.random.default_rng(1).normal(0.2, 1, 30)
    x = np.tile(values, (3, 1))  # every seed the same
    found = parts_of(x, 40_000)
    assert found.seed_variance == 0.0
    low, high = stats.t.interval(0.95, 29, values.mean(), values.std(ddof=1) / math.sqrt(30))
    assert found.reach(0.95) == pytest.approx((high - low) / 2, rel=0.02)
    assert found.p_value() == pytest.approx(stats.ttest_1samp(values, 0).pvalue, rel=0.1)


def test_with_seeds_alone_it_is_students_interval() -> None:
    by_seed = np.array([0.1, 0.3, 0.2, 0.25])
    found = parts_of(np.tile(by_seed[:, None], (1, 20)))
    assert found.group_variance == pytest.approx(0.0, abs=1e-12)
    low, high = stats.t.interval(0.95, 3, by_seed.mean(), by_seed.std(ddof=1) / 2)
    assert (found.estimate - found.reach(0.95), found.estimate + found.reach(0.95)) == pytest.approx(
        (low, high)
    )
    assert found.p_value() == pytest.approx(stats.ttest_1samp(by_seed, 0).pvalue, rel=1e-6)


def test_p_is_where_the_interval_touches_zero() -> None:
    found = parts_of(0.4 + table(np.random.default_rng(5), 3, 21, 0.2, 0.4, 0.4))
    p = found.p_value()
    assert found.reach(1 - p) == pytest.approx(abs(found.estimate), rel=1e-6)
    assert (p < 0.05) == (abs(found.estimate) > found.reach(0.95))


def test_two_videos_or_one_seed_more_are_what_they_are() -> None:
    """Seeds that would settle it: adding just so many does, one fewer does not."""
    found = Crossed(estimate=0.03, seeds=3, groups=21, seed_variance=2e-4, group_variance=2e-5)
    needed = found.seeds_needed(0.95)
    assert needed is not None and needed > 3

    def excludes(seeds: int) -> bool:
        share = found.seed_variance * found.seeds / seeds
        return Crossed(found.estimate, seeds, 21, share, found.group_variance).reach(0.95) < found.estimate

    assert excludes(needed) and not excludes(needed - 1)
    assert Crossed(0.001, 3, 21, 2e-4, 2e-5).seeds_needed(0.95) is None  # the videos forbid it


def test_what_cannot_be_estimated_is_not() -> None:
    x = table(np.random.default_rng(0), 3, 12, 0.1, 0.1, 0.1)
    weights = draws(12)
    assert crossed(x[:1].mean(axis=1), weights @ x[:1].T, 12) is None  # one seed
    assert crossed(x.mean(axis=1), weights @ x.T, 1) is None
    holes = weights @ x.T
    holes[: len(holes) // 5, 0] = np.nan
    assert crossed(x.mean(axis=1), holes, 12) is None
    same = np.full((3, 12), 0.1)
    assert crossed(same.mean(axis=1), np.full((400, 3), 0.1), 12) is None  # certain of a difference
    nothing = crossed(np.zeros(3), np.zeros((400, 3)), 12)
    assert nothing is not None and nothing.reach(0.95) == 0.0 and nothing.p_value() == pytest.approx(1.0)


CASES = {
    "seeds": (1.0, 0.5, 0.5),
    "groups": (0.1, 1.0, 0.5),
    "both": (0.05, 0.1, 1.0),
    "even": (0.3, 1.0, 1.0),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize(("seeds", "groups"), [(2, 21), (3, 12), (3, 21), (5, 21), (10, 40)])
def test_coverage_over_seeds_and_groups(case: str, seeds: int, groups: int) -> None:
    """Nominal 95% holds the truth in 0.94 or more, whichever of the two scatters more."""
    rng = np.random.default_rng([seeds, groups])
    weights, trials, held, widths = draws(groups, 300), 1000, 0, []
    for _ in range(trials):
        x = table(rng, seeds, groups, *CASES[case])
        found = crossed(x.mean(axis=1), weights @ x.T, groups)
        assert found is not None
        held += abs(found.estimate) <= found.reach(0.95)
        widths.append(found.reach(0.95))
    by_seed, by_group, by_both = CASES[case]
    least = 1.96 * math.sqrt(by_seed**2 / seeds + by_group**2 / groups + by_both**2 / seeds / groups)
    print(f"{seeds} seeds, {groups} groups, {case}: {held / trials:.3f}, {np.mean(widths) / least:.2f} wide")
    assert held / trials >= 0.94
