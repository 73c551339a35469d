"""Peers run in turns, each in a process of its own, and what came out side by side."""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from rich.table import Table

from provenline.progress import bar, out


class Clock:
    """Measures a block.

    Attributes:
        seconds: How long it took.
        cpu: Processor seconds of all its threads and of the child processes that ended in it.
    """

    def __enter__(self) -> Clock:
        self.cpu, self.seconds = -sum(os.times()[:4]), -time.perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        self.seconds += time.perf_counter()
        self.cpu += sum(os.times()[:4])


@dataclass
class Result:
    """What the runs of one peer gave.

    Attributes:
        seconds: Of each run, measured inside around the work.
        cpu: Processor seconds of each run, all threads and child processes together.
        right: Of each run, the share of the wanted numbers that it read in their places.
        reason: Why it could not run; then the rest is worth nothing.
    """

    seconds: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    right: list[float] = field(default_factory=list)
    reason: str = ""

    @property
    def median(self) -> float:
        """Median of the seconds."""
        return statistics.median(self.seconds)

    @property
    def exact(self) -> float:
        """Share of right numbers over all runs."""
        return statistics.mean(self.right)


def in_turns(
    names: Sequence[str], repeats: int, run: Callable[[str], dict[str, Any]], title: str
) -> dict[str, Result]:
    """Run every peer as often as asked, all once before any again, each round with another one first."""
    results = {name: Result() for name in names}
    with bar() as display:
        task = display.add_task(title, total=repeats * len(names))
        for number in range(repeats):
            first = number % len(names)
            for name in [*names[first:], *names[:first]]:
                _note(results[name], run(name))
                display.advance(task)
    return results


def show(
    results: Mapping[str, Result], ours: str, count: int, unit: str, work: str, silent: Sequence[str] = ()
) -> None:
    """Print a table of how many a second each peer gets done; ``silent`` ones look at no box."""
    table = Table(title=f"{count} {unit}, {work}", title_justify="left", title_style="bold")
    boxes = f"{unit} with as many boxes"
    for head in ("", f"{unit}/s", "from - to, s", "CPU s", f"times {ours}'s time", boxes):
        table.add_column(head, justify="right" if head else "left")
    for name, one in results.items():
        if one.reason:
            table.add_row(name, f"could not run: {one.reason}")
            continue
        ratio = "" if results[ours].reason else f"{one.median / results[ours].median:.2f}"
        spread = f"{min(one.seconds):.2f} - {max(one.seconds):.2f}"
        cpu = f"{sum(one.cpu) / len(one.cpu):.1f}"
        same = "" if name in silent else f"{one.exact:.0%}"
        table.add_row(name, f"{count / one.median:.1f}", spread, cpu, ratio, same)
    out.print(table)


def _note(result: Result, found: dict[str, Any]) -> None:
    if "reason" in found:
        result.reason = found["reason"]
    else:
        result.seconds.append(found["seconds"])
        result.cpu.append(found["cpu"])
        pairs = list(zip(found["numbers"], found["wanted"], strict=False))
        result.right.append(sum(number == wanted for number, wanted in pairs) / len(found["wanted"]))


def in_own_process(module: str, arguments: Sequence[str], environment: Mapping[str, str]) -> dict[str, Any]:
    """Run ``python -m module`` and return the JSON in its last line, or a ``reason`` why there is none."""
    command = [sys.executable, "-m", module, *arguments]
    done = subprocess.run(
        command, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    if done.returncode == 0:
        found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
        return found
    said = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    return {"reason": said[-1] if said else f"ended with status {done.returncode}"}


def version_of(package: str) -> str:
    """Return a package's version, or that it is not there."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def machine() -> str:
    """Return what the figures hang on: cores, how busy they are, and Python."""
    busy = f", {os.getloadavg()[0]:.1f} processes busy before the start" if hasattr(os, "getloadavg") else ""
    return f"{platform.machine()}, {cores()} cores{busy}; Python {platform.python_version()}"
