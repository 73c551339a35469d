"""The parts of the one bootstrap; its intervals are held against SciPy's in the rooms that use it."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm, t

from provenline.bootstrap import (
    acceleration,
    bca,
    defined,
    degrees,
    leave_out,
    percentile,
    reach,
    resample,
)


def test_every_group_is_left_out_once():
    assert np.array_equal(leave_out(7), 1 - np.eye(7))
    many = leave_out(2500)
    assert many.shape == (1000, 2500) and ((1 - many).sum(axis=0) == 1).all()


def test_blocks_have_the_acceleration_of_their_groups():
    values = np.random.default_rng(0).exponential(1, 40_000)  # skewness 2
    total = values.sum()
    single = acceleration((total - values) / (len(values) - 1))
    blocks = acceleration((leave_out(len(values)) @ values) / (len(values) - 40))
    assert single == pytest.approx(2 / (6 * np.sqrt(40_000)), rel=0.1)
    assert blocks == pytest.approx(single, abs=0.001)
    assert acceleration(np.full(5, 0.3)) == acceleration(np.array([np.nan])) == 0.0


def test_tails_are_students():
    assert reach(0.95, 12) == pytest.approx(t.ppf(0.975, 11) * np.sqrt(12 / 11))
    assert reach(0.95, 12, 3.0) == pytest.approx(t.ppf(0.975, 3) * np.sqrt(12 / 11))
    assert reach(0.9, 100_000) == pytest.approx(norm.ppf(0.95), rel=1e-4)


def test_without_bias_and_skewness_it_is_the_percentiles_of_a_wider_level():
    values = np.linspace(-1, 1, 2001)
    low, high = bca(0.0, values, np.array([-0.1, 0.1]), 2.1)
    assert (low, high) == pytest.approx(percentile(values, 2 * norm.cdf(2.1) - 1))


def test_degrees_of_freedom_are_those_of_the_groups_that_differ():
    rng = np.random.default_rng(0)
    assert degrees(np.append(np.zeros(29), 1.0)) == pytest.approx(2, abs=0.3)
    assert degrees(np.full(30, 0.7)) == 0.0
    assert degrees(np.tile([-1.0, 1.0], 15)) == 29
    assert np.median([degrees(rng.normal(0, 1, 4000)) for _ in range(20)]) == pytest.approx(4000, rel=0.1)
    # The chi-square that varies as the variance of exponential values does: 2 / df = (9 - 1) / n.
    assert np.median([degrees(rng.exponential(1, 4000)) for _ in range(200)]) == pytest.approx(1000, rel=0.1)


def test_draws_are_whole_and_seeded():
    drawn = resample(13, 200, 4)
    assert drawn.shape == (200, 13) and (drawn.sum(axis=1) == 13).all()
    assert np.array_equal(drawn, resample(13, 200, 4)) and not np.array_equal(drawn, resample(13, 200, 5))


def test_too_few_defined_replicates_are_none():
    assert defined(np.array([np.nan, *range(9)])).tolist() == list(range(9))
    assert defined(np.array([np.nan, np.nan, *range(9)])) is None
    assert defined(np.array([])) is None
