"""What a spooled record says: figures, a point of a curve, the machine's load, tags, a file, data, a status.

A record is sent some time after it was made, so each number keeps the moment at which it was logged.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from provenline.outgoing import numbers

Record = dict[str, Any]


def now() -> int:
    """Return milliseconds since 1970, as MLflow counts them."""
    return int(time.time() * 1000)


def figures(values: Mapping[str, float]) -> Record:
    """Return the record of numbers of which the last one counts."""
    return {"kind": "figures", "at": now(), "values": dict(values)}


def points(prefix: str, row: Mapping[str, float]) -> Record:
    """Return the record of one epoch: a point for each curve, whose name begins with the prefix."""
    values = {f"{prefix}{key}": value for key, value in numbers(row) if key != "epoch"}
    return {"kind": "curve", "at": now(), "step": int(row["epoch"]), "values": values}


def load(values: Mapping[str, float]) -> Record:
    """Return the record of how busy the machine is."""
    return {"kind": "load", "at": now(), "values": dict(values)}


def tags(values: Mapping[str, str]) -> Record:
    """Return the record of tags."""
    return {"kind": "tags", "tags": dict(values)}


def file(folder: Path) -> Record:
    """Return the record of a file that is to lie in a folder of the run's."""
    return {"kind": "file", "folder": folder.as_posix()}


def data(path: Path, sha256: str, counts: Mapping[str, Any], context: str) -> Record:
    """Return the record of an input of the run: a file or folder by its hash, and what it counts."""
    place = {"name": path.name, "path": path.as_posix()}
    return {"kind": "data", **place, "sha256": sha256, "counts": counts, "context": context}


def status(word: str) -> Record:
    """Return the record of a run's status, as MLflow calls it."""
    return {"kind": "status", "status": word, "at": now()}
