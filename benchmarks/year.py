"""A simulated year of monthly rounds: `python -m benchmarks.year [--size tiny] [--write]`.

Each month brings new deployment footage of the simulated line. By the commands that a team uses, in a copy of
the project: the candidate of the labels so far is trained and shadowed over that footage, a sample of it is
labelled by the simulated annotators and decides, a person promotes what the decision says may be promoted,
and what production doubts or the engines dispute is drawn, labelled and taken in for the next round. With
--write, docs/year.csv and its picture become what was found. With --home, a run that was ended goes on after
its last whole month.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml
from defusedxml import ElementTree

from benchmarks.guide import write
from provenline import tables
from provenline.errors import InputError
from provenline.files import atomic_path
from provenline.footage.media import read_media_list, write_media_list
from provenline.progress import out, track
from provenline.rounds import FRAMES, following
from provenline.simline.params import SimlineParams
from provenline.simline.simulate import simulate

ROOT = Path(__file__).parents[1]
CSV, PICTURE, GUIDE = Path("docs/year.csv"), Path("docs/images/year.svg"), Path("docs/guide-rounds.md")
BEGIN = "<!-- benchmarks/year.py -->"
MONTHS = 12


@dataclass(frozen=True)
class Size:
    """How large the year is.

    Attributes:
        overrides: Of the parameters.
        deployment: Of a month's footage, beside what ``source=simline_tiny`` says.
        frames: That a round draws at most.
    """

    overrides: tuple[str, ...]
    deployment: dict[str, Any]
    frames: int


SIZES = {
    "tiny": Size(("profile=tiny",), {}, 12),
    "small": Size(
        ("profile=cpu", "profile.limit=0"),
        {"videos": [3] * 7, "seconds": [14.0, 16.0], "lead_in_s": [2.0, 4.0]},
        30,
    ),
}


@dataclass(frozen=True)
class Month:
    """What a month came to.

    Attributes:
        month: From 1.
        round: Of the candidate.
        trained_on: Its training frames.
        compared: Frames of the month's footage, in ``groups`` groups.
        groups: Likewise.
        decision: Of the shadow run, on the labelled sample.
        promoted: Whether the candidate became production.
        production: Errors per frame (missed objects and false detections), estimated from the sample.
        candidate: Likewise.
        gain: By how many the candidate makes fewer; ``gain_low`` and ``gain_high`` are its interval.
        gain_low: Likewise; empty where there is none.
        gain_high: Likewise.
        recall: Candidate minus production.
        sampled: Labels spent on the decision: frames.
        drawn: Labels spent on the next round: frames.
        seconds: That all of it took here.
    """

    month: int
    round: str
    trained_on: int
    compared: int
    groups: int
    decision: str
    promoted: bool
    production: float | None
    candidate: float | None
    gain: float | None
    gain_low: float | None
    gain_high: float | None
    recall: float | None
    sampled: int
    drawn: int
    seconds: float


def copy_project(there: Path) -> None:
    """Copy what git knows of the project, work tree included, without results; its environment is ours."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file() and name != "dvc.lock":
            (there / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, there / name)
    (there / ".venv").symlink_to(Path(sys.executable).parents[1])


class Team:
    """A copy of the project in which a year goes by."""

    def __init__(self, home: Path, size: Size, overrides: Sequence[str] = ()) -> None:
        self.home, self.size, self.overrides = home, size, overrides
        self._environment = {name: value for name, value in os.environ.items() if not name.startswith("DVC")}
        self._environment |= {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(home),
            "PROVENLINE_HOME": str(home),
            "MLFLOW_TRACKING_URI": f"sqlite:///{home}/mlflow.db",
            "COLUMNS": "200",
        }

    def run(self, *command: str) -> str:
        done = subprocess.run(
            command, cwd=self.home, env=self._environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            last = (done.stderr.strip() or done.stdout.strip() or "no message").splitlines()[-1]
            raise InputError(f"{' '.join(command)}: {last}", file=self.home)
        return done.stdout + done.stderr

    def python(self, *words: str) -> str:
        return self.run(sys.executable, "-m", *words)

    def provenline(self, *words: str) -> str:
        return self.run(sys.executable, "-c", "from provenline.cli import main; main()", *words)

    def commit(self, message: str) -> None:
        self.run("git", "add", "-A")
        who = ("-c", "user.name=year", "-c", "user.email=year@example.org")
        self.run("git", *who, "commit", "--quiet", "--allow-empty", "-m", message)

    def read(self, path: str) -> Any:
        return json.loads((self.home / path).read_text(encoding="utf-8"))

    def begin(self) -> None:
        """Copy what git knows of the project, work tree included."""
        with atomic_path(self.home) as there:
            copy_project(there)
            subprocess.run(["git", "init", "--quiet"], cwd=there, check=True)
        self.commit("The project")

    def back(self) -> None:
        """Go back to the end of the last whole month: what a run that was ended had begun goes."""
        over = self.run("git", "log", "--format=%H %s").splitlines()
        last = next(line.split()[0] for line in over if line.endswith((" is over", " The project")))
        self.run("git", "add", "--all")  # what is new goes too, but for what git does not see
        self.run("git", "reset", "--quiet", "--hard", last)
        if not (self.home / "params.yaml").is_file():
            return
        now = yaml.safe_load((self.home / "params.yaml").read_text(encoding="utf-8"))["round"]
        for folder in ("data/labelling", "data/rounds"):
            shutil.rmtree(self.home / folder / following(now), ignore_errors=True)

    def footage(self, month: int) -> Path:
        """Film a month of deployment footage: other people, other moments, the same cameras."""
        folder = Path("data/footage") / f"{month:02d}"
        if not (self.home / folder).is_dir():
            given = yaml.safe_load((self.home / "params.yaml").read_text(encoding="utf-8"))["simulate"]
            given["seed"] += month
            given["deployment"] |= self.size.deployment
            with atomic_path(self.home / folder) as there:
                simulate("deployment", SimlineParams.model_validate(given), there)
                listed = read_media_list(there / "media.csv", there / "footage")
                # The simulation films the same days again and again: here they are days of a year.
                days = {
                    day: f"2025-{month:02d}-{place + 1:02d}"
                    for place, day in enumerate(sorted({m.day for m in listed}))
                }
                with (there / "media.csv").open(encoding="utf-8", newline="") as stream:
                    rows = [
                        row | {"day": days[row["day"]], "group": f"{month:02d}/{row['path']}"}
                        for row in csv.DictReader(stream)
                    ]
                write_media_list(there / "media.csv", rows)
        return folder

    def compose(self, footage: Path | None) -> None:
        words = [
            "source=simline_tiny",
            *self.size.overrides,
            "source.simulate=[development]",
            "train.when=always",
            *self.overrides,
        ]
        if footage:
            words += [
                f"source.deployment.root={footage}/footage",
                f"source.deployment.media_list={footage}/media.csv",
                f"source.deployment.annotations={footage}/annotations",
                f"source.shadow_labels={footage}/annotations",
            ]
        self.python("glue.compose", *words)

    def month(self, month: int) -> Month:
        """Let a month go by."""
        started = time.monotonic()
        if month == 1:
            self.compose(None)
        footage = self.footage(month)
        self.compose(footage)
        self.python("dvc", "repro", "--quiet", "shadow-ab")
        found, split = self.read("metrics/shadow_ab.json"), self.read("metrics/split.json")
        self.provenline("split", "accept")
        self.run("git", "add", "-A")
        round_ = yaml.safe_load((self.home / "params.yaml").read_text(encoding="utf-8"))["round"]
        self.provenline("round", "draw", "--frames", str(self.size.frames))
        if promoted := found["decision"] == "promote":
            self.python("dvc", "repro", "--quiet")  # the report, whose dossier a promotion looks at
            self.commit(f"Month {month}: {found['decision']}")
            self.provenline("promote")
        errors = self._errors()
        self.provenline("round", "take", str(self._labelled(round_, footage)))
        taken = self.read(f"data/rounds/{following(round_)}/round.json")
        gains, sample = found["gain"] or {}, found["sample"] or {}
        net, recall = gains.get("net_gain") or {}, gains.get("recall") or {}
        return Month(
            month=month,
            round=round_,
            trained_on=split["dataset"]["splits"]["train"]["frames"],
            compared=found["footage"]["frames"],
            groups=found["footage"]["groups"],
            decision=found["decision"],
            promoted=promoted,
            production=errors["production"],
            candidate=errors["candidate"],
            gain=net.get("estimate"),
            gain_low=net.get("low"),
            gain_high=net.get("high"),
            recall=recall.get("estimate"),
            sampled=sample.get("labelled", 0),
            drawn=taken["frames"],
            seconds=round(time.monotonic() - started, 1),
        )

    def _labelled(self, before: str, footage: Path) -> Path:
        """Have the simulated annotators label what was drawn: their exports, of its images alone."""
        drawn = self.home / "data/labelling" / following(before)
        frames = tables.read(drawn / FRAMES, tables.FRAMES)
        names = {
            f"{media}/{time_ms:09d}.jpg": f"{frame_id}.jpg"
            for media, time_ms, frame_id in frames[["media", "time_ms", "frame_id"]].itertuples(index=False)
        }
        exports = drawn / "exports"
        exports.mkdir()
        for file in sorted((self.home / footage / "annotations").glob("*.xml")):
            tree = ElementTree.parse(file)
            root = tree.getroot()
            for image in root.findall("image"):
                if image.get("name") in names:
                    image.set("name", names[image.get("name")])
                else:
                    root.remove(image)
            tree.write(exports / file.name, encoding="utf-8")
        return exports.relative_to(self.home)

    def _errors(self) -> dict[str, float | None]:
        """Return errors per frame of both, as the labelled sample stands for all frames."""
        place = self.home / "data/shadow/outcomes.csv"
        if not place.read_text(encoding="utf-8").strip():
            return {"production": None, "candidate": None}
        rows = pd.read_csv(place)
        return {
            role: round(float((rows[f"errors_{role}"] * rows["weight"]).sum() / rows["weight"].sum()), 4)
            for role in ("production", "candidate")
        }


def year(home: Path, size: Size, months: int, overrides: Sequence[str] = ()) -> list[Month]:
    """Let a year go by in ``home``, after the months that are there already."""
    team, diary = Team(home, size, overrides), home / "year.json"
    if not home.is_dir():
        team.begin()
    else:
        team.back()
    gone = [Month(**one) for one in json.loads(diary.read_text(encoding="utf-8"))] if diary.is_file() else []
    for month in track(range(len(gone) + 1, months + 1), "months"):
        gone.append(team.month(month))
        out.print(sentence(gone[-1]), highlight=False, soft_wrap=True)
        diary.write_text(json.dumps([asdict(one) for one in gone], indent=1), encoding="utf-8")
        team.commit(f"Month {month} is over")
    return gone


def sentence(one: Month) -> str:
    """Say what a month came to."""
    net = "no labelled sample" if one.gain is None else f"{one.gain:+.3f} errors per frame fewer"
    ends = (
        ""
        if one.gain_low is None or one.gain_high is None
        else f" ({one.gain_low:+.3f} to {one.gain_high:+.3f})"
    )
    return (
        f"month {one.month}, {one.round}: trained on {one.trained_on} frames; {net}{ends}; {one.decision}; "
        f"labels {one.sampled} to decide, {one.drawn} to train ({one.seconds:.0f} s)"
    )


def told(months: Sequence[Month]) -> str:
    """Return the year as the guide tells it: a row per month, and what they come to."""
    columns = ("month", "candidate", "trained on", "errors per frame, production → candidate", "fewer, 95%")
    columns += ("recall", "decision", "labels: to decide, to train")
    lines = [f"| {' | '.join(columns)} |", "|---" * len(columns) + "|"]
    known = [one for one in months if None not in (one.gain, one.gain_low, one.gain_high, one.recall)]
    lines += [
        f"| {one.month} | {one.round} | {one.trained_on} frames | {one.production:.2f} → {one.candidate:.2f} "
        f"| {one.gain:+.2f} [{one.gain_low:+.2f}, {one.gain_high:+.2f}] | {one.recall:+.3f} "
        f"| {one.decision}{', promoted' if one.promoted else ''} | {one.sampled}, {one.drawn} |"
        for one in known
    ]
    sampled, compared = sum(one.sampled for one in months), sum(one.compared for one in months)
    labels = (
        f"{sum(one.drawn for one in months)} to train, {sampled} to decide ({sampled / compared:.0%} of all)"
    )
    texts = [f"Promoted: {sum(one.promoted for one in months)}. Labels: {labels}."]
    if len(known) > 1:
        half, gains = len(known) // 2, [one.gain for one in known]
        early, late = (np.mean([one.recall for one in part]) for part in (known[:half], known[half:]))
        texts.append(f"Errors per frame fewer than production: {min(gains):.1f} to {max(gains):.1f}.")
        texts.append(f"Recall, candidate minus production: {early:+.2f} on the average of the first {half}")
        texts[-1] += f" months, {late:+.2f} of the other {len(known) - half}."
    return "\n".join([*lines, "", *texts])


def draw(months: Sequence[Month], path: Path) -> None:
    """Draw errors and gain per round, and the labels that they took."""
    import matplotlib as mpl

    mpl.use("Agg")
    mpl.rcParams["svg.hashsalt"] = "provenline"  # the same figures give the same bytes
    from matplotlib import pyplot

    place = [one.month for one in months]
    figure, (errors, gains, labels) = pyplot.subplots(3, 1, figsize=(8, 8.5), sharex=True)
    errors.plot(place, [one.production for one in months], "o-", color="#b35806", label="production")
    errors.plot(place, [one.candidate for one in months], "o-", color="#1f5fa8", label="candidate")
    errors.set_ylabel("errors per frame")
    errors.set_ylim(bottom=0)
    errors.legend(frameon=False)
    known = [one for one in months if None not in (one.gain, one.gain_low, one.gain_high)]
    gains.axhline(0, color="#8aa4c0", linewidth=0.8)
    gains.errorbar(
        [one.month for one in known],
        [one.gain for one in known],
        [[one.gain - one.gain_low for one in known], [one.gain_high - one.gain for one in known]],
        fmt="o", color="#1f5fa8", capsize=3,
    )  # fmt: skip
    for one in months:
        word = "promoted" if one.promoted else one.decision
        gains.annotate(word, (one.month, 0.02), xycoords=("data", "axes fraction"), ha="center", fontsize=7)
    gains.set_ylabel("errors per frame fewer\n(95% interval)")
    gains.margins(y=0.2)
    totals = {
        name: pd.Series([getattr(one, name) for one in months]).cumsum() for name in ("sampled", "drawn")
    }
    labels.stackplot(
        place,
        totals["drawn"],
        totals["sampled"],
        labels=["to train", "to decide"],
        colors=["#7fa8d1", "#e0b08a"],
    )
    labels.set_ylabel("frames labelled so far")
    labels.set_xlabel("month, and the candidate's round")
    labels.set_xticks(place, [f"{one.month}\n{one.round}" for one in months])
    labels.legend(frameon=False, loc="upper left")
    for panel in (errors, gains, labels):
        panel.grid(visible=True, alpha=0.25)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})


def main() -> None:
    """Let the year go by, print it, and keep it if that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", choices=sorted(SIZES), default="small")
    parser.add_argument("--months", type=int, default=MONTHS)
    parser.add_argument("--home", type=Path, help="the copy, kept, so that a run that was ended goes on")
    parser.add_argument("--write", action="store_true", help=f"write {CSV} and {PICTURE}")
    parser.add_argument("overrides", nargs="*", help="of the parameters: shadow_ab.thresholds=shared")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as spare:
        months = year(given.home or Path(spare) / "year", SIZES[given.size], given.months, given.overrides)
    print(told(months))
    if given.write:
        pd.DataFrame([asdict(one) for one in months]).to_csv(CSV, index=False, lineterminator="\n")
        draw(months, PICTURE)
        write(GUIDE, BEGIN, told(months))


if __name__ == "__main__":
    main()
