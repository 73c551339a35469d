from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from provenline.errors import InputError
from provenline.shadow import compare, following, mine, plan, sample
from provenline.shadow.comparison import Writer, read_comparison
from tests.shadow import world


def rows(count: int, seed: int) -> pd.DataFrame:
    """Rows as a shadow run compares them, of random counts; the group 'NA' and an unknown hour among them."""
    rng = np.random.default_rng(seed)
    group = rng.choice(["z", "NA", "b", "", "c", "e\rf"], count)
    both, shifted, ours, theirs = (rng.integers(0, 3, count) for _ in range(4))
    table = pd.DataFrame(
        {
            "frame_id": [f"{seed:012d}_{number:09d}" for number in range(count)],
            "media": [f"{name}.mp4" for name in group],
            "time_ms": np.arange(count) * 250,
            "camera": rng.choice(["None", "c1"], count),
            "day": "2025-01-01",
            "category": rng.choice(["Hem", "Collar"], count),
            "group": group,
            "production": both + shifted + ours,
            "candidate": both + shifted + theirs,
            "both": both,
            "shifted": shifted,
            "only_production": ours,
            "only_candidate": theirs,
        }
    )
    table["presence"] = (table["production"] > 0) != (table["candidate"] > 0)
    table["count_difference"] = table["candidate"] - table["production"]
    table["disagrees"] = table[["only_production", "only_candidate", "shifted"]].sum(axis=1) > 0
    table["kind"] = [
        next((kind for kind in compare.KINDS if row[kind] > 0), "") for _, row in table.iterrows()
    ]
    for name in (*following.LOST, *following.BRIEF):
        table[name] = rng.integers(0, 2, count)
    for name in following.AT_WORK:
        table[name] = rng.choice([0.0, 1.0, np.nan], count)
    return table.assign(hour=rng.choice(["", "07", "13"], count))


@pytest.fixture
def both(tmp_path: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A comparison as it was made, and as it comes back."""
    parts = [rows(40, 1), rows(60, 2)]
    writer = Writer(tmp_path / "comparison.csv", parts[0].columns)
    for part in parts:
        writer.add(part)
    return pd.concat(parts, ignore_index=True), read_comparison(tmp_path / "comparison.csv")


def test_every_value_comes_back(both: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    made, found = both
    assert list(found.columns) == list(made.columns)
    for name in made:
        assert [*map(repr, found[name].tolist())] == [*map(repr, made[name].tolist())], name


def test_narrow_rows_say_what_wide_ones_say(both: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    made, found = both
    params = world.params()
    assert compare.summarise(found, params) == compare.summarise(made, params)
    assert following.summarise(found, params) == following.summarise(made, params)
    assert plan.plan_labels(found, params.plan) == plan.plan_labels(made, params.plan)
    wanted = sample.sizes(made, 30, params.sample)
    assert sample.sizes(found, 30, params.sample) == wanted
    drawn, again = (sample.draw(one, wanted, 5) for one in both)
    assert again.to_csv() == drawn.to_csv() and len(drawn) > 20
    assert mine.choose(found, 20).to_csv() == mine.choose(made, 20).to_csv()


def test_the_order_of_names_is_theirs_and_not_that_of_the_rows(tmp_path: Path) -> None:
    """Also beyond what a parser takes in at once."""
    table = pd.concat([rows(1, 1)] * 150_000, ignore_index=True)
    table = table.assign(group=np.repeat(["z", "y", "x"], 50_000))
    writer = Writer(tmp_path / "comparison.csv", table.columns)
    writer.add(table)
    found = read_comparison(tmp_path / "comparison.csv")
    assert found["group"].cat.categories.tolist() == ["x", "y", "z"]
    assert [*map(str, found["group"].iloc[[0, 60_000, -1]])] == ["z", "y", "x"]


def test_a_row_takes_less_than_150_bytes(tmp_path: Path) -> None:
    writer = Writer(tmp_path / "comparison.csv", rows(1, 1).columns)
    writer.add(rows(5000, 1))
    found = read_comparison(tmp_path / "comparison.csv")
    assert found.memory_usage(deep=True).sum() / len(found) < 150


def test_what_is_no_comparison_is_named(tmp_path: Path) -> None:
    (tmp_path / "comparison.csv").write_text("frame_id,disagrees\na,True\n", encoding="utf-8")
    for name in ("comparison.csv", "gone.csv"):
        with pytest.raises(InputError, match=f"{name}: no comparison that can be read"):
            read_comparison(tmp_path / name)
