"""ONNX to a TensorRT plan, on the device that is to run it.

TensorRT 10 takes the precision from flags of its builder, TensorRT 11 from the graph alone: there FP16 is
written into the types of the graph. INT8 is explicit Q/DQ in the graph for both.

UNPROVEN: written after NVIDIA's documentation and not run yet, because TensorRT's libraries install only
beside an NVIDIA GPU. What is tested is everything up to the call of its builder.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

from provenline.detectors.machine import machine
from provenline.detectors.size import Size
from provenline.engines.params import PlanParams
from provenline.errors import InputError
from provenline.files import atomic_path, sha256_file

_KNOWN = (10, 11)
_TYPED = 11  # from there on the graph alone decides
_ON_DEVICE = "`provenline engine build BUNDLE --target tensorrt` on the device, or target=tensorrt_fp16 there"


def require(target: PlanParams) -> None:
    """Refuse early, before anything is exported, where this machine cannot build ``target``.

    Raises:
        InputError: TensorRT is not installed, or is a major version that is not known.
    """
    place = f"target {target.name}"
    if importlib.util.find_spec("tensorrt") is None:
        raise InputError(
            "TensorRT is not installed on this machine, so no engine is built here",
            place=place,
            mend=f"Use an ONNX Runtime target here, and {_ON_DEVICE}",
        )
    try:
        import tensorrt
    except (ImportError, OSError) as error:
        what = f"TensorRT cannot be loaded ({error})"
        raise InputError(what, place=place, mend="Install it anew beside the driver of this GPU") from None

    if _major(tensorrt) not in _KNOWN:
        what = f"TensorRT {tensorrt.__version__} is installed, and only 10 and 11 are built with"
        raise InputError(what, place=place, mend="Install tensorrt 11 (`pip install 'tensorrt>=11,<12'`)")


def graph(onnx: Path, precision: str, major: int) -> bytes:
    """Return the ONNX graph that TensorRT gets: as it is, or with FP16 written into its types.

    Input and output stay FP32, and so does what follows the last convolutions: in FP16 a coordinate beyond
    512 pixels is known to half a pixel.

    Args:
        onnx: The bundle's file: FP32, or INT8 with explicit Q/DQ.
        precision: Of the plan.
        major: Version of TensorRT.

    Raises:
        InputError: The packages that write the types are missing.
    """
    if major < _TYPED or precision != "fp16":
        return onnx.read_bytes()
    try:
        import onnx as onnx_package
        from onnxruntime.transformers.float16 import convert_float_to_float16
    except ImportError:
        mend = "Install it (`pip install onnx`), or TensorRT 10"
        raise InputError(
            "TensorRT 11 takes FP16 from the graph: the package onnx is missing", mend=mend
        ) from None
    from provenline.engines.quantise import tail

    model = onnx_package.shape_inference.infer_shapes(onnx_package.load(onnx))
    typed = convert_float_to_float16(model, keep_io_types=True, node_block_list=tail(model))
    once = {node.output[0]: node for node in reversed(typed.graph.node)}  # it casts for each reader anew
    kept = [node for node in typed.graph.node if once[node.output[0]] is node]
    del typed.graph.node[:]
    typed.graph.node.extend(kept)
    return bytes(typed.SerializeToString(deterministic=True))


def build_plan(onnx: Path, imgsz: Size, target: PlanParams, plan: Path) -> dict[str, str]:
    """Build the plan from the ONNX file and write it, whole or not at all.

    The batch is fixed at one image, which is how the runtime feeds it. The file holds the plan alone:
    a prefix with metadata, as ultralytics writes it, breaks trtexec.

    Args:
        onnx: The bundle's ONNX file, batch dynamic and sides fixed.
        imgsz: Of the input, in pixels.
        target: Precision and workspace.
        plan: The file to write.

    Returns:
        What the plan is bound to, as ``detectors.manifest.Hardware`` names it.

    Raises:
        InputError: The ONNX file is not understood, or the builder gives no engine.
    """
    require(target)
    import tensorrt as trt

    logger = trt.Logger(trt.Logger.WARNING)
    builder = trt.Builder(logger)
    network = builder.create_network(0)  # explicit batch is the only mode since TensorRT 10
    parser = trt.OnnxParser(network, logger)
    if not parser.parse(graph(onnx, target.precision, _major(trt))):
        errors = "; ".join(str(parser.get_error(i)) for i in range(parser.num_errors))
        raise InputError(f"TensorRT does not understand the model ({errors})", file=onnx)
    network.get_input(0).shape = (1, 3, *imgsz)
    config = builder.create_builder_config()
    config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, target.workspace_mb << 20)
    if _major(trt) < _TYPED:
        config.set_flag(trt.BuilderFlag.FP16)
        if target.precision == "int8":  # as the Q/DQ of the graph say
            config.set_flag(trt.BuilderFlag.INT8)
    serialized = builder.build_serialized_network(network, config)
    if serialized is None:
        mend = "Raise the target's workspace_mb, or look at TensorRT's messages above"
        raise InputError("TensorRT built no engine", file=onnx, mend=mend)
    with atomic_path(plan) as temporary:
        temporary.write_bytes(bytes(serialized))
    here = machine()
    return {
        "gpu": here.gpu or "",
        "driver": here.driver or "",
        "l4t": here.l4t or "",
        "tensorrt": here.tensorrt or "",
        "precision": target.precision,
        "plan_sha256": sha256_file(plan),
    }


def _major(package: Any) -> int:
    return int(package.__version__.split(".")[0])
