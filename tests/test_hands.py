"""Processes that work for this one: order, errors, and that none outlives whoever started it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import psutil
import pytest

from provenline.errors import InputError
from provenline.hands import in_processes

ROOT = Path(__file__).parents[1]


def scaled(factor: int, item: int) -> tuple[int, int]:
    print("what a library says does not get between the answers")
    time.sleep(0.05 * (item % 2))
    return factor * item, os.getpid()


def refuse(item: int) -> int:
    if item == 2:
        raise InputError("is odd", file="a.csv", place=f"row {item}", mend="Mend it")
    return item


def end(item: int) -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return item


def sleep(item: float) -> float:
    time.sleep(item)
    return item


def test_results_come_in_the_order_of_the_items_and_from_other_processes() -> None:
    found = list(in_processes(partial(scaled, 3), range(9), 2))
    assert [value for value, _ in found] == [3 * item for item in range(9)]
    assert len({process for _, process in found} | {os.getpid()}) == 3


def test_an_error_comes_as_it_was_raised() -> None:
    before = psutil.Process().children()  # what other tests of this process left: multiprocessing's helpers
    with pytest.raises(InputError) as error:
        list(in_processes(refuse, range(5), 2))
    assert str(error.value) == "a.csv: row 2: is odd. Mend it."
    assert (error.value.what, error.value.mend) == ("is odd", "Mend it")
    assert psutil.Process().children() == before


def test_a_process_that_is_ended_from_outside_is_one_line() -> None:
    with pytest.raises(InputError, match=r"ended from outside \(status -9\)"):
        list(in_processes(end, range(3), 2))


def test_whoever_stops_listening_ends_them_in_the_middle_of_an_item() -> None:
    before = psutil.Process().children()
    started, results = time.monotonic(), in_processes(sleep, [0.0, 60.0, 60.0], 2)
    assert next(results) == 0.0
    results.close()  # type: ignore[attr-defined]
    assert time.monotonic() - started < 30 and psutil.Process().children() == before


def test_none_outlives_a_killed_parent() -> None:
    code = (
        "from tests.test_hands import sleep\nfrom provenline.hands import in_processes\n"
        "for done in in_processes(sleep, [0.0, 60.0, 60.0], 2): print(done, flush=True)"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE)
    assert parent.stdout is not None and parent.stdout.readline() == b"0.0\n"
    hands = psutil.Process(parent.pid).children()
    parent.kill()
    parent.communicate()
    assert len(hands) == 2 and not psutil.wait_procs(hands, timeout=10)[1]
