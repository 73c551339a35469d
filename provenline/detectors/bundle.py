"""The files of a bundle by name; imports nothing heavy, so that a device can look at one in an instant."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from provenline.errors import InputError
from provenline.files import sha256_file

Layout = Literal["raw", "end2end", "queries"]  # of a network's output; see ``postprocess.Decoder``
MANIFEST, ONNX, PLAN = "manifest.json", "model.onnx", "model.plan"


def checked(path: Path, sha256: str) -> Path:
    """Return ``path`` if it is the file that the manifest names.

    Raises:
        InputError: The file is missing or has another hash.
    """
    if not path.is_file():
        raise InputError("file is missing", file=path, mend="Run `dvc repro trt-build` or `dvc pull`")
    if (found := sha256_file(path)) != sha256:
        what = f"SHA-256 is {found[:12]}…, the manifest says {sha256[:12]}…"
        raise InputError(what, file=path, mend="Run `dvc repro trt-build` or `dvc pull`")
    return path
