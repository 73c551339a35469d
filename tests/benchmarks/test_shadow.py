"""The shadow benchmark compares what is comparable: every peer finds the same boxes in the same frames."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.parametrize("imgsz", ["160", "96 160"])
def test_every_peer_finds_the_same_boxes(tmp_path: Path, imgsz: str) -> None:
    size = ["--minutes", "0.1", "--recordings", "2", "--imgsz", *imgsz.split(), "--repeats", "1"]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.shadow", *size, "--cache", str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "160"},
        capture_output=True,
        text=True,
        check=True,
    )
    for peer in ("provenline", "limit: both engines alone", "loop around OpenCV"):
        (row,) = (line for line in done.stdout.splitlines() if line.startswith(f"│ {peer} "))
        assert "100%" in row
    ratios = [line for line in done.stdout.splitlines() if "of both engines alone" in line]
    assert len(ratios) == len(imgsz.split())  # beside a rectangle there is its square
    (memory,) = (line for line in done.stdout.splitlines() if "memory at each quarter" in line)
    assert len(memory.split("[")[1].split(",")) == 5
