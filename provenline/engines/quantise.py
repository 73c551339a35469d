"""An ONNX file in FP32 to one in INT8: explicit Q/DQ, calibrated on training frames.

Weights are signed, symmetric and per output channel. What follows the last convolutions stays as it is:
coordinates of hundreds of pixels and scores of 0 to 1 leave the network in one tensor, and one scale cannot
hold both.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from provenline.detectors.preprocess import Fit, prepare
from provenline.detectors.size import Size
from provenline.engines.export import OnnxModel, scrubbed
from provenline.engines.params import CalibrationParams
from provenline.errors import InputError
from provenline.files import atomic_path
from provenline.images import read_image
from provenline.progress import bar

_METHODS = {"minmax": "MinMax", "entropy": "Entropy", "percentile": "Percentile"}


def quantise(
    onnx_file: Path, frames: Sequence[Path], imgsz: Size, fit: Fit, params: CalibrationParams, out: Path
) -> None:
    """Write the INT8 file ``out``, whole or not at all; the same frames give the same bytes.

    Args:
        onnx_file: FP32, input ``images`` (batch, 3, *imgsz).
        frames: Stored **training** frames: validation frames judge the result, and must not shape it.
        imgsz: Of the input, in pixels.
        fit: How a frame gets into it.
        params: How ranges of activations are found.
        out: The file to write; may be ``onnx_file``.

    Raises:
        InputError: There is no frame, or the network cannot be quantised.
    """
    from onnxruntime import quantization

    if not frames:
        raise InputError("no training frame to calibrate INT8 on", mend="Look at the split")
    model, signed = _inferred(onnx_file), params.activation == "int8"
    excluded = tail(model)  # before the quantiser takes the weights out of its model
    with tempfile.TemporaryDirectory() as folder, bar() as display:
        task = display.add_task("Calibrating INT8", total=len(frames))
        made = Path(folder) / "int8.onnx"
        try:
            quantization.quantize_static(
                model,
                made,
                _Frames(frames, imgsz, fit, lambda: display.advance(task)),
                quant_format=quantization.QuantFormat.QDQ,
                per_channel=True,
                reduce_range=params.reduce_range,
                activation_type=quantization.QuantType.QInt8 if signed else quantization.QuantType.QUInt8,
                weight_type=quantization.QuantType.QInt8,
                nodes_to_exclude=excluded,
                calibrate_method=quantization.CalibrationMethod[_METHODS[params.method]],
                extra_options={"ActivationSymmetric": signed, "WeightSymmetric": True},
            )
        except (ValueError, RuntimeError, TypeError, AttributeError) as error:
            what = f"cannot be quantised ({type(error).__name__}: {error})"
            raise InputError(what, file=onnx_file, mend="Choose a target in fp32 or fp16") from error
        import onnx

        finished = scrubbed(onnx.load(made))
    with atomic_path(out) as temporary:
        temporary.write_bytes(finished.SerializeToString(deterministic=True))


def tail(model: OnnxModel) -> list[str]:
    """Return the names of the nodes behind the last convolutions that were learned.

    A convolution that only takes the mean of a distribution (one output channel, weights 0, 1, 2, …, as
    YOLO's head has it) is part of the tail.
    """
    weights = {one.name: one for one in model.graph.initializer}
    readers: dict[str, list[Any]] = {}
    for node in model.graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node)
    before: dict[str, bool] = {}  # name of a node -> whether a learned convolution comes after it
    for node in reversed(model.graph.node):  # sorted, as ONNX demands
        after = [reader for name in node.output for reader in readers.get(name, [])]
        before[node.name] = any(before[one.name] or _learned(one, weights) for one in after)
    return [one.name for one in model.graph.node if not before[one.name] and not _learned(one, weights)]


def _learned(node: Any, weights: dict[str, Any]) -> bool:
    if node.op_type not in ("Conv", "ConvTranspose", "Gemm", "MatMul"):
        return False
    given = [weights[name] for name in node.input[1:2] if name in weights]
    if node.op_type != "Conv" or not given or given[0].dims[0] != 1:
        return True
    from onnx import numpy_helper

    values = numpy_helper.to_array(given[0]).ravel()
    return not np.array_equal(values, np.arange(len(values)))


def _inferred(path: Path) -> OnnxModel:
    import onnx

    model = onnx.shape_inference.infer_shapes(onnx.load(path))
    model.metadata_props.add(key="onnx.infer", value="onnxruntime.quant")  # else it warns that nobody did
    return model


class _Frames:
    """Hands prepared frames to the calibration one by one, so that none has to be kept."""

    def __init__(self, paths: Sequence[Path], imgsz: Size, fit: Fit, seen: Any) -> None:
        self._paths, self._imgsz, self._fit, self._seen = iter(paths), imgsz, fit, seen

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        path = next(self._paths, None)
        if path is None:
            return None
        self._seen()
        return {"images": prepare([read_image(path)], self._imgsz, self._fit)[0]}
