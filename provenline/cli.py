"""The command `provenline`: what a person does beside `dvc repro`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from provenline.errors import InputError

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
media_app = typer.Typer(no_args_is_help=True, help="Media lists: what the footage is.")
split_app = typer.Typer(no_args_is_help=True, help="The ledger: which video is on which side, for good.")
app.add_typer(media_app, name="media")
app.add_typer(split_app, name="split")
out = Console()


@app.command()
def doctor() -> None:
    """Say what this machine can do, and what is missing."""
    from provenline.doctor import examine, healthy

    table = Table(box=None, show_header=False)
    marks = {"ok": "[green]ok[/]", "missing": "[bold red]missing[/]", "note": "[yellow]note[/]"}
    findings = examine()
    for finding in findings:
        table.add_row(marks[finding.state], finding.about, finding.text)
    out.print(table)
    raise typer.Exit(0 if healthy(findings) else 1)


@app.command()
def summary() -> None:
    """Print what the last run of the line came to."""
    from provenline.reports.summary import lines

    for about, text in lines(Path()):
        out.print(f"[bold]{about:<14}[/] {text}", highlight=False)


@media_app.command("init")
def media_init(
    root: Annotated[Path, typer.Argument(help="The folder with the videos and images.")],
    media_list: Annotated[Path, typer.Argument(help="The CSV to write; it must not exist yet.")],
    groups: Annotated[Path | None, typer.Option(help="A CSV with the columns file,group.")] = None,
    category: Annotated[str, typer.Option(help="The operation, where all files show the same.")] = "",
) -> None:
    """Write a media list for a folder, to be completed by hand."""
    from provenline.footage.media import scan, write_media_list

    if media_list.exists():
        raise InputError("file exists", file=media_list, mend="Remove it or name another")
    rows = scan(root, groups=groups, category=category)
    write_media_list(media_list, rows)
    out.print(f"{media_list}: {len(rows)} media. Complete camera, day, work span and provenance by hand.")


@split_app.command("accept")
def split_accept(
    assignment: Annotated[
        Path | None,
        typer.Argument(help="The CSV that `split` wrote; left out: that of the round in params.yaml."),
    ] = None,
    ledger: Annotated[Path, typer.Option(help="The ledger in git.")] = Path("data/split_ledger.csv"),
) -> None:
    """Copy the split to the ledger: from now on none of these groups moves. Commit the ledger."""
    from provenline.reports.gather import read_parameters
    from provenline.splits.ledger import accept

    if assignment is None:
        round_ = read_parameters(Path())[0].get("round", "v0")
        assignment = Path("data") / f"dataset_split_{round_}.csv"
    counts = accept(assignment, ledger)
    out.print(f"{ledger}: {counts['added']} groups added, {counts['kept']} kept. Commit it with git.")


def main() -> None:
    """Run the command; what the user can mend is one line and exit status 2."""
    try:
        app()
    except InputError as error:
        Console(stderr=True, soft_wrap=True).print(
            f"error: {error}", style="bold red", highlight=False, markup=False
        )
        raise SystemExit(2) from None
