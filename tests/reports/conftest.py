from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from provenline.footage.params import PrivacyParams, Residency
from provenline.reports.params import ReportParams
from provenline.reports.report import write_report
from tests.reports.beyond import enrich
from tests.reports.world import build

PARAMS = ReportParams(pictures=2, seed=0, picture_width=320)
PEOPLE = ("person", "mannequin")
PLAIN = PrivacyParams(
    anonymise="none",
    people=PEOPLE,
    golden="synthetic",
    share=(),
    residency=Residency(remotes=(), regions=()),
)


@pytest.fixture(scope="session")
def line(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole run, with its report; not to be written into."""
    root = build(tmp_path_factory.mktemp("line"), clips=21, deployment_clips=14)
    write_report(root, PARAMS, PLAIN, "v0", "lbzf_person", root / "reports")
    return root


@pytest.fixture(scope="session")
def full(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with every part that a stage may write, and faces blurred; not to be written into."""
    root = enrich(build(tmp_path_factory.mktemp("full"), clips=14, deployment_clips=14))
    privacy = PLAIN.model_copy(update={"anonymise": "faces"})
    write_report(root, PARAMS, privacy, "v0", "lbzf_person", root / "reports")
    return root


@pytest.fixture
def copy(line: Path, tmp_path: Path) -> Path:
    """A run of one's own, without its pictures and its report."""
    root = tmp_path / "line"
    shutil.copytree(line, root, ignore=shutil.ignore_patterns("frames", "reports", "*.jpg"))
    return root
