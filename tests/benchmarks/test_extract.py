from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.extract import WORKERS, asked_ms
from benchmarks.film import FRAME_MS, GOP
from benchmarks.peers import PEERS, TORCHCODEC

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(("task", "count"), [("window", 12), ("whole", 300)])
def test_no_two_moments_share_a_group_of_pictures(task: str, count: int) -> None:
    asked = asked_ms(task, 600_000)
    assert len(asked) == count
    assert len({moment // (GOP * FRAME_MS) for moment in asked}) == count
    before = [moment // FRAME_MS % GOP for moment in asked]
    assert sum(before) / count == pytest.approx(GOP / 2, abs=1)


@pytest.mark.slow
def test_every_peer_is_in_the_table_and_reads_the_right_frames(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "benchmarks.extract", "--minutes", "0.2", "--repeats", "1"]
    done = subprocess.run(
        [*command, "--cache", str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "300"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    rows = [[cell.strip() for cell in re.split("[│|]", line)[1:-1]] for line in done.stdout.splitlines()]
    cells = [row for row in rows if row]
    assert [row[0] for row in cells] == [*PEERS, *PEERS, *WORKERS]
    for name, *_, exact in cells:
        if name != TORCHCODEC:  # it may find no FFmpeg
            assert exact == "100.0%", (name, exact)
    assert [path.name for path in tmp_path.glob(".*")] == []


def test_an_unknown_task_is_one_line() -> None:
    command = [sys.executable, "-m", "benchmarks.extract", "--tasks", "window,wole"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "unknown task 'wole'" in done.stderr
