"""Queue experiments, run them, and say which have results.

Parallel or queued experiments can fail without a word, so each one is looked for afterwards.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

from provenline.errors import InputError
from stages import _runtime as runtime


def dvc(*words: str) -> str:
    """Run DVC and return what it prints.

    Raises:
        InputError: It failed; its own last line says why.
    """
    done = subprocess.run([sys.executable, "-m", "dvc", *words], capture_output=True, text=True, check=False)
    if done.returncode:
        last = ((done.stderr or done.stdout).strip() or "no message").splitlines()[-1]
        raise InputError(f"dvc {' '.join(words[:2])}: {last}", mend="Commit first, or see `dvc queue status`")
    return done.stdout


def experiments() -> dict[str, dict[str, Any]]:
    """Return what DVC knows of each experiment of this commit, by name."""
    found = json.loads(dvc("exp", "show", "--json", "--no-pager"))
    rows = [one for commit in found for one in commit.get("experiments") or []]
    return {str(one["revs"][-1].get("name")): one for one in rows}


def state(one: dict[str, Any] | None) -> str:
    """Return queued, running, failed, done (it has an evaluation), or missing."""
    if one is None:
        return "missing"
    executor = (one.get("executor") or {}).get("state")
    if executor in {"queued", "running", "failed"}:
        return str(executor)
    metrics = ((one["revs"][-1].get("data") or {}).get("metrics")) or {}
    done = any("eval_" in path and not shown.get("error") for path, shown in metrics.items())
    return "done" if done else "failed"


def run_all(cells: Mapping[str, Sequence[str]], targets: Sequence[str] = ()) -> dict[str, dict[str, Any]]:
    """Run one experiment per cell, one after the other, and return them by name.

    Args:
        cells: Name of the experiment to its Hydra overrides. An older one of that name is replaced.
        targets: Stages to run; none means all.

    Raises:
        InputError: A cell has no results in the end; names all that have none.
    """
    # Not `exp run --force`: that would also run every stage again that did not change.
    for name in cells.keys() & experiments().keys():
        dvc("exp", "remove", name)
    for name, overrides in cells.items():
        words = [word for override in overrides for word in ("-S", override)]
        dvc("exp", "run", "--queue", "--name", name, *words, *targets)
    dvc("queue", "start", "--jobs", "1")
    while True:
        time.sleep(5)
        known = experiments()
        states = {name: state(known.get(name)) for name in cells}
        if not set(states.values()) & {"queued", "running"}:
            break
    runtime.notice(", ".join(f"{name}: {word}" for name, word in states.items()))
    failed = [name for name, word in states.items() if word != "done"]
    if failed:
        raise InputError(f"without results: {', '.join(failed)}", mend=f"See `dvc queue logs {failed[0]}`")
    return {name: known[name] for name in cells}
