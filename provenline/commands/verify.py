"""`provenline verify`: recomputes the chain of hashes from the footage to the verdict."""

from __future__ import annotations

import time
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from provenline.commands.project import require
from provenline.errors import InputError
from provenline.progress import out

if TYPE_CHECKING:
    from provenline.dossier.checks import Check
    from provenline.dossier.verifying import Outcome

DOSSIER = Path("reports/dossier.json")
HOLDS, BROKEN, ABSENT = 0, 1, 3  # exit statuses; 2 is a dossier that cannot be read
MARKS = {
    "holds": "[green]✓[/]",
    "broken": "[bold red]✗[/]",
    "absent": "[yellow]-[/]",
    "unseen": "[yellow]?[/]",
}


def verify(
    dossier: Annotated[Path, typer.Argument(help="What `dvc repro report` wrote.")] = DOSSIER,
    root: Annotated[Path, typer.Option(help="The project's folder.")] = Path(),
    seal: Annotated[
        str, typer.Option(help="The seal that somebody wrote down: of the dossier, or as the page shows it.")
    ] = "",
    partial: Annotated[
        bool, typer.Option("--partial", help="Accept what is not on this machine; say what.")
    ] = False,
    outside: Annotated[
        bool, typer.Option("--outside", help="Look for footage and weights outside the project's folder too.")
    ] = False,
    every: Annotated[
        bool, typer.Option("--all", help="Print every link, and not only how many hold in each step.")
    ] = False,
) -> None:
    """Recompute every hash and every link, and name the first that does not hold. Writes nothing.

    Exit status: 0 all holds, 1 a link does not hold, 3 something is not here to be looked at.
    """
    from provenline.dossier.claims import HASH
    from provenline.dossier.verifying import verify as verify_

    seal = seal.strip().lower()
    if seal and not HASH.fullmatch(seal):
        raise InputError("a seal has 64 hexadecimal digits", place="--seal")
    if dossier == DOSSIER:
        require(dossier)
    if not root.is_dir():
        raise InputError("is no folder", file=root, place="--root")
    started = time.monotonic()
    found = verify_(root, dossier, seal, outside)
    seconds = max(time.monotonic() - started, 1e-6)
    if found.broken:
        _first(found)
    for step, checks in groupby(found.checks, key=lambda one: one.step):
        asked = bool(seal) and step == "dossier"
        _step(step, list(checks), in_full=every or asked or bool(found.broken))
    hashed = f"{found.files:,} files, {found.size / 1e6:,.1f} MB hashed in {seconds:.1f} s"
    _say(f"{len(found.held)} of {len(found.checks)} links hold; {hashed}")
    raise typer.Exit(_end(found, partial, bool(seal)))


def _step(step: str, checks: list[Check], *, in_full: bool) -> None:
    """Print a step of the chain: what holds is counted, or said one by one; all else is said in any case."""
    held = [one for one in checks if one.state == "holds"]
    whole = [one for one in held if one.of_bytes]
    if not in_full and held:
        _line("holds", step, _counted(len(whole), len(held) - len(whole)))
    elif whole:
        _line("holds", step, f"bytes of {'; '.join(one.about for one in whole)}")
    for one in checks:
        if one not in (whole if in_full else held):
            _line(one.state, step, one.said)


def _counted(whole: int, links: int) -> str:
    """Say how much of a step holds.

    >>> _counted(1, 12), _counted(0, 1)
    ('bytes of 1 artifact, 12 links', '1 link')
    """
    named = ((whole, "bytes of {} artifact"), (links, "{} link"))
    return ", ".join(text.format(count) + "s" * (count != 1) for count, text in named if count)


def _line(state: str, step: str, text: str) -> None:
    from rich.markup import escape

    out.print(f"{MARKS[state]} {step:<12} {escape(text)}", highlight=False, soft_wrap=True)


def _first(found: Outcome) -> None:
    """Print where the chain breaks, before everything else."""
    first = found.broken[0]
    more = f" ({len(found.broken) - 1} more do not hold)" if len(found.broken) > 1 else ""
    _say(f"The first link that does not hold is in {first.step}: {first.sentence}{more}", "bold red")
    for name, value in (("expected", first.expected), ("found", first.found)):
        if value:
            _say(f"  {name:<8} {value}", "bold red")


def _end(found: Outcome, partial: bool, sealed: bool) -> int:
    """Print what it comes to, and return the exit status."""
    if found.broken:
        broken = len(found.broken)
        _say(f"{broken} of {len(found.checks)} links do not hold, the first as said at the top.", "bold red")
        return BROKEN
    _sealing(found, sealed)
    if not found.absent:
        _say("The chain holds from the footage to the verdict, and every file of it was looked at.", "green")
        return HOLDS
    steps = ", ".join(dict.fromkeys(one.step for one in found.absent))
    looked = sum(one.of_bytes for one in found.held)
    text = f"{len(found.absent)} links could not be looked at, in {steps}: what they need is not here."
    if partial and looked:
        _say(f"What is here holds. {text}", "yellow")
        return HOLDS
    _say(f"Not here, so this is no pass. {text} --partial accepts that.", "yellow")
    return ABSENT


def _sealing(found: Outcome, sealed: bool) -> None:
    _say(f"Seal {found.dossier.seal}; of the evidence, as the page shows it, {found.dossier.evidence_sha256}")
    if not sealed:
        _say("Who alters everything can seal it anew: give --seal what was written down when it was made.")


def _say(text: str, style: str = "") -> None:
    out.print(text, style=style, highlight=False, markup=False, soft_wrap=True)
