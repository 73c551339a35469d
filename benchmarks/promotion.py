"""How often the shadow run decides rightly from few labels: `python -m benchmarks.promotion [--write]`.

Worlds whose truth is known: camera-hours that resemble themselves, frames in scenes, people whom both
detectors find or miss for the same reasons, and a candidate that is better, equal or worse on the average
over camera-hours, more so in some than in others. In each of many replications the frames are compared
without labels, a sample is drawn, labelled from the truth, and judged: all by the code of `shadow-ab`, with
the values of params.yaml. Where it says `label`, more is labelled as it asks, and judged again, up to LOOKS
looks: what that does to promotions is counted apart. With --write the table in docs/guide-shadow.md becomes
what was found.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd
import yaml

from benchmarks.guide import write
from provenline.evaluation.intervals import Interval
from provenline.evaluation.proportions import wilson
from provenline.progress import bar, out
from provenline.shadow import gain, sample, verdict
from provenline.shadow.decide import Decision, decide
from provenline.shadow.params import ROLES, ShadowParams
from provenline.shadow.plan import Plan

GUIDE = Path("docs/guide-shadow.md")
BEGIN = "<!-- benchmarks/promotion.py -->"
SCENE = 10  # frames
WORDS = ("promote", "hold", "label", "reject")
SHARE = 0.10  # of the labels of a full comparison
LOOKS = 5


class Truth(Protocol):
    """What a decision is held against."""

    @property
    def name(self) -> str:
        """For the table."""

    @property
    def reduction(self) -> float:
        """Share of production's errors that the candidate does away with."""

    @property
    def right(self) -> tuple[str, ...]:
        """The decisions that are right."""


@dataclass(frozen=True)
class World:
    """What is true of both, where all is drawn.

    Attributes:
        name: For the table.
        recall: Of production and of the candidate.
        false: False detections per frame, likewise.
        right: The decisions that are right.
    """

    name: str
    recall: tuple[float, float]
    false: tuple[float, float]
    right: tuple[str, ...]

    @property
    def reduction(self) -> float:
        """Share of production's errors that the candidate does away with, at one person per frame."""
        made = [PEOPLE * (1 - recall) + false for recall, false in zip(self.recall, self.false, strict=True)]
        return 1 - made[1] / made[0]


PEOPLE = 0.9  # per frame, on the average
WORLDS = (
    World("much better", (0.80, 0.90), (0.06, 0.03), ("promote",)),
    World("better", (0.80, 0.87), (0.06, 0.05), ("promote",)),
    World("better, but too little", (0.80, 0.813), (0.06, 0.058), ("hold", "label")),
    World("equal", (0.80, 0.80), (0.06, 0.06), ("hold", "label")),
    World("worse", (0.80, 0.73), (0.06, 0.07), ("reject",)),
)


def frames_of(world: World, groups: int, per_group: int, rng: np.random.Generator) -> pd.DataFrame:
    """Draw all frames: what both say about them, and the truth.

    Returns:
        The columns of a comparison that a sample and a plan need, and those of ``gain.outcomes``.
    """
    many = groups * per_group
    group = np.repeat(np.arange(groups), per_group)
    scene = np.arange(many) // SCENE
    # A scene has nobody, somebody, or two; some camera-hours are busier.
    busy = np.clip(0.6 + 0.2 * rng.normal(size=groups), 0.1, 0.95)[group[::SCENE]]
    people = np.where(rng.random(len(busy)) < busy, 1 + (rng.random(len(busy)) < 0.5), 0)[scene]
    hard = rng.normal(size=groups)[group] * 0.5 + rng.normal(size=len(busy))[scene] * 0.7
    own = rng.normal(size=groups)[group] * 0.3  # where the candidate is at home, or not
    objects = np.repeat(np.arange(many), people)
    alike = rng.normal(size=len(objects)) * 0.8
    found = []
    for role, recall in enumerate(world.recall):
        push = hard[objects] + alike + role * own[objects] + rng.normal(size=len(objects)) * 0.5
        spread = np.sqrt(0.5**2 + 0.7**2 + 0.8**2 + role * 0.3**2 + 0.5**2)
        found.append(push / spread < _quantile(recall))
    shared = rng.poisson(min(world.false) * 0.5, size=many)
    alone = [rng.poisson(false - min(world.false) * 0.5, size=many) for false in world.false]
    return _table(group, people, objects, found, shared, alone)


def _quantile(share: float) -> float:
    from statistics import NormalDist

    return NormalDist().inv_cdf(share)


def _table(
    group: np.ndarray[Any, Any],
    people: np.ndarray[Any, Any],
    objects: np.ndarray[Any, Any],
    found: list[np.ndarray[Any, Any]],
    shared: np.ndarray[Any, Any],
    alone: list[np.ndarray[Any, Any]],
) -> pd.DataFrame:
    many = len(group)
    both = np.bincount(objects[found[0] & found[1]], minlength=many) + shared
    table = pd.DataFrame({"frame_id": [f"f{i:07d}" for i in range(many)], "time_ms": np.arange(many)})
    table["group"] = [f"g{i:03d}" for i in group]
    table["media"], table["both"], table["shifted"], table["objects"] = table["group"], both, 0, people
    for role, hits, false in zip(ROLES, found, alone, strict=True):
        seen = np.bincount(objects[hits], minlength=many)
        table[f"found_{role}"] = seen
        table[role] = table[f"detections_{role}"] = seen + shared + false
        table[f"only_{role}"] = table[role] - both
        table[f"errors_{role}"] = people - seen + shared + false
        table[f"presence_{role}"] = ((people > 0) != (table[role] > 0)).astype(float)
    table["disagrees"] = (table["only_production"] + table["only_candidate"]) > 0
    return table


@dataclass(frozen=True)
class Done:
    """One replication.

    Attributes:
        decision: After the first look at labels.
        labels: That it took.
        of: Labels of a full comparison.
        held: The truth lies in the interval; None where nothing was labelled.
        last: The decision where more was labelled as long as it was asked for.
        looks: That this took.
        stubborn: The decision where more was labelled until it said `promote`; empty where nobody tried.
    """

    decision: str
    labels: int
    of: int
    held: bool | None
    last: str
    looks: int
    stubborn: str = ""


def replicate(
    table: pd.DataFrame, reduction: float, params: ShadowParams, seed: int, *, stubborn: bool = False
) -> Done:
    """Plan, draw, label and judge; label more as long as that is asked for.

    Args:
        table: All frames: the columns of a comparison that a sample and a plan need, and those of
            ``gain.outcomes``.
        reduction: The true share of errors gone, for which the interval is asked.
        params: As `shadow-ab` has them.
        seed: Of the draw of the sample.
        stubborn: Also label on whatever it says, half as much again each time, until it says `promote`.
    """
    first = decide(table, params)
    if first.plan is None or first.decision != "label":
        word = first.decision
        return Done(word, 0, len(table), held=None, last=word, looks=0, stubborn=word if stubborn else "")
    found = [look(table, first.plan, params, seed)]
    label_on(found, "label", table, first.plan, params, seed)
    (told, labels, interval), last, looks = found[0], found[-1][0].decision, len(found)
    if stubborn:
        label_on(found, "", table, first.plan, params, seed)
    low, high = (getattr(interval, end, None) or 0.0 for end in ("low", "high"))
    held = interval is not None and low <= reduction <= high
    at_last = found[-1][0].decision if stubborn else ""
    return Done(told.decision, labels, len(table), held, last, looks, at_last)


Look = tuple[Decision, int, Interval | None]


def label_on(
    found: list[Look], while_: str, table: pd.DataFrame, plan: Plan, params: ShadowParams, seed: int
) -> None:
    """Add looks while the last one says ``while_`` (empty: anything but `promote`), LOOKS in all at most."""
    while len(found) < LOOKS and (told := found[-1][0]).decision != "promote":
        if while_ and told.decision != while_:
            return
        seen = found[-1][1]
        grow = params.sample.grow * (seen + (told.label_more or seen // 2)) / found[0][1]
        more = params.model_copy(update={"sample": params.sample.model_copy(update={"grow": grow})})
        found.append(look(table, plan, more, seed))


def look(table: pd.DataFrame, plan: Plan, params: ShadowParams, seed: int) -> Look:
    """Draw, label and judge once; return the decision, the labels it took, and the share of errors gone."""
    drawn = sample.draw(table, sample.sizes(table, plan.frames, params.sample), seed)
    found = table.set_index("frame_id").loc[drawn["frame_id"].tolist()].reset_index()
    gains = gain.estimate(found, gain.weigh(found, drawn), sorted(set(table["group"])), params.interval)
    left = int(table["disagrees"].sum()) - int((drawn["stratum"] == "differ").sum())
    counts = {"frames": len(drawn), "labelled": len(drawn), "missing": 0, "left": left}
    told = verdict.judge(gains, int(found["group"].nunique()), counts, params, plan)
    return told, len(drawn), gains["error_reduction"]


def rows(arguments: argparse.Namespace, params: ShadowParams) -> list[dict[str, Any]]:
    """Run all worlds and return the table."""
    found = []
    with bar() as progress:
        for number, world in enumerate(WORLDS):
            task = progress.add_task(world.name, total=arguments.replications)
            done = []
            for index in range(arguments.replications):
                rng = np.random.default_rng([arguments.seed, number, index])
                table = frames_of(world, arguments.groups, arguments.frames, rng)
                stubborn = "promote" not in world.right
                done.append(replicate(table, world.reduction, params, index, stubborn=stubborn))
                progress.advance(task)
            found.append({**row(world, done), **_stubborn(done)})
    return found


def row(world: Truth, done: list[Done]) -> dict[str, Any]:
    """Return a row of the table: what came of all replications of a world."""
    many = len(done)
    most = max(done, key=lambda one: one.labels)
    middle = float(np.median([one.labels for one in done]))
    part = float(np.median([one.labels / one.of for one in done]))
    right = [one for one in done if one.decision in world.right]
    cheap = [one for one in right if one.labels <= SHARE * one.of]
    promoted = sum(one.decision == "promote" for one in done)
    at_last = sum(one.last == "promote" for one in done)
    never = "promote" not in world.right
    held = [one.held for one in done if one.held is not None]
    return {
        "Candidate": world.name,
        "Errors gone": f"{world.reduction:+.0%}",
        **{word: sum(one.decision == word for one in done) for word in WORDS},
        "Right": _share(len(right), many),
        f"Right with ≤ {SHARE:.0%} of the labels": _share(len(cheap), many),
        "False promotion": _share(promoted, many) if never else "",
        "Interval holds": _share(sum(held), len(held)) if held else "",
        "Labels, median (most)": (f"{middle:.0f} ({most.labels}): {part:.1%} ({most.labels / most.of:.1%})"),
        "Labelled on as asked: looks, at most": max(one.looks for one in done),
        "Right then": _share(sum(one.last in world.right for one in done), many),
        "False promotion then": _share(at_last, many) if never else "",
    }


def _stubborn(done: list[Done]) -> dict[str, str]:
    """Return the column of who labels on whatever it says; empty where that was not tried."""
    tried = [one.stubborn == "promote" for one in done if one.stubborn]
    name = f"False promotion of who labels on until `promote`, {LOOKS} looks"
    return {name: _share(sum(tried), len(tried)) if tried else ""}


def _share(hits: int, of: int) -> str:
    low, high = wilson(hits, of, 0.95)
    return f"{hits / of:.1%} ({low:.1%} to {high:.1%})"


def markdown(found: list[dict[str, Any]]) -> str:
    """Return the table as Markdown."""
    lines = ["| " + " | ".join(found[0]) + " |", "|" + "---|" * len(found[0])]
    return "\n".join([*lines, *("| " + " | ".join(map(str, row.values())) + " |" for row in found)])


def main() -> None:
    """Print the table; with --write put it into the guide."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--replications", type=int, default=200)
    parser.add_argument("--groups", type=int, default=40, help="camera-hours")
    parser.add_argument("--frames", type=int, default=300, help="of each")
    parser.add_argument("--gain", type=float, help="that is planned for; as in params.yaml")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    values = yaml.safe_load(Path("params.yaml").read_text(encoding="utf-8"))["shadow_ab"]
    values["plan"]["gain"] = arguments.gain or values["plan"]["gain"]
    params = ShadowParams.model_validate(values)
    text = markdown(rows(arguments, params))
    head = (
        f"{arguments.replications} replications of {arguments.groups} camera-hours with {arguments.frames} "
    )
    head += f"compared frames each, seed {arguments.seed}, planned for a gain of {params.plan.gain:g} at "
    head += f"{params.plan.power:.0%} power; in brackets 95% intervals (Wilson)."
    out.print(f"{head}\n{text}", markup=False, highlight=False, soft_wrap=True)
    if arguments.write:
        write(GUIDE, BEGIN, f"{head}\n\n{text}")


if __name__ == "__main__":
    main()
