"""An exported model, run by ONNX Runtime. Needs no torch."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from provenline.detectors.base import Detections
from provenline.detectors.bundle import ONNX, checked
from provenline.detectors.device import cores, device_index
from provenline.detectors.manifest import read_manifest
from provenline.detectors.preprocess import Image, prepare
from provenline.errors import InputError

Session: TypeAlias = Any  # onnxruntime has no types


class OnnxDetector:
    """A bundle's ``model.onnx`` in an ONNX Runtime session."""

    def __init__(self, bundle: Path, device: str, *, many: bool = False) -> None:
        """Check the bundle's hash, then open a session.

        Args:
            bundle: Folder with ``manifest.json`` and ``model.onnx``.
            device: `cpu`, or a GPU (`0`, `cuda:0`).
            many: On the processor, the images of a call are spread over the cores, one image a core, which
                gets more of them done than one image over all cores; a single image then takes longer.

        Raises:
            InputError: The bundle is incomplete, has been changed, or cannot run on ``device``.
        """
        manifest = read_manifest(bundle)
        path = checked(Path(bundle) / ONNX, manifest.onnx_sha256)
        self.name, self.names, self.imgsz = manifest.name, manifest.names, manifest.imgsz
        self.fingerprint = manifest.onnx_sha256
        self._decode = manifest.decoder()
        self._lanes = cores() if many and device_index(device) is None else 1
        self._session = _session(path, device, 1 if self._lanes > 1 else 0)
        entry = self._session.get_inputs()[0]
        self._input, self._batch = entry.name, entry.shape[0]
        if (fixed := entry.shape[2:]) != [*self.imgsz]:
            raise InputError(f"its input is {fixed}, the manifest says {[*self.imgsz]}", file=path)
        self._type = np.float16 if entry.type == "tensor(float16)" else np.float32
        self._fill, self._largest = device_index(device) is not None, 0

    def predict(self, images: Sequence[Image]) -> list[Detections]:
        """Return the detections of each BGR image (h, w, 3)."""
        if self._lanes > 1 and len(images) > 1:
            with ThreadPoolExecutor(self._lanes) as pool:  # preprocessing and network hold no lock
                return [
                    one for found in pool.map(self._predict, ([image] for image in images)) for one in found
                ]
        return self._predict(images) if images else []

    def _predict(self, images: Sequence[Image]) -> list[Detections]:
        batch, places = prepare(images, self.imgsz, self._decode.fit)
        outputs = self.run(batch)
        return [self._decode(output, place) for output, place in zip(outputs, places, strict=True)]

    def run(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the network's output for prepared images (n, 3, *imgsz)."""
        # An export with a fixed batch takes no other: feed it in such pieces, the last one filled up. On a
        # GPU another size than the last call's makes cuDNN look for its algorithms anew, which takes far
        # longer than the images that fill it up do.
        self._largest = max(self._largest, len(batch))
        step = self._batch if isinstance(self._batch, int) else self._largest if self._fill else len(batch)
        pieces = [self._feed(batch[start : start + step], step) for start in range(0, len(batch), step)]
        return np.concatenate(pieces)[: len(batch)].astype(np.float32)

    def _feed(self, piece: NDArray[np.float32], step: int) -> NDArray[Any]:
        missing = step - len(piece)
        padded = np.pad(piece, ((0, missing), (0, 0), (0, 0), (0, 0))) if missing else piece
        output: NDArray[Any] = self._session.run(None, {self._input: padded.astype(self._type)})[0]
        return output


def _session(path: Path, device: str, threads: int) -> Session:
    import onnxruntime as ort

    index = device_index(device)
    provider: tuple[str, dict[str, Any]] | str = "CPUExecutionProvider"
    if index is not None:
        # Left alone it rounds products to TF32, and FP32 would not be what it says; and it tries all of
        # cuDNN's algorithms for each size of batch, which buys nothing (docs/guide-gpu.md).
        settings = {"device_id": index, "use_tf32": "0", "cudnn_conv_algo_search": "HEURISTIC"}
        provider = ("CUDAExecutionProvider", settings)
        if "CUDAExecutionProvider" not in ort.get_available_providers():
            raise InputError(f"ONNX Runtime here has no CUDA provider for device {device}", mend="Use cpu")
    options = ort.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = threads  # 0: one per core
    try:
        session = ort.InferenceSession(str(path), options, providers=[provider])
    except Exception as error:  # noqa: BLE001 - onnxruntime's errors share no other base
        reason = " ".join(str(error).split())[:160]
        raise InputError(f"ONNX Runtime cannot open it ({reason})", file=path) from None
    # It falls back to the processor in silence, and a latency measured there would be a lie.
    if index is not None and session.get_providers()[0] != "CUDAExecutionProvider":
        raise InputError(f"ONNX Runtime could not start CUDA on device {device}", mend="Use cpu")
    return session
