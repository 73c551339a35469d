"""What waits for the tracker: nothing is lost and nothing is doubled, whoever dies when."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from glue.tracking.spool import SENDING, Spool, locked, spools

ROOT = Path(__file__).parents[2]
RUN = {"name": "r"}


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "tracking", "abc")


def said(spool: Spool) -> list[int]:
    return [record["n"] for record, _ in spool.records() if record]


def test_records_come_out_as_they_went_in(spool: Spool) -> None:
    assert spools(spool.root) == [] and spool.run() is None
    given = [{"n": 1, "text": 'Zeile\n"ü"'}, {"n": 2, "value": 0.1 + 0.2}]
    for record in given:
        spool.append(record, RUN)
    assert [record for record, _ in spool.records()] == given
    assert spool.run() == RUN and spool.waiting() == 2 and spools(spool.root) == [spool]


def test_what_was_acknowledged_is_forgotten_and_nothing_else(spool: Spool) -> None:
    for n in range(5):
        spool.append({"n": n}, RUN)
    taken = sum(length for _, length in spool.records()[:2])
    spool.append({"n": 5}, RUN)  # while it was being sent
    spool.drop(taken)
    assert said(spool) == [2, 3, 4, 5]
    spool.close()
    assert said(spool) == [2, 3, 4, 5]  # there is more
    spool.drop(sum(length for _, length in spool.records()))
    spool.close()
    assert not spool.folder.exists() and spool.waiting() == 0


def test_half_a_line_of_a_killed_writer_spoils_no_other(spool: Spool) -> None:
    spool.append({"n": 0}, RUN)
    with (spool.folder / "lines.jsonl").open("ab") as stream:
        stream.write(b'{"n": 1, "val')
    assert said(spool) == [0]
    spool.append({"n": 2}, RUN)
    assert said(spool) == [0, 2]
    spool.drop(sum(length for _, length in spool.records()))
    assert spool.waiting() == 0


def test_a_file_is_kept_as_it_was_when_it_was_logged(spool: Spool, tmp_path: Path) -> None:
    file = tmp_path / "train.json"
    file.write_text("1")
    spool.append({"kind": "file"}, RUN, file)
    file.write_text("2")
    spool.append({"kind": "file"}, RUN, file)
    kept = [spool.folder / record["file"] for record, _ in spool.records()]
    assert [path.read_text() for path in kept] == ["1", "2"]
    assert {path.name for path in kept} == {"train.json"}


def test_one_process_at_a_time_sends(spool: Spool) -> None:
    with locked(spool.root, SENDING, wait=False) as mine:
        assert mine
        with locked(spool.root, SENDING, wait=False) as another:
            assert not another
    with locked(spool.root, SENDING, wait=False) as mine:
        assert mine


WRITER = """
import sys
from pathlib import Path
from glue.tracking.spool import Spool
spool, first = Spool(Path(sys.argv[1]), "abc"), int(sys.argv[2])
for n in range(first, first + 2000):
    spool.append({"n": n}, {"name": "r"})
    print(n, flush=True)
"""
TAKER = """
import sys
from pathlib import Path
from glue.tracking.spool import Spool
spool = Spool(Path(sys.argv[1]), "abc")
while True:
    for record, length in spool.records()[:7]:
        with open(sys.argv[2], "a") as out:
            if record:
                out.write(f"{record['n']}\\n")
        spool.drop(length)
    spool.close()
"""


def start(code: str, *words: str) -> subprocess.Popen[str]:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, "-c", code, *words], env=environment, stdout=subprocess.PIPE, text=True
    )


@pytest.mark.slow
def test_killed_writers_and_a_killed_sender_lose_nothing(spool: Spool, tmp_path: Path) -> None:
    """A record counts from the moment at which its writer was told that it is on disk."""
    rng, taken = random.Random(0), tmp_path / "taken"
    promised: set[int] = set()
    for turn in range(6):
        writers = [start(WRITER, str(spool.root), str(10_000 * (2 * turn + one))) for one in range(2)]
        taker = start(TAKER, str(spool.root), str(taken))
        time.sleep(rng.uniform(0.3, 1.0))
        for process in (*writers, taker):
            process.send_signal(signal.SIGKILL)
        for writer in writers:
            lines = writer.communicate()[0].splitlines(keepends=True)
            promised |= {int(line) for line in lines if line.endswith("\n")}
        taker.communicate()
    got = [int(line) for line in taken.read_text().split()] + said(spool)
    assert promised and promised <= set(got)
    # A sender that was killed between an answer and its note sends that one record again, and no other.
    assert len(got) - len(set(got)) <= 6


def test_a_record_that_json_cannot_say_changes_nothing(spool: Spool) -> None:
    spool.append({"n": 0}, RUN)
    with pytest.raises(ValueError, match="not JSON compliant"):
        spool.append({"n": float("nan")}, RUN)
    assert said(spool) == [0]
    assert json.loads((spool.folder / "run.json").read_text()) == RUN
