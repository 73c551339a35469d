"""Queue a three-cell sweep, run it, and say which cells have results: `make sweep`.

Parallel or queued experiments can fail without a word, so each one is looked for afterwards.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import Any

from provenline.errors import InputError
from stages import _runtime as runtime

CELLS = {"plan": "augment=plan", "flip": "augment=flip", "no-mosaic": "augment=no_mosaic"}


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
    return (
        "done"
        if any("eval_" in path and not shown.get("error") for path, shown in metrics.items())
        else "failed"
    )


def main() -> None:
    """Queue, start, wait, and fail by name where a cell has no results."""
    with runtime.one_line_errors():
        # Not `exp run --force`: that would also run every stage again that did not change.
        for name in CELLS.keys() & experiments().keys():
            dvc("exp", "remove", name)
        for name, override in CELLS.items():
            words = [word for extra in (override, *sys.argv[1:]) for word in ("-S", extra)]
            dvc("exp", "run", "--queue", "--name", name, *words)
        dvc("queue", "start", "--jobs", "1")
        while True:
            time.sleep(5)
            known = experiments()
            states = {name: state(known.get(name)) for name in CELLS}
            if not set(states.values()) & {"queued", "running"}:
                break
        runtime.notice(", ".join(f"{name}: {word}" for name, word in states.items()))
        failed = [name for name, word in states.items() if word != "done"]
        if failed:
            raise InputError(
                f"without results: {', '.join(failed)}", mend=f"See `dvc queue logs {failed[0]}`"
            )


if __name__ == "__main__":
    main()
