"""Holm's procedure and p-values from replicates: known cases, another implementation, false alarms."""

from __future__ import annotations

import numpy as np
import pytest

from provenline.evaluation.holm import family, holm, p_value
from provenline.evaluation.intervals import Statistic, draw, ratio
from tests.evaluation.world import INTERVAL

FINE = INTERVAL.model_copy(update={"replicates": 999})


def difference(values, params=FINE) -> Statistic:
    """Return the mean of one number per group, as a paired difference has it."""
    values = np.asarray(values, dtype=np.float64)
    resamples = draw([f"g{k:03d}" for k in range(len(values))], params)
    return ratio(values, np.ones_like(values), resamples)


def test_a_case_worked_by_hand():
    # Sorted 0.005, 0.011, 0.02, 0.04, times 4, 3, 2, 1: 0.02, 0.033, 0.04, 0.04.
    assert holm([0.04, 0.011, 0.005, 0.02]) == pytest.approx([0.04, 0.033, 0.02, 0.04])
    assert holm([0.5, 0.6]) == pytest.approx([1.0, 1.0])
    assert holm([0.01, 0.01, 0.01]) == pytest.approx([0.03] * 3)
    assert holm([]) == []


@pytest.mark.slow
def test_against_statsmodels():
    from statsmodels.stats.multitest import multipletests

    rng = np.random.default_rng(0)
    for size in (1, 2, 7, 40):
        given = rng.beta(0.3, 2, size).round(3)
        assert holm(given.tolist()) == pytest.approx(multipletests(given, method="holm")[1].tolist())


def test_p_counts_replicates_as_far_off_as_the_estimate():
    """With many groups Student's t is the normal, and what is left is counting."""
    given = difference(np.random.default_rng(3).normal(0.05, 1, 1200))
    far = sum(abs(value - given.estimate) >= abs(given.estimate) for value in given.replicates.tolist())
    assert p_value(given) == pytest.approx((1 + far) / 1000, abs=0.003) and 0 < far < 999


@pytest.mark.parametrize("groups", [10, 20, 60])
def test_p_is_about_that_of_students_t(groups):
    from scipy.special import stdtr

    params = INTERVAL.model_copy(update={"replicates": 20_000})
    for seed in range(4):
        values = np.random.default_rng(seed).normal(0.3, 1, groups)
        t = values.mean() / values.std(ddof=1) * groups**0.5
        assert p_value(difference(values, params)) == pytest.approx(2 * stdtr(groups - 1, -abs(t)), abs=0.012)


def test_p_is_never_zero_and_never_more_than_one():
    assert p_value(difference([1.0] * 20)) == pytest.approx(1 / 1000)
    assert p_value(difference([0.0] * 20)) == 1.0
    assert p_value(difference([0.4])) is None  # one group proves nothing
    assert p_value(Statistic(None, np.full(10, np.nan), 0)) is None


def test_two_sided():
    values = np.random.default_rng(5).normal(0.6, 1, 20)
    assert p_value(difference(values)) == pytest.approx(p_value(difference(-values)))


def test_readings():
    rng = np.random.default_rng(1)
    given = {
        "better": difference(rng.normal(0.3, 0.1, 12)),
        "worse": difference(rng.normal(-0.3, 0.1, 12)),
        "cannot be told apart": difference(rng.normal(0.0, 0.1, 12)),
        "too few groups": difference(rng.normal(0.3, 0.1, 9)),
    }
    rows = family(given, 0.05, FINE)
    assert {name: row["reads"] for name, row in rows.items()} == {name: name for name in given}
    # The one that is left out is no member: three are looked at.
    assert rows["better"]["p_holm"] == pytest.approx(3 * rows["better"]["p"])
    assert rows["too few groups"]["p"] is None and rows["too few groups"]["p_holm"] is None


def test_one_of_many_is_not_better_though_its_own_interval_says_so():
    values = np.random.default_rng(1).normal(0, 0.1, 20)
    weak = difference(values - values.mean() + 2.4 * values.std() / 20**0.5)  # p about 0.03
    quiet = {f"c{k}": difference(np.random.default_rng(40 + k).normal(0, 0.1, 20)) for k in range(6)}
    alone = family({"weak": weak}, 0.05, FINE)["weak"]
    among = family({"weak": weak, **quiet}, 0.05, FINE)["weak"]
    assert alone["reads"] == "better" and among["reads"] == "cannot be told apart"
    assert weak.interval(FINE).low > 0


@pytest.mark.slow
def test_false_alarms_of_a_family_stay_under_its_level():
    """Seven categories of twelve groups in which nothing differs: any word at all in 5% of families."""
    rng = np.random.default_rng(0)
    params = INTERVAL.model_copy(update={"replicates": 400})
    runs, alarms, singles = 400, 0, 0
    for _ in range(runs):
        rows = family({f"c{k}": difference(rng.normal(0, 0.1, 12), params) for k in range(7)}, 0.05, params)
        alarms += any(row["reads"] in ("better", "worse") for row in rows.values())
        singles += sum(row["p"] <= 0.05 for row in rows.values())
    print(f"families with a false word: {alarms / runs:.3f}; single p <= 0.05: {singles / runs / 7:.3f}")
    assert alarms / runs < 0.05 + 3 * (0.05 * 0.95 / runs) ** 0.5
    assert singles / runs / 7 < 0.06
