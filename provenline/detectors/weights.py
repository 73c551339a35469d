"""Weights are loaded only when their hash is known: a `.pt` is a pickle, and a pickle runs code.

Nothing is ever downloaded. Weights that others publish are put into `models/base/` by hand, once.
"""

from __future__ import annotations

import re
from pathlib import Path

from provenline.detectors.params import ModelParams
from provenline.errors import InputError
from provenline.files import sha256_of

RELEASES = "https://github.com/ultralytics/assets/releases"
_PUBLISHED = re.compile(r"(yolov8|yolo11|yolo26)[nsmlx](-seg)?\.pt|rtdetr-[lx]\.pt")


def verified(path: str | Path, sha256: str) -> Path:
    """Return ``path`` if the SHA-256 of the file or folder is ``sha256``.

    Raises:
        InputError: It is missing or has another hash.
    """
    path = Path(path)
    if not path.exists():
        raise InputError("weights are missing", file=path, mend=_how_to_get(path.name))
    found = sha256_of(path)
    if found != sha256:
        raise InputError(
            f"SHA-256 is {found[:12]}…, expected {sha256[:12]}…",
            file=path,
            mend="Fetch the weights anew, or, if you trust these, write their whole hash where it is named",
        )
    return path


def _how_to_get(name: str) -> str:
    if _PUBLISHED.fullmatch(name):
        mend = f"Nothing is downloaded here: fetch {name} from {RELEASES} where there is a network"
        return f"{mend}, put it there, and write its hash (sha256sum) into conf/model"
    mend = "Run `dvc pull` (or `make base` for the simulated line's base), or put the file there: the round"
    return f"{mend} before left models/<use case>_<round>.pt, whose SHA-256 goes into conf/model"


def resolve(params: ModelParams) -> Path:
    """Return the weights that ``params`` name, verified.

    Raises:
        InputError: They are missing, have another hash than ``params.sha256``, or have no hash to be held
            against.
    """
    path = params.weights
    if path.exists() and not params.sha256:
        raise InputError(
            "no hash to hold the weights against",
            file=path,
            mend=f"If you trust them, write sha256: {sha256_of(path)} beside their name in conf/model",
        )
    return verified(path, params.sha256)
