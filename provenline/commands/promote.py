"""`provenline promote` and `provenline rollback`: what the team takes for production. A person's acts.

What runs on a device is switched there: `provenline engine install` and `provenline engine rollback`.
"""

from __future__ import annotations

import getpass
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from provenline.commands.project import dvc_add, follow, parameters, require
from provenline.errors import InputError
from provenline.progress import notice, out

if TYPE_CHECKING:
    from provenline.promotion.record import Production

DOSSIER = Path("reports/dossier.json")
# What the decision rests on must be in git, or nobody could find it again.
_CODE = ("conf", "data", "stages", "glue", "provenline")
COMMITTED = ("dvc.lock", "dvc.yaml", "params.yaml", *_CODE, "models/production.json")


def promote(
    override: Annotated[
        str, typer.Option(help="Why, although the decision does not say promote; it is recorded.")
    ] = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would happen; change nothing.")
    ] = False,
) -> None:
    """Make the candidate production for the team, if shadow-ab's decision says so and the dossier holds."""
    from provenline.promotion import act

    root, person = Path(), act.Person(_who(), " ".join(override.split()))
    require()
    _settle(root)
    one = act.candidate(root, str(parameters(root).get("target", "")), person)
    seal = _dossier(root)
    _committed()
    said = f"{one.made.target['name']}@{one.made.checkpoint_sha256[:8]}"
    if dry_run:
        over = "" if one.decision == "promote" else f", against the decision '{one.decision}'"
        out.print(f"would promote {said}{over}: {one.reason}", highlight=False, markup=False, soft_wrap=True)
        return
    _done(act.promote(root, one, seal, person, _keep))


def rollback(
    why: Annotated[str, typer.Option(help="For the record.")] = "",
) -> None:
    """Make the engine before production again for the team (on a device: `provenline engine rollback`)."""
    from provenline.promotion import act

    require()
    _settle(Path())
    _done(act.rollback(Path(), act.Person(_who()), " ".join(why.split())))


def _settle(root: Path) -> None:
    from provenline.promotion import act

    if act.settle(root):
        notice("a switch was cut off: conf/production/pinned.yaml is what models/production.json says again")


def _dossier(root: Path) -> str:
    from provenline.dossier.verifying import verify

    found = verify(root, root / DOSSIER)
    if found.broken:
        first = found.broken[0]
        what = f"the dossier does not hold, first in {first.step}: {first.sentence}"
        raise InputError(what, file=DOSSIER, mend="Run `dvc repro`, then `provenline verify`")
    if found.absent:
        steps = ", ".join(dict.fromkeys(one.step for one in found.absent))
        notice(f"not on this machine, so not looked at: {steps}")
    return str(found.dossier.seal)


def _committed() -> None:
    words = ["git", "status", "--porcelain", "--", *COMMITTED]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise InputError("is no git repository", file=Path.cwd(), mend="Promote in the team's checkout")
    changed = [line[3:] for line in done.stdout.splitlines()]
    if changed:
        what = f"not committed: {', '.join(changed)}"
        raise InputError(what, mend="Commit what the decision rests on, and promote then")


def _who() -> str:
    """Return who acts, as git would sign it."""
    words = ["git", "config", "user.name"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    return done.stdout.strip() or getpass.getuser()


def _keep(folder: Path) -> None:
    dvc_add(folder, "Nothing was switched; mend it and promote again")


def _done(found: Production) -> None:
    """Have everything follow the record, and say what comes next."""
    for module, what in (("glue.pin", "params.yaml"), ("glue.tracking.registry", "the model registry")):
        if failed := follow(module):
            notice(f"{what} does not follow yet ({failed}): `make track` catches it up")
    current = found.current.model_version if found.current else "the base"
    previous = found.previous.model_version if found.previous else "the base"
    out.print(f"production is {current}; `provenline rollback` brings back {previous}", highlight=False)
    bundle = f" {found.current.bundle}.dvc" if found.current else ""
    out.print(
        f"next: git add models/production.json models/production/.gitignore{bundle} conf/production "
        "params.yaml, commit; provenline push; dvc repro; on each device: provenline engine install",
        highlight=False,
        soft_wrap=True,
    )
