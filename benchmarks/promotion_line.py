"""The same for the engines of this project's last run: `python -m benchmarks.promotion_line [--write]`.

Truth is what the run's labels say of every compared frame, predictions are those of its two engines, and the
question is asked of several PAIRS of an engine and the score that it counts from. In each replication videos
are drawn with replacement from the deployment's, each a group of its own, so that this is a line whose videos
are like these; planning, sample, estimate and verdict are the code of `shadow-ab`. What is right follows from
all frames' labels: `promote` where the gates hold, `reject` where it makes more errors or a metric is worse
beyond its margin, else neither.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from benchmarks.guide import write
from benchmarks.promotion import GUIDE, markdown, replicate, row
from provenline import tables
from provenline.annotations.params import AnnotateParams
from provenline.commands.project import at, section
from provenline.errors import InputError
from provenline.evaluation.intervals import Interval
from provenline.files import read_json
from provenline.progress import bar, out
from provenline.shadow import compare, gain, labels, verdict
from provenline.shadow.params import ROLES, Operating, ShadowParams

HERE, SHADOW = Path(), Path("data/shadow")
BEGIN = "<!-- benchmarks/promotion_line.py -->"
NAMES = {"production": "base", "candidate": "candidate"}
OWN = None  # the score that validation chose
# What runs and what would replace it; after the line's own question those that have other right answers.
PAIRS: tuple[tuple[tuple[str, float | None], tuple[str, float | None]], ...] = (
    (("production", OWN), ("candidate", OWN)),
    (("production", 0.6), ("candidate", 0.25)),
    (("production", 0.5), ("candidate", 0.2)),
    (("production", 0.6), ("candidate", 0.15)),
    (("candidate", 0.25), ("candidate", OWN)),
    (("candidate", OWN), ("production", OWN)),
)


class Side(NamedTuple):
    """An engine: its name, what it says of all frames, and from which score on that counts."""

    name: str
    said: pd.DataFrame
    score: Operating


@dataclass(frozen=True)
class Pair:
    """Two engines, each counting from a score, on all frames of the line.

    Attributes:
        name: For the table.
        table: Their comparison and how they fare against the truth, a row per frame.
        reduction: Share of production's errors that the candidate does away with.
        right: The decisions that are right.
    """

    name: str
    table: pd.DataFrame
    reduction: float
    right: tuple[str, ...]


def pairs(params: ShadowParams) -> list[Pair]:
    """Return the pairs of the last run, with what is true of each."""
    frames = tables.read(SHADOW / "frames.parquet", tables.FRAMES)
    said = {role: tables.read(SHADOW / f"{role}.parquet", tables.PREDICTIONS) for role in ROLES}
    if frames.empty or params.labels == "data/none":
        raise InputError("the last shadow run has no labels", file=SHADOW, mend="`make repro` first")
    classes = tuple(at(HERE, "usecase", "classes"))
    annotate = section(HERE, "annotate_import", AnnotateParams)
    reading = labels.Reading(Path(params.labels), params.labels_format, annotate, classes)
    known = labels.read(reading, frames, frames)
    assert known is not None
    engines = read_json("metrics/shadow_ab.json")["engines"]

    def side(role: str, score: float | None) -> Side:
        if score is not None:
            return Side(f"{NAMES[role]} at {score:g}", said[role], Operating(otherwise=score))
        own = Operating(own=engines[role]["thresholds"], otherwise=getattr(params, f"score_{role}").otherwise)
        return Side(f"{NAMES[role]} at its own", said[role], own)

    return [_pair(side(*ours), side(*theirs), known, classes, params) for ours, theirs in PAIRS]


def _pair(
    production: Side, candidate: Side, known: labels.Labels, classes: tuple[str, ...], params: ShadowParams
) -> Pair:
    both = {"production": production.said, "candidate": candidate.said}
    params = params.model_copy(
        update={"score_production": production.score, "score_candidate": candidate.score}
    )
    compared = compare.compare_frames(known.frames, *both.values(), params)
    found = gain.outcomes(known.frames, known.boxes, both, classes, params)
    groups = sorted(set(found["group"]))
    true = gain.estimate(found, np.ones(len(found)), groups, params.interval)
    table = pd.concat([compared, found.drop(columns=["frame_id", "group"])], axis=1)
    reduction = true["error_reduction"]
    name = f"{production.name} → {candidate.name}"
    return Pair(name, table, 0.0 if reduction is None else reduction.estimate, right(true, params))


def right(true: dict[str, Interval | None], params: ShadowParams) -> tuple[str, ...]:
    """Return the decisions that are right where these are not estimates but all there is."""
    moved = {name: 0.0 if one is None else one.estimate for name, one in true.items()}
    moved["presence_error"] = -moved["presence_error"]
    worse = [name for name in gain.METRICS if moved[name] < -getattr(params.improvement.margins, name)]
    if worse or moved["net_gain"] < 0:
        return ("reject",)
    return ("promote",) if moved["error_reduction"] >= verdict.asked(params) else ("hold", "label")


def drawn(table: pd.DataFrame, groups: int, rng: np.random.Generator) -> pd.DataFrame:
    """Draw so many of a table's groups with replacement, each a group of its own."""
    rows = [np.asarray(rows) for _, rows in sorted(table.groupby("group").indices.items())]
    chosen = [rows[index] for index in rng.integers(len(rows), size=groups)]
    found = table.iloc[np.concatenate(chosen)].reset_index(drop=True)
    number = np.repeat(np.arange(groups), [len(one) for one in chosen])
    found["group"] = [f"g{one:04d}" for one in number]
    found["media"] = found["group"]
    found["frame_id"] = [f"{one}/{name}" for one, name in zip(found["group"], found["frame_id"], strict=True)]
    return found


def main() -> None:
    """Print the table; with --write put it into the guide."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--replications", type=int, default=200)
    parser.add_argument("--groups", type=int, default=400, help="videos that are drawn")
    parser.add_argument("--gain", type=float, default=0.1, help="that is planned for")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    params = section(HERE, "shadow_ab", ShadowParams)
    params = params.model_copy(update={"plan": params.plan.model_copy(update={"gain": arguments.gain})})
    found, every = [], pairs(params)
    with bar() as progress:
        for number, pair in enumerate(every):
            task = progress.add_task(pair.name, total=arguments.replications)
            done = []
            for index in range(arguments.replications):
                table = drawn(
                    pair.table, arguments.groups, np.random.default_rng([arguments.seed, number, index])
                )
                done.append(replicate(table, pair.reduction, params, index))
                progress.advance(task)
            found.append({"Right is": " or ".join(pair.right), **row(pair, done)})
    frames, videos = len(every[0].table), every[0].table["group"].nunique()
    head = f"{arguments.replications} replications of {arguments.groups} videos, drawn from {videos} with "
    head += f"{frames} compared frames, seed {arguments.seed}, planned for a gain of {arguments.gain:g} at "
    head += f"{params.plan.power:.0%} power; in brackets 95% intervals (Wilson)."
    text = markdown(found)
    out.print(f"{head}\n{text}", markup=False, highlight=False, soft_wrap=True)
    if arguments.write:
        write(GUIDE, BEGIN, f"{head}\n\n{text}")


if __name__ == "__main__":
    main()
