"""What commands share of the project they are called in: its parameters, DVC, and what follows a switch."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from provenline.errors import InputError

if TYPE_CHECKING:
    from pydantic import BaseModel

    Model = TypeVar("Model", bound=BaseModel)

PIPELINE = "dvc.yaml"
COMMIT = "Commit it with git, then `dvc repro`: what was made of it before is out of date."


def require(*enough: Path, root: Path = Path()) -> None:
    """Refuse to go on outside a project, where every file that a command names would be missing.

    Args:
        enough: Files that do without a project, if all of them are there.
        root: Where the command works.

    Raises:
        InputError: It is no project's folder; names it and what it lacks.
    """
    from provenline.parameters import COMPOSE, PARAMS

    if (root / PARAMS).is_file() or (enough and all((root / path).exists() for path in enough)):
        return
    folder = root.resolve()
    if (root / PIPELINE).is_file():
        raise InputError(f"has no {PARAMS}", file=folder, mend=COMPOSE)
    above = next((str(one) for one in folder.parents if (one / PIPELINE).is_file()), "")
    what = f"is no project's folder: it has no {PIPELINE} and no {PARAMS}"
    raise InputError(what, file=folder, mend=f"Run it in {above or 'the folder of the project'}")


def parameters(root: Path = Path()) -> Mapping[str, Any]:
    """Return the project's params.yaml.

    Raises:
        InputError: It is no project's folder, or the file is not YAML.
    """
    from provenline.parameters import read

    require(root=root)
    return read(root)


def at(root: Path, *keys: str) -> Any:
    """Return a value of the project's params.yaml; raises as `parameters.at`."""
    from provenline.parameters import at

    return at(parameters(root), ".".join(keys))


def section(root: Path, name: str, model: type[Model]) -> Model:
    """Return a section of the project's params.yaml as its typed object; raises as `parameters.section`."""
    from provenline.parameters import section

    return section(parameters(root), name, model)


def dvc_add(folder: Path, mend: str) -> None:
    """Have DVC look after a folder.

    Args:
        folder: In the project.
        mend: What to do if it cannot.
    """
    if failed := _last_word("dvc", "add", "--quiet", str(folder)):
        raise InputError(f"dvc add: {failed}", file=folder, mend=mend)


def follow(module: str, *words: str) -> str:
    """Have a module of ``glue`` bring something to what was switched; return why it could not, else ""."""
    return _last_word(module, *words)


def _last_word(module: str, *words: str) -> str:
    command = [sys.executable, "-m", module, *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return (
        (done.stderr.strip() or done.stdout.strip() or "no message").splitlines()[-1]
        if done.returncode
        else ""
    )
