"""`provenline stage-a`: the frames that Stage A measures, for good."""

from __future__ import annotations

from pathlib import Path

import typer

from provenline.commands.project import COMMIT, require
from provenline.errors import InputError
from provenline.progress import out

app = typer.Typer(no_args_is_help=True, help="Stage A: the frames that it measures.")

SAMPLE, LEDGER = Path("data/stage_a_sample.csv"), Path("data/stage_a_ledger.csv")


@app.callback()
def stage_a() -> None:
    """Stage A: the frames that it measures."""


@app.command("accept")
def accept() -> None:
    """Copy the measured sample to its ledger: from now on these frames stay in. Commit the ledger."""
    from provenline.evaluation.stage_a_sample import accept as accept_

    require(SAMPLE)
    if not SAMPLE.is_file():  # else the library would have it started by hand, like the ledger
        raise InputError("file is missing", file=SAMPLE, mend="Run `dvc repro stageA-eval`")
    counts = accept_(SAMPLE, LEDGER)
    out.print(f"{LEDGER}: {counts['added']} frames added, {counts['kept']} kept. {COMMIT}")
