"""Checkpoint to ONNX, so that equal weights give equal bytes.

One input ``images`` (N, 3, H, W) float32 RGB in 0..1, batch dynamic, height and width fixed; one output
``output0``, raw (N, 4 + classes, anchors), end2end or queries (N, detections, 6); a network for outlines
has their coefficients after the rest, and its prototypes are cut off: boxes are what is judged.
"""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from provenline.detectors.bundle import Layout
from provenline.detectors.machine import installed, onnxruntime_version
from provenline.detectors.size import Size
from provenline.detectors.ultralytics_model import class_names, output_layout
from provenline.errors import InputError
from provenline.files import atomic_path

OnnxModel: TypeAlias = Any  # onnx.ModelProto, which has no types
BUILDERS = ("torch", "ultralytics", "onnx", "onnxslim")


@dataclass(frozen=True)
class Exported:
    """What an export says about itself: class names by index, output layout, operator set."""

    names: list[str]
    layout: Layout
    opset: int


def export_onnx(checkpoint: Path, imgsz: Size, *, opset: int, simplify: bool, out: Path) -> Exported:
    """Export a checkpoint to the ONNX file ``out``, whole or not at all.

    Ultralytics writes its results beside the weights and stamps the file with the time: the
    export runs on a private copy and the stamp is removed. Its dynamic export frees height and
    width along with the batch; they are pinned again, so that the anchors fold into constants.

    Args:
        checkpoint: A ``.pt`` of ultralytics whose hash the caller has checked (it is a pickle).
        imgsz: Of the input, in pixels.
        opset: ONNX operator set.
        simplify: Fold constants with onnxslim.
        out: The file to write.

    Raises:
        InputError: The checkpoint cannot be exported, or its output has no known layout.
    """
    with tempfile.TemporaryDirectory() as folder:
        private = Path(folder) / "checkpoint.pt"
        shutil.copyfile(checkpoint, private)
        raw, names, head, coefficients = _ultralytics(private, checkpoint, imgsz, opset)
        model = _pin(_load(raw), imgsz)
        if coefficients:
            del model.graph.output[1:]
    if simplify:
        import onnxslim

        model = onnxslim.slim(model)
    layout = _layout(model, imgsz, (len(names), coefficients), head, checkpoint)
    with atomic_path(out) as temporary:
        temporary.write_bytes(scrubbed(model).SerializeToString(deterministic=True))
    return Exported(names=names, layout=layout, opset=opset)


def builder_versions() -> dict[str, str]:
    """Return package -> version of what makes an ONNX bundle here; a missing one is left out."""
    found = {name: installed(name) for name in BUILDERS} | {"onnxruntime": onnxruntime_version()}
    return {name: version for name, version in found.items() if version}


def _ultralytics(
    private: Path, checkpoint: Path, imgsz: Size, opset: int
) -> tuple[Path, list[str], Layout, int]:
    from provenline.detectors.quiet import quiet_ultralytics

    quiet_ultralytics()
    from ultralytics import models

    load: Any = models.YOLO

    try:
        model = load(str(private), task="detect")
        arguments = {"format": "onnx", "nms": False, "dynamic": True, "simplify": False, "device": "cpu"}
        raw = model.export(imgsz=list(imgsz), opset=opset, verbose=False, **arguments)
    except Exception as error:  # the exporter raises whatever torch and onnx raise
        what = f"cannot be exported to ONNX ({type(error).__name__}: {error})"
        raise InputError(what, file=checkpoint, mend="Give a detection checkpoint of ultralytics") from error
    coefficients = int(getattr(model.model.model[-1], "nm", 0))
    return Path(raw), list(class_names(model)), output_layout(model.model), coefficients


def _load(path: Path) -> OnnxModel:
    import onnx

    return onnx.load(path)


def _pin(model: OnnxModel, imgsz: Size) -> OnnxModel:
    """Fix height and width of the input, keep the batch free."""
    batch, _, *sides = model.graph.input[0].type.tensor_type.shape.dim
    batch.dim_param = "batch"
    for side, pixels in zip(sides, imgsz, strict=True):
        side.dim_value = pixels
    return model


def scrubbed(model: OnnxModel) -> OnnxModel:
    """Remove what does not follow from the weights (dates, paths, source lines), and return the model."""
    del model.metadata_props[:]
    model.doc_string = model.graph.doc_string = ""
    for node in model.graph.node:
        node.doc_string = ""
        del node.metadata_props[:]
    return model


def _layout(model: OnnxModel, imgsz: Size, counts: tuple[int, int], head: Layout, checkpoint: Path) -> Layout:
    """Tell the output's layout by its shape, seen on one grey image, and by the head that it came from.

    ``counts`` are of classes and of coefficients for outlines.
    """
    import numpy as np
    import onnxruntime

    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    inputs, outputs = session.get_inputs(), session.get_outputs()
    grey = np.full((1, 3, *imgsz), 0.5, dtype=np.float32)
    shape = session.run(None, {inputs[0].name: grey})[0].shape
    named = [i.name for i in inputs] == ["images"] and [o.name for o in outputs] == ["output0"]
    rows, columns = 4 + sum(counts), 6 + counts[1]
    if named and len(shape) == 3 and shape[1] == rows and head != "queries":
        return "raw"
    if named and len(shape) == 3 and shape[2] == columns:
        return "queries" if head == "queries" else "end2end"
    what = f"its ONNX output has the shape {tuple(shape)}, neither (1, {rows}, anchors) nor (1, n, {columns})"
    raise InputError(what, file=checkpoint, mend="Give a detection checkpoint")
