"""What the commit of an experiment holds and was made of."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from glue.compose import compose
from provenline.errors import InputError
from provenline.parameters import moved

# What an ablation itself writes: it moves words about a cell, and neither its training nor what it predicts.
FOUND = {"data/seed_spread.json"}


def fetch(rev: str, path: str, folder: Path) -> Path:
    """Copy a file as it is in a commit, from git or from DVC's cache, and return where it lies.

    Raises:
        InputError: It is not there, or no longer in the cache.
    """
    import dvc.api
    from dvc.exceptions import DvcException

    try:
        content = dvc.api.read(path, rev=rev, mode="rb")
    except (DvcException, OSError) as error:
        mend = f"Run it again: `dvc exp remove` it first ({rev[:7]})"
        raise InputError(f"cannot be read from the experiment: {error}", file=path, mend=mend) from None
    out = folder / path
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_bytes(content)
    return out


def same(rev: str, overrides: Sequence[str], targets: Sequence[str]) -> bool:
    """Return whether an experiment was made of what would be used now.

    That is: of the same parameters and the same tracked files, as far as the stages up to
    ``targets`` depend on them.

    Args:
        rev: Commit of the experiment, or of what it is to run from.
        overrides: Of Hydra.
        targets: Stages; none means all.
    """
    from dvc.exceptions import DvcException

    was, would = yaml.safe_load(git("show", f"{rev}:params.yaml")), composed(tuple(overrides))
    try:
        keys, paths = _reached(rev, targets)
    except DvcException:  # its dvc.yaml has no such stage
        return False
    if moved(was, would, sorted(keys)):
        return False
    words = ["git", "diff", "--quiet", rev, "--", "dvc.yaml", ":(glob)**/*.dvc", *sorted(paths - FOUND)]
    return subprocess.run(words, check=False).returncode == 0


@lru_cache(maxsize=256)
def composed(overrides: tuple[str, ...]) -> dict[str, Any]:
    """Return what conf/ composes to with these overrides, once per process."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "params.yaml"
        compose(list(overrides), target)
        return dict(yaml.safe_load(target.read_text(encoding="utf-8")))


def git(*words: str) -> str:
    """Run git and return what it prints.

    Raises:
        InputError: It failed.
    """
    done = subprocess.run(["git", *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise InputError(f"git {words[0]}: {done.stderr.strip()}", mend="Experiments need a git repository")
    return done.stdout


def _reached(rev: str, targets: Sequence[str]) -> tuple[set[str], set[str]]:
    """Return the parameters and the files that the stages up to ``targets`` depend on, in a commit."""
    from dvc.dependency import ParamsDependency
    from dvc.repo import Repo

    with Repo() as repo, repo.switch(rev):
        deps = [dep for stage in upstream(repo, targets) for dep in stage.deps]
        keys = {str(key) for dep in deps if isinstance(dep, ParamsDependency) for key in dep.params}
        return keys | {"source"}, {str(dep.def_path) for dep in deps if not isinstance(dep, ParamsDependency)}


def upstream(repo: Any, targets: Sequence[str]) -> list[Any]:
    """Return DVC's objects for these stages and all before them; of no target all there are."""
    return [one for name in targets or (None,) for one in repo.stage.collect(name, with_deps=True)]
