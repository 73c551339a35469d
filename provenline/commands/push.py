"""`provenline push`: sends data and models to the remote, if they may go there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from provenline.commands.project import require, section
from provenline.progress import out

if TYPE_CHECKING:
    from provenline.footage.params import PrivacyParams

JOBS = 8  # an uncapped push can bring a small server down


def push(
    targets: Annotated[list[str] | None, typer.Argument(help="Outputs; left out: everything.")] = None,
    remote: Annotated[str | None, typer.Option(help="As `dvc remote list` names it.")] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Transfers at a time.")] = JOBS,
    check_only: Annotated[
        bool, typer.Option("--check", help="Say whether it may go there; send nothing.")
    ] = False,
) -> None:
    """Send data and models to the remote, if footage.residency allows it to be there."""
    from provenline import residency

    require()
    remotes = [residency.addressed(one) for one in residency.remotes_in_use(Path(), remote)]
    residency.check(remotes, privacy(Path()).residency)
    for one in remotes:
        out.print(f"{one.name}: {one.url} is allowed", highlight=False)
    if check_only:
        return
    words = ["push", "--jobs", str(jobs), *(["--remote", remote] if remote else []), "--", *(targets or [])]
    done = subprocess.run([sys.executable, "-m", "dvc", *words], check=False)
    raise typer.Exit(done.returncode)


def privacy(root: Path) -> PrivacyParams:
    """Return what params.yaml says may leave the machine."""
    from provenline.footage.params import PrivacyParams

    return section(root, "footage", PrivacyParams)
