from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from provenline.reports.params import ReportParams
from provenline.reports.report import write_report
from tests.reports.world import build

PARAMS = ReportParams(pictures=2, seed=0, picture_width=320)


@pytest.fixture(scope="session")
def line(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole run, with its report; not to be written into."""
    root = build(tmp_path_factory.mktemp("line"), clips=21, deployment_clips=14)
    write_report(root, PARAMS, "v0", "lbzf_person", root / "reports")
    return root


@pytest.fixture
def copy(line: Path, tmp_path: Path) -> Path:
    """A run of one's own, without its pictures and its report."""
    root = tmp_path / "line"
    shutil.copytree(line, root, ignore=shutil.ignore_patterns("frames", "reports", "*.jpg"))
    return root
