"""`provenline remote`: tries out the S3 remote, shares a version of an output, fetches what was shared."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from provenline.errors import InputError
from provenline.progress import out

app = typer.Typer(no_args_is_help=True, help="The S3 remote: try it out, share a version, fetch one.")
_Remote = Annotated[str | None, typer.Option(help="As `dvc remote list` names it; left out: the default.")]


@app.command("check")
def check(
    remote: _Remote = None,
    read_only: Annotated[bool, typer.Option("--read-only", help="As on a device: only pulls.")] = False,
) -> None:
    """Try out every permission that push and pull need, and name those that are missing."""
    from rich.table import Table

    from provenline.remote import preflight
    from provenline.residency import addressed, remote_named

    one = addressed(remote_named(remote))
    findings = preflight(one, write=not read_only)
    table, marks = (
        Table(box=None, show_header=False),
        {"ok": "green", "missing": "bold red", "note": "yellow"},
    )
    for found in findings:
        table.add_row(f"[{marks[found.state]}]{found.state}[/]", found.permission, found.text)
    out.print(f"{one.name}: {one.url}", highlight=False)
    out.print(table)
    raise typer.Exit(1 if any(found.state == "missing" for found in findings) else 0)


@app.command("share")
def share(
    output: Annotated[str, typer.Argument(help="As the pipeline names it, such as data/dataset.")],
    file: Annotated[Path, typer.Option("--out", help="The list for the partner.")] = Path("share.json"),
    hours: Annotated[float, typer.Option(min=0.01, max=168, help="How long it works.")] = 24,
    remote: _Remote = None,
) -> None:
    """Sign addresses of all files of a pushed output: whoever has the list reads them until it expires."""
    from datetime import timedelta
    from fnmatch import fnmatchcase

    from provenline import residency, sharing
    from provenline.commands.push import privacy

    rules, one = privacy(Path()), residency.addressed(residency.remote_named(remote))
    if not any(fnmatchcase(output, pattern) for pattern in rules.share):
        known = ", ".join(rules.share) or "nothing"
        mend = f"Allowed: {known}. Name it in footage.share (conf/config.yaml) if the partner may have it"
        raise InputError("footage.share does not allow it", file=output, mend=mend)
    residency.check([one], rules.residency)
    made = sharing.share(output, one, Path(), timedelta(hours=hours))
    sharing.write(made, file)
    size = sum(entry.size for entry in made.files) / 1e6
    out.print(
        f"{file}: {len(made.files)} files of {output} ({made.version[:12]}), {size:.1f} MB, "
        f"until {made.expires:%Y-%m-%d %H:%M} UTC. Send it as you would send the data itself",
        highlight=False,
    )


@app.command("fetch")
def fetch(
    file: Annotated[Path, typer.Argument(help="The list that was sent.")],
    folder: Annotated[Path, typer.Option("--out", help="Where to; what is whole there stays.")],
) -> None:
    """Fetch what somebody shared and check every byte; the same command again goes on."""
    from provenline import sharing
    from provenline.progress import track

    made = sharing.read(file)
    for _ in track(sharing.fetch(made, folder), "Fetching", total=len(made.files)):
        pass
    out.print(f"{folder}: {len(made.files)} files of {made.output}, all as promised", highlight=False)
