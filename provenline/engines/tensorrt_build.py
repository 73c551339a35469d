"""ONNX to a TensorRT 10 plan, on the device that is to run it.

UNPROVEN: written after the TensorRT 10 documentation and not run yet, because TensorRT's libraries
install only beside an NVIDIA GPU. TensorRT 11 removed the builder flags that this uses.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

from provenline.detectors.machine import machine
from provenline.engines.params import PlanParams
from provenline.errors import InputError
from provenline.files import atomic_path, sha256_file

_ON_DEVICE = "`provenline engine build BUNDLE --target tensorrt` on the device, or target=tensorrt_fp16 there"


def require(target: PlanParams) -> None:
    """Refuse early, before anything is exported, where this machine cannot build ``target``.

    Raises:
        InputError: TensorRT is not installed, is another major version, or INT8 is asked for.
    """
    place = f"target {target.name}"
    if importlib.util.find_spec("tensorrt") is None:
        raise InputError(
            "TensorRT is not installed on this machine, so no engine is built here",
            place=place,
            mend=f"Use an ONNX Runtime target here, and {_ON_DEVICE}",
        )
    import tensorrt

    if tensorrt.__version__.split(".")[0] != "10":
        what = f"TensorRT {tensorrt.__version__} is installed, and only 10 is built with"
        raise InputError(what, place=place, mend="Install tensorrt 10 (`pip install 'tensorrt>=10,<11'`)")
    if target.precision == "int8":
        what = "INT8 needs a calibration on training frames, which is not there yet"
        raise InputError(what, place=place, mend="Choose precision fp16")


def build_plan(onnx: Path, imgsz: int, target: PlanParams, plan: Path) -> dict[str, str]:
    """Build the plan from the ONNX file and write it, whole or not at all.

    The batch is fixed at one image, which is how the runtime feeds it. The file holds the plan alone:
    a prefix with metadata, as ultralytics writes it, breaks trtexec.

    Args:
        onnx: The bundle's ONNX file, batch dynamic and sides fixed.
        imgsz: Side of the square input in pixels.
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
    network = builder.create_network(0)  # explicit batch is the only mode of TensorRT 10
    parser = trt.OnnxParser(network, logger)
    if not parser.parse_from_file(str(onnx)):
        errors = "; ".join(str(parser.get_error(i)) for i in range(parser.num_errors))
        raise InputError(f"TensorRT does not understand the model ({errors})", file=onnx)
    network.get_input(0).shape = (1, 3, imgsz, imgsz)
    config = builder.create_builder_config()
    config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, target.workspace_mb << 20)
    config.set_flag(trt.BuilderFlag.FP16)
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
