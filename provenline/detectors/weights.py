"""Weights are loaded only when their hash is known: a `.pt` is a pickle, and a pickle runs code."""

from __future__ import annotations

import re
from pathlib import Path

from provenline.detectors.params import ModelParams
from provenline.detectors.quiet import downloads_allowed, quiet_ultralytics
from provenline.errors import InputError
from provenline.files import sha256_file

RELEASES = "https://github.com/ultralytics/assets/releases"
_PUBLISHED = re.compile(r"(yolov8|yolo11|yolo26)[nsmlx](-seg)?\.pt|rtdetr-[lx]\.pt")


def verified(path: str | Path, sha256: str) -> Path:
    """Return ``path`` if the file's SHA-256 is ``sha256``.

    Raises:
        InputError: The file is missing or has another hash.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError("weights are missing", file=path, mend=_how_to_get(path.name))
    found = sha256_file(path)
    if found != sha256:
        raise InputError(
            f"SHA-256 is {found[:12]}…, expected {sha256[:12]}…",
            file=path,
            mend="Fetch the file anew, or, if you trust this one, write its whole hash where it is named",
        )
    return path


def _how_to_get(name: str) -> str:
    if _PUBLISHED.fullmatch(name):
        mend = f"Fetch {name} where there is a network, from {RELEASES}, put it there"
        return f"{mend}, and write its SHA-256 into conf/model"
    mend = "Run `dvc pull` (or `make base` for the simulated line's base), or put the file there: the round"
    return f"{mend} before left models/<use case>_<round>.pt, whose SHA-256 goes into conf/model"


def resolve(params: ModelParams) -> Path:
    """Return the weights that ``params`` name, fetched by name if that is allowed, and verified.

    Raises:
        InputError: They are absent and may not be fetched, cannot be fetched, have another hash than
            ``params.sha256``, or have no hash to be held against.
    """
    path = params.weights
    if params.download and not path.is_file():
        _fetch(path)
    if params.sha256 or not path.is_file():
        return verified(path, params.sha256)
    if params.download:
        _known_name(path)
        return path
    raise InputError(
        "no hash to hold the weights against",
        file=path,
        mend=f"If you trust the file, write sha256: {sha256_file(path)} beside its name in conf/model",
    )


def _known_name(path: Path) -> None:
    quiet_ultralytics()
    from ultralytics.utils.downloads import GITHUB_ASSETS_NAMES

    if path.name not in GITHUB_ASSETS_NAMES:
        mend = "Only models that ultralytics publishes are loaded by name; give others a sha256"
        raise InputError(f"{path.name} is not a published model", file=path, mend=mend)


def _fetch(path: Path) -> None:
    _known_name(path)
    from ultralytics.utils.downloads import attempt_download_asset

    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with downloads_allowed():
            attempt_download_asset(path.resolve())
    except Exception as error:  # noqa: BLE001 - whatever a download raises, the mend is the same
        reason = " ".join(str(error).split())[:120]
        mend = "Without a network, put the file there by hand"
        raise InputError(f"weights could not be fetched ({reason})", file=path, mend=mend) from None
    if not path.is_file():
        raise InputError("weights could not be fetched", file=path, mend="Put the file there by hand")
