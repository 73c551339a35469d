from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from provenline import tables
from provenline.errors import InputError
from provenline.files import read_json, write_json
from provenline.footage.anonymise import blur_of
from provenline.reports import suspects, why_figures, why_story
from provenline.reports.cards import dataset_card, model_card
from provenline.reports.evidence import Evaluation
from provenline.reports.gather import gather
from provenline.reports.limits import limits
from provenline.reports.pictures import draw_suspect
from provenline.reports.why_evidence import LabelErrors, Rate, Why
from tests.reports.beyond import CAUSES
from tests.reports.conftest import PLAIN
from tests.reports.test_gather import change
from tests.reports.test_report import Reader


@pytest.fixture(scope="module")
def page(full: Path) -> Reader:
    return Reader((full / "reports/index.html").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def given(full: Path) -> Evaluation:
    found = gather(full, "v0", "lbzf_person").evaluation
    assert found
    return found


@pytest.fixture(scope="module")
def why(given: Evaluation) -> Why:
    assert given.why
    return given.why


def table(root: Path, name: str) -> list[dict[str, str]]:
    with (root / f"reports/tables/{name}.csv").open(encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def test_every_error_of_the_evaluator_is_in_the_budget(full: Path) -> None:
    written = read_json(full / "metrics/eval_v0.json")["why"]["models"]
    found = table(full, "table_10_error_budget")
    for model, heading in (("base", "Off-the-shelf"), ("candidate", "Fine-tuned")):
        budget = {row["cause"]: row for row in written[model]["budget"]}
        counts = [int(row[f"{heading}, errors"]) for row in found]
        assert counts[-1] == written[model]["errors"] == sum(counts[:-1])
        (missed,) = [row for row in found if row["Cause"] == "missed"]
        gain = budget["missed"]["ap_gain"]
        assert [float(missed[f"{heading}, AP to gain{end}"]) for end in ("", " low", " high")] == [
            gain["estimate"],
            gain["low"],
            gain["high"],
        ]
    causes = [row["Cause"] for row in found[:-1]]
    assert causes == ["missed", "nothing there", "badly placed", "found twice"]  # those that occur


def test_cells_count_the_candidates_errors_by_operation_size_and_occlusion(full: Path) -> None:
    found = table(full, "table_10_error_cells")
    assert {row["By"] for row in found} == {"Operation", "Size", "Occlusion"}
    written = read_json(full / "metrics/eval_v0.json")["why"]["models"]["candidate"]["budget"]
    by = {row["cause"]: row for row in written}
    (collar,) = [row for row in found if row["Which"] == "Collar"]
    assert int(collar["Missed"]) == by["missed"]["by_category"]["Collar"]
    assert "hands only" in {row["Which"] for row in found}


def test_what_goes_wrong_is_said_with_its_gain(why: Why, page: Reader) -> None:
    text = why_story.budget_sentence(why)
    assert text in page.text
    assert text.startswith("The candidate makes 36 errors, the base 184. Most are of the kind “missed” (14)")
    assert (
        "mending these would give most AP, +0.035 [+0.015, +0.055]. False finds lie on: mannequin (8)."
        in text
    )


def test_confidences_are_held_against_what_is_right(why: Why, page: Reader, full: Path) -> None:
    text = why_story.calibration_sentence(why)
    assert (
        "0.190 [0.160, 0.220] for the base (too sure) and by 0.040 [0.010, 0.070] for the candidate." in text
    )
    assert text in page.text
    found = limits(gather(full, "v0", "lbzf_person"))
    assert not any("no probabilities" in one for one in found)


def test_confidences_far_off_are_a_limit(copy: Path, full: Path) -> None:
    write_json(copy / "metrics/eval_v0.json", read_json(full / "metrics/eval_v0.json"))
    path = copy / "metrics/eval_v0.json"
    change(path, "why.models.candidate.calibration.ece", {"estimate": 0.2, "low": 0.12, "high": 0.3})
    said = "Confidences of the candidate are no probabilities: they are off by 0.200 [0.120, 0.300]"
    # The error of few detections is never near 0: it counts where it has a side, too sure or too modest.
    for bias, told in ((-0.05, False), (0.02, True)):
        ends = {"estimate": 0.1, "low": bias, "high": 0.2}
        change(path, "why.models.candidate.calibration.bias", ends)
        assert (said in " ".join(limits(gather(copy, "v0", "lbzf_person")))) == told


def test_bounds_on_false_finds_name_the_threshold_and_what_it_costs(why: Why, full: Path) -> None:
    kept, none = why_story.bound_sentences(why)
    assert kept == (
        "To stay under 6 false finds per hour, take the candidate from confidence 0.620: measured 5.50 "
        "[3.50, 7.50], recall left 0.810 [0.780, 0.840]."
    )
    assert (
        none
        == "No confidence of the candidate keeps 0.5 false finds per hour: no score on val is that strict."
    )
    row = table(full, "table_11_false_find_bounds")[-2]
    assert (row["Model"], row["Bound on false finds"], row["Confidence from"]) == (
        "Fine-tuned",
        "6 per hour",
        "0.62",
    )
    assert len(table(full, "table_11_false_finds")) == 6
    assert kept in model_card(gather(full, "v0", "lbzf_person")).replace("\\", "")


def test_where_times_are_unknown_bounds_are_per_frames(copy: Path, full: Path) -> None:
    content = read_json(full / "metrics/eval_v0.json")
    one = content["why"]["models"]["candidate"]["calibration"]["thresholds"][0]
    one |= {"bound_per_hour": None, "bound_per_1000_frames": 10, "per_hour": None}
    write_json(copy / "metrics/eval_v0.json", content)
    found = gather(copy, "v0", "lbzf_person").evaluation
    assert found and found.why
    assert "under 10 false finds per 1000 frames" in why_story.bound_sentences(found.why)[0]
    assert "measured 30.0 [21.0, 39.0]" in why_story.bound_sentences(found.why)[0]


def test_figures_say_the_same_in_words(why: Why) -> None:
    budget, curve = why_figures.error_budget(why), why_figures.reliability(why)
    assert "missed 14, AP to gain +0.035 [+0.015, +0.055]" in budget.alt
    assert "candidate ECE 0.040 [0.010, 0.070]" in curve.alt
    assert budget.png[:4] == curve.png[:4] == b"\x89PNG"
    assert "cause_missed" in budget.inline() and "#23366f" not in budget.inline()


def test_a_model_that_makes_no_error_is_said_to_make_none(why: Why) -> None:
    name, model = why_story.last(why)
    none = tuple(replace(one, count=0) for one in model.budget)
    spotless = replace(why, models={name: replace(model, budget=none)})
    assert why_story.budget_sentence(spotless) == "The candidate makes no error on the deployment set."
    assert [one.cause for one in none] == list(CAUSES)


def test_the_base_alone_is_looked_at_where_nothing_was_trained(why: Why) -> None:
    alone = replace(why, models={"base": why.models["base"]})
    assert why_story.budget_sentence(alone).startswith("The base makes 184 errors. Most")


def test_doubted_labels_are_shown_and_counted(full: Path, page: Reader, given: Evaluation) -> None:
    assert given.label_errors
    text = why_story.label_errors_sentence(given.label_errors)
    assert (
        text in page.text
        and "4 labels are contradicted by what the models see, each wrong with a probability of 0.5 or more"
        in text
        and "148 development frames" in text
    )
    for title in suspects.KINDS.values():
        assert page.text.count(title) == 1
    assert "Labels worth a second look" in dataset_card(gather(full, "v0", "lbzf_person"))
    assert why_story.label_errors_sentence(LabelErrors({"val": 3}, 0, {}, "")).endswith(
        "no label is contradicted by what the models see."
    )


def test_doubted_boxes_are_the_lists(full: Path) -> None:
    rows = pd.read_csv(full / suspects.FILE)
    found = {part[0].kind: part[0] for part in suspects.find(full, ["person"], 2)}
    assert list(found) == list(suspects.KINDS)
    assert found["missing"].doubted.shape == (0, 4) and found["missing"].found.shape == (1, 5)
    assert found["spurious"].found.shape == (0, 5)
    (row,) = [row for _, row in rows.iterrows() if row["kind"] == "location"]
    assert found["location"].doubted[0] == pytest.approx(row[tables.BOX].astype(float).to_numpy())
    assert found["location"].about.endswith("overlap 0.40")
    picture = draw_suspect(found["location"], 200, blur_of(PLAIN, [], []))
    assert picture and picture.width == 200 and "one of them doubted" in picture.alt
    gone = replace(found["location"], path=Path("nowhere.jpg"))
    assert draw_suspect(gone, 200, blur_of(PLAIN, [], [])) is None


def test_a_list_of_another_kind_is_an_error(full: Path, tmp_path: Path) -> None:
    for name in ("annotated", "boxes"):
        target = tmp_path / f"data/{name}.parquet"
        target.parent.mkdir(exist_ok=True)
        target.write_bytes((full / f"data/{name}.parquet").read_bytes())
    assert suspects.find(tmp_path, ["person"], 2) == []
    (tmp_path / "data/review").mkdir()
    (tmp_path / suspects.FILE).write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match=r"label_errors\.csv"):
        suspects.find(tmp_path, ["person"], 2)


def test_a_rate_without_a_bound_is_the_one_that_is_known() -> None:
    assert Rate(0.5, None, None, None).rate is None
