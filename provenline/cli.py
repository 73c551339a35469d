"""The command `provenline`: what a person does beside `dvc repro`."""

from __future__ import annotations

from pathlib import Path

import typer
from rich.console import Console
from rich.table import Table

from provenline.commands import annotations as labels
from provenline.commands import (
    cost,
    device,
    engine,
    footage,
    media,
    plan,
    promote,
    push,
    remote,
    review,
    split,
    stage_a,
    verify,
)
from provenline.commands import round as rounds
from provenline.commands.project import require
from provenline.errors import InputError
from provenline.progress import out

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
app.add_typer(media.app, name="media")
app.add_typer(footage.app, name="footage")
app.add_typer(labels.app, name="annotations")
app.add_typer(split.app, name="split")
app.add_typer(stage_a.app, name="stage-a")
app.add_typer(review.app, name="review")
app.add_typer(rounds.app, name="round")
app.add_typer(engine.app, name="engine")
app.add_typer(device.app, name="device")
app.add_typer(remote.app, name="remote")
app.command("push")(push.push)
app.command("promote")(promote.promote)
app.command("rollback")(promote.rollback)
app.command("verify")(verify.verify)
app.command("plan")(plan.plan)
app.command("cost")(cost.cost)


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

    require()
    for about, text in lines(Path()):
        out.print(f"[bold]{about:<14}[/] {text}", highlight=False)


def main() -> None:
    """Run the command; what the user can mend is one line and exit status 2."""
    try:
        app()
    except InputError as error:
        Console(stderr=True, soft_wrap=True).print(
            f"error: {error}", style="bold red", highlight=False, markup=False
        )
        raise SystemExit(2) from None
