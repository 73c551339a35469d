"""`provenline split`: the ledger and the certificate."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from provenline.commands.certificate import certificate
from provenline.commands.project import COMMIT, parameters, require
from provenline.progress import out

app = typer.Typer(no_args_is_help=True, help="The ledger: which video is on which side, for good.")


@app.callback()
def split() -> None:
    """The ledger: which video is on which side, for good."""


@app.command("accept")
def accept(
    assignment: Annotated[
        Path | None,
        typer.Argument(help="The CSV that `split` wrote; left out: that of the round in params.yaml."),
    ] = None,
    ledger: Annotated[Path, typer.Option(help="The ledger in git.")] = Path("data/split_ledger.csv"),
    reseal: Annotated[
        bool, typer.Option(help="Accept nothing; seal the ledger as it stands, after a merge or an edit.")
    ] = False,
) -> None:
    """Copy the split to the ledger: from now on none of these groups moves. Commit the ledger."""
    from provenline.splits.ledger import accept as accept_
    from provenline.splits.ledger import reseal as reseal_

    if reseal:
        require(ledger)
        sealed = reseal_(ledger)
        shown = ", ".join(sealed["changed"][:10]) + (", ..." if len(sealed["changed"]) > 10 else "")
        text = f"{ledger}: {sealed['rows']} rows sealed, {len(sealed['changed'])} of them new or changed"
        out.print(text, highlight=False, markup=False)
        if shown:
            out.print(
                f"new or changed: {shown}. {COMMIT}",
                highlight=False,
                markup=False,
            )
        return
    if assignment is None:
        round_ = parameters().get("round", "v0")
        assignment = Path("data") / f"dataset_split_{round_}.csv"
    counts = accept_(assignment, ledger)
    text = f"{ledger}: {counts['added']} groups added, {counts['kept']} kept. {COMMIT}"
    out.print(text, highlight=False, markup=False)


app.command("certificate")(certificate)
