from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from provenline.commands.certificate import certificate as command
from provenline.errors import InputError
from provenline.files import read_json, write_json
from provenline.reports.certificate import write_certificate
from provenline.reports.gather import gather
from provenline.reports.split_story import leakage
from tests.reports.test_report import Reader


def alone(root: Path, source: Path, **changes: Any) -> Path:
    """Copy metrics/split.json alone, with changes; a value of None takes a part away."""
    content = read_json(source / "metrics/split.json") | changes
    write_json(
        root / "metrics/split.json", {key: value for key, value in content.items() if value is not None}
    )
    return root


def read(path: Path) -> Reader:
    return Reader(path.read_text(encoding="utf-8"))


def test_the_page_says_what_was_checked_and_what_was_found(full: Path) -> None:
    page = read(full / "reports/split_certificate.html")
    assert page.open == [] and len(page.ids) == len(set(page.ids))
    assert [one for one in page.addresses if not one.startswith("#")] == ["index.html"]
    assert {one[1:] for one in page.addresses if one.startswith("#")} <= set(page.ids)
    for text in (
        "? unproven",
        "Not proven to be clean",
        "two media are too dark to be compared.",
        "252 frames, 21 media, 31,626 pairs",
        "2 pairs, 1 ACROSS SIDES",
        "train and test: A LEAK",
        "32 pairs of frames look the same across sides, of 4 pairs of videos.",
        "14 components, the largest of 5 videos",
        "1 camera never moves (dev-0)",
        "a_1 and b_2, a.mp4 and b.mp4, 2 bits",
        "0 days apart at the nearest (dev-0, train and test)",
        "Too few objects to measure anything: person in test (3 of 10).",
        "21 rows, as it was accepted, SHA-256 aaaaaaaaaaaa",
        "The leak flatters mAP50 by +0.110 [+0.030, +0.190], with what the untrained base scores more",
        "Test sets of at random: 21 videos, kept whole: 6 videos.",
        "Whether these are copies cannot be told: front/dark.mp4, front/x.mp4.",
        "6 test groups: no figure on them is a verdict.",
    ):
        assert text in page.text, text


def test_the_report_says_it_in_short_and_links_to_it(full: Path) -> None:
    page = read(full / "reports/index.html")
    short = page.text[page.text.rindex("Does the split leak?") :]
    assert "Not proven to be clean" in short and "The leak flatters mAP50" in short
    assert "split_certificate.html" in page.addresses


@pytest.mark.parametrize(
    ("verdict", "mark"), [("clean", "✓ clean"), ("leak", "✗ leak"), ("unproven", "? unproven")]
)
def test_every_verdict_has_its_mark(full: Path, tmp_path: Path, verdict: str, mark: str) -> None:
    given = read_json(full / "metrics/split.json")["certificate"] | {"verdict": verdict}
    write_certificate(alone(tmp_path, full, certificate=given), tmp_path / "out.html")
    assert mark in read(tmp_path / "out.html").text


def test_an_unknown_verdict_is_an_error(full: Path, tmp_path: Path) -> None:
    given = read_json(full / "metrics/split.json")["certificate"] | {"verdict": "fine"}
    with pytest.raises(InputError, match=r"certificate\.verdict: unknown verdict 'fine'"):
        write_certificate(alone(tmp_path, full, certificate=given), tmp_path / "out.html")
    assert not (tmp_path / "out.html").exists()


def test_a_run_that_is_older_than_certificates_still_has_its_page(full: Path, tmp_path: Path) -> None:
    older = dict.fromkeys(("certificate", "class_floor", "warnings", "ledger", "by"))
    write_certificate(alone(tmp_path, full, **older), tmp_path / "out.html")
    text = read(tmp_path / "out.html").text
    assert "Written before certificates" in text and "Copies were not looked for" in text
    assert "clean" not in text
    torn = read_json(full / "metrics/split.json")["audit"] | {"groups_disjoint": False}
    write_certificate(alone(tmp_path, full, **older, audit=torn), tmp_path / "out.html")
    text = read(tmp_path / "out.html").text
    assert "It leaks" in text and "YES, IT LEAKS" in text


def test_the_command_needs_the_split_alone(
    full: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = typer.Typer()
    app.command()(command)
    monkeypatch.chdir(alone(tmp_path, full))
    done = CliRunner().invoke(app, [])
    assert done.exit_code == 0 and "split_certificate.html: Not proven to be clean" in done.output
    page = read(tmp_path / "split_certificate.html")
    assert all(one.startswith("#") for one in page.addresses), "no report lies beside it"
    assert "run make leakage" in page.text
    shutil.copy(full / "metrics/leakage.json", tmp_path / "metrics")
    assert CliRunner().invoke(app, ["--out", "deep/page.html"]).exit_code == 0
    assert "The leak flatters mAP50" in read(tmp_path / "deep/page.html").text
    (tmp_path / "metrics/split.json").unlink()
    assert isinstance(CliRunner().invoke(app, []).exception, InputError)


def test_names_in_the_certificate_stay_text(full: Path, tmp_path: Path) -> None:
    evil = '<script>alert("1")</script>'
    given = read_json(full / "metrics/split.json")["certificate"]
    given |= {"reasons": [evil], "cannot_tell": [evil]}
    given["gaps"][0]["camera"] = given["copies"][0]["first"] = evil
    write_certificate(alone(tmp_path, full, certificate=given), tmp_path / "out.html")
    assert "<script" not in (tmp_path / "out.html").read_text(encoding="utf-8").lower()
    assert read(tmp_path / "out.html").open == []


def test_the_leak_is_told_by_its_interval_and_named_where_it_is_of_another_split(full: Path) -> None:
    evidence = gather(full, "v0", "lbzf_person")
    assert evidence.leakage and "another split" not in leakage(evidence, evidence.leakage)
    path = full / "metrics/leakage.json"
    content = read_json(path)
    try:
        write_json(
            path, content | {"net": {"value": 0.02, "low": -0.1, "high": 0.1}, "split_sha256": "0" * 64}
        )
        other = gather(full, "v0", "lbzf_person")
        text = leakage(other, other.leakage)
    finally:
        write_json(path, content)
    assert (
        "Whether a leak changes it cannot be told: +0.020 [\N{MINUS SIGN}0.100, +0.100], with what the"
        in text
    )
    assert "It was measured on another split than this one." in text
