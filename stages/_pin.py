"""Bring the pin in params.yaml to what the record says: `python -m stages._pin`. Every override stays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from provenline.files import atomic_path
from provenline.promotion import record
from stages import _runtime as runtime


def pin(params: Path) -> bool:
    """Write the record's pin into composed parameters, as DVC's composer does; return whether it differed."""
    from omegaconf import OmegaConf

    content: dict[str, Any] = yaml.safe_load(params.read_text(encoding="utf-8"))
    found = record.read(params.parent).current
    wanted = {
        "checkpoint_sha256": found.checkpoint_sha256 if found else "",
        "bundle": found.bundle if found else f"models/engines/{content['target']}/base",
    }
    if content["shadow_ab"]["production"] == wanted:
        return False
    content["shadow_ab"]["production"] = wanted
    with atomic_path(params) as temporary:
        temporary.write_text(OmegaConf.to_yaml(OmegaConf.create(content)), encoding="utf-8")
    return True


if __name__ == "__main__":
    with runtime.one_line_errors():
        pin(runtime.PARAMS)
