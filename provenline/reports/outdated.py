"""Which stages have something to do again, as the lock file and small files show it; no footage is hashed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from provenline.errors import InputError
from provenline.parameters import PARAMS, get

LOCK = "dvc.lock"
_SMALL = 1 << 20  # bytes
_LISTED = {"simulate": "source.simulate", "trt-build": "trt_build"}  # stages that parameters list


def outdated(root: Path, parameters: Mapping[str, Any]) -> list[str]:
    """Return the stages that ran with other parameters, or on what an earlier stage has since made anew.

    One whose metrics are gone was begun again and did not end, or was not pulled. What follows from such a
    stage is one too. Footage and folders of code that changed are not looked at.

    Args:
        root: The project's folder.
        parameters: Its params.yaml.

    Raises:
        InputError: The lock file is not one of DVC's.
    """
    path = root / LOCK
    if not path.is_file():
        return []
    try:
        # Texts alone: DVC writes YAML 1.2, where `no` is a word and 1e-05 a number, and 1.1 reads neither so.
        loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
        stages = yaml.load(path.read_text(encoding="utf-8"), Loader=loader)["stages"]  # noqa: S506 - both are safe
        there = {name: one for name, one in stages.items() if _is_there(name, parameters)}
        return _outdated(root, there, parameters)
    except (yaml.YAMLError, KeyError, TypeError, AttributeError):
        raise InputError("is no lock file of DVC", file=path, mend="Restore it with git") from None


def _is_other(root: Path, dependency: Mapping[str, Any]) -> bool:
    """Return whether a small file, such as a ledger, is another than the stage read."""
    file = root / dependency["path"]
    if dependency.get("hash") != "md5" or not file.is_file() or file.stat().st_size > _SMALL:
        return False
    return hashlib.md5(file.read_bytes(), usedforsecurity=False).hexdigest() != str(dependency["md5"])


def _texts(value: Any) -> Any:
    """Return a parameter as the lock file spells it."""
    if isinstance(value, dict):
        return {str(key): _texts(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_texts(one) for one in value]
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def _is_there(name: str, parameters: Mapping[str, Any]) -> bool:
    """Return whether a stage is one of the line's: DVC keeps what it knows of a target that was given up."""
    head, _, key = name.partition("@")
    return head not in _LISTED or key in (get(parameters, _LISTED[head]) or ())


def _outdated(root: Path, stages: Mapping[str, Any], parameters: Mapping[str, Any]) -> list[str]:
    made = {out["path"]: (out["md5"], name) for name, one in stages.items() for out in one.get("outs", ())}
    feeds: dict[str, set[str]] = {}
    stale: set[str] = set()
    for name, one in stages.items():
        given = one.get("params", {}).get(str(PARAMS), {})
        metrics = [out["path"] for out in one.get("outs", ()) if out["path"].startswith("metrics/")]
        moved = any(_texts(get(parameters, key)) != value for key, value in given.items())
        if moved or not all((root / path).exists() for path in metrics):
            stale.add(name)
        if any(
            _is_other(root, dependency)
            for dependency in one.get("deps", ())
            if dependency["path"] not in made
        ):
            stale.add(name)
        for dependency in one.get("deps", ()):
            path = PurePosixPath(dependency["path"])
            for place in (path, *path.parents):
                if (found := made.get(str(place))) is None:
                    continue
                feeds.setdefault(found[1], set()).add(name)
                if place == path and found[0] != dependency["md5"]:
                    stale.add(name)
    todo = list(stale)
    while todo:
        follows = feeds.get(todo.pop(), set()) - stale
        stale |= follows
        todo += follows
    return [name for name in stages if name in stale]
