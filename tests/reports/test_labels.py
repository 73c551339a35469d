from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest

from provenline.files import read_json, write_json
from provenline.reports import ceilings, disputes, label_rows, label_story, rows
from provenline.reports.cards import dataset_card, model_card
from provenline.reports.gather import gather
from provenline.reports.limits import limits
from provenline.reports.summary import lines
from tests.reports.test_gather import change
from tests.reports.test_report import Reader, bare


@pytest.fixture(scope="module")
def page(full: Path) -> Reader:
    return Reader((full / "reports/index.html").read_text(encoding="utf-8"))


def table(root: Path, name: str) -> list[dict[str, str]]:
    with (root / f"reports/tables/{name}.csv").open(encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def test_the_ceiling_stands_beside_every_average_precision(full: Path, page: Reader) -> None:
    ceiling = "mAP50 of at most about 0.960 [0.940, 0.980] against the labels of the development footage"
    head = page.text[: page.text.rindex("Is the off-the-shelf detector good enough?")]
    assert "labels allow at most about 0.960 [0.940, 0.980]" in head, "in the card of the first screen"
    assert page.text.count(ceiling) >= 3, "below the forest, the training curve, and with the labels"
    assert "mAP50-95 of at most about 0.840" in page.text
    assert "One annotator against the other reaches mAP50 0.920" in page.text
    for row in table(full, "table_5_sets"):
        wanted = {"mAP50": "0.96", "mAP50-95": "0.84"}.get(row["Metric"], "")
        assert row["Ceiling"] == wanted
    assert {row["Ceiling low"] for row in table(full, "table_4_operations_map50")} == {"0.94"}
    assert "Ceiling" not in table(full, "table_4_operations_recall")[0]
    by_metric = {row["Metric"]: row["Ceiling"] for row in table(full, "table_4_classes")}
    assert by_metric == {"mAP50": "0.96", "mAP50-95": "0.84", "recall": ""}
    for name in ("table_4_operations_map50", "table_4_classes", "table_5_sets"):
        assert "eiling" in (full / f"reports/tables/{name}.tex").read_text()
    model = model_card(gather(full, "v0", "lbzf_person"))
    assert "mAP50 of at most about 0.960" in model and "mAP50: 0." in model


def test_the_terminal_names_the_ceiling_too(full: Path) -> None:
    said = dict(lines(full))["Fine-tuned"]
    assert "; at most about 0.960 [0.940, 0.980] against these labels; deployment set, 14 videos" in said


def test_deployment_has_a_ceiling_of_its_own_where_its_labels_have_one(full: Path, copy: Path) -> None:
    for suffix in ("", "_deployment"):
        path = copy / f"metrics/annotate_import{suffix}.json"
        whole = read_json(full / "metrics/annotate_import.json")
        whole["agreement"]["ceiling"]["ap50"]["value"] = 0.9 if suffix else 0.95
        write_json(path, whole)
    found = rows.all_tables(gather(copy, "v0", "lbzf_person"))["table_5_sets"]
    place = found.columns.index("Ceiling")
    by_set = {str(row[0]): getattr(row[place], "value", None) for row in found.rows if row[2] == "mAP50"}
    assert by_set == {"deployment": 0.9, "test": 0.95, "val": 0.95}


def test_without_a_ceiling_the_tables_have_no_column_of_it_and_it_is_said(copy: Path) -> None:
    path = copy / "metrics/annotate_import.json"
    report = read_json(path)
    del report["agreement"]["ceiling"]
    write_json(path, report)
    evidence = gather(copy, "v0", "lbzf_person")
    assert all("Ceiling" not in one.columns for one in rows.all_tables(evidence).values())
    assert any(
        "perfect detector could score against these labels is not known" in one for one in limits(evidence)
    )


def test_agreement_is_shown_per_region_and_operation_and_over_the_overlap(full: Path, page: Reader) -> None:
    for text in (
        "κ per region, somebody there (3 × 3 regions) 0.860 [0.830, 0.890]",  # noqa: RUF001
        "Krippendorff's alpha, how many people 0.910 [0.880, 0.940]",
        "Alpha is over 3 annotators.",
        "Table 2b. Agreement of annotator_a and annotator_b per operation",
    ):
        assert text in page.text, text
    assert (full / "reports/figures/agreement_curve.svg").is_file()
    categories = {row["Operation"]: row for row in table(full, "table_2_categories")}
    assert categories["Assembly"]["κ, somebody there low"] == "0.87"
    assert categories["Collar"]["κ, somebody there"] == ""


def test_disputes_are_frames_of_ours_with_both_annotators_boxes(full: Path, page: Reader) -> None:
    evidence = gather(full, "v0", "lbzf_person")
    assert evidence.development.annotation and evidence.development.annotation.agreement
    found = disputes.find(full, evidence.development.annotation.agreement, 2)
    assert [one[0].kind for one in found] == ["missed", "extra", "count", "shifted"]
    written = read_json(full / "metrics/annotate_import.json")["agreement"]["disagreements"]
    assert len(written) == 5 and sum(map(len, found)) == 4, "what was not sampled is passed over"
    (first,) = found[0]
    assert first.path.is_file() and first.first.tolist() == written[0]["boxes"]["a"]
    assert first.second.tolist() == written[0]["boxes"]["b"]
    assert "only the first saw something 4, only the second did 1, at other places 9" in page.text
    assert "10 s · lowest IoU 0.41" in page.text
    assert "Only annotator_a saw it" in page.text and "Both saw it, at other places" in page.text
    assert any("by annotator_a" in (alt or "") for alt in page.alts)


def test_the_real_import_s_disputes_are_shown_too(line: Path) -> None:
    text = Reader((line / "reports/index.html").read_text(encoding="utf-8")).text
    assert "Where two annotators differ" in text and "Only annotator_a saw it" in text


def test_every_label_is_accounted_for(full: Path, page: Reader) -> None:
    found = table(full, "table_8_labels")
    assert [row["Read"] for row in found] == ["410", "7", "410", "7", "834"]
    assert found[0]["Becomes"] == "person 300, mannequin 90"
    assert found[0]["Why set aside"] == "no area 3; outside the image 1"
    assert "The sums agree in every row." in page.text
    path = full / "metrics/annotate_import.json"
    content = read_json(path)
    broken = json.loads(json.dumps(content))
    broken["reconciliation"][0]["not_sampled"] = 0
    try:
        write_json(path, broken)
        evidence = gather(full, "v0", "lbzf_person")
    finally:
        write_json(path, content)
    note = next(one.note for one in label_rows.tables(evidence) if one.name == "table_8_labels")
    assert "THE SUMS DO NOT AGREE for annotations/annotator_a.xml, person" in note


def test_doubted_frame_numbers_are_a_warning(full: Path, page: Reader) -> None:
    assert "Frame numbers of the annotation tool, by medium: confirmed 1, shifted 1." in page.text
    assert "front/video_05.mp4: shifted, offset -2, 12 pictures compared" in page.text
    assert "cuffs/video_04.mp4: " not in page.text
    assert [row["Their frames"] for row in table(full, "table_9_numbering")] == ["900", "900"]
    assert "Decided" in page.text and "annotator_a: 19" in page.text
    assert "Shapes that are no object: polyline 2." in page.text


def test_labels_for_the_next_phase_are_counted(line: Path) -> None:
    evidence = gather(line, "v0", "lbzf_person")
    labels = evidence.development.annotation
    assert labels and label_story.outside(evidence, labels) == {"mannequin": labels.labels["mannequin"]}
    said = f"mannequin {labels.labels['mannequin']}"
    card = dataset_card(evidence)
    assert f"**Kept for the next phase, not of today's classes**: {said}" in card
    assert f"kept though not of today’s classes: {said}" in bare(line).text  # noqa: RUF001


@pytest.mark.parametrize("suffix", ["", "_deployment"])
@pytest.mark.parametrize(
    ("key", "heading", "limit"),
    [
        ("provenance", "Staged or real production", "whether it is staged or real production"),
        ("consent", "Consent or ethics reference", "who consented"),
        ("licence", "Licence", "the licence"),
    ],
)
def test_each_silence_of_a_media_list_is_said_aloud(
    copy: Path, suffix: str, key: str, heading: str, limit: str
) -> None:
    side = "deployment" if suffix else "development"
    for other in ("", "_deployment"):
        for name in ("provenance", "consent", "licence"):
            total = read_json(copy / f"metrics/extract{other}.json")["sources"]["media"]
            silent = other == suffix and name == key
            counts = {"": 3, "stated": total - 3} if silent else {"stated": total}
            change(copy / f"metrics/extract{other}.json", f"sources.{name}", counts)
    evidence = gather(copy, "v0", "lbzf_person")
    card, page = dataset_card(evidence), bare(copy).text
    assert card.count("NOT STATED") == page.count("NOT STATED") == 1
    line = next(one for one in card.splitlines() if "NOT STATED: 3 of" in one)
    assert f"**{heading}**" in line
    assert f"The {side} media list does not say {limit} for 3 of" in page


def test_real_production_is_called_so_and_no_media_list_is_said(copy: Path) -> None:
    change(copy / "metrics/extract.json", "sources.provenance", {"production": 20, "staged": 2})
    path = copy / "metrics/extract_deployment.json"
    report = read_json(path)
    del report["sources"]
    write_json(path, report)
    evidence = gather(copy, "v0", "lbzf_person")
    card = dataset_card(evidence)
    assert "real production: 20 of 22" in card
    assert card.count("NOT STATED: there is no media list") == 3
    assert any("There is no media list for the deployment footage" in one for one in limits(evidence))


def test_a_run_that_is_older_than_all_this_still_has_its_page(copy: Path) -> None:
    for suffix in ("", "_deployment"):
        path = copy / f"metrics/annotate_import{suffix}.json"
        report = read_json(path)
        for key in ("reconciliation", "adjudication", "numbering", "skipped"):
            report.pop(key, None)
        for key in ("krippendorff", "ceiling", "disagreements", "disagreement_counts"):
            (report["agreement"] or {}).pop(key, None)
        for pair in (report["agreement"] or {}).get("pairs", []):
            for key in ("regions", "curve", "categories"):
                pair.pop(key, None)
        write_json(path, report)
    page = bare(copy)
    assert page.open == [] and "How good are the labels?" in page.text
    assert "Table 8." not in page.text and "Krippendorff" not in page.text


def test_a_ceiling_of_one_label_stands_beside_no_score_of_several_or_of_others(copy: Path) -> None:
    path = copy / "metrics/annotate_import.json"
    report = read_json(path)
    for label, shown in (("person", True), ("rock_toe", False)):
        report["agreement"]["label"] = label
        write_json(path, report)
        given = gather(copy, "v0", "lbzf_person")
        assert given.classes == ("person",)
        assert (ceilings.reach(given, "map50", "test") is not None) == shown
    report["agreement"]["label"] = "person"
    write_json(path, report)
    several = replace(gather(copy, "v0", "lbzf_person"), classes=("person", "phone"))
    assert ceilings.reach(several, "map50", "test") is None
