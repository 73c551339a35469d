"""Twelve monthly rounds through the commands a team uses, at sizes at which nothing is learnt."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pandas as pd
import pytest

from benchmarks import year
from provenline import rounds, tables
from provenline.splits.ledger import read_ledger


@pytest.mark.slow
@pytest.mark.timeout(3000)
def test_a_year_goes_by(tmp_path: Path) -> None:
    home = tmp_path / "year"
    gone = year.year(home, year.SIZES["tiny"], 6)
    year.year(home, year.SIZES["tiny"], 6)  # goes on where it was: nothing is left to do
    gone = year.year(home, year.SIZES["tiny"], year.MONTHS)
    assert [one.round for one in gone] == ["v0", *(f"v0.{number}" for number in range(1, 12))]
    assert [one.month for one in gone] == list(range(1, 13))
    # Each month trains on what the months before brought, and judges on footage that nobody has learnt from.
    drawn = [one.drawn for one in gone]
    assert [b.trained_on - a.trained_on for a, b in pairwise(gone)] == drawn[:-1]
    assert min(drawn) > 0 and all(one.groups == 12 and one.compared >= 40 for one in gone)
    assert {one.decision for one in gone} <= {"promote", "hold", "reject", "label"}
    taken = rounds.read(home / "data/rounds", "v0.12")
    assert len(taken.frames) == sum(drawn) and taken.frames["frame_id"].is_unique
    held = read_ledger(home / "data/split_ledger.csv")
    assert set(held[held["group"].isin(taken.groups)]["split"]) == {"train"}
    last = tables.read(home / "data/shadow/frames.parquet", tables.FRAMES)
    before = rounds.read(home / "data/rounds", "v0.11")
    assert not set(last["group"]) & before.groups and not set(last["frame_id"]) & set(
        before.frames["frame_id"]
    )
    # What judged in the first month judges in the last.
    first, now = (pd.read_csv(home / f"data/dataset_split_{name}.csv") for name in ("v0", "v0.11"))
    for split in ("val", "test"):
        assert set(first[first["split"] == split]["frame_id"]) == set(now[now["split"] == split]["frame_id"])
    team = year.Team(home, year.SIZES["tiny"])
    team.python("dvc", "repro", "--quiet")  # the round after the last month, before it brings new footage
    assert team.read("metrics/shadow_ab.json")["footage"]["taught"] > 0
    assert "The chain holds from the footage to the verdict" in team.provenline("verify")
    assert f"Labels: {sum(drawn)} to train, " in year.told(gone)
    year.draw(gone, tmp_path / "year.svg")
    assert (tmp_path / "year.svg").stat().st_size > 10_000
