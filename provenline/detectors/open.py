"""Open a detector: a checkpoint of any family, or an engine from its bundle.

A family is one file beside this one, `<family>_model.py`, with a function `open_weights(path, params,
device)` that returns a `Detector`. Nothing else needs to know of it.
"""

from __future__ import annotations

import pkgutil
from importlib import import_module
from pathlib import Path
from typing import Any

from provenline.detectors.base import Detector, Engine
from provenline.detectors.manifest import read_manifest
from provenline.detectors.params import ModelParams
from provenline.detectors.weights import resolve
from provenline.errors import InputError

_HERE = "provenline.detectors"
_SUFFIX = "_model"


def open_checkpoint(params: ModelParams, device: str) -> Detector:
    """Return a detector that runs weights with torch, after their hash has been verified.

    Args:
        params: Which weights, and how they are read.
        device: `cpu`, or a GPU (`0`, `cuda:0`).

    Raises:
        InputError: The family is unknown; see also `weights.resolve` and the family's own module.
    """
    known = families()
    if params.family not in known:
        mend = f"Families here are {', '.join(known)}; docs/guide-models.md says how to add one"
        raise InputError(f"no detector family {params.family!r}", file=params.weights, mend=mend)
    detector: Detector = _module(params.family).open_weights(resolve(params), params, device)
    return detector


def families() -> list[str]:
    """Return the families whose weights can be opened."""
    found = pkgutil.iter_modules([str(Path(__file__).parent)])
    names = [one.name.removesuffix(_SUFFIX) for one in found if one.name.endswith(_SUFFIX)]
    return sorted(name for name in names if hasattr(_module(name), "open_weights"))


def _module(family: str) -> Any:
    return import_module(f"{_HERE}.{family}{_SUFFIX}")


def open_engine(bundle_dir: str | Path, device: str, *, many: bool = False) -> Engine:
    """Return a detector that runs the engine of a bundle: TensorRT where a plan was built, else ONNX.

    Args:
        bundle_dir: Folder with ``manifest.json`` and what it names.
        device: `cpu`, or a GPU (`0`, `cuda:0`).
        many: For many images a call on the processor; see `OnnxDetector`.

    Raises:
        InputError: The bundle is incomplete or was changed, or does not fit this machine.
    """
    bundle = Path(bundle_dir)
    if read_manifest(bundle).hardware:
        from provenline.detectors.tensorrt_model import TensorrtDetector

        return TensorrtDetector(bundle, device)
    from provenline.detectors.onnx_model import OnnxDetector

    return OnnxDetector(bundle, device, many=many)
