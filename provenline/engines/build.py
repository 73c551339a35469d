"""Checkpoint to engine: exported, held against its checkpoint, measured; whole or not at all."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from provenline.detectors.base import predict_frames
from provenline.detectors.bundle import ONNX, PLAN
from provenline.detectors.onnx_model import OnnxDetector
from provenline.detectors.open import open_checkpoint, open_engine
from provenline.detectors.params import ModelParams
from provenline.engines import golden, latency, manifest, parity
from provenline.engines.export import Exported, builder_versions, export_onnx
from provenline.engines.manifest import Manifest
from provenline.engines.params import GoldenParams, OnnxRuntimeTarget, TensorRTTarget
from provenline.errors import InputError
from provenline.files import atomic_path, sha256_file

_BATCH = 8
EXPORTED = "ultralytics"  # the one family whose detectors become engines


@dataclass(frozen=True)
class Origin:
    """Hashes of what the checkpoint came from; None for a base model that was not trained here."""

    dataset_sha256: str | None
    split_sha256: str | None


@dataclass(frozen=True)
class Evidence:
    """What engine and checkpoint are compared on.

    Attributes:
        frames: Validation frames (never test or deployment: the gate must not spend them).
        truth: Boxes that count on them (``tables.truth``), or None: then no AP is compared.
        labels: Our labels that AP is taken over.
        root: What the frames' paths are relative to.
    """

    frames: pd.DataFrame
    truth: pd.DataFrame | None
    labels: tuple[str, ...]
    root: Path


@dataclass(frozen=True)
class Golden:
    """What a device will hold the engine against.

    Attributes:
        params: How many inputs, and the tolerances.
        inputs: ``frames`` puts validation frames into the bundle, which then travels with them.
    """

    params: GoldenParams
    inputs: golden.Inputs


@dataclass(frozen=True)
class Built:
    """What a build says.

    Attributes:
        manifest: The engine's identity, as in the bundle.
        parity: How far it is from its checkpoint; follows from the files alone.
        latency: How fast it is here; differs from run to run, so never a dependency.
    """

    manifest: dict[str, Any]
    parity: dict[str, Any]
    latency: dict[str, Any]


def build(
    target: OnnxRuntimeTarget | TensorRTTarget,
    checkpoint: ModelParams,
    origin: Origin,
    evidence: Evidence,
    held: Golden,
    folder: Path,
) -> Built:
    """Build the engine of ``checkpoint`` for ``target``; ``folder`` appears only if it proves itself.

    Args:
        target: Where it is to run, and what it must show.
        checkpoint: The weights with their hash, and how they are read.
        origin: Hashes for the manifest.
        evidence: Frames of the parity gate and of the latency.
        held: Golden inputs of the bundle.
        folder: The bundle (``model.onnx``, ``manifest.json``, ``golden/``, for TensorRT ``model.plan``).

    Raises:
        InputError: This machine cannot build for the target, the weights are others than named or of a
            family that is not exported, or the engine does not follow its checkpoint (the figures are in
            the message).
    """
    if checkpoint.family != EXPORTED:
        what = f"a detector of {checkpoint.family} is not exported, engines are made of {EXPORTED} alone"
        mend = "It serves as a base up to `dvc repro eval`; for an engine name another model"
        raise InputError(what, file=checkpoint.weights, mend=mend)
    if target.kind == "tensorrt":
        from provenline.engines.tensorrt_build import require

        require(target)
    device = device_of(target)
    frames = spread(evidence.frames, target.parity.frames)
    reference = predict_frames(open_checkpoint(checkpoint, "cpu"), frames, evidence.root, _BATCH)
    with atomic_path(folder) as bundle:
        bundle.mkdir()
        shown = spread(frames, held.params.inputs) if held.inputs == "frames" else frames.iloc[:0]
        made = _bundle(target, checkpoint, origin, bundle)
        made = _with_golden(made, held.params, [evidence.root / path for path in shown["path"]], bundle)
        found = predict_frames(open_engine(bundle, device), frames, evidence.root, _BATCH)
        ap = _precision(reference, found, frames, evidence)
        compared = parity.compare(reference, found, len(frames), target.parity, ap)
        if compared.verdict == "fail":
            what = f"engine for {target.name} does not follow its checkpoint: {'; '.join(compared.reasons)}"
            raise InputError(
                what, file=checkpoint.weights, mend="Nothing was written. Look at the target's parity gate"
            )
        paths = [evidence.root / path for path in frames["path"]]
        measured = latency.measure(bundle, paths, target.latency, device)
    return Built(manifest=made.to_dict(), parity=compared.to_dict(), latency=measured)


def device_of(target: OnnxRuntimeTarget | TensorRTTarget) -> str:
    """Return the device that the engine is opened on: ``cpu`` or ``cuda``."""
    return "cuda" if target.kind == "tensorrt" else target.device


def spread(frames: pd.DataFrame, most: int) -> pd.DataFrame:
    """Return at most so many frames, spread evenly over the table sorted by frame.

    Raises:
        InputError: There is no frame.
    """
    if frames.empty:
        raise InputError(
            "no validation frame to hold the engine against its checkpoint", mend="Look at the split"
        )
    ordered = frames.sort_values("frame_id")
    chosen = np.unique(np.linspace(0, len(ordered) - 1, min(most, len(ordered))).round().astype(int))
    return ordered.iloc[chosen].reset_index(drop=True)


def _bundle(
    target: OnnxRuntimeTarget | TensorRTTarget, checkpoint: ModelParams, origin: Origin, folder: Path
) -> Manifest:
    onnx = folder / ONNX
    exported = export_onnx(
        checkpoint.weights, checkpoint.imgsz, opset=target.opset, simplify=target.simplify, out=onnx
    )
    bound = None
    if target.kind == "tensorrt":
        from provenline.engines.tensorrt_build import build_plan

        bound = build_plan(onnx, checkpoint.imgsz, target, folder / PLAN)
    made = _identity(target, checkpoint, origin, exported, sha256_file(onnx), bound)
    manifest.write(made, folder)
    return made


def _with_golden(made: Manifest, params: GoldenParams, frames: list[Path], folder: Path) -> Manifest:
    network = OnnxDetector(folder, "cpu")
    found = replace(made, golden=golden.write(folder, network, golden.form_of(made), params, frames))
    manifest.write(found, folder)
    return found


def _identity(
    target: OnnxRuntimeTarget | TensorRTTarget,
    checkpoint: ModelParams,
    origin: Origin,
    exported: Exported,
    onnx_sha256: str,
    bound: dict[str, str] | None,
) -> Manifest:
    return Manifest(
        format=manifest.FORMAT,
        onnx_sha256=onnx_sha256,
        checkpoint_sha256=sha256_file(checkpoint.weights),
        dataset_sha256=origin.dataset_sha256,
        split_sha256=origin.split_sha256,
        names=exported.names,
        labels=dict(checkpoint.labels),
        imgsz=checkpoint.imgsz,
        layout=exported.layout,
        score_floor=checkpoint.score_floor,
        nms_iou=checkpoint.nms_iou,
        max_detections=checkpoint.max_detections,
        precision=target.precision,
        target={"kind": target.kind, "name": target.name, "device": device_of(target)},
        calibration=None,
        builder=builder_versions(),
        opset=exported.opset,
        golden={},
        preprocessing=manifest.STRETCHED if exported.layout == "queries" else manifest.PREPROCESSING,
        hardware=bound,
    )


def _precision(
    reference: pd.DataFrame, found: pd.DataFrame, frames: pd.DataFrame, evidence: Evidence
) -> tuple[float | None, float | None]:
    """Return AP50-95 of checkpoint and engine on these frames; None without truth."""
    if evidence.truth is None:
        return None, None
    from provenline.evaluation.average_precision import coco_metrics

    labels = list(evidence.labels)
    before, after = (coco_metrics(frames, evidence.truth, t, labels)["map"] for t in (reference, found))
    return before, after
