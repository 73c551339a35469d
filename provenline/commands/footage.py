"""`provenline footage`: manifests of folders that grow, and the accepted sample."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from provenline.commands.project import COMMIT, parameters
from provenline.errors import InputError
from provenline.progress import out

app = typer.Typer(no_args_is_help=True, help="Footage that grows: its manifest, and the accepted sample.")


@app.callback()
def footage() -> None:
    """Footage that grows: its manifest, and the accepted sample."""


@app.command("scan")
def scan(
    root: Annotated[Path, typer.Argument(help="The folder with the recordings.")],
    manifest: Annotated[Path, typer.Argument(help="The media list to append to; begun if missing.")],
    pattern: Annotated[
        str,
        typer.Option(
            help="What the paths tell: {camera}, {day}, {hour}, {minute}, {second}, {category}, and * for "
            "anything but a slash."
        ),
    ] = "{camera}/{day}/{hour}*.mp4",
    settle: Annotated[float, typer.Option(min=0, help="Seconds without a change before it counts.")] = 60.0,
    category: Annotated[str, typer.Option(help="The operation, where all recordings show the same.")] = "",
) -> None:
    """Append to a manifest what is new in a folder; each new file is read once, for its hash.

    Exit status: 0 also where nothing is new, 2 where the manifest has no recording and none is being written.
    """
    from provenline.footage.manifest import Scanned
    from provenline.footage.manifest import scan as scan_

    def say(text: str, names: list[str]) -> None:
        if names:
            out.print(f"{len(names)} {text}, first {names[0]!r}", markup=False, highlight=False)

    found: Scanned = scan_(root, manifest, pattern, settle, category)
    out.print(
        f"{manifest}: {found.added} added, {found.listed} listed before ({found.vanished} of them vanished), "
        f"{found.waiting} still being written, {found.linked} listed under another name",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )
    say("videos do not fit the pattern", found.unmatched)
    say("videos cannot be read", found.unreadable)
    if found.same_start:
        out.print(
            f"{found.same_start} recordings start, by their paths, when another of their camera does: "
            "where the paths tell more, add {minute} and {second} to the pattern and begin a new manifest",
            soft_wrap=True,
        )
    if not (found.added or found.listed or found.waiting):
        raise _nothing(root, pattern)


def _nothing(root: Path, pattern: str) -> InputError:
    from provenline.footage.media import VIDEOS

    what = f"no recording is there, in it or in its folders, whose path fits {pattern}"
    mend = (
        f"Looked for {' '.join(sorted(VIDEOS))}; `provenline media init` lists photos, and videos of any name"
    )
    return InputError(what, file=root, mend=mend)


@app.command("accept")
def accept() -> None:
    """Copy the present sample to its ledger: from now on these videos stay in. Commit the ledger."""
    from pydantic import TypeAdapter, ValidationError

    from provenline.footage.media import read_media_list
    from provenline.footage.params import SamplePlan, SamplingPlan
    from provenline.footage.sample import accept as accept_
    from provenline.footage.selecting import choose

    given = parameters()
    try:
        plan: Any = TypeAdapter(SamplingPlan).validate_python((given.get("extract") or {}).get("sampling"))
    except ValidationError as error:
        what, place = error.errors()[0]["msg"], "extract.sampling"
        raise InputError(what, file="params.yaml", place=place, mend="Run `make params`") from None
    if not isinstance(plan, SamplePlan):
        what = f"the sampling plan is {plan.kind}, which has no ledger"
        raise InputError(what, file="params.yaml", mend="Run `make params ARGS=sampling=sample`")
    chosen = []
    for media_list, root in _sources(given):
        chosen += choose(plan, read_media_list(media_list, root))
    counts = accept_(Path(plan.ledger), chosen)
    text = f"{plan.ledger}: {counts['added']} videos added, {counts['kept']} kept. {COMMIT}"
    out.print(text, highlight=False, markup=False)


def _sources(given: Mapping[str, Any]) -> list[tuple[Path, Path]]:
    """Return media list and root of both footages."""
    try:
        both = [given["source"][side] for side in ("development", "deployment")]
        return [(Path(one["media_list"]), Path(one["root"])) for one in both]
    except (KeyError, TypeError):
        what = "does not say which footage to look at"
        raise InputError(what, file="params.yaml", place="source", mend="Run `make params`") from None
