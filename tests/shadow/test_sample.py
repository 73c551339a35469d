from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from provenline.shadow import sample
from tests.shadow.world import params

WANTED = {"differ": 30, "agree": 12, "empty": 5}


def footage(groups: int = 8, frames: int = 60, seed: int = 3) -> pd.DataFrame:
    """Build a comparison in which groups differ in how often the two differ."""
    generator = np.random.default_rng(seed)
    group = np.repeat([f"g{i}" for i in range(groups)], frames)
    somebody = generator.random(len(group)) < 0.6
    differs = generator.random(len(group)) < np.repeat(np.linspace(0.05, 0.5, groups), frames)
    return pd.DataFrame(
        {
            "frame_id": [f"{i:012x}_{i:09d}" for i in range(len(group))],
            "media": group,
            "time_ms": np.arange(len(group)),
            "group": group,
            "production": somebody.astype(int),
            "candidate": (somebody | differs).astype(int),
            "disagrees": differs,
        }
    )


def test_every_frame_is_drawn_as_often_as_its_weight_says() -> None:
    table, times = footage(3, 30), 600
    drawn = np.zeros(len(table))
    for seed in range(times):
        chosen = sample.draw(table, WANTED, seed)
        drawn[table["frame_id"].isin(chosen["frame_id"])] += 1
    chance = np.zeros(len(table))
    kind = sample.strata(table)
    for name in sample.STRATA:
        chance[kind == name] = min(1.0, WANTED[name] / (kind == name).sum())
    weights = dict(zip(chosen["stratum"], chosen["weight"], strict=True))
    for name, weight in weights.items():
        assert weight == pytest.approx(1 / chance[kind == name][0])
    # Five standard errors of a share of 600 draws.
    assert np.abs(drawn / times - chance).max() < 5 * np.sqrt(0.25 / times)


def test_the_weighted_total_is_that_of_full_labelling_on_the_average() -> None:
    table = footage(4, 60)
    value = np.random.default_rng(7).normal(1.0, 2.0, len(table)) + 3 * table["disagrees"].to_numpy()
    by_frame = dict(zip(table["frame_id"], value, strict=True))
    totals = []
    for seed in range(600):
        chosen = sample.draw(table, WANTED, seed)
        totals.append(float((chosen["frame_id"].map(by_frame) * chosen["weight"]).sum()))
    error = np.std(totals) / np.sqrt(len(totals))
    assert abs(np.mean(totals) - value.sum()) < 4 * error


def test_a_larger_sample_holds_the_smaller_and_each_group_gives_its_share() -> None:
    table = footage()
    small, large = (
        sample.draw(table, {name: n * times for name, n in WANTED.items()}, seed=5) for times in (1, 2)
    )
    assert set(small["frame_id"]) < set(large["frame_id"])
    kind = sample.strata(table)
    assert small["stratum"].tolist() == [kind[table["frame_id"].tolist().index(f)] for f in small["frame_id"]]
    for (name, group), part in small.groupby(["stratum", "group"]):
        here = ((kind == name) & (table["group"] == group)).sum()
        assert abs(len(part) - WANTED[str(name)] * here / (kind == name).sum()) < 1
    assert abs(len(small) - sum(WANTED.values())) <= 12


def test_the_order_tells_nothing_of_the_strata_and_follows_from_the_seed() -> None:
    table = footage()
    one, again, other = (sample.draw(table, WANTED, seed) for seed in (1, 1, 2))
    assert one.equals(again) and one["frame_id"].tolist() != other["frame_id"].tolist()
    places = []
    for seed in range(150):
        drawn = sample.draw(table, WANTED, seed)
        places.append(np.flatnonzero(drawn["stratum"] == "differ").mean() / (len(drawn) - 1))
    assert np.mean(places) == pytest.approx(0.5, abs=0.03)
    assert one["frame_id"].tolist() != sorted(one["frame_id"])


def test_as_many_disagreements_are_drawn_as_a_random_sample_would_hold() -> None:
    table = footage()
    rate = table["disagrees"].mean()
    given = params(sample={"agree": 0.5, "empty": 0.1, "grow": 1.0, "missing": 0.0, "seed": 0}).sample
    found = sample.sizes(table, 100, given)
    assert found["differ"] == np.ceil(100 * rate) and found["agree"] == np.ceil(50 * rate)
    assert found["empty"] == np.ceil(10 * rate)
    everything = sample.sizes(table, 10**6, given)
    kind = sample.strata(table)
    assert everything == {name: int((kind == name).sum()) for name in sample.STRATA}
    assert (sample.draw(table, everything, 0)["weight"] == 1).all()


def test_the_design_is_said() -> None:
    table = footage()
    chosen = sample.draw(table, WANTED, 0)
    said = sample.summarise(table, chosen, WANTED)
    assert said["frames"] == len(chosen) == sum(part["drawn"] for part in said["strata"].values())
    assert said["of"] == len(table) == sum(part["frames"] for part in said["strata"].values())
    assert sample.draw(table, {}, 0).empty
