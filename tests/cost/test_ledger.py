"""The ledger: several writers, kills at any moment, torn lines, the table that is kept in git."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from provenline.cost.ledger import Entry, Ledger, spent
from provenline.errors import InputError

START = {
    "training": "t", "started": 100.0, "usecase": "lbzf_person", "machine": "g5.xlarge", "usd_per_hour": 1.0,
    "model": "yolov8n", "device": "0", "imgsz": 640, "images": 1000, "asked": 50, "estimated_usd": 2.0,
}  # fmt: skip

CHILD = """
import sys, time
from pathlib import Path
from provenline.cost.estimate import Job
from provenline.cost.ledger import Ledger
from provenline.cost.meter import metered

job = Job("t", "lbzf_person", "g5.xlarge", 3600.0, "yolov8n", "0", 640, 10, 50)
with metered(Ledger.of(Path(sys.argv[1])), job, 1e9, lambda text: None, pause=0.02) as meter:
    after = meter.after(lambda epoch, numbers: print(epoch, flush=True))
    for epoch in range(1, 4):
        time.sleep(0.1)
        after(epoch, {})
    time.sleep(600)
"""


def _write(file: Path, name: str) -> None:
    for second in range(50):
        Ledger(file).add(id=name, seconds=float(second), **(START if second == 0 else {}))


def test_processes_that_write_at_once_lose_nothing(tmp_path: Path) -> None:
    file, fork = tmp_path / "cost.jsonl", multiprocessing.get_context("fork")
    writers = [fork.Process(target=_write, args=(file, f"w{number}")) for number in range(4)]
    for one in writers:
        one.start()
    for one in writers:
        one.join()
    assert len(file.read_text().splitlines()) == 200
    assert {one.id: one.seconds for one in Ledger(file).entries()} == {f"w{n}": 49.0 for n in range(4)}


@pytest.mark.parametrize("cut", [1, 5, 30])
def test_half_a_line_is_passed_over_and_not_written_into(tmp_path: Path, cut: int) -> None:
    ledger = Ledger(tmp_path / "cost.jsonl")
    ledger.add(id="a", **START)
    ledger.add(id="a", seconds=1800.0)
    whole = ledger.file.read_bytes()
    ledger.add(id="a", seconds=3600.0)
    ledger.file.write_bytes(ledger.file.read_bytes()[:-cut])
    if cut > 1:  # without its newline alone the line is whole
        assert ledger.entries()[0].seconds == 1800.0
    ledger.add(id="a", seconds=5400.0)
    (one,) = ledger.entries()
    assert one.hours == 1.5 and one.usd == 1.5 and ledger.file.read_bytes().startswith(whole)
    ledger.file.write_bytes(b"\xff\xfe\n[1]\n3\n" + ledger.file.read_bytes())
    assert ledger.entries() == [one]


def test_the_hours_of_a_killed_training_count(tmp_path: Path) -> None:
    """Killed for good, twice; both processes' time is there, to the last sign of life."""
    for _ in range(2):
        child = subprocess.Popen(
            [sys.executable, "-c", CHILD, str(tmp_path)], stdout=subprocess.PIPE, text=True
        )
        assert child.stdout is not None
        begun = time.monotonic()
        assert [child.stdout.readline().strip() for _ in range(3)] == ["1", "2", "3"]
        time.sleep(0.06)  # in its fourth epoch, which has no end
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
        ran = time.monotonic() - begun
        one = Ledger.of(tmp_path).entries()[-1]
        assert one.epochs == 3 and not one.ended and not one.finished
        assert 0.3 < one.epoch_seconds <= one.seconds < ran
    first, second = Ledger.of(tmp_path).entries()
    assert first.training == second.training and first.id != second.id
    assert spent([first, second]) == pytest.approx(first.seconds + second.seconds)  # 3600 USD an hour


def test_the_table_in_git_carries_other_machines(tmp_path: Path) -> None:
    there, here = Ledger.of(tmp_path / "there"), Ledger.of(tmp_path / "here")
    there.add(id="a", **START, seconds=3600.0, epochs=3, epoch_seconds=3000.5)
    there.add(id="a", ended=True, finished=True, seconds=7200.0)
    there.add(id="b", **{**START, "estimated_usd": None}, seconds=1800.0)
    table, rows = there.export()
    assert rows == 2 and there.entries()[0].finished
    (tmp_path / "here/data").mkdir(parents=True)
    (tmp_path / "here/data/cost_ledger.csv").write_bytes(table.read_bytes())
    assert here.entries() == there.entries()
    here.add(id="c", **START, seconds=3600.0)
    assert spent(here.entries()) == pytest.approx(2.0 + 0.5 + 1.0)
    # What still ran when it was exported has gone on since.
    there.add(id="b", seconds=3600.0, ended=True, finished=True)
    assert spent(there.entries()) == pytest.approx(3.0)
    assert here.export()[1] == 3 and here.export()[0].read_bytes() == here.export()[0].read_bytes()


@pytest.mark.parametrize("fault", [("True", "maybe"), ("3600", "an hour"), ("usd_per_hour", "price")])
def test_a_broken_table_is_named(tmp_path: Path, fault: tuple[str, str]) -> None:
    ledger = Ledger.of(tmp_path)
    ledger.add(id="a", **START, seconds=3600, ended=True)
    table, _ = ledger.export()
    table.write_text(table.read_text().replace(*fault))
    with pytest.raises(InputError, match=r"cost_ledger\.csv: row 2"):
        ledger.entries()


def test_no_file_is_no_cost(tmp_path: Path) -> None:
    assert Ledger.of(tmp_path).entries() == [] and spent([]) == 0.0
    assert isinstance(Entry("a", **{**START, "started": 1.0}).usd, float)
