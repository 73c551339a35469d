from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import Any

import pytest

from provenline.files import read_json, write_json
from provenline.reports import ceilings, judged_story, rows, story, words
from provenline.reports.cards import model_card
from provenline.reports.evidence import Comparison, Estimate, Evaluation, Evidence, Gate, Paired
from provenline.reports.gather import gather
from provenline.reports.judged_evidence import (
    Holm,
    HolmRow,
    NonInferiority,
    Plan,
    PlanRow,
    Rule,
)
from provenline.reports.judged_figures import FIGURE_6, forest
from provenline.reports.limits import limits
from provenline.reports.page import Examples, render
from provenline.reports.summary import lines
from provenline.reports.tabular import Table, tex
from tests.reports.test_gather import change
from tests.reports.test_report import Reader, bare

LATER = (
    "thresholds",
    "holm",
    "non_inferiority",
    "rule",
    "plan",
    "why",
    "label_errors",
    "seeds",
)


def whole(root: Path) -> dict[str, Any]:
    found: dict[str, Any] = read_json(root / "metrics/eval_v0.json")
    return found


def table(root: Path, name: str) -> list[dict[str, str]]:
    with (root / f"reports/tables/{name}.csv").open(encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def pair(low: float, high: float) -> Paired:
    return Paired(Estimate(0.5, 0.4, 0.6), Estimate(0.7, 0.6, 0.8), Estimate((low + high) / 2, low, high))


def operation(name: str, low: float, high: float, groups: int = 12) -> Comparison:
    return Comparison(name, groups, 10 * groups, 40, {"recall": pair(low, high), "map50": pair(low, high)})


def evaluation(categories: tuple[Comparison, ...] = (), **more: Any) -> Evaluation:
    judged = Comparison("deployment", 24, 240, 300, {"recall": pair(0.1, 0.3), "map50": pair(0.1, 0.3)})
    gate = Gate("map50", 0.0, "higher", "pass", "", None, judged.metrics["map50"].difference)
    values: dict[str, Any] = {
        "same_model": False,
        "splits": (judged,),
        "judged_on": "deployment",
        "categories": categories,
        "classes": (),
        "targets": (),
        "improvement": gate,
        "score": 0.25,
        "iou": 0.5,
        "warnings": (),
    }
    return Evaluation(**values | more)


def holm(**reads: str) -> Holm:
    return Holm(0.05, {name: HolmRow(0.01, 0.02, text) for name, text in reads.items()})


# Numbers are the evaluator's


def test_table_4_holds_the_evaluators_numbers_with_their_intervals(line: Path) -> None:
    judged = whole(line)["splits"]["deployment"]
    found = {row["Metric"]: row for row in table(line, "table_4_classes")}
    assert list(found) == ["mAP50", "mAP50-95", "recall"]
    for key, name in (("map50", "mAP50"), ("recall", "recall")):
        part, row = judged["by_class"]["person"], found[name]
        for column, side in (
            ("Off-the-shelf", "base"),
            ("Fine-tuned", "candidate"),
            ("Difference", "difference"),
        ):
            wanted = part[side][key]
            assert [float(row[f"{column}{end}"]) for end in ("", " low", " high")] == [
                wanted["estimate"],
                wanted["low"],
                wanted["high"],
            ]
        assert int(row["Objects"]) == part["objects"] and int(row["Videos"]) == part["groups"]
    # The one class is everything, so mAP50-95 has the interval that all have.
    assert float(found["mAP50-95"]["Fine-tuned low"]) == judged["candidate"]["map"]["low"]


def test_slices_and_thresholds_are_the_evaluators(line: Path) -> None:
    written = whole(line)
    judged = written["splits"]["deployment"]
    found = {(row["By"], row["Which"]): row for row in table(line, "table_4_slices_recall")}
    wanted = {
        (heading, name)
        for key, heading in (("camera", "Camera"), ("day", "Day"), ("size", "Size of the object"))
        for name in judged[f"by_{key}"]
    }
    assert set(found) == wanted and wanted
    day, part = next(iter(judged["by_day"].items()))
    assert float(found["Day", day]["Difference"]) == part["difference"]["recall"]["estimate"]
    base, candidate = table(line, "table_5_thresholds")
    assert (base["Model"], candidate["Model"]) == ("Off-the-shelf", "Fine-tuned")
    assert float(candidate["Threshold"]) == written["thresholds"]["candidate"]["person"]["score"]
    own = {
        row["Metric"]: row for row in table(line, "table_5_own_thresholds") if row["Threshold"] == "its own"
    }
    assert float(own["F1"]["Fine-tuned"]) == judged["own"]["candidate"]["f1"]["estimate"]


def test_holms_reading_stands_beside_the_intervals(line: Path, copy: Path) -> None:
    row = table(line, "table_4_operations_recall")[0]
    written = whole(line)["holm"]["recall"]["rows"]["Assembly"]
    assert row["After Holm"].startswith(written["reads"].replace("groups", "videos"))
    new = {"p": 0.0011, "p_holm": 0.0077, "reads": "better"}
    change(copy / "metrics/eval_v0.json", "holm.recall.rows.Assembly", new)
    found = rows.all_tables(gather(copy, "v0", "lbzf_person"))["table_4_operations_recall"]
    cells = {str(row[0]): row[found.columns.index("After Holm")] for row in found.rows}
    assert cells["Assembly"] == "better (p 0.008)" and cells["All"] == ""


def test_less_is_better_where_errors_are_counted(line: Path) -> None:
    counted = [row for row in table(line, "table_5_sets") if row["Metric"] == "count error per frame"]
    assert {row["Set"] for row in counted} == {"deployment", "test", "val"}
    (row,) = [row for row in counted if row["Set"] == "deployment"]
    assert float(row["Difference high"]) < 0 and row["Reads"] == "better"
    given = gather(line, "v0", "lbzf_person").evaluation
    assert given and "count_mae" not in dict(given.losses)
    worse = Comparison("deployment", 9, 9, 9, {"count_mae": pair(0.1, 0.3), "recall": pair(0.1, 0.3)})
    assert dict(evaluation(splits=(worse,)).losses) == {"count_mae": worse.metrics["count_mae"]}


# What older files say


@pytest.fixture
def old(copy: Path) -> Path:
    """A run of before: none of what was added since."""
    path = copy / "metrics/eval_v0.json"
    content = {key: value for key, value in whole(copy).items() if key not in LATER}
    for split in content["splits"].values():
        for key in ("own", "by_camera", "by_day", "by_size", "by_class"):
            split.pop(key, None)
        for model in ("base", "candidate"):
            split[model].pop("count_mae", None)
            split[model]["coco"] = {"per_class": {"person": {"map": 0.4, "map50": 0.7}}}
    write_json(path, content)
    return copy


def test_files_of_before_are_still_read(old: Path) -> None:
    evidence = gather(old, "v0", "lbzf_person")
    given = evidence.evaluation
    assert given and given.holm == {} and given.thresholds is None and given.why is None and not given.slices
    page = Reader(render(evidence, {}, Examples("", []), [])).text
    assert "By recall, better on" in page and "after Holm" not in page and "own threshold" not in page
    found = rows.all_tables(evidence)
    assert not {"table_4_slices_recall", "table_5_thresholds", "table_12_planning"} & set(found)
    assert "After Holm" not in found["table_4_operations_recall"].columns
    assert [row[:2] for row in found["table_4_classes"].rows] == [("person", "mAP50"), ("person", "mAP50-95")]
    assert "would look different by chance alone" in " ".join(limits(evidence))
    assert list(dict(lines(old))) == ["In short", "Stage A", "Fine-tuned", "Engine", "Shadow", "Page"]


def test_several_classes_stand_beside_all_of_them(copy: Path) -> None:
    path = copy / "metrics/eval_v0.json"
    content = whole(copy)
    split = content["splits"]["deployment"]
    split["by_class"]["phone"] = split["by_class"]["person"] | {"objects": 3}
    for model in ("base", "candidate"):
        split[model]["coco"] = {"per_class": {"phone": {"map": 0.25, "map50": 0.5}, "person": {"map": 0.4}}}
    write_json(path, content)
    found = rows.all_tables(gather(copy, "v0", "lbzf_person"))["table_4_classes"]
    assert [row[0] for row in found.rows] == [*["person"] * 3, *["phone"] * 3, *["All classes"] * 3]
    (cell,) = [row[2] for row in found.rows if row[:2] == ("phone", "mAP50-95")]
    assert cell == Estimate(0.25)
    assert "no interval is given" in found.note


# Seeds

LUCKY = {
    "trainings": 5,
    "spread": {"of": "seeds", "degrees_of_freedom": 4, "sd": {"map50": 0.031, "recall": 0.02}},
    "difference": {
        "map50": {"estimate": 0.02, "low": -0.04, "high": 0.08, "groups": 14},
        "recall": {"estimate": 0.11, "low": 0.03, "high": 0.19, "groups": 14},
    },
    "recipe": {"metric": "map50", "bound": 0.0, "end": "low", "better": "higher", "value": "inconclusive"},
    "sentence": "that the recipe helps is not proven: over 5 trainings, gain of the recipe in map50 0.020",
}


def test_one_training_is_said_to_be_one_and_nothing_else_moves(copy: Path) -> None:
    before = render(gather(copy, "v0", "lbzf_person"), {}, Examples("", []), [])
    alone = {
        "trainings": 1,
        "spread": None,
        "difference": None,
        "recipe": None,
        "sentence": "one training of map50",
    }
    change(copy / "metrics/eval_v0.json", "seeds", alone)
    evidence = gather(copy, "v0", "lbzf_person")
    page = render(evidence, {}, Examples("", []), [])
    said = "One training of mAP50."
    assert said in page and page.replace(f'<p class="note">{said}</p>', "").split() == before.split()
    assert ("Seeds", said) in lines(copy) and said in model_card(evidence)
    assert "table_4_seeds" not in rows.all_tables(evidence)


def test_nothing_is_proven_of_three_groups(copy: Path) -> None:
    path = copy / "metrics/eval_v0.json"
    fallen = {"estimate": -0.2, "low": -0.3, "high": -0.1, "groups": 21}
    for groups, proven in ((21, True), (3, False)):
        change(path, "splits.deployment.difference.recall", {**fallen, "groups": groups})
        given = gather(copy, "v0", "lbzf_person").evaluation
        assert given is not None and ("recall" in dict(given.losses)) == proven


def test_a_label_with_a_dot_has_a_threshold(copy: Path) -> None:
    path = copy / "metrics/shadow_ab.json"
    change(path, "engines.candidate.thresholds", {"no.helmet": 0.4})
    shadow = gather(copy, "v0", "lbzf_person").shadow
    assert shadow is not None and shadow.scores["candidate"].own == {"no.helmet": 0.4}


def test_a_lucky_seed_is_no_yes(copy: Path) -> None:
    path = copy / "metrics/eval_v0.json"
    change(path, "improvement.value", "pass")
    change(path, "seeds", LUCKY)
    evidence = gather(copy, "v0", "lbzf_person")
    card = story.cards(evidence)[1]
    assert card.verdict == "inconclusive"
    assert card.answer.startswith("This model does better, its recipe is not proven to")
    page = " ".join(Reader(render(evidence, {}, Examples("", []), [])).text.split())
    assert "That the recipe helps is not proven: over 5 trainings" in page
    found = rows.all_tables(evidence)["table_4_seeds"]
    assert "over 5 trainings" in found.title and [row[0] for row in found.rows] == ["mAP50", "recall"]
    own = whole(copy)["splits"]["deployment"]["difference"]["map50"]
    assert (found.rows[0][1].value, found.rows[0][1].low) == (own["estimate"], own["low"])
    assert found.rows[0][2:] == (Estimate(0.02, -0.04, 0.08, 14), "cannot be told apart", 0.031)
    assert found.rows[1][3] == "better"
    # Where the recipe is proven too, the answer is the usual one.
    change(path, "seeds", {**LUCKY, "recipe": {**LUCKY["recipe"], "value": "pass"}})
    assert story.cards(gather(copy, "v0", "lbzf_person"))[1].answer.startswith("Yes: better than the base")


# What is said


def test_where_operations_are_few_nothing_is_concluded_of_them() -> None:
    both = tuple(operation(name, 0.1, 0.3, groups=3) for name in ("Collar", "Cuffs"))
    few = holm(Collar="too few groups", Cuffs="too few groups")
    given = evaluation(both, holm={"recall": few, "map50": few})
    text = judged_story.by_operation(Evidence("x", "v0", evaluation=given), given)
    assert text == (
        "No operation has enough videos for a verdict of its own (at most 3 videos). Taken alone: by recall, "
        "better on all 2; by mAP50, better on all 2."
    )


def test_what_the_correction_takes_back_is_said_as_such() -> None:
    names = ("Collar", "Cuffs", "Front", "Yoke")
    slices = (*(operation(name, 0.1, 0.3) for name in names[:2]), operation("Front", -0.4, -0.1))
    slices += (operation("Yoke", -0.1, 0.1, 3),)
    reads = {"Collar": "better", "Cuffs": "cannot be told apart", "Front": "worse", "Yoke": "too few groups"}
    given = evaluation(slices, holm={"recall": holm(**reads)})
    text = judged_story.by_operation(Evidence("x", "v0", evaluation=given), given)
    assert text == (
        "By recall, corrected for 3 comparisons at once (Holm): better on 1 of 4 (Collar), worse on 1 of 4 "
        "(Front), cannot be told apart on 1 of 4 (Cuffs); too few videos for a verdict on Yoke. Taken alone, "
        "the intervals also read better on Cuffs."
    )


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("deploy", "deploy it (mAP50 +31% [+22%, +40%] over the base)."),
        ("more_data", "collect more data ("),
        ("training_problem", "look for a fault in the training ("),
        ("inconclusive", "not settled (mAP50 +31% [+22%, +40%] over the base; the interval holds 20%)."),
    ],
)
def test_the_rule_says_what_to_do_next(value: str, said: str) -> None:
    rule = Rule(
        "map50", Estimate(0.31, 0.22, 0.4), value, "relative gain in map50 0.310: the interval holds 20%"
    )
    assert said in judged_story.rule_sentence(evaluation(rule=rule))


def test_non_inferiority_is_said_where_better_is_not_proven() -> None:
    one = NonInferiority("recall", 0.02, "pass", "the low end clears -0.02", None)
    assert judged_story.non_inferiority_sentence(evaluation(non_inferiority=one)) == ""
    gate = Gate("map50", 0.0, "higher", "inconclusive", "", None, None)
    text = judged_story.non_inferiority_sentence(evaluation(non_inferiority=one, improvement=gate))
    assert text == "It is not worse by more than 0.02 in recall (+0.200 [+0.100, +0.300])."
    lost = Comparison("deployment", 24, 240, 300, {"recall": pair(-0.3, -0.1), "map50": pair(0.1, 0.3)})
    worse = evaluation(non_inferiority=NonInferiority("recall", 0.02, "fail", "", None), splits=(lost,))
    assert judged_story.non_inferiority_sentence(worse) == ""  # the paragraph before says it
    assert "worse at threshold 0.25 in recall 0.500 → 0.700" in judged_story.helped(
        Evidence("x", "v0", evaluation=worse), worse
    )


def test_a_rule_that_looks_at_one_metric_says_so_where_another_falls() -> None:
    lost = Comparison("deployment", 24, 240, 300, {"recall": pair(-0.3, -0.1), "map50": pair(0.1, 0.3)})
    rule = Rule("map50", Estimate(0.31, 0.22, 0.4), "deploy", "more than 20%")
    assert "it looks at nothing else" in judged_story.rule_sentence(evaluation(rule=rule, splits=(lost,)))


def plan_row(about: str, cannot_tell: tuple[float, ...], reason: str) -> PlanRow:
    return PlanRow(about, "", 21, 12.0, 0.92, 0.03, 0.2, cannot_tell, 60 if cannot_tell else None, 39, reason)


def test_planning_is_printed_where_a_verdict_is_open() -> None:
    reason = "21 videos with 252 frames cannot tell 0.92 from 0.96; about 60 videos could"
    told = "21 videos with 252 frames tell 0.50 from 0.92"
    plan = Plan(
        (plan_row("map50 of the candidate", (0.92, 0.96), reason), plan_row("recall", (), told)),
        (f"map50 of the candidate: {reason}", f"recall: {told}"),
    )
    assert judged_story.planning(evaluation(plan=plan)) == []
    gate = Gate("map50", 0.96, "higher", "inconclusive", "", 39, Estimate(0.92, 0.89, 0.97))
    open_ = evaluation(plan=plan, targets=(gate,))
    (text,) = judged_story.planning(open_)
    assert text == f"mAP50 of the candidate: {reason}."
    found = {one.name: one for one in _tables(open_)}["table_12_planning"]
    assert found.rows[0][-2:] == ("0.920 and 0.960", "60") and found.rows[1][-1] == told


def _tables(given: Evaluation) -> list[Table]:
    from provenline.reports import judged_rows

    return judged_rows.tables(Evidence("x", "v0", evaluation=given), given)


def test_planning_stands_on_the_page_and_in_the_terminal(line: Path, copy: Path) -> None:
    sentences = whole(line)["plan"]["sentences"]
    given = gather(line, "v0", "lbzf_person").evaluation
    assert given and judged_story.open_questions(given)
    shown = judged_story.planning(given)
    assert shown and len(shown) <= len(sentences)
    text = bare(line).text
    assert all(one in text for one in shown)
    assert dict(lines(line))["Planning"].startswith(shown[0].rstrip("."))


# Targets and ceilings


def test_a_target_above_the_ceiling_is_flagged_beside_the_score_and_in_the_limits(
    full: Path, copy: Path
) -> None:
    for name in ("metrics/annotate_import.json", "metrics/annotate_import_deployment.json"):
        write_json(copy / name, read_json(full / name))
    content = whole(copy)
    content["targets"][0] |= {"metric": "map50", "bound": 0.97, "value": "inconclusive"}
    content["targets"][1] |= {"metric": "recall", "bound": 0.99}
    write_json(copy / "metrics/eval_v0.json", content)
    evidence = gather(copy, "v0", "lbzf_person")
    wanted = "mAP50 above 0.97 is asked, but these labels allow at most about 0.960 [0.940, 0.980]"
    (said,) = ceilings.beyond_targets(evidence)
    assert said == f"{wanted}: even a perfect detector may miss it."
    assert said in limits(evidence) and wanted in model_card(evidence).replace("\\", "")
    page = bare(copy)
    first = page.text[: page.text.rindex("Is the off-the-shelf detector good enough?")]
    assert "above what the labels allow" in first
    assert page.text.count(wanted) == 2  # beside the score, and among the limits


def test_a_target_beyond_the_whole_interval_of_the_ceiling_cannot_be_met(full: Path) -> None:
    evidence = gather(full, "v0", "lbzf_person")
    gate = Gate("map", 0.9, "higher", "fail", "", None, None)
    assert "no detector can be seen to reach it" in ceilings.beyond(evidence, gate, "deployment")
    assert ceilings.beyond(evidence, Gate("map", 0.8, "higher", "fail", "", None, None), "deployment") == ""
    assert ceilings.beyond(evidence, Gate("recall", 0.99, "higher", "fail", "", None, None)) == ""


# Figures and files


def test_figure_6_draws_hollow_what_the_correction_takes_back() -> None:
    both = (operation("Collar", 0.1, 0.3), operation("Cuffs", 0.1, 0.3))
    whole_ = evaluation().judged
    assert whole_
    corrected = forest(both, whole_, "recall", holm(Collar="better", Cuffs="cannot be told apart"))
    alone = forest(both, whole_, "recall")
    assert corrected.name == FIGURE_6["recall"] == "fig_6a_difference_recall"
    assert "Cuffs (12): +0.200 [+0.100, +0.300], better, after Holm cannot be told apart" in corrected.alt
    assert "Holm" not in alone.alt
    paper = re.compile(r"fill: #fefefe")
    assert len(paper.findall(corrected.svg)) == len(paper.findall(alone.svg)) + 1


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("50% & 3_a #1 {x} ~ ^", r"50\% \& 3\_a \#1 \{x\} \textasciitilde{} \textasciicircum{}"),
        ("a\nb", "a b"),
        ("≥ 0.5, ≤ 1 → ± x…", r"$\geq$ 0.5, $\leq$ 1 $\rightarrow$ $\pm$ x\ldots{}"),
        ("<b> | \\", r"\textless{}b\textgreater{} \textbar{} \textbackslash{}"),
    ],
)
def test_latex_takes_every_letter_as_text(text: str, written: str) -> None:
    assert tex(text) == written


def test_a_row_that_begins_with_a_bracket_is_no_argument_of_the_row_before() -> None:
    made = Table("x", "x", ("A", "B"), (("a", 1), ("[b]", 2))).to_tex()
    assert "\n{}[b] & 2" in made


def test_every_table_of_a_run_is_sound_latex(full: Path) -> None:
    files = sorted((full / "reports/tables").glob("*.tex"))
    assert len(files) > 20
    for file in files:
        text = file.read_text(encoding="utf-8")
        plain = re.sub(r"\\[&%$#_{}]", "", text)
        for row in (line for line in plain.splitlines() if line.endswith(r"\\")):
            assert row.count("&") == plain.splitlines()[2].count("&"), (file.name, row)
            assert row.count("{") == row.count("}") and row.count("$") % 2 == 0 and "%" not in row
        letters = set(re.sub(r"[\x00-\x7f]", "", text))
        assert letters <= set("×κ–’“”"), (file.name, letters)  # noqa: RUF001 - as written


def test_the_files_of_the_plan_are_named(line: Path) -> None:
    page = bare(line).text
    for path in (
        "data/dataset/lbzf_person_v0.yaml",
        "data/dataset_split_v0.csv",
        "metrics/eval_v0.json",
        "models/lbzf_person_v0.pt",
        "models/engines/onnxruntime-cpu/candidate",
    ):
        assert path in page and path in (line / "reports/model_card.md").read_text()


def test_files_that_no_stage_wrote_yet_are_said_to_be_missing(copy: Path) -> None:
    (copy / "metrics/train.json").unlink()
    assert "models/lbzf_person_v0.pt not there yet : dvc repro train" in bare(copy).text


# Limits


def test_limits_count_groups_places_and_objects(copy: Path) -> None:
    change(copy / "metrics/extract_deployment.json", "sources.cameras", 1)
    content = whole(copy)
    content["splits"]["val"] |= {"objects": 12}
    write_json(copy / "metrics/eval_v0.json", content)
    found = " ".join(limits(gather(copy, "v0", "lbzf_person")))
    groups = content["splits"]["deployment"]["groups"]
    assert f"rests on {groups} videos (deployment set), fewer than 20: intervals are rough." in found
    assert (
        "The deployment footage is of 1 camera on 3 days: how it is on another camera is not known." in found
    )
    assert "own threshold was chosen on 12 objects of" in found
    assert "One training with one seed" in found
    assert "Operations are corrected for being compared at once (Holm)" in found


def test_a_relative_change_is_written_in_percent() -> None:
    assert words.percent(Estimate(-0.021, -0.1, 0.005)) == "\u22122% [\u221210%, +0%]"
