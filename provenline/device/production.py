"""What runs here: ``production.json`` in the place where engines are installed.

Written by install and rollback together with the switch itself, so it never names another engine than the
one that ``current`` leads to. For whoever shows it in a footer or writes it into event rows::

    {
      "format": 1,
      "model_version": "onnxruntime-cpu@6f1c0a52",   the target, and the checkpoint's first digits
      "bundle_sha256": "...",                        the bundle, as proofs and the report name it
      "engine_sha256": "...",                        manifest.json on this device, the plan's hash in it
      "onnx_sha256": "...", "plan_sha256": null, "checkpoint_sha256": "...",
      "dataset_sha256": "...", "split_sha256": "...",
      "since": "2026-01-31T12:00:00+00:00",          when it was switched to, by the device's clock
      "by": "install",                               or "rollback"
      "previous": "onnxruntime-cpu@0b7d11e9"         what `rollback` would bring back; null at first
    }
"""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from provenline.errors import InputError
from provenline.files import read_json

FILE = "production.json"
FORMAT = 1
_HEX = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Production:
    """What runs on a device, since when, and what it came from; the keys are those of the file."""

    format: int
    model_version: str
    bundle_sha256: str
    engine_sha256: str
    onnx_sha256: str
    plan_sha256: str | None
    checkpoint_sha256: str
    dataset_sha256: str | None
    split_sha256: str | None
    since: datetime
    by: str
    previous: str | None


def read_production(home: Path) -> Production:
    """Return what runs in ``home``.

    Raises:
        InputError: Nothing is installed there, or the file is malformed.
    """
    path = home / FILE
    if not path.is_file():
        raise InputError("nothing is installed", file=home, mend="Run `provenline engine install`")
    content = read_json(path)
    names = [field.name for field in dataclasses.fields(Production)]
    if not isinstance(content, dict) or set(content) != set(names):
        raise InputError(f"its keys are not {names}", file=path, mend=_AGAIN)
    since = _time(content["since"])
    bad = [name for name in names if not _holds(name, content[name])]
    if bad or since is None or content["format"] != FORMAT:
        raise InputError("is malformed", file=path, place=", ".join(bad) or None, mend=_AGAIN)
    return Production(**{**content, "since": since})


_AGAIN = "Install the engine again"


def _holds(name: str, value: Any) -> bool:
    if name == "format":
        return isinstance(value, int)
    if value is None:
        return name in ("plan_sha256", "dataset_sha256", "split_sha256", "previous")
    if name == "by":
        return value in ("install", "rollback")
    return isinstance(value, str) and (not name.endswith("sha256") or _HEX.fullmatch(value) is not None)


def _time(value: Any) -> datetime | None:
    try:
        found = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return found if found.tzinfo else None
