"""How often nominal 95% hold the truth: `python -m benchmarks.coverage [--studies 2000] [--write]`.

In worlds whose true numbers are known (``benchmarks.worlds``) many studies are made, each with its own
groups; every study's intervals either hold the truth or do not. With --write the curve becomes
docs/coverage.csv and docs/images/coverage.svg, as it is.
"""

from __future__ import annotations

import argparse
import os
import zlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.worlds import CONFIDENCE, WORLDS, Ends, Sample, World
from provenline import bootstrap
from provenline.evaluation.intervals import Resamples
from provenline.evaluation.params import IntervalParams
from provenline.progress import bar

GROUPS = (5, 10, 15, 20, 30, 50, 100)
PROMISE = (0.93, 0.97)
FROM = 20  # groups
CSV, PICTURE = Path("docs/coverage.csv"), Path("docs/images/coverage.svg")
METHODS = {"percentile": "Percentile", "bca": "BCa, as printed", "wilson": "Wilson, effective size"}
PARAMS = IntervalParams(
    method="bca", confidence=CONFIDENCE, replicates=1000, seed=0, warn_groups=20, min_groups=10
)
_DRAWS = 20  # sets of replicates that the studies take in turn: drawing is most of the work otherwise
_SLOW = {"ap50": 2, "ap50 difference": 4}  # so many times fewer studies


@dataclass(frozen=True)
class Cell:
    """How one kind of interval did in one world at one number of groups.

    Attributes:
        world: Its name.
        method: A key of ``METHODS``.
        groups: Groups of each study.
        studies: Studies that gave an interval.
        without: Studies that gave none.
        coverage: Share of the intervals that hold the truth.
        error: Standard error of that share, from the number of studies.
        too_high: Share of the intervals that lie above the truth.
        too_low: Share of those below it.
        width: Mean.
    """

    world: str
    method: str
    groups: int
    studies: int
    without: int
    coverage: float
    error: float
    too_high: float
    too_low: float
    width: float


def measure(world: World, groups: int, studies: int, seed: int) -> list[Cell]:
    """Make the studies of one world at one number of groups."""
    names = tuple(f"g{number:03d}" for number in range(groups))
    draws = [
        Resamples(names, bootstrap.resample(groups, PARAMS.replicates, seed + number))
        for number in range(_DRAWS)
    ]
    rng = np.random.default_rng([seed, groups, zlib.crc32(world.name.encode())])
    truth = world.truth()
    ends: dict[str, list[Ends | None]] = {}
    for number in range(studies):
        for method, found in _intervals(world.study(rng, draws[number % _DRAWS])):
            ends.setdefault(method, []).append(found)
    return [_cell(world.name, method, groups, truth, found) for method, found in ends.items()]


def _intervals(sample: Sample) -> Iterator[tuple[str, Ends | None]]:
    for method in ("percentile", "bca"):
        found = sample.statistic.interval(PARAMS.model_copy(update={"method": method}))
        there = found is not None and found.low is not None and found.high is not None
        yield method, (found.low, found.high) if there else None
    if sample.wilson is not None:
        yield "wilson", sample.wilson


def _cell(world: str, method: str, groups: int, truth: float, ends: list[Ends | None]) -> Cell:
    low, high = np.array([pair for pair in ends if pair is not None]).reshape(-1, 2).T
    studies = len(low)
    above, below = float((low > truth).mean()), float((high < truth).mean())
    held = 1 - above - below
    error = float(np.sqrt(max(held * (1 - held), 1 / studies) / studies))
    numbers = [round(value, 4) for value in (held, error, above, below, float((high - low).mean()))]
    return Cell(world, method, groups, studies, len(ends) - studies, *numbers)


def _task(task: tuple[int, int, int, int]) -> list[Cell]:
    place, groups, studies, seed = task
    return measure(WORLDS[place], groups, studies // _SLOW.get(WORLDS[place].name, 1), seed)


def everything(studies: int, seed: int, groups: Sequence[int] = GROUPS) -> pd.DataFrame:
    """Measure all worlds, on all cores; one row per ``Cell``."""
    # The longest first, so that the cores end together.
    tasks = [(place, many, studies, seed) for place in range(len(WORLDS)) for many in sorted(groups)][::-1]
    with bar() as display, ProcessPoolExecutor(os.cpu_count()) as pool:
        shown = display.add_task("studies", total=len(tasks))
        cells = []
        for found in pool.map(_task, tasks):
            cells += found
            display.advance(shown)
    order = {world.name: place for place, world in enumerate(WORLDS)}
    table = pd.DataFrame([asdict(cell) for cell in cells])
    table = table.assign(order=table["world"].map(order)).sort_values(["order", "groups"], kind="stable")
    return table.drop(columns="order").reset_index(drop=True)


def broken(table: pd.DataFrame, errors: float = 2.0) -> pd.DataFrame:
    """Return the rows of what is printed that are not 93 to 97%, by more than chance, where promised."""
    promised = [world.name for world in WORLDS if world.promised]
    printed = table[(table["method"] == "bca") & (table["groups"] >= FROM) & table["world"].isin(promised)]
    slack = errors * printed["error"]
    outside = (printed["coverage"] + slack < PROMISE[0]) | (printed["coverage"] - slack > PROMISE[1])
    return printed[outside]


def draw(table: pd.DataFrame, path: Path) -> None:
    """Draw coverage over groups, one panel per world."""
    import matplotlib as mpl

    mpl.use("Agg")
    mpl.rcParams["svg.hashsalt"] = "provenline"  # the same figures give the same bytes
    from matplotlib import pyplot

    figure, panels = pyplot.subplots(3, 3, figsize=(11, 9), sharex=True, sharey=True)
    looks = {
        "percentile": ("#b35806", "--", "o"),
        "bca": ("#1f5fa8", "-", "o"),
        "wilson": ("#555555", ":", "s"),
    }
    for panel, world in zip(panels.flat, WORLDS, strict=True):
        panel.axhspan(*PROMISE, color="#dfe8f2", zorder=0)
        panel.axhline(CONFIDENCE, color="#8aa4c0", linewidth=0.8, zorder=1)
        for method, rows in table[table["world"] == world.name].groupby("method"):
            colour, line, marker = looks[str(method)]
            panel.errorbar(
                rows["groups"], rows["coverage"], 2 * rows["error"], label=METHODS[str(method)],
                color=colour, linestyle=line, marker=marker, markersize=4, linewidth=1.3,
            )  # fmt: skip
        panel.set_title(world.about, fontsize=9)
        panel.set_xscale("log")
        panel.set_xticks(GROUPS, [str(number) for number in GROUPS])
        panel.minorticks_off()
        panel.set_ylim(0.6, 1.0)
        panel.grid(visible=True, alpha=0.25)
    handles, labels = panels.flat[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="lower center", ncols=3, frameon=False)
    figure.supxlabel("groups (videos)", y=0.045)
    figure.supylabel("share of nominal 95% intervals that hold the truth")
    figure.tight_layout(rect=(0, 0.05, 1, 1))
    figure.savefig(path, metadata={"Date": None})


def main() -> None:
    """Measure, print, and say what does not hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--groups", type=int, nargs="+", default=list(GROUPS))
    parser.add_argument("--write", action="store_true", help="write docs/coverage.csv and its picture")
    given = parser.parse_args()
    table = everything(given.studies, given.seed, given.groups)
    wide = table.pivot_table(index=["world", "method"], columns="groups", values="coverage", sort=False)
    print(wide.to_string(float_format="{:.3f}".format))
    faults = broken(table)
    print(f"\nprinted intervals outside {PROMISE} by more than two standard errors, from {FROM} groups on:")
    print(faults.to_string(index=False) if len(faults) else "none")
    if given.write:
        table.to_csv(CSV, index=False)
        draw(table, PICTURE)


if __name__ == "__main__":
    main()
