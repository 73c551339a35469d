"""Open a detector: a checkpoint, or an engine from its bundle."""

from __future__ import annotations

from pathlib import Path

from provenline.detectors.base import Detector, Engine
from provenline.detectors.manifest import read_manifest
from provenline.detectors.params import ModelParams
from provenline.detectors.weights import resolve


def open_checkpoint(params: ModelParams, device: str) -> Detector:
    """Return a detector that runs a `.pt` with torch, after its hash has been verified.

    Args:
        params: Which weights, and how they are read.
        device: `cpu`, or a GPU (`0`, `cuda:0`).

    Raises:
        InputError: See `weights.resolve` and `ultralytics_model.UltralyticsDetector`.
    """
    from provenline.detectors.ultralytics_model import UltralyticsDetector

    return UltralyticsDetector(resolve(params), params, device)


def open_engine(bundle_dir: str | Path, device: str) -> Engine:
    """Return a detector that runs the engine of a bundle: TensorRT where a plan was built, else ONNX.

    Args:
        bundle_dir: Folder with ``manifest.json`` and what it names.
        device: `cpu`, or a GPU (`0`, `cuda:0`).

    Raises:
        InputError: The bundle is incomplete or was changed, or does not fit this machine.
    """
    bundle = Path(bundle_dir)
    if read_manifest(bundle).hardware:
        from provenline.detectors.tensorrt_model import TensorrtDetector

        return TensorrtDetector(bundle, device)
    from provenline.detectors.onnx_model import OnnxDetector

    return OnnxDetector(bundle, device)
