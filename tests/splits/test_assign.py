from __future__ import annotations

from collections import Counter

import pandas as pd
import pytest
from pydantic import ValidationError

from provenline.errors import InputError
from provenline.splits.assign import assign, describe, groups_of
from provenline.splits.params import SPLITS, Shares
from tests.splits import world


def by_group(assignment: pd.DataFrame) -> dict[str, str]:
    return dict(zip(assignment["group"], assignment["split"], strict=True))


@pytest.mark.parametrize("seed", range(25))
def test_shares_come_close_overall_and_in_each_category(seed):
    groups = world.random_groups(seed, 41)
    assignment = assign(groups, world.EMPTY, world.params(seed))
    total = Counter(assignment["split"])
    # Rounding per category can cost the whole at most the groups that share a category's last place.
    for split, share in (("train", 0.7), ("val", 0.15), ("test", 0.15)):
        assert abs(total[split] - share * 41) < 2
    table = pd.crosstab(assignment["category"], assignment["split"])
    sizes = table.sum(axis=1)
    for split, share in (("train", 0.7), ("val", 0.15), ("test", 0.15)):
        assert ((table[split] - share * sizes).abs() < 1.0 + 1e-9).all()


@pytest.mark.parametrize("seed", range(10))
def test_many_small_categories_still_fill_every_split(seed):
    groups = world.groups([(f"g{n:02d}", f"c{n:02d}", 10) for n in range(20)])
    total = Counter(assign(groups, world.EMPTY, world.params(seed))["split"])
    assert total == {"train": 14, "val": 3, "test": 3}


@pytest.mark.parametrize("count", range(1, 12))
@pytest.mark.parametrize("categories", [1, 3])
def test_every_split_gets_a_group_where_there_are_three(count, categories):
    total = Counter(assign(world.random_groups(1, count, categories), world.EMPTY, world.params())["split"])
    assert sum(total.values()) == count
    assert len(total) == (3 if count >= 3 else len(total))
    assert total["train"] >= 1


@pytest.mark.parametrize("seed", range(25))
def test_the_same_whatever_the_order_of_rows(seed):
    groups = world.random_groups(seed, 30)
    shuffled = groups.sample(frac=1, random_state=seed)
    assert assign(groups, world.EMPTY, world.params(seed)).equals(
        assign(shuffled, world.EMPTY, world.params(seed))
    )


def test_the_seed_matters():
    groups = world.random_groups(1, 30)
    assert by_group(assign(groups, world.EMPTY, world.params(0))) != by_group(
        assign(groups, world.EMPTY, world.params(1))
    )


@pytest.mark.parametrize("seed", range(40))
def test_what_was_accepted_never_moves(seed):
    """Round after round, with other seeds, other shares, groups that come and groups that go."""
    ledger, held = world.EMPTY, {}
    groups = world.random_groups(seed, 5 + seed % 9)
    for turn in range(5):
        shares = [(0.7, 0.15, 0.15), (0.2, 0.4, 0.4), (1.0, 0.0, 0.0)][turn % 3]
        assignment = assign(groups, ledger, world.params(seed + turn, shares=shares))
        now = by_group(assignment)
        assert sorted(now) == sorted(groups["group"])
        assert {group: now[group] for group in held if group in now} == {
            group: split for group, split in held.items() if group in now
        }
        held = {**held, **now}
        ledger = pd.DataFrame([(g, "c", s) for g, s in held.items()], columns=world.EMPTY.columns)
        added = world.random_groups(seed + 100, 3 + turn, prefix=f"new{turn}_")
        stay = groups.sample(frac=0.9, random_state=seed + turn)
        groups = pd.concat([stay, added])


@pytest.mark.parametrize("seed", range(10))
def test_new_groups_fill_what_the_ledger_left_short(seed):
    old = world.random_groups(seed, 20)
    ledger = old[["group", "category"]].assign(split="train")
    grown = pd.concat([old, world.random_groups(seed, 20, prefix="n")])
    total = Counter(assign(grown, ledger, world.params(seed))["split"])
    assert total["train"] <= 29  # 28 wanted; 20 stand
    assert min(total["val"], total["test"]) >= 5


def test_a_ledger_that_holds_everything_leaves_splits_empty():
    groups = world.random_groups(0, 6)
    ledger = groups[["group", "category"]].assign(split="train")
    assignment = assign(groups, ledger, world.params())
    assert set(assignment["split"]) == {"train"}
    assert describe(assignment, groups, ledger)["empty_splits"] == ["val", "test"]


def test_the_assignment_is_that_of_the_first_release():
    """Figures that were published rest on it: groups as units, nothing accepted, floors met."""
    groups = world.random_groups(3, 24)
    letters = "".join(split[:2] for split in assign(groups, world.EMPTY, world.params(3))["split"])
    assert letters == "trtrtrtrvatetetrtrtrtrtetrtrtrtrvavatrvatrtrtrtr"


def test_the_description_counts():
    groups = world.groups([("a", "x", 10), ("b", "x", 5), ("c", "", 1), ("d", "y", 4)])
    ledger = pd.DataFrame([("a", "x", "test"), ("gone", "x", "val")], columns=world.EMPTY.columns)
    assignment = assign(groups, ledger, world.params())
    report = describe(assignment, groups, ledger)
    assert (report["from_ledger"], report["new"], report["ledger_only"]) == (1, 3, 1)
    assert sum(report["groups"].values()) == 4
    assert sum(report["frames"].values()) == 20
    assert report["groups"] == {split: list(assignment["split"]).count(split) for split in SPLITS}
    assert list(report["categories"]) == ["", "x", "y"]
    assert report["categories"]["x"]["test"] >= 1
    assert (report["ledger"]["rows"], report["ledger"]["sealed"]) == (2, True)


def test_groups_of_frames():
    rows = [world.frame("a", t, group="day1", category="Collar") for t in (0, 500)]
    rows += [world.frame("b", t, group="day1", category="Cuffs") for t in (0, 500, 900)]
    rows += [world.frame("photo.jpg", category="")]
    groups = groups_of(world.frames(rows))
    assert groups.to_dict("list") == {
        "group": ["day1", "photo.jpg"], "category": ["Cuffs", ""], "frames": [5, 1],
        "keys": [("day1",), ("photo.jpg",)], "unit": ["day1", "photo.jpg"],
    }  # fmt: skip


def test_one_content_in_two_groups_is_refused():
    rows = [world.frame("a"), world.frame("b", media_sha256=world.frame("a")["media_sha256"])]
    with pytest.raises(InputError, match=r"the same content lies in two groups: 'a' in 'a' and 'b' in 'b'"):
        groups_of(world.frames(rows))
    rows = [world.frame("a", 0, group="g"), world.frame("a", 1, group="h")]
    with pytest.raises(InputError, match="media lies in two groups: 'a' in 'g' and 'a' in 'h'"):
        groups_of(world.frames(rows))
    with pytest.raises(InputError, match="group 'a' occurs twice"):
        assign(world.groups([("a", "x", 1), ("a", "y", 1)]), world.EMPTY, world.params())


def test_shares_must_sum_to_one():
    with pytest.raises(ValidationError, match=r"sum to 1\.1"):
        Shares(train=0.8, val=0.15, test=0.15)
