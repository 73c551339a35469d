"""From a bundle to the engine of this device."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Literal

from provenline.detectors.bundle import ONNX, PLAN
from provenline.device import attest
from provenline.engines import manifest
from provenline.engines.manifest import Manifest
from provenline.engines.params import PlanParams
from provenline.errors import InputError
from provenline.files import atomic_path

Kind = Literal["onnxruntime", "tensorrt"]


def build(bundle: Path, out: Path, kind: Kind | None, plan: PlanParams, wanted: str) -> Manifest:
    """Build the engine of this device from a bundle; ``out`` appears whole or not at all.

    For ONNX Runtime the bundle is checked and copied. For TensorRT a plan is built from its ONNX file, held
    against the golden inputs, and bound to this machine in the manifest; the bundle's identity stays.

    Args:
        bundle: The folder that `dvc pull` fetched.
        out: The engine's folder; must not be there.
        kind: What is to run it; None takes what the bundle's target says.
        plan: How a TensorRT plan is built.
        wanted: Identity that the bundle must have; empty accepts any.

    Raises:
        InputError: A hash differs, ``out`` is there, this machine cannot build for it, or a plan does not
            say what the ONNX file says.
    """
    if out.exists():
        raise InputError("is there already", file=out, mend="Name another folder, or remove it")
    made = manifest.verify(bundle, wanted)
    kind = kind or ("tensorrt" if made.target["kind"] == "tensorrt" else "onnxruntime")
    if kind == "tensorrt":
        from provenline.engines.tensorrt_build import require

        require(plan)
    files = [name for name in made.files if name != PLAN]
    made = replace(made, hardware=None)
    with atomic_path(out) as folder:
        folder.mkdir(parents=True)
        for name in files:
            (folder / name).parent.mkdir(exist_ok=True)
            shutil.copyfile(bundle / name, folder / name)
        manifest.write(made, folder)
        if kind == "tensorrt":
            made = _planned(made, plan, folder)
        manifest.verify(folder)
        attest.fits(made, folder)
        attest.compare(folder, made, attest.device_of(made))
    return made


def _planned(made: Manifest, plan: PlanParams, folder: Path) -> Manifest:
    from provenline.engines.tensorrt_build import build_plan

    if made.precision == "int8":  # the graph of the bundle says so, not the device
        plan = plan.model_copy(update={"precision": "int8"})
    bound = build_plan(folder / ONNX, made.imgsz, plan, folder / PLAN)
    made = replace(made, hardware=bound)
    manifest.write(made, folder)
    return made
