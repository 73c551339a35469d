"""An engine built by TensorRT, run without torch.

UNPROVEN: written after the documented API of TensorRT 10 and cuda-python 12, and not yet run on a GPU.
What is tested is everything before the engine is deserialised: the refusals.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from provenline.detectors.base import Detections
from provenline.detectors.bundle import PLAN, checked
from provenline.detectors.device import device_index
from provenline.detectors.machine import differences, machine
from provenline.detectors.manifest import Hardware, read_manifest
from provenline.detectors.preprocess import Image, prepare
from provenline.errors import InputError

Untyped: TypeAlias = Any  # neither library has types


class TensorrtDetector:
    """A bundle's ``model.plan``; one image at a time."""

    def __init__(self, bundle: Path, device: str) -> None:
        """Check hash, GPU, driver, JetPack and TensorRT against the manifest, then deserialise.

        Raises:
            InputError: TensorRT or cuda-python is missing, or the plan was built for something else.
        """
        manifest = read_manifest(bundle)
        path = Path(bundle) / PLAN
        if manifest.hardware is None:
            raise InputError(
                "the manifest names no plan",
                file=path,
                mend="Build the engine on this device: `provenline engine build`",
            )
        checked(path, manifest.hardware.plan_sha256)
        index = device_index(device)
        if index is None:
            raise InputError(
                "a TensorRT engine does not run on the processor", file=path, mend="Use device 0"
            )
        trt, self._cuda = _libraries(path)
        _check_machine(manifest.hardware, path)
        _call(self._cuda.cudaSetDevice(index))
        self.name, self.names, self.imgsz = manifest.name, manifest.names, manifest.imgsz
        self.fingerprint = manifest.hardware.plan_sha256
        self._decode = manifest.decoder()
        self._prepare(trt, path)

    def predict(self, images: Sequence[Image]) -> list[Detections]:
        """Return the detections of each BGR image (h, w, 3)."""
        found = []
        for image in images:
            batch, places = prepare([image], self.imgsz, self._decode.fit)
            found.append(self._decode(self.run(batch)[0], places[0]))
        return found

    def run(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the network's output for prepared images (n, 3, *imgsz)."""
        return np.concatenate([self._run(batch[row : row + 1]) for row in range(len(batch))])

    def _prepare(self, trt: Untyped, path: Path) -> None:
        runtime = trt.Runtime(trt.Logger(trt.Logger.ERROR))
        self._engine = runtime.deserialize_cuda_engine(path.read_bytes())
        if self._engine is None:
            raise InputError(
                "TensorRT cannot deserialise it", file=path, mend="Build the engine on this device"
            )
        self._context = self._engine.create_execution_context()
        self._stream = _call(self._cuda.cudaStreamCreate())[0]
        shape = (1, 3, *self.imgsz)
        tensors = [self._engine.get_tensor_name(i) for i in range(self._engine.num_io_tensors)]
        self._host: dict[str, NDArray[Any]] = {}
        self._device: dict[str, Any] = {}
        modes = {tensor: self._engine.get_tensor_mode(tensor) for tensor in tensors}
        self._in = next(tensor for tensor in tensors if modes[tensor] == trt.TensorIOMode.INPUT)
        self._out = next(tensor for tensor in tensors if modes[tensor] == trt.TensorIOMode.OUTPUT)
        self._context.set_input_shape(self._in, shape)
        for tensor in tensors:
            kind = trt.nptype(self._engine.get_tensor_dtype(tensor))
            self._host[tensor] = np.zeros(tuple(self._context.get_tensor_shape(tensor)), dtype=kind)
            self._device[tensor] = _call(self._cuda.cudaMalloc(self._host[tensor].nbytes))[0]
            self._context.set_tensor_address(tensor, int(self._device[tensor]))

    def _run(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        source, target = self._host[self._in], self._host[self._out]
        source[...] = batch
        kind = self._cuda.cudaMemcpyKind
        upload, download = kind.cudaMemcpyHostToDevice, kind.cudaMemcpyDeviceToHost
        copy = self._cuda.cudaMemcpyAsync
        _call(copy(self._device[self._in], source.ctypes.data, source.nbytes, upload, self._stream))
        self._context.execute_async_v3(int(self._stream))
        _call(copy(target.ctypes.data, self._device[self._out], target.nbytes, download, self._stream))
        _call(self._cuda.cudaStreamSynchronize(self._stream))
        return target.astype(np.float32)


def _check_machine(hardware: Hardware, path: Path) -> None:
    if found := differences(hardware.model_dump(), machine()):
        raise InputError("; ".join(found), file=path, mend="Engines do not travel: build it on this device")


def _libraries(path: Path) -> tuple[Any, Any]:
    try:
        import tensorrt as trt
    except ImportError:
        mend = "Install the extra: pip install 'provenline[tensorrt]', or choose target=onnxruntime_cpu"
        raise InputError("TensorRT is not installed here", file=path, mend=mend) from None
    try:
        from cuda.bindings import runtime
    except ImportError:
        try:
            from cuda import cudart as runtime  # before cuda-python 12.6
        except ImportError:
            raise InputError("cuda-python is not installed here", file=path, mend="Install it") from None
    return trt, runtime


def _call(result: Untyped) -> tuple[Any, ...]:
    """Return what a call of cuda-python returns after its status.

    Raises:
        InputError: The status is not success: the device is missing, busy or out of memory.
    """
    status, *values = result
    if int(status) != 0:
        raise InputError(f"CUDA refused ({status})", mend="Run `provenline doctor`")
    return tuple(values)
