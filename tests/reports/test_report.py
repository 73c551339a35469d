from __future__ import annotations

import csv
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import yaml

from provenline.files import read_json, sha256_tree, write_json
from provenline.footage.anonymise import blur_of
from provenline.reports import story
from provenline.reports.cards import md
from provenline.reports.conclusion import conclusion
from provenline.reports.examples import choose, load
from provenline.reports.gather import gather
from provenline.reports.judged_figures import FIGURE_6
from provenline.reports.page import Examples, render
from provenline.reports.pictures import draw_all
from provenline.reports.report import write_report
from provenline.reports.summary import lines
from tests.reports.conftest import PARAMS, PLAIN
from tests.reports.test_gather import change
from tests.reports.world import CANDIDATE, build

BLUR = blur_of(PLAIN, [], [])


class Reader(HTMLParser):
    """Collects ids, addresses, alternative texts, tags that are left open and the visible text."""

    VOID = frozenset({"meta", "img", "br", "line", "circle", "link", "input", "path", "use", "rect"})

    def __init__(self, page: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.addresses: list[str] = []
        self.alts: list[str | None] = []
        self.open: list[str] = []
        self.texts: list[str] = []
        self.feed(page)
        self.text = " ".join(" ".join(self.texts).split())

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        self.ids += [given["id"]] if given.get("id") else []
        self.addresses += [given[key] for key in ("src", "href", "xlink:href") if given.get(key)]
        self.alts += [given.get("alt")] if tag == "img" else []
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attributes)
        if tag not in self.VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("style", "script"):
            self.texts.append(data)


def bare(root: Path) -> Reader:
    """Return the page without figures and pictures: they take most of the time."""
    return Reader(render(gather(root, "v0", "lbzf_person"), {}, Examples("", []), []))


@pytest.fixture(scope="session")
def page(line: Path) -> Reader:
    return Reader((line / "reports/index.html").read_text(encoding="utf-8"))


def test_the_page_answers_the_questions_in_their_order(page: Reader) -> None:
    questions = [
        "Is the off-the-shelf detector good enough?",
        "Does fine-tuning help, and on which operations?",
        "What goes wrong, and how sure is it?",
        "Is the engine the same model?",
        "Is it better than what runs now?",
        "The data",
        "How good are the labels?",
        "Does the split leak?",
        "What this does not prove",
        "The files of this run",
        "From the footage to the engine",
    ]
    places = [page.text.rindex(question) for question in questions]
    assert places == sorted(places)
    assert page.text.index("No: fine-tune it") < page.text.index("Yes: better than the base") < places[0]
    assert "21 videos, 252 frames (development)" in page.text
    assert "Simulated footage" in page.text
    assert "cuffs/half_a_file.mp4" in page.text and "front/dark.mp4" in page.text


def test_every_number_of_the_verdicts_is_the_evaluators(line: Path, page: Reader) -> None:
    stage_a = read_json(line / "metrics/stage_a_eval.json")["metrics"]["recall"]
    assert f"{stage_a['estimate']:.3f} [{stage_a['low']:.3f}, {stage_a['high']:.3f}]" in page.text
    gain = read_json(line / "metrics/eval_v0.json")["splits"]["deployment"]["difference"]["map50"]
    assert f"{gain['estimate']:+.3f} [{gain['low']:+.3f}, {gain['high']:+.3f}]" in page.text


def test_the_page_is_well_formed_and_needs_nothing_else(page: Reader) -> None:
    assert page.open == []
    assert len(page.ids) == len(set(page.ids))
    outside = [
        address for address in page.addresses if not address.startswith(("#", "data:image/jpeg;base64,"))
    ]
    beside = {"split_certificate.html", "model_card.md", "dataset_card.md"}
    assert set(outside) == beside  # links that nothing is loaded from
    assert {address[1:] for address in page.addresses if address.startswith("#")} <= set(page.ids)
    assert page.alts and all(page.alts)


def test_the_same_evidence_gives_the_same_bytes(line: Path, tmp_path: Path) -> None:
    write_report(line, PARAMS, PLAIN, "v0", "lbzf_person", tmp_path / "again")
    assert sha256_tree(tmp_path / "again") == sha256_tree(line / "reports")


def test_figures_and_tables_lie_beside_the_page(line: Path) -> None:
    figures = {path.name for path in (line / "reports/figures").iterdir()}
    both = {f"{name}.{kind}" for name in FIGURE_6.values() for kind in ("svg", "png")}
    assert both | {"precision_recall.svg"} <= figures
    tables = {path.name for path in (line / "reports/tables").iterdir()}
    assert {"table_1_stage_a.csv", "table_1_stage_a.tex", "table_4_operations_recall.csv"} <= tables
    with (line / "reports/tables/table_4_operations_recall.csv").open() as stream:
        rows = {row["Operation"]: row for row in csv.DictReader(stream)}
    written = read_json(line / "metrics/eval_v0.json")["splits"]["deployment"]["by_category"]["Collar"]
    assert float(rows["Collar"]["Difference low"]) == written["difference"]["recall"]["low"]
    tex = (line / "reports/tables/table_1_stage_a.tex").read_text()
    assert r"Buttonholes \& buttons" in tex and tex.count(r"\toprule") == 1
    assert len({row.count("&") - row.count(r"\&") for row in tex.splitlines() if row.endswith(r"\\")}) == 1


def test_cards_say_what_is_missing_in_the_media_list(line: Path) -> None:
    dataset = (line / "reports/dataset_card.md").read_text()
    assert "NOT STATED: 1 of 22" in dataset and "simulated: nobody to ask: 20 of 22" in dataset
    model = (line / "reports/model_card.md").read_text()
    assert "c" * 64 in model and "What this does not prove" in model


def test_what_is_missing_is_said_and_breaks_nothing(tmp_path: Path) -> None:
    result = write_report(tmp_path, PARAMS, PLAIN, "v0", "nothing", tmp_path / "reports")
    page = Reader((tmp_path / "reports/index.html").read_text(encoding="utf-8"))
    assert set(result["verdicts"].values()) == {"none"}
    assert page.text.count("Not measured yet") == 3
    for stage in ("stageA-eval", "eval", "trt-build", "shadow-ab", "split"):
        assert f"dvc repro {stage}" in page.text


@pytest.mark.parametrize(
    "file",
    ["train.json", "split.json", "eval_v0.json", "stage_a_eval.json", "annotate_import.json", "extract.json"],
)
def test_each_part_may_be_missing(copy: Path, file: str) -> None:
    (copy / "metrics" / file).unlink()
    assert f"metrics/{file}" in gather(copy, "v0", "lbzf_person").missing
    assert f"metrics/{file} is missing" in bare(copy).text


def test_frames_that_are_not_here_are_no_error(copy: Path) -> None:
    evaluation = gather(copy, "v0", "lbzf_person").evaluation
    material = load(copy, "v0", "train")
    assert evaluation and material
    scenes = choose(material, ["person"], evaluation, PARAMS, copy)
    assert scenes and all(draw_all(found, 320, BLUR) == [] for found in scenes.values())
    assert "No frames are shown" in bare(copy).text


def test_hostile_names_stay_text(tmp_path: Path) -> None:
    evil = '<script>alert("1")</script> $\\frac{x}$ & ]]>'
    root = build(tmp_path, clips=12, deployment_clips=12, categories=(evil,))
    write_report(root, PARAMS, PLAIN, "v0", evil, root / "reports")
    page = (root / "reports/index.html").read_text(encoding="utf-8")
    assert "<script" not in page.lower()
    assert 'alert("1")' not in re.sub(r">[^<]*<", "><", page)
    assert Reader(page).open == []
    assert "<script" not in (root / "reports/dataset_card.md").read_text()


def test_no_text_of_the_footage_is_markdown() -> None:
    evil = "`x` <img src=x onerror=alert(1)>\n# heading"
    assert md(evil) == "\\`x\\` &lt;img src=x onerror=alert(1)> # heading"


def test_the_base_passed_through_is_not_compared(copy: Path) -> None:
    path = copy / "metrics/eval_v0.json"
    content = read_json(path) | {"same_model": True, "improvement": None}
    for split in content["splits"].values():
        split["difference"] = None
    write_json(path, content)
    assert story.cards(gather(copy, "v0", "lbzf_person"))[1].verdict == "none"
    assert "there is nothing to compare" in bare(copy).text
    assert "the base was passed through" in dict(lines(copy))["Fine-tuned"]


def test_a_broken_chain_of_hashes_is_said(copy: Path) -> None:
    path = copy / "metrics/train.json"
    write_json(path, read_json(path) | {"sha256": "9" * 64})
    assert "was built from other weights than these" in bare(copy).text


def test_equal_skill_cannot_be_told_apart(tmp_path: Path) -> None:
    root = build(tmp_path, clips=12, deployment_clips=12, base=CANDIDATE, candidate=CANDIDATE)
    assert "Cannot be told apart from the base" in bare(root).text
    assert "inconclusive" in dict(lines(root))["Fine-tuned"]


def test_the_last_lines_carry_intervals_and_videos(line: Path) -> None:
    said = dict(lines(line))
    assert list(said) == [
        "In short",
        "Stage A",
        "Fine-tuned",
        "Rule",
        "Thresholds",
        "Planning",
        "Engine",
        "Shadow",
        "Page",
        "Seal",
    ]
    assert said["Seal"].startswith(read_json(line / "reports/dossier.json")["seal"])
    assert re.search(r"recall 0\.\d{3} \[0\.\d{3}, 0\.\d{3}\] \(asked: above 0\.95\)", said["Stage A"])
    assert said["Stage A"].endswith("21 videos")
    assert re.search(r"difference \+0\.\d{3} \[\+0\.\d{3}, \+0\.\d{3}\]", said["Fine-tuned"])
    assert "deployment set, 14 videos" in said["Fine-tuned"]
    assert said["Engine"].endswith("unproven: no device has signed them")
    assert said["Shadow"] and said["Page"] == "reports/index.html"


DECISIONS = {
    ("stage_a_eval", "decision", "ship"): "The off-the-shelf detector is good enough; ",
    ("eval_v0", "same_model", True): "; nothing was trained; ",
    ("eval_v0", "improvement.value", "fail"): "; fine-tuning does not help (mAP50 +0.",
    ("eval_v0", "improvement.value", "inconclusive"): "; whether fine-tuning helps is not settled (mAP50 +0.",
    (
        "shadow_ab",
        "decision",
        "reject",
    ): "; on deployment footage it should not replace what runs now: keep that.",
    (
        "shadow_ab",
        "decision",
        "same_model",
    ): "; the engines are the same model, so nothing is to be replaced.",
}


@pytest.mark.parametrize("given", DECISIONS, ids=lambda one: f"{one[0]} {one[2]}")
def test_all_verdicts_come_in_one_sentence(copy: Path, given: tuple[str, str, Any]) -> None:
    stage, key, value = given
    change(copy / f"metrics/{stage}.json", key, value)
    evidence = gather(copy, "v0", "lbzf_person")
    said = conclusion(evidence.stage_a, evidence.evaluation, evidence.shadow)
    assert DECISIONS[given] in said and dict(lines(copy))["In short"] == said
    assert said in bare(copy).text


def test_what_was_not_run_is_not_concluded_from(copy: Path) -> None:
    evidence = gather(copy, "v0", "lbzf_person")
    assert conclusion(evidence.stage_a, None, None) == "The off-the-shelf detector is not good enough."
    assert conclusion(None, None, None) == ""


def test_photos_come_in_groups_and_not_in_videos(copy: Path) -> None:
    path = copy / "metrics/extract.json"
    content = read_json(path)
    write_json(path, content | {"media": content["media"] | {"videos": 0, "photos": 21}})
    said = dict(lines(copy))
    assert said["Stage A"].endswith("21 groups") and "groups" in said["Planning"]
    cards = story.cards(gather(copy, "v0", "lbzf_person"))
    assert any("groups" in card.reason for card in cards)
    assert "video" not in f"{said} {cards}"


def test_the_last_lines_come_at_once() -> None:
    heavy = ("pandas", "matplotlib", "cv2", "torch", "pyarrow")
    code = f"import sys; import provenline.reports.summary; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_last_lines_of_nothing_say_what_to_run(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_text(yaml.safe_dump({"round": "v3"}))
    assert "dvc repro eval" in dict(lines(tmp_path))["Fine-tuned"]
