"""The code behind each stage, as dvc.yaml lists it: what of the source tree a stage saw."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from provenline.dossier import sums

PIPELINE = "dvc.yaml"  # no artifact: DVC lets no stage depend on it
ROOTS = ("provenline", "glue", "stages")


def listed(pipeline: Any) -> dict[str, list[str]]:
    """Return stage -> the code among its dependencies, files and folders, sorted.

    Args:
        pipeline: dvc.yaml, parsed. Its templates name data and no code, so they need not be filled in.

    >>> listed({"stages": {"eval": {"deps": ["stages/eval.py", "data/x", "provenline/files.py"]}}})
    {'eval': ['provenline/files.py', 'stages/eval.py']}
    """
    stages = pipeline.get("stages") if isinstance(pipeline, dict) else None
    found = {}
    for name, stage in stages.items() if isinstance(stages, dict) else ():
        body = stage.get("do", stage) if isinstance(stage, dict) else None
        deps = body.get("deps") if isinstance(body, dict) else None
        if isinstance(name, str) and isinstance(deps, list):
            found[name] = sorted(one for one in deps if str(one).split("/")[0] in ROOTS)
    return found


def of_module(pipeline: Any, module: str) -> list[str]:
    """Return the code among the dependencies of the stage that runs a module of ``stages/``.

    >>> of_module({"stages": {"stageA-eval": {"cmd": "stages/run a ${key}", "deps": ["stages/a.py"]}}}, "a")
    ['stages/a.py']
    """
    for name, deps in listed(pipeline).items():
        stage = pipeline["stages"][name]
        words = str(stage.get("do", stage).get("cmd")).split()
        if words[1:2] == [module]:
            return deps
    return []


def files(deps: Iterable[str], known: Mapping[str, str]) -> sums.Sums:
    """Return the files behind dependencies, by their hashes.

    Args:
        deps: Files and folders.
        known: All files of the source tree, path -> SHA-256.
    """
    heads = tuple(f"{one}/" for one in deps)
    wanted = set(deps)
    return {path: digest for path, digest in known.items() if path in wanted or path.startswith(heads)}


def by_stage(pipeline: Any, known: Mapping[str, str]) -> dict[str, str]:
    """Return stage -> one hash over its code; none of stages without code."""
    found = {stage: files(deps, known) for stage, deps in listed(pipeline).items()}
    return {stage: sums.tree(members) for stage, members in sorted(found.items()) if members}
