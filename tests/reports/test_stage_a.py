"""The closer look at Stage A: what the page says is what the stage measured."""

from __future__ import annotations

import csv
import re
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from provenline import tables
from provenline.errors import InputError
from provenline.files import read_json, write_json
from provenline.footage.anonymise import blur_of
from provenline.reports import stage_a_examples as examples
from provenline.reports import stage_a_figures as figures
from provenline.reports import stage_a_story as story
from provenline.reports.estimates import Estimate
from provenline.reports.gather import gather
from provenline.reports.params import ReportParams
from provenline.reports.stage_a_evidence import Combination, Crowd, Details, FalseFind, Mode, Outside
from tests.reports.conftest import PARAMS, PLAIN
from tests.reports.test_report import Reader, bare
from tests.reports.world import CATEGORIES

FILE = "metrics/stage_a_eval.json"
WORSE, ALIKE = Estimate(-0.4, -0.6, -0.2), Estimate(-0.1, -0.4, 0.2)
DETAILS = Details(
    people=40,
    missed=14,
    unsure=3,
    crowds=(
        Crowd("none", 2, 4, 0, 1, None, None, Estimate(0.25), Estimate(0.25, 0.1, 0.5)),
        Crowd("one", 3, 20, 20, 0, Estimate(0.7, 0.6, 0.8), None, None, None),
        Crowd("several", 0, 0, 0, 0, None, None, None, None),
    ),
    false_finds=(
        FalseFind("duplicate", "", 2, 2, None),
        FalseFind("other_label", "mannequin", 5, 4, None),
        FalseFind("background", "", 0, 0, None),
    ),
    modes=(
        Mode("occluded", 40, 20, 8, None, None, None, ALIKE),
        Mode("hands only", 40, 10, 9, None, None, None, WORSE),
        Mode("veiled", 0, 0, 0, None, None, None, None),
        Mode("", 40, 15, 2, None, None, None, None),
    ),
    combinations=(
        Combination(("occluded", "hands only"), 5, 5),
        Combination(("hands only",), 5, 4),
        Combination(("occluded",), 15, 3),
        Combination((), 15, 2),
    ),
    said=(),
    outside=Outside(40, 21, 12, {"": 2, "passer_by": 10}, 7),
)


def test_sentences_by_hand() -> None:
    assert story.misses_sentence(DETAILS) == (
        "14 of 40 people were missed (one may have several failure modes): hands only 9 of 10; occluded "
        "8 of 20; none of these 2. 3 of them were seen, but with too little confidence. Nobody annotated "
        "who is veiled, so that is not counted."
    )
    assert story.clearest(DETAILS) == "Found less often than others: hands only (−0.400 [−0.600, −0.200])."  # noqa: RUF001
    assert story.finds_sentence(DETAILS) == (
        "Of 40 finds, 21 are the operator, 12 other people (not stated 2, passer by 10), 7 false finds: "
        "2 found twice; 5 on mannequin."
    )
    assert story.crowds_sentence(DETAILS) == (
        "Where nobody is (4 frames), 0.250 [0.100, 0.500] of the frames have a false find. "
        "Where one person is (20 frames), recall is 0.700 [0.600, 0.800]."
    )
    assert story.misses_sentence(replace(DETAILS, missed=0)) == "All 40 people were found."
    nothing = replace(DETAILS, outside=Outside(0, 0, 0, {}, 0))
    assert story.finds_sentence(nothing) == "Nothing was reported."


def test_the_evidence_is_what_was_measured(line: Path) -> None:
    given, written = gather(line, "v0", "lbzf_person").stage_a, read_json(line / FILE)
    assert given and given.closer
    closer = given.closer
    assert closer.overall.missed == written["failures"]["missed"] > 0
    assert list(closer.categories) == sorted(CATEGORIES)
    assert {(one.attribute, one.value): one.missed for one in closer.overall.said} == {
        (name, value): part["missed"]
        for name, values in written["by_attribute"].items()
        for value, part in values.items()
    }
    assert closer.overall.outside.false == written["false_positives"]["count"]
    assert given.plan.sentences == tuple(written["plan"]["sentences"])


def test_the_page_says_it(line: Path) -> None:
    page, written = Reader((line / "reports/index.html").read_text(encoding="utf-8")), read_json(line / FILE)
    failures = written["failures"]
    assert f"{failures['missed']} of {failures['people']} people were missed" in page.text
    assert re.search(
        r"Recall of the base: 21 videos with 252 frames (cannot )?tell 0\.\d+ from 0\.95", page.text
    )
    mode = next(row for row in failures["modes"] if row["name"] == "hands only")
    assert f"hands only {mode['missed']} of {mode['people']}" in page.text
    for number in "bcdefg":
        assert f"Table 1{number}. " in page.text


def rows(line: Path, name: str) -> list[dict[str, str]]:
    with (line / f"reports/tables/{name}.csv").open(encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def test_tables_add_up(line: Path) -> None:
    *operations, whole = rows(line, "table_1_operations")
    assert len(operations) == 7 and whole["Operation"] == "All"
    for column in set(whole) - {"Operation"}:
        assert sum(int(row[column]) for row in operations) == int(whole[column])
    causes = [int(whole[column]) for column in whole if column.startswith("False: ")]
    assert sum(causes) == int(whole["False finds"]) > 0
    *kinds, every = rows(line, "table_1_causes")
    assert sum(int(row["False finds"]) for row in kinds) == int(every["False finds"])
    crowds = {row["People in the frame"]: int(row["Frames"]) for row in rows(line, "table_1_crowds")}
    assert set(crowds) == {"Nobody", "One", "Several"} and sum(crowds.values()) == 252


def test_everybody_missed_is_in_one_segment(line: Path) -> None:
    given = gather(line, "v0", "lbzf_person").stage_a
    assert given and given.closer
    for figure, count in (
        (figures.misses(given.closer), given.closer.overall.missed),
        (figures.false_finds(given.closer), given.closer.overall.outside.false),
    ):
        shown = re.findall(r" (\d+)(?=[,;.])", figure.alt)
        assert sum(map(int, shown)) == count


def test_a_mode_that_nobody_stated_is_no_zero(copy: Path) -> None:
    written = read_json(copy / FILE)
    for part in (written, *written["by_category"].values()):
        part["failures"]["modes"][1] |= {"stated": 0, "people": 0, "missed": 0}
    write_json(copy / FILE, written)
    page = bare(copy).text
    assert "Nobody annotated who is hands only" in page
    assert re.search(r"hands only not stated not stated", page)


def test_files_of_older_runs_are_read(copy: Path) -> None:
    written = read_json(copy / FILE)
    new = ("by_people", "failures", "by_attribute", "outside_operator", "sample", "plan")
    for part in (written, *written["by_category"].values()):
        for key in new:
            part.pop(key, None)
        part["false_positives"].pop("causes")
    write_json(copy / FILE, written)
    given = gather(copy, "v0", "lbzf_person").stage_a
    assert given and given.closer is None and given.plan.sentences == ()
    page = bare(copy).text
    assert re.search(r"\d+ false finds: \d+ on mannequin, \d+ elsewhere", page)
    assert "Whom does it miss?" not in page and "Table 1. " in page


def drawn(line: Path, params: ReportParams = PARAMS, **privacy: str) -> list[examples.Picture]:
    boxes = tables.read(line / "data/boxes.parquet", tables.BOXES)
    found = tables.read(line / "data/predictions/base.parquet", tables.PREDICTIONS)
    blur = blur_of(PLAIN.model_copy(update=privacy), [boxes], [found])
    return examples.pictures(line, ("person",), 0.25, params, blur)


def test_one_frame_per_operation_in_which_it_erred(line: Path) -> None:
    pictures = drawn(line)
    assert [one.caption.split(" · ")[0] for one in pictures] == sorted(CATEGORIES)
    sample = pd.read_csv(line / "data/stage_a_sample.csv", keep_default_na=False)
    frames = tables.read(line / "data/annotated.parquet", tables.FRAMES)
    measured = frames[frames["frame_id"].isin(sample["frame_id"])]
    for one in pictures:
        assert re.search(r"\d+ missed|\d+ false find", one.caption)
        assert one.caption.split(" · ")[1] in set(measured["media"])
        assert one.alt.startswith("Frame of ") and "by the base" in one.alt
    assert drawn(line) == pictures
    assert drawn(line, ReportParams(pictures=0, seed=0, picture_width=320)) == []


def test_people_in_these_frames_are_blurred_too(line: Path) -> None:
    plain, blurred = drawn(line), drawn(line, anonymise="persons")
    assert [one.caption for one in plain] == [one.caption for one in blurred]
    assert all(one.data != other.data for one, other in zip(plain, blurred, strict=True))


def test_a_frame_with_both_errors_comes_first() -> None:
    given = pd.DataFrame(
        [
            ("a", "x", 1, 0), ("b", "x", 1, 1), ("c", "x", 0, 3),
            ("d", "y", 0, 0), ("e", "y", 0, 1), ("f", "z", 0, 0),
        ],
        columns=["frame_id", "category", "missed", "false"],
    )  # fmt: skip
    for seed in range(4):
        assert examples.choose(given, seed)["frame_id"].tolist() == ["b", "e"]


def test_what_cannot_be_drawn_is_no_error(copy: Path) -> None:
    assert drawn(copy) == []  # the frames are not here
    (copy / "data/stage_a_sample.csv").unlink()
    assert drawn(copy) == []


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "not a CSV table"),
        ("frame_id,category\n", "has no column missed"),
        ("frame_id,category,group,objects,missed,false,whom,what\na,c,g,1,x,0,,\n", "a count is no number"),
    ],
)
def test_a_bad_sample_is_one_line(copy: Path, text: str, says: str) -> None:
    (copy / "data/stage_a_sample.csv").write_text(text)
    with pytest.raises(InputError) as caught:
        drawn(copy)
    assert says in str(caught.value) and "\n" not in str(caught.value)
