"""An ablation in the report: beside its own split alone, with the words that it was given."""

from __future__ import annotations

from pathlib import Path

import pytest

from provenline.ablation.result import result
from provenline.errors import InputError
from provenline.files import read_json, write_json
from provenline.reports.ablation_figures import figures
from provenline.reports.ablation_rows import tables
from provenline.reports.drawing import Figure
from provenline.reports.gather import gather
from provenline.reports.page import Examples, render
from tests.ablation.test_effects import measured
from tests.reports.test_report import Reader


@pytest.fixture
def played(copy: Path) -> Path:
    """A line on which an ablation was run, one cell of which failed."""
    found = result(measured(missing=(("flip-on", 2),)))
    failed = [{"cell": "augment-flip-on-s2", "why": "<out of memory>"}]
    split = read_json(copy / "metrics/split.json")["assignment"]["sha256"]
    write_json(
        copy / "metrics/ablation.json",
        {"name": "augment", "split_sha256": split, **found, "about": "Do <flips> help?", "failed": failed},
    )
    return copy


def test_numbers_are_those_of_the_file(played: Path) -> None:
    given = read_json(played / "metrics/ablation.json")
    evidence = gather(played, "v0", "lbzf_person")
    assert evidence.ablation is not None
    effects, settings = tables(evidence.ablation, "video")
    row = dict(zip(effects.columns, effects.rows[0], strict=True))
    judged = next(one for one in given["effects"] if one["set"] == "deployment")
    chosen = next(one for one in given["effects"] if one["set"] == "val")
    cell = row["mAP50 on deployment"]
    assert (cell.value, cell.low, cell.high) == (judged["estimate"], judged["low"], judged["high"])
    assert row["mAP50 on val"].value == chosen["estimate"]
    assert row["Compared"] == "flip on against flip off" and row["Seeds"] == 2
    means = {r[0]: dict(zip(settings.columns, r, strict=True)) for r in settings.rows}
    for one in given["settings"]:
        here = one["sets"]["deployment"]["map50"]
        assert means[one["name"]]["mAP50 on deployment"].value == here["estimate"]
        assert means[one["name"]]["Between seeds"] == here["seed_sd"]


def test_the_figure_and_the_page_say_what_was_found(played: Path) -> None:
    evidence = gather(played, "v0", "lbzf_person")
    (figure,) = figures(evidence.ablation)
    assert isinstance(figure, Figure) and "flip on against flip off" in figure.alt
    page = render(evidence, {figure.name: figure}, Examples("", []), [])
    text = Reader(page).text
    assert evidence.ablation is not None
    for said in (
        *evidence.ablation.sentences,
        "5 of 6 cells have results",
        "Do <flips> help?",
        "<out of memory>",
    ):
        assert said in " ".join(text.split())
    assert "<flips>" not in page and figure.alt.split(".")[0] in page


def test_another_split_or_no_run_shows_nothing(played: Path) -> None:
    path = played / "metrics/ablation.json"
    content = read_json(path)
    write_json(path, content | {"split_sha256": "0" * 64})
    assert gather(played, "v0", "lbzf_person").ablation is None
    write_json(path, {})
    evidence = gather(played, "v0", "lbzf_person")
    assert evidence.ablation is None and tables(None, "video") == [] and figures(None) == []
    assert 'id="ablation"' not in render(evidence, {}, Examples("", []), [])


def test_a_malformed_file_is_named(played: Path) -> None:
    path = played / "metrics/ablation.json"
    write_json(path, read_json(path) | {"cells": {"wanted": "six"}})
    with pytest.raises(InputError, match=r"ablation\.json: cells\.wanted"):
        gather(played, "v0", "lbzf_person")
