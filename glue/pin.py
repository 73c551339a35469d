"""Bring params.yaml to what a person switched: `python -m glue.pin`. Every override stays.

Alone it brings the pin to what the record of promotions says; with `rounds`, the round to that of conf/.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import yaml

from glue.runtime import one_line_errors
from provenline.files import atomic_path
from provenline.labelling.current import FILE as ROUND
from provenline.parameters import PARAMS, read
from provenline.promotion import pinning, record


def pin(params: Path) -> bool:
    """Write the record's pin into composed parameters, as DVC's composer does; return whether it differed."""
    content = read(params.parent)
    wanted = pinning.values(record.read(params.parent), str(content["target"]))
    if content["shadow_ab"]["production"] == wanted:
        return False
    content["shadow_ab"]["production"] = wanted
    _write(params, content)
    return True


def turn(params: Path) -> None:
    """Write the round that conf/ names into composed parameters."""
    content = read(params.parent)
    wanted = yaml.safe_load((params.parent / ROUND).read_text(encoding="utf-8"))
    content["shadow_ab"]["round"] = wanted["round"]
    _write(params, content | wanted)


def _write(params: Path, content: dict[str, Any]) -> None:
    from omegaconf import OmegaConf

    with atomic_path(params) as temporary:
        temporary.write_text(OmegaConf.to_yaml(OmegaConf.create(content)), encoding="utf-8")


if __name__ == "__main__":
    with one_line_errors():
        turn(PARAMS) if sys.argv[1:] == ["rounds"] else pin(PARAMS)
