"""Components of variance: a known truth, the linearised formula, and the bootstrap."""

from __future__ import annotations

import numpy as np
import pytest

from provenline.evaluation.intervals import draw, median, ratio
from provenline.evaluation.variance import Components, components, from_error, influence, of_median, pooled
from tests.evaluation.world import INTERVAL

MANY = INTERVAL.model_copy(update={"replicates": 4000})


def normal(seed, groups, frames, between, within):
    """Return one value per frame and its group, with known components."""
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(groups), frames)
    return rng.normal(0, between, groups)[group] + rng.normal(0, within, len(group)), group


def test_components_of_a_known_truth():
    found = [components(*normal(seed, 40, 12, 0.3, 0.5)) for seed in range(40)]
    assert np.mean([one.group_sd**2 for one in found]) == pytest.approx(0.09, rel=0.08)
    assert np.mean([one.frame_sd**2 for one in found]) == pytest.approx(0.25, rel=0.03)
    assert np.mean([one.icc for one in found]) == pytest.approx(0.09 / 0.34, rel=0.08)
    assert found[0].groups == 40 and found[0].frames == 12
    assert found[0].design_effect == pytest.approx(1 + 11 * found[0].icc)


def test_a_mean_has_the_classical_analysis_of_variance():
    values, group = normal(1, 9, 5, 0.4, 0.4)
    table = values.reshape(9, 5)
    between, within = 5 * table.mean(axis=1).var(ddof=1), table.var(axis=1, ddof=1).mean()
    one = components(influence(values, np.ones_like(values)), group)
    assert one.frame_sd**2 == pytest.approx(within)
    assert one.group_sd**2 == pytest.approx((between - within) / 5)
    # More of either, and the variance of the mean follows.
    assert one.variance(9) == pytest.approx(between / 45)
    assert one.variance(18, 50) == pytest.approx((one.group_sd**2 + within / 50) / 18)


def ratios(seed, groups=30):
    """Return found and objects per frame, in groups of unequal size, with frames that hold nothing."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(2, 20, groups)
    group = np.repeat(np.arange(groups), sizes)
    objects = rng.integers(0, 4, len(group))
    share = np.clip(rng.normal(0.8, 0.15, groups), 0, 1)[group]
    return rng.binomial(objects, share).astype(float), objects.astype(float), group


@pytest.mark.parametrize("seed", range(4))
def test_the_error_of_a_ratio_is_the_bootstraps(seed):
    found, objects, group = ratios(seed)
    sums = [np.bincount(group, weights=one).astype(float) for one in (found, objects)]
    error = ratio(*sums, draw([f"{k:02d}" for k in range(30)], MANY)).interval(MANY).error
    one = components(influence(found, objects), group)
    assert one.variance(one.groups) ** 0.5 == pytest.approx(error * (30 / 29) ** 0.5, rel=0.05)
    assert from_error(error, 30, 10).variance(30) == pytest.approx(one.variance(30), rel=0.1)


def test_strata_take_their_own_ratios_off():
    found, objects, group = ratios(7)
    stratum = group % 3
    apart = influence(found, objects, stratum)
    for code in range(3):
        mine = stratum == code
        assert apart[mine] == pytest.approx(influence(found[mine], objects[mine]))
        assert apart[mine].sum() == pytest.approx(0.0, abs=1e-9)
    # Categories that differ much, groups within them hardly: nothing of the former is left.
    group, stratum = np.repeat(np.arange(30), 10), np.repeat(np.arange(30) % 3, 10)
    values = stratum * 1.0 + np.random.default_rng(0).normal(0, 0.1, 300)
    one = components(influence(values, np.ones_like(values), stratum), group, 3)
    assert one.group_sd < 0.05 < 0.7 < components(influence(values, np.ones_like(values)), group).group_sd


def test_what_cannot_be_told_apart():
    values = np.array([0.1, -0.1, 0.3, -0.3])
    assert components(values, np.zeros(4, dtype=int)) is None
    assert components(values, np.array([0, 0, 1, 1]), strata=2) is None
    single = components(values, np.arange(4))
    assert single.frame_sd is None and single.icc is None and single.design_effect is None
    assert single.variance(4, 100) == single.variance(4)
    assert from_error(None, 20, 5) is None and from_error(0.1, 1, 5) is None
    assert components(np.zeros(4), np.array([0, 0, 1, 1])).icc is None


def test_pooled_is_weighted_by_what_each_knows():
    parts = [Components(3, 10, 0.2, None), Components(5, 20, 0.4, None), Components(1, 20, 9.0, None)]
    assert pooled(parts).group_sd ** 2 == pytest.approx((2 * 0.04 + 4 * 0.16) / 6)
    assert pooled([]) is None and pooled(parts[2:]) is None


def test_a_median_has_its_bootstraps_error_and_a_correlation():
    values, group = normal(2, 30, 8, 0.2, 0.3)
    error = median(values, group, draw([f"{k:02d}" for k in range(30)], MANY)).interval(MANY).error
    one = of_median(values, group, error)
    assert one.variance(30) == pytest.approx(from_error(error, 30, 8).variance(30))
    assert 0.1 < one.icc < 0.45  # 0.31 of the values themselves, less of their sides
    assert of_median(values[:0], group[:0], 0.1) is None
    assert of_median(np.ones(240), group, 0.1) == from_error(0.1, 30, 8)
