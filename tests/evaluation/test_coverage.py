"""What is promised of printed intervals, in worlds whose true numbers are known; in short."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from benchmarks.coverage import PROMISE, Cell, broken, draw, measure
from benchmarks.worlds import WORLDS, found, more_precise, rarely_bad, unequal, unequal_truth
from provenline import bootstrap
from provenline.evaluation.intervals import Resamples

PROMISED = [world for world in WORLDS if world.promised]
# Most studies see no miss or few: an interval that makes up for that is too wide for the rest.
WIDE = {"recall 0.97", "ap50"}
SEED = 77  # not that of docs/coverage.csv


@pytest.mark.slow
@pytest.mark.parametrize("groups", [20, 50])
@pytest.mark.parametrize("world", PROMISED, ids=lambda world: world.name)
def test_printed_intervals_hold_the_truth_as_often_as_promised(world, groups):
    studies = 300 if world.name.startswith("ap50") else 1500
    cells = {cell.method: cell for cell in measure(world, groups, studies, SEED)}
    printed = cells["bca"]
    print(printed)
    assert printed.without == 0
    assert printed.coverage + 3 * printed.error > PROMISE[0]
    assert printed.coverage - 3 * printed.error < PROMISE[1] or world.name in WIDE
    assert printed.coverage > cells["percentile"].coverage - 3 * printed.error


@pytest.mark.slow
def test_what_is_not_promised_is_not_kept():
    """The stress world shows that the check can fail: few have met a bad group yet."""
    (world,) = [world for world in WORLDS if not world.promised]
    printed = next(cell for cell in measure(world, 20, 500, SEED) if cell.method == "bca")
    assert printed.coverage + 3 * printed.error < PROMISE[0]
    assert printed.too_high > 10 * printed.too_low


def test_worlds_have_the_truth_that_they_say():
    groups = 60_000
    one = Resamples(tuple(f"{n:05d}" for n in range(groups)), np.ones((1, groups)))
    one.__dict__["left_out"] = np.ones((1, groups))  # only the estimate is asked for
    for study, truth in ((unequal, unequal_truth()), (rarely_bad, WORLDS[4].truth())):
        assert study(np.random.default_rng(0), one).statistic.estimate == pytest.approx(truth, abs=0.005)
    share = found(np.random.default_rng(0), one, 0.9, 0.2).statistic.estimate
    assert share == pytest.approx(0.9, abs=0.005)


def test_a_paired_study_is_repeatable():
    draws = Resamples(tuple("abcdef"), bootstrap.resample(6, 100, 0))
    first, again = (more_precise(np.random.default_rng(4), draws).statistic for _ in range(2))
    assert first.estimate == again.estimate and np.array_equal(first.replicates, again.replicates)
    assert first.paired and len(first.jackknife) == 6


def table_of(*more) -> pd.DataFrame:
    def row(world, groups, coverage, method="bca"):
        return Cell(world, method, groups, 1000, 0, coverage, 0.007, 0.0, 0.0, 0.1)

    rows = [row(world.name, groups, 0.95) for world in WORLDS for groups in (5, 20)]
    return pd.DataFrame(rows + [row(*one) for one in more])


def test_breaches_are_named():
    table = table_of(
        ("ap50", 10, 0.8),
        ("ap50", 30, 0.9),
        ("ap50", 30, 0.5, "percentile"),
        ("recall, rarely bad", 30, 0.8),
        ("recall 0.9", 30, 0.925),
        ("recall 0.9", 50, 0.99),
    )
    assert broken(table)[["world", "groups"]].to_numpy().tolist() == [["ap50", 30], ["recall 0.9", 50]]


@pytest.mark.slow
def test_the_picture_is_the_same_bytes_again(tmp_path):
    table = table_of()
    draw(table, tmp_path / "a.svg")
    draw(table, tmp_path / "b.svg")
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
