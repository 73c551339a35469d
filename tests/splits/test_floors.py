from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd
import pytest

from provenline.splits.assign import assign, held_units
from provenline.splits.floors import measure, objects_of, rebalance
from provenline.splits.params import SPLITS
from provenline.splits.units import units_of
from tests.splits import world

CLASSES = ["common", "rare", "absent"]


def case(seed: int, count: int, held_share: float = 0.0, floor: int = 5):
    """Units of which few hold the rare class, the assignment without floors, and what is held."""
    rng = np.random.default_rng([seed, 7])
    groups = world.random_groups(seed, count, categories=int(rng.integers(1, 4)))
    objects = pd.DataFrame(0, index=groups["unit"], columns=CLASSES)
    objects["common"] = rng.integers(0, 9, count)
    objects["rare"] = np.where(rng.random(count) < 0.4, rng.integers(1, 9, count), 0)
    params = world.params(seed, class_floor=floor)
    kept = groups.sample(frac=held_share, random_state=seed)
    ledger = kept[["group", "category"]].assign(split=rng.choice(SPLITS, len(kept)))
    assignment = assign(groups, ledger, params)
    before = dict(zip(assignment["unit"], assignment["split"], strict=True))
    return units_of(groups), before, held_units(groups, ledger), objects, params


def sums(split: dict[str, str], objects: pd.DataFrame) -> dict[tuple[str, str], int]:
    found = {(c, s): 0 for c in objects for s in SPLITS}
    for unit, row in zip(objects.index, objects.to_numpy().tolist(), strict=True):
        for label, count in zip(objects, row, strict=True):
            found[label, split[unit]] += count
    return found


def counts(split: dict[str, str], units: pd.DataFrame) -> dict[tuple[str, str], int]:
    """Units per split and per split within every category."""
    found = {(one, s): 0 for one in ["all units", *set(units["category"])] for s in SPLITS}
    for unit, category in zip(units["unit"], units["category"], strict=True):
        found["all units", split[unit]] += 1
        found[category, split[unit]] += 1
    return found


def allowed(after, before, units, held, objects, floor) -> bool:
    """What is promised of an exchange, said once more."""
    old, new = counts(before, units), counts(after, units)
    had, has = sums(before, objects), sums(after, objects)
    return (
        all(abs(new[key] - old[key]) <= 1 for key in old)
        and all(new["all units", s] >= 1 for s in SPLITS if old["all units", s])
        and all(after[unit] == split for unit, split in held.items())
        and all(has[key] >= min(had[key], floor) for key in had)
    )


def score(after, before, objects, floor) -> tuple[int, int]:
    """Floors met, and units that stayed."""
    has = sums(after, objects)
    met = sum(has[c, s] >= floor for c in objects for s in ("val", "test"))
    return met, sum(after[unit] == before[unit] for unit in before)


@pytest.mark.parametrize("seed", range(20))
def test_no_allowed_exchange_is_better(seed):
    """Against all 3^6 assignments, tried one by one."""
    units, before, held, objects, params = case(seed, 6, held_share=0.3 * (seed % 2))
    floor = params.class_floor
    after = rebalance(units, before, held, objects, params)
    assert allowed(after, before, units, held, objects, floor)
    best = max(
        score(one, before, objects, floor)
        for sides in product(SPLITS, repeat=len(units))
        if allowed(one := dict(zip(units["unit"], sides, strict=True)), before, units, held, objects, floor)
    )
    assert score(after, before, objects, floor) == best


def test_the_cases_above_are_not_all_idle():
    moved = [case(seed, 6) for seed in range(0, 20, 2)]
    changed = [rebalance(*one) != one[1] for one in moved]
    assert 3 <= sum(changed) < len(changed)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("held_share", [0.0, 0.5])
def test_larger_sets_keep_the_promises(seed, held_share):
    units, before, held, objects, params = case(seed, 60, held_share, floor=10)
    after = rebalance(units, before, held, objects, params)
    assert allowed(after, before, units, held, objects, 10)
    again = rebalance(units, before, held, objects.sample(frac=1, random_state=seed), params)
    assert again == after
    if not held:
        assert score(after, before, objects, 10)[0] == 4  # common and rare, in val and in test


@pytest.mark.parametrize("floor", [0, 1])
def test_nothing_moves_where_floors_are_met(floor):
    units, before, held, objects, params = case(1, 40, floor=floor)
    assert rebalance(units, before, held, objects.assign(rare=1, common=1, absent=1), params) == before


def test_the_last_units_of_a_class_are_not_taken_from_train():
    groups = world.groups([(f"g{n}", "c", 10) for n in range(10)])
    params = world.params(class_floor=5)
    before = dict(zip(groups["unit"], ["train"] * 8 + ["val", "test"], strict=True))
    objects = pd.DataFrame({"rare": [6, 6] + [0] * 8}, index=groups["unit"])
    after = rebalance(units_of(groups), before, {}, objects, params)
    assert sorted([after["g0"], after["g1"]]) in (["train", "val"], ["test", "train"])


def test_why_a_floor_is_not_met():
    objects = pd.DataFrame({"none": [0, 0, 0, 0], "few": [9, 9, 0, 0], "held": [20, 20, 20, 0]})
    objects.index = ["a", "b", "c", "d"]
    by_split = pd.DataFrame({"none": [0, 0], "few": [18, 0], "held": [60, 0]}, index=["train", "val"])
    held = dict.fromkeys("abcd", "train")
    rows = {
        (r["class"], r["split"]): r for r in measure(by_split, objects, held, world.params(class_floor=10))
    }
    assert len(rows) == 6
    assert rows["none", "val"]["reason"] == "no frame shows an object of this class"
    assert rows["few", "test"]["reason"] == "18 objects in 2 units are too few for train, val, test"
    assert rows["held", "test"]["reason"] == "every unit is in the ledger, and what was accepted stays"
    rest = measure(by_split, objects, {"a": "train"}, world.params(class_floor=10))[-1]["reason"]
    assert "within one unit" in rest and "1 of 4 units are in the ledger" in rest
    assert all(row["met"] and row["reason"] is None for row in measure(by_split, objects, {}, world.params()))
    no_test = measure(by_split, objects, {}, world.params(shares=(0.8, 0.2, 0.0)))
    assert {row["split"] for row in no_test} == {"val"}


def test_objects_are_counted_by_name():
    truth = pd.DataFrame({"frame_id": ["1", "1", "2", "3"], "label": ["a", "b", "a", "other"]})
    names = pd.Series({"1": "u", "2": "u", "3": "v", "4": "w"})
    table = objects_of(truth, names, ["b", "a", "c"])
    assert table.to_dict("index") == {
        "u": {"b": 1, "a": 2, "c": 0}, "v": {"b": 0, "a": 0, "c": 0}, "w": {"b": 0, "a": 0, "c": 0},
    }  # fmt: skip
    assert objects_of(truth.iloc[:0], names, ["a"]).to_numpy().tolist() == [[0], [0], [0]]
