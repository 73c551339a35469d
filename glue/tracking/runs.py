"""Which run in MLflow is meant: one per fingerprint of parameters, code and media lists.

MLflow is never an input of a stage and no run id enters an output.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from glue.tracking.records import now
from provenline.files import sha256_file, sha256_tree
from provenline.line import SIDES
from provenline.outgoing import named_for_trackers, shown
from provenline.parameters import PARAMS, flat

EXPERIMENT = "provenline"


@dataclass(frozen=True)
class Run:
    """A run, whether or not the tracker knows it.

    Attributes:
        mark: What it is found by: its tag ``fingerprint``.
        made_of: ``experiment``, ``name``, ``tags``, ``params``, ``at`` (ms), and ``parent``, a mark or None.
    """

    mark: str
    made_of: Mapping[str, Any]


def run(
    mark: str,
    name: str,
    params: Mapping[str, str],
    tags: Mapping[str, str],
    experiment: str = EXPERIMENT,
    parent: str | None = None,
) -> Run:
    """Return a run that begins now, should the tracker not know it."""
    rest = {"tags": dict(tags), "params": dict(params), "at": now(), "parent": parent}
    return Run(mark, {"experiment": experiment, "name": name, **rest})


def fingerprint(params: Path = PARAMS) -> str:
    """Return 16 hexadecimal digits that name this combination of parameters, code and media lists.

    Not of `dvc.lock`, which changes while the line runs. A simulated media list follows from the
    parameters and does not exist yet when the first stage starts, so it is left out.
    """
    source = yaml.safe_load(params.read_text(encoding="utf-8"))["source"]
    lists = [] if source["simulate"] else [Path(source[side]["media_list"]) for side in SIDES]
    parts = [sha256_file(params), *code()]
    parts += [sha256_file(path) for path in lists if path.exists()]
    return digest("\n".join(parts))


def digest(text: str) -> str:
    """Return 16 hexadecimal digits that name a text."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def code() -> list[str]:
    """Return the hashes of the code that the stages run."""
    return [sha256_tree(name, "**/*.py") for name in ("provenline", "glue", "stages")]


def pipeline(params: Path = PARAMS, name: str = "") -> Run:
    """Return the run of these parameters: the same as long as this process lives, whatever is edited."""
    return _known(params.resolve(), name)


@lru_cache(maxsize=64)
def _known(params: Path, name: str) -> Run:
    mark = fingerprint(params)
    leaves = flat(yaml.safe_load(params.read_text(encoding="utf-8")))
    given = {named_for_trackers(key): shown(leaf) for key, leaf in leaves.items()}
    return run(mark, name or os.environ.get("DVC_EXP_NAME", mark[:8]), given, {"git": _revision()})


def _revision() -> str:
    done = subprocess.run(
        ["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=False
    )
    return done.stdout.strip() or "unknown"
