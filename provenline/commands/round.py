"""`provenline round`: the month's frames for labelling, and their labels on the way back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from provenline.commands.project import at, dvc_add, follow, section
from provenline.errors import InputError
from provenline.progress import notice, out

if TYPE_CHECKING:
    import pandas as pd

    from provenline.shadow.labels import Reading
    from provenline.shadow.params import Operating

app = typer.Typer(no_args_is_help=True, help="The monthly round: what to label next, and its way back.")
HERE, DRAWN, SHADOW = Path(), Path("data/labelling"), Path("data/shadow")
SAID = Path("metrics/shadow_ab.json")
_NOISE = 0.5  # a find below this share of the score from which on it counts is noise
LEDGER = Path("data/split_ledger.csv")


@app.callback()
def main() -> None:
    """The monthly round: what to label next, and its way back."""


@app.command("draw")
def draw(
    frames: Annotated[int, typer.Option(min=1, help="So many frames at most.")] = 200,
    marks: Annotated[
        Path | None,
        typer.Option(help="CSV of production's own marks: media, time_ms, quality (green, yellow, red)."),
    ] = None,
    sure: Annotated[
        float,
        typer.Option(min=0, max=1, help="Without marks: a frame with a find below this score is yellow."),
    ] = 0.55,
    apart: Annotated[
        int,
        typer.Option(min=0, max=255, help="Grey levels by which frames of a camera must differ somewhere."),
    ] = 24,
) -> None:
    """Choose what production doubts or the engines dispute in the last shadow run, and package it."""
    import pandas as pd

    from provenline import rounds, tables
    from provenline.footage.media import read_media_list
    from provenline.footage.params import PrivacyParams
    from provenline.labelling import drawing, mining, taking
    from provenline.shadow.comparison import FILE, read_comparison
    from provenline.splits.ledger import read_ledger
    from provenline.splits.params import SplitParams

    now = _now()
    taken = rounds.read(_taken(), now)
    compared = tables.read(SHADOW / "frames.parquet", tables.FRAMES)
    if compared.empty:
        what = "the last shadow run compared nothing"
        mend = "Draw after `dvc repro` has compared two engines, before you promote one"
        raise InputError(what, file=SHADOW, mend=mend)
    before = pd.concat(
        [tables.read("data/annotated.parquet", tables.FRAMES), taken.frames], ignore_index=True
    )
    judging = taking.may_not_teach(compared, before, read_ledger(LEDGER), section(HERE, "split", SplitParams))
    every = compared["group"].nunique()
    taught = taken.groups | set(
        compared["group"][compared["media_sha256"].isin(taken.frames["media_sha256"])]
    )
    compared = compared[~compared["group"].isin(taught | set(judging))].reset_index(drop=True)
    if compared.empty:
        what = f"all {every} groups that the last shadow run compared have taught or judge (this is {now})"
        raise InputError(what, file=SHADOW, mend="Run `dvc repro` over new deployment footage first")
    if marks is None:
        colours = mining.Colours(_operating(), _NOISE, sure)
        marked = mining.quality(compared, _said(colours.noise), colours, at(HERE, "usecase", "classes"))
    else:
        period_s = float(at(HERE, "shadow_ab", "period_s"))
        marked, beyond = mining.read_marks(marks, compared, period_s)
        if beyond:
            notice(f"{beyond} marks in {marks} are of no frame that was compared")
    footage = at(HERE, "source", "deployment")
    media = read_media_list(Path(footage["media_list"]), Path(footage["root"]))
    name = rounds.following(now)
    privacy = section(HERE, "footage", PrivacyParams)
    wanted = drawing.Wanted(frames, apart, _reading("cvat").names, privacy.anonymise)
    comparison = read_comparison(SHADOW / FILE)
    done = drawing.draw(compared, marked, comparison, media, wanted, taken.frames, DRAWN / name)
    why = ", ".join(f"{count} {reason}" for reason, count in done.reasons.items())
    spread = f"{done.groups} groups, {done.cameras} cameras, {done.days} camera days"
    out.print(f"{name}: {done.frames} of {done.worth} frames ({why}) from {spread}", highlight=False)
    out.print(f"passed over: {done.alike} near-duplicates, {done.gone} unreadable", highlight=False)
    if judging:
        notice(
            f"left out: {len(judging)} groups that are tied to what judges (first: '{next(iter(judging))}')"
        )
    out.print(
        f"once they are taken in, their groups judge nothing any more: {done.groups} of {every}",
        highlight=False,
    )
    if wanted.mode != "none":
        out.print("no pictures (footage.anonymise): the annotator takes them from the footage by images.csv")
    out.print(
        f"next: have {DRAWN / name / drawing.PACKAGE} labelled, then `provenline round take FOLDER` with the "
        "folder of the export",
        highlight=False,
        soft_wrap=True,
    )


@app.command("take")
def take(
    exports: Annotated[Path, typer.Argument(help="Folder of the exports, one per annotator.")],
    kind: Annotated[
        str,
        typer.Option("--format", help="Of the exports; shadow_ab.labels_format if empty."),
    ] = "",
    nobody: Annotated[
        bool, typer.Option("--nobody", help="No frame has an object, and that is meant.")
    ] = False,
) -> None:
    """Take the labels in: the ledger gets the groups, and the next round begins."""
    import pandas as pd

    from provenline import rounds, tables
    from provenline.labelling import current, taking
    from provenline.splits import ledger
    from provenline.splits.params import SplitParams

    before = _now()
    name = rounds.following(before)
    drawn, folder = DRAWN / name, current.FOLDER / name
    reading = _reading(kind or str(at(HERE, "shadow_ab", "labels_format")))
    params = reading.params.model_copy(update={"format": reading.kind, "labels": reading.rules})
    brought = taking.read(drawn, exports, params, name, nobody=nobody)
    parts = [tables.read("data/annotated.parquet", tables.FRAMES), rounds.read(_taken(), before).frames]
    known = pd.concat(parts, ignore_index=True)
    assignment = Path("data") / f"dataset_split_{before}.csv"
    after = taking.ledger_with(LEDGER, assignment, brought.frames, known, section(HERE, "split", SplitParams))
    report = taking.write(brought, drawn, exports, name, folder)
    dvc_add(current.FOLDER, "The round before goes on; mend it and take the round again")
    ledger.write_ledger(after, LEDGER)
    current.write(HERE, name)  # last: until here the round before goes on, and the same command mends it
    if failed := follow("glue.pin", "rounds"):
        notice(f"params.yaml does not follow yet ({failed}): run `make params`")
    objects = ", ".join(f"{label} {count}" for label, count in report["objects"].items()) or "none"
    out.print(
        f"{name}: {report['frames']} frames of {report['groups']} groups are in train; objects: {objects}; "
        f"{report['frames_without_objects']} frames without any",
        highlight=False,
    )
    for warning in report["import"]["warnings"]:
        notice(warning)
    if report["missing"]:
        notice(f"{report['missing']} frames that were drawn came back without labels, and are left out")
    out.print(
        f"next: git add {LEDGER} {current.FILE} {current.FOLDER}.dvc params.yaml, commit; provenline push; "
        "new deployment footage in the media list; dvc repro",
        highlight=False,
        soft_wrap=True,
    )


def _now() -> str:
    """Return the round that the team is in, as params.yaml and conf/ both say."""
    import yaml

    from provenline.labelling import current

    now = str(at(HERE, "round"))
    said = yaml.safe_load(current.FILE.read_text(encoding="utf-8")) if current.FILE.is_file() else None
    if isinstance(said, dict) and str(said.get("round", now)) != now:
        what = f"says round {now}, {current.FILE} says {said['round']}"
        raise InputError(what, file="params.yaml", mend="Run `make params` with the overrides that you use")
    return now


def _taken() -> Path | None:
    folder = Path(at(HERE, "rounds"))
    return None if folder == Path("data/none") else folder


def _reading(kind: str) -> Reading:
    from typing import get_args

    from provenline.annotations.params import AnnotateParams, Format
    from provenline.shadow.labels import Reading

    if kind not in get_args(Format):
        raise InputError(f"no format is called '{kind}'", mend=f"Known: {', '.join(get_args(Format))}")
    classes = tuple(at(HERE, "usecase", "classes"))
    return Reading(None, kind, section(HERE, "annotate_import", AnnotateParams), classes)  # type: ignore[arg-type]


def _said(least: float) -> pd.DataFrame:
    """Return what production said, without noise: a day's finds are millions of rows, and most are that."""
    from provenline import tables

    return tables.read(SHADOW / "production.parquet", tables.PREDICTIONS, least_score=least)


def _operating() -> Operating:
    """Return from which score on production's detections counted in the last shadow run."""
    from provenline.files import read_json
    from provenline.shadow.params import Operating

    said = read_json(SAID)["engines"]["production"]
    return Operating(own=said.get("thresholds", {}), otherwise=said["score"])
