"""The chain on the page, and the dossier beside it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from provenline.dossier import sealing
from provenline.dossier.verifying import verify
from provenline.errors import InputError
from provenline.files import read_json, sha256_file, write_json
from provenline.parameters import read
from provenline.reports import chain
from provenline.reports.gather import gather
from provenline.reports.page import Examples, render


def page(root: Path) -> str:
    """The page without figures and pictures, with its chain."""
    collected = chain.gathered(root, read(root))
    evidence = replace(gather(root, "v0", "lbzf_person"), chain=chain.shown(collected))
    return " ".join(render(evidence, {}, Examples("", []), []).split())


def test_the_page_shows_the_seal_of_its_evidence_and_the_dossier_names_the_page(line: Path) -> None:
    dossier, _ = sealing.read(line / "reports/dossier.json")
    shown = (line / "reports/index.html").read_text()
    assert sealing.evidence_seal(dossier.evidence) == dossier.evidence_sha256
    assert dossier.evidence_sha256 in shown and dossier.seal not in shown
    named = {one.path: one.sha256 for one in dossier.report}
    assert named["index.html"] == sha256_file(line / "reports/index.html")
    there = {path.relative_to(line / "reports").as_posix() for path in (line / "reports").rglob("*.*")}
    assert named.keys() == there - {"dossier.json"}


def test_each_hash_on_the_page_is_that_of_its_file(line: Path) -> None:
    dossier, _ = sealing.read(line / "reports/dossier.json")
    shown = (line / "reports/index.html").read_text()
    files = {one.path: one.sha256 for one in dossier.evidence.artifacts if one.kind == "file"}
    assert len(files) > 10
    assert files == {path: sha256_file(line / path) for path in files}
    split = files["data/dataset_split_v0.csv"]
    assert f'<code title="data/dataset_split_v0.csv: {split}">{split[:12]}</code>' in shown


def test_what_verify_finds_is_what_was_missing_then(line: Path) -> None:
    dossier, _ = sealing.read(line / "reports/dossier.json")
    found = verify(line, line / "reports/dossier.json")
    said = {one.file for one in found.broken}
    assert "models/lbzf_person_v0.pt" in said  # of a played run nobody keeps weights
    assert all("not there when the report was written" in one.why for one in found.broken)
    assert len(found.broken) == len(dossier.evidence.missing)
    assert "The chain has a hole" in (line / "reports/index.html").read_text()


def test_verdicts_and_intervals_are_the_evaluators(line: Path) -> None:
    dossier, _ = sealing.read(line / "reports/dossier.json")
    by_place = {(one.file, one.place): one for one in dossier.evidence.verdicts}
    written = read_json(line / "metrics/eval_v0.json")
    gain = written["splits"]["deployment"]["difference"]["map50"]
    kept = by_place["metrics/eval_v0.json", "improvement"]
    assert kept.says == written["improvement"]["value"]
    assert kept.interval == {key: gain[key] for key in ("estimate", "low", "high", "groups")}
    assert by_place["metrics/stage_a_eval.json", "decision"].says == "fine_tune"


def test_a_link_that_does_not_hold_is_on_the_page_and_on_the_card(copy: Path) -> None:
    weights = copy / "models/lbzf_person_v0.pt"
    weights.write_bytes(b"weights")
    shown = page(copy)
    assert f"names cccccccccccc…, but models/lbzf_person_v0.pt is {sha256_file(weights)[:12]}…" in shown
    path = copy / "metrics/train.json"
    write_json(path, read_json(path) | {"sha256": sha256_file(weights)})
    assert "but models/lbzf_person_v0.pt is" not in page(copy)


def test_another_round_is_another_seal(copy: Path) -> None:
    before = chain.shown(chain.gathered(copy, read(copy))).seal
    given = yaml.safe_load((copy / "params.yaml").read_text())
    (copy / "params.yaml").write_text(yaml.safe_dump(given | {"round": "v0.1"}))
    assert chain.shown(chain.gathered(copy, read(copy))).seal != before


def test_a_name_that_leaves_the_folder_is_one_line(copy: Path) -> None:
    given = yaml.safe_load((copy / "params.yaml").read_text())
    (copy / "params.yaml").write_text(yaml.safe_dump(given | {"target": "../../elsewhere"}))
    with pytest.raises(InputError, match="target"):
        chain.gathered(copy, read(copy))
