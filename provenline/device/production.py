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

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from provenline.errors import InputError
from provenline.files import read_json

FILE = "production.json"
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Production(BaseModel):
    """What runs on a device, since when, and what it came from; the keys are those of the file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal[1]
    model_version: str
    bundle_sha256: Sha256
    engine_sha256: Sha256
    onnx_sha256: Sha256
    plan_sha256: Sha256 | None
    checkpoint_sha256: Sha256
    dataset_sha256: Sha256 | None
    split_sha256: Sha256 | None
    since: AwareDatetime
    by: Literal["install", "rollback"]
    previous: str | None


def read_production(home: Path) -> Production:
    """Return what runs in ``home``.

    Raises:
        InputError: Nothing is installed there, or the file is malformed.
    """
    path = home / FILE
    if not path.is_file():
        raise InputError("nothing is installed", file=home, mend="Run `provenline engine install`")
    try:
        return Production.model_validate(read_json(path))
    except ValidationError as error:
        first = error.errors()[0]
        raise InputError(first["msg"], file=path, place=".".join(map(str, first["loc"]))) from None
