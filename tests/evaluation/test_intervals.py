"""Bootstrap over groups against doing it by copying; Wilson against statsmodels; coverage."""

from __future__ import annotations

from dataclasses import replace
from statistics import NormalDist

import numpy as np
import pytest
from scipy.stats import bootstrap, f_oneway, t

from provenline.bootstrap import degrees
from provenline.evaluation.intervals import (
    Statistic,
    design_effect,
    draw,
    intraclass_correlation,
    mcnemar,
    median,
    ratio,
    wilson,
    wilson_clustered,
)
from tests.evaluation.world import INTERVAL


def groups(seed, n=12):
    rng = np.random.default_rng(seed)
    trials = rng.integers(0, 20, n).astype(float)
    return (
        rng.binomial(trials.astype(int), 0.8).astype(float),
        trials,
        draw([f"g{k:02d}" for k in range(n)], INTERVAL),
    )


def test_draws_are_seeded_sorted_and_whole():
    a, b = draw(["b", "a", "c", "a"], INTERVAL), draw(["c", "b", "a"], INTERVAL)
    assert a.groups == ("a", "b", "c")
    assert np.array_equal(a.weights, b.weights)
    assert (a.weights.sum(axis=1) == 3).all() and len(a.weights) == INTERVAL.replicates
    other = draw(["a", "b", "c"], INTERVAL.model_copy(update={"seed": 1}))
    assert not np.array_equal(a.weights, other.weights)


def test_ratio_is_that_of_copied_groups():
    hits, trials, resamples = groups(0)
    result = ratio(hits, trials, resamples)
    for row, value in zip(resamples.weights[:50], result.replicates, strict=False):
        copied = np.repeat(np.arange(len(row)), row.astype(int))
        assert value == pytest.approx(hits[copied].sum() / trials[copied].sum())
    assert result.estimate == pytest.approx(hits.sum() / trials.sum())
    assert result.groups == np.count_nonzero(trials)


def test_interval_is_the_percentiles_where_asked_for():
    hits, trials, resamples = groups(1)
    result = ratio(hits, trials, resamples)
    interval = result.interval(INTERVAL.model_copy(update={"method": "percentile"}))
    low, high = np.percentile(result.replicates, [2.5, 97.5])
    assert (interval.low, interval.high) == pytest.approx((low, high))
    assert interval.error == pytest.approx(np.std(result.replicates, ddof=1))
    assert interval.method == "percentile"
    by_hand = replace(result, jackknife=None).interval(INTERVAL)
    assert (by_hand.method, by_hand.low) == ("percentile", interval.low)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("what", ["ratio", "difference", "gain"])
def test_intervals_are_scipys_bca_at_the_widened_level(seed, what):
    rng = np.random.default_rng(seed)
    n = 18
    trials = rng.integers(3, 20, n).astype(float)
    base, better = (rng.binomial(trials.astype(int), rng.beta(9 * p, 9 - 9 * p, n)) for p in (0.8, 0.9))
    names = [f"g{k:02d}" for k in range(n)]
    resamples = draw(names, INTERVAL.model_copy(update={"replicates": 20_000}))
    first, second = (ratio(hits.astype(float), trials, resamples) for hits in (base, better))
    statistic = {"ratio": second, "difference": second - first, "gain": (second - first) / first}[what]

    def measure(drawn):
        one, two = base[drawn].sum(axis=-1), better[drawn].sum(axis=-1)
        below = {"ratio": trials[drawn].sum(axis=-1), "difference": trials[drawn].sum(axis=-1), "gain": one}
        return (two if what == "ratio" else two - one) / below[what]

    reach = t.ppf(0.975, min(degrees(statistic.jackknife), n - 1)) * np.sqrt(n / (n - 1))
    theirs = bootstrap(
        (np.arange(n),),
        lambda drawn, axis=-1: measure(drawn),
        n_resamples=20_000,
        confidence_level=2 * NormalDist().cdf(reach) - 1,
        method="BCa",
        rng=np.random.default_rng(100 + seed),
    ).confidence_interval
    interval = statistic.interval(INTERVAL)
    width = theirs.high - theirs.low
    assert interval.method == "bca"
    assert (interval.low, interval.high) == pytest.approx((theirs.low, theirs.high), abs=0.04 * width)


def test_left_out_groups_are_left_out():
    rng = np.random.default_rng(3)
    hits, trials, resamples = groups(5)
    group, values = rng.integers(0, 12, 70), rng.random(70)
    shares, middles = ratio(hits, trials, resamples).jackknife, median(values, group, resamples).jackknife
    for place in range(12):
        others = np.arange(12) != place
        assert shares[place] == pytest.approx(hits[others].sum() / trials[others].sum())
        assert middles[place] == pytest.approx(np.median(values[group != place]))


def test_median_is_that_of_copied_frames():
    rng = np.random.default_rng(3)
    group = rng.integers(0, 6, 41)
    values = rng.integers(0, 9, 41) / 10
    resamples = draw([f"g{k}" for k in range(6)], INTERVAL)
    result = median(values, group, resamples)
    assert result.estimate == np.median(values)
    for row, value in zip(resamples.weights[:60], result.replicates, strict=False):
        assert value == pytest.approx(np.median(np.repeat(values, row[group].astype(int))))


def test_median_in_blocks(monkeypatch):
    group, values = np.repeat(np.arange(5), 4), np.arange(20.0)
    resamples = draw([f"g{k}" for k in range(5)], INTERVAL)
    whole = median(values, group, resamples).replicates
    monkeypatch.setattr("provenline.evaluation.intervals._BLOCK", 100)
    assert np.array_equal(whole, median(values, group, resamples).replicates)


def test_differences_are_paired():
    hits, trials, resamples = groups(2)
    better = np.minimum(hits + 1, trials)
    gain = ratio(better, trials, resamples) - ratio(hits, trials, resamples)
    alone = ratio(better - hits, trials, resamples)
    assert gain.replicates == pytest.approx(alone.replicates)
    assert gain.jackknife == pytest.approx(alone.jackknife)
    base = ratio(hits, trials, resamples)
    assert (gain / base).replicates == pytest.approx(gain.replicates / base.replicates)
    assert (gain / (base - base)).estimate is None


def test_no_group_no_number_and_one_group_no_interval():
    assert ratio(np.zeros(0), np.zeros(0), draw([], INTERVAL)).interval(INTERVAL) is None
    assert median(np.zeros(0), np.zeros(0, dtype=int), draw([], INTERVAL)).interval(INTERVAL) is None
    assert ratio(np.zeros(3), np.zeros(3), draw("abc", INTERVAL)).interval(INTERVAL) is None
    one = ratio(np.array([3.0, 0.0]), np.array([4.0, 0.0]), draw("ab", INTERVAL)).interval(INTERVAL)
    assert one.to_dict() == {
        "estimate": 0.75, "low": None, "high": None, "confidence": 0.95, "groups": 1, "method": "none",
        "error": None,
    }  # fmt: skip


def test_a_perfect_score_is_no_certainty():
    trials = np.full(12, 10.0)
    interval = ratio(
        trials, trials, draw([f"g{k:02d}" for k in range(12)], INTERVAL), proportion=True
    ).interval(INTERVAL)
    assert interval.method == "wilson"
    # Ten trials in each group, correlated by 0.2: a design effect of 2.8.
    assert interval.low == pytest.approx(wilson(120 / 2.8, 120 / 2.8, 0.95)[0])
    assert interval.low < interval.high == 1.0


def test_differences_that_never_differ_are_no_certainty():
    trials, resamples = np.full(12, 10.0), draw([f"g{k:02d}" for k in range(12)], INTERVAL)
    every, none = (ratio(hits, trials, resamples, proportion=True) for hits in (trials, 0 * trials))
    low, high = wilson(120 / 2.8, 120 / 2.8, 0.95)
    for gain, ends in (
        (every - every, (low - 1, 1 - low)), (every - none, (low, high)), (none - every, (-high, -low))
    ):  # fmt: skip
        interval = gain.interval(INTERVAL)
        assert interval.method == "wilson" and (interval.low, interval.high) == pytest.approx(ends)


def test_replicates_that_agree_on_no_share_tell_nothing():
    resamples = draw([f"g{k:02d}" for k in range(12)], INTERVAL)
    interval = ratio(np.full(12, 3.0), np.ones(12), resamples).interval(INTERVAL)
    assert (interval.estimate, interval.low, interval.high, interval.method) == (3.0, None, None, "none")


def test_undefined_replicates_are_left_out_while_they_are_few():
    values = np.linspace(0.5, 0.7, 95)
    interval = Statistic(0.6, np.append(values, [np.nan] * 5), 3).interval(INTERVAL)
    assert interval.low == pytest.approx(np.percentile(values, 2.5))
    assert Statistic(0.6, np.append(values, [np.nan] * 15), 3).interval(INTERVAL).method == "none"


def test_a_share_is_never_surer_than_few_groups_allow():
    names = [f"g{k:02d}" for k in range(20)]
    trials, resamples = np.full(20, 12.0), draw(names, INTERVAL)
    one_bad = np.append(np.full(19, 12.0), 11.0)
    share = ratio(one_bad, trials, resamples, proportion=True).interval(INTERVAL)
    plain = ratio(one_bad, trials, resamples).interval(INTERVAL)
    wide = wilson_clustered(one_bad, trials, 0.95)
    assert share.method == plain.method == "bca"
    assert share.low == pytest.approx(wide["low"], abs=1e-3) and share.low < plain.low - 0.02
    assert share.high == max(plain.high, share.high)
    perfect = ratio(trials, trials, resamples, proportion=True).interval(INTERVAL)
    assert perfect.low == pytest.approx(share.low, abs=0.01)  # a miss less makes it no less sure
    # With groups enough the assumed correlation is forgotten: it is the variance that was seen.
    rng = np.random.default_rng(0)
    hits, many = rng.binomial(12, 0.8, 2000).astype(float), np.full(2000, 12.0)
    assert wilson_clustered(hits, many, 0.95)["effective_trials"] == pytest.approx(24_000, rel=0.05)


@pytest.mark.slow  # importing statsmodels takes some seconds
@pytest.mark.parametrize(("hits", "trials"), [(0, 10), (10, 10), (950, 1000), (97.9, 103.1)])
def test_wilson_is_statsmodels(hits, trials):
    from statsmodels.stats.proportion import proportion_confint

    assert wilson(hits, trials, 0.95) == pytest.approx(
        proportion_confint(hits, trials, 0.05, "wilson"), abs=1e-12
    )


@pytest.mark.slow
@pytest.mark.parametrize(("one", "other"), [(0, 0), (0, 1), (3, 3), (4, 17), (120, 60), (900, 1000)])
def test_mcnemar_is_statsmodels(one, other):
    from statsmodels.stats.contingency_tables import mcnemar as reference

    assert mcnemar(one, other) == pytest.approx(min(1.0, reference([[5, one], [other, 5]]).pvalue), rel=1e-9)


def test_wilson_and_mcnemar_known_values():
    # 81 of 263: Newcombe 1998, table I, method 3. 1 against 9: 2 (1 + 10) / 2^10.
    assert wilson(81, 263, 0.95) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson(0, 20, 0.95) == pytest.approx((0.0, 0.1611), abs=5e-5)
    assert mcnemar(1, 9) == pytest.approx(22 / 1024)
    assert mcnemar(0, 0) == 1.0


def test_the_design_effect_of_equal_clusters():
    # PITFALLS: 30 boxes a clip with an intra-clip correlation of 0.3 have a design effect of 9.7.
    rng = np.random.default_rng(0)
    share = rng.beta(
        0.8 * 7 / 3, 0.2 * 7 / 3, 20_000
    )  # a beta-binomial with correlation 1 / (a + b + 1) = 0.3
    hits = rng.binomial(30, share).astype(float)
    assert design_effect(hits, np.full(20_000, 30.0)) == pytest.approx(9.7, rel=0.03)
    assert design_effect(np.full(5, 30.0), np.full(5, 30.0)) == 1.0
    assert wilson_clustered(np.zeros(3), np.zeros(3), 0.95) is None


@pytest.mark.parametrize("seed", range(3))
def test_the_intraclass_correlation_is_that_of_the_analysis_of_variance(seed):
    rng = np.random.default_rng(seed)
    values = rng.normal(0, 1, (9, 1)) + rng.normal(0, 1, (9, 6))
    ratio_of_variances = f_oneway(*values).statistic
    found = intraclass_correlation(values.ravel(), np.repeat(np.arange(9), 6))
    assert found == pytest.approx((ratio_of_variances - 1) / (ratio_of_variances + 5))


def test_the_intraclass_correlation_of_a_beta_binomial():
    rng = np.random.default_rng(0)
    sizes = rng.integers(2, 40, 4000)
    group = np.repeat(np.arange(4000), sizes)
    values = (rng.random(len(group)) < rng.beta(0.8 * 7 / 3, 0.2 * 7 / 3, 4000)[group]).astype(float)
    assert intraclass_correlation(values, group) == pytest.approx(0.3, abs=0.02)
    alike = rng.permutation(values)  # no correlation is left
    assert intraclass_correlation(alike, group) < 0.01
    for nothing in ([], [1.0], [1.0, 0.0], [1.0, 1.0, 1.0]):
        assert intraclass_correlation(np.array(nothing), np.arange(len(nothing)) % 2) is None


def test_clustered_wilson_agrees_with_the_bootstrap_roughly():
    rng = np.random.default_rng(5)
    trials = np.full(40, 25.0)
    hits = rng.binomial(25, rng.beta(8, 2, 40)).astype(float)
    interval = ratio(hits, trials, draw([f"g{k:02d}" for k in range(40)], INTERVAL)).interval(INTERVAL)
    check = wilson_clustered(hits, trials, 0.95)
    assert check["design_effect"] > 2
    assert (interval.low, interval.high) == pytest.approx((check["low"], check["high"]), abs=0.02)
