"""Checkpoint to engine: exported, held against its checkpoint, measured; whole or not at all."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
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
from provenline.detectors.preprocess import fit_of
from provenline.engines import golden, latency, manifest, parity, wasted
from provenline.engines.export import Exported, builder_versions, export_onnx
from provenline.engines.held import hold
from provenline.engines.manifest import Manifest
from provenline.engines.params import (
    CalibrationParams,
    GoldenParams,
    OnnxRuntimeTarget,
    ParityParams,
    TensorRTTarget,
)
from provenline.engines.parity import Parity
from provenline.errors import InputError
from provenline.evaluation.params import IntervalParams
from provenline.files import atomic_path, sha256_file
from provenline.images import read_bytes
from provenline.progress import notice

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
        training: Training frames, which INT8 is calibrated on.
        interval: Of the difference in AP.
        least: Objects of a label that it takes to choose from which score on its detections count.
    """

    frames: pd.DataFrame
    truth: pd.DataFrame | None
    labels: tuple[str, ...]
    root: Path
    training: pd.DataFrame
    interval: IntervalParams
    least: int = 1


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

    def follows(folder: Path, device: str, gate: ParityParams, what: str) -> Parity:
        engine = open_engine(folder, device, many=True)
        found = predict_frames(engine, frames, evidence.root, _BATCH)
        compared = _compare(reference, found, frames, evidence, gate)
        if compared.verdict == "fail":
            text = f"{what} for {target.name} does not follow its checkpoint: {'; '.join(compared.reasons)}"
            mend = "Nothing was written. Look at the target's parity gate"
            raise InputError(text, file=checkpoint.weights, mend=mend)
        return compared

    with atomic_path(folder) as bundle:
        bundle.mkdir()
        shown = spread(frames, held.params.inputs) if held.inputs == "frames" else frames.iloc[:0]
        made = _exported(target, checkpoint, origin, bundle)
        if origin.split_sha256:  # said of the candidate alone: its base has the same input
            wasted.say(checkpoint.name, frames, made.layout, made.imgsz)
        step = follows(bundle, "cpu", target.onnx_parity, "the ONNX file") if target.onnx_parity else None
        made = _engine(target, made, evidence, bundle)
        made = _with_golden(made, held.params, [evidence.root / path for path in shown["path"]], bundle)
        compared = follows(bundle, device, target.parity, "engine")
        made = replace(made, thresholds=operating(compared.thresholds, target.least_f1))
        manifest.write(made, bundle)
        paths = [evidence.root / path for path in frames["path"]]
        measured = latency.measure(bundle, paths, target.latency, device)
        measured["rate"] = _keeps_up(target, measured["images_per_s"])
    parity = {**compared.to_dict(), "onnx": step and step.to_dict()}
    return Built(manifest=made.to_dict(), parity=parity, latency=measured)


def _keeps_up(target: OnnxRuntimeTarget | TensorRTTarget, images_per_s: float) -> dict[str, Any]:
    """Hold a measured rate against the one that the cameras ask for.

    Raises:
        InputError: It is too slow, and the target requires the rate.
    """
    rate = target.rate
    wanted = rate.cameras * rate.frames_per_s
    slow = images_per_s < wanted
    if slow and rate.required:
        what = (
            f"{images_per_s:g} images/s, {rate.cameras} cameras of {rate.frames_per_s:g} ask for {wanted:g}"
        )
        mend = "Nothing was written. Choose a smaller model or input, or another target"
        raise InputError(what, place=f"target {target.name}", mend=mend)
    return {"wanted_images_per_s": wanted, "required": rate.required, "verdict": "fail" if slow else "pass"}


def operating(chosen: Mapping[str, Mapping[str, Any]] | None, least_f1: float) -> dict[str, float]:
    """Return label -> score from which on the engine's detections count, of what parity chose for it.

    It lies between the weakest detection that counts and the next: another processor computes scores a hair
    otherwise, and shall count the same ones. A label of which even the best threshold finds little has none:
    it would be where the detector is at its least bad, which nobody would run.
    """
    found = {label: one for label, one in (chosen or {}).get("engine", {}).items() if one}
    for label, one in found.items():
        if one["f1"] < least_f1:
            what = f"'{label}' has no threshold of its own: the best gives an F1 of {one['f1']:.2f}"
            notice(f"{what} on validation frames, {least_f1:g} is asked for (least_f1 in conf/target)")
    return {label: _between(one) for label, one in found.items() if one["f1"] >= least_f1}


def _between(one: Mapping[str, float]) -> float:
    middle = (one["below"] + one["score"]) / 2
    plain = round(middle, 3)
    return plain if one["below"] < plain <= one["score"] else middle


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


def _exported(
    target: OnnxRuntimeTarget | TensorRTTarget, checkpoint: ModelParams, origin: Origin, folder: Path
) -> Manifest:
    onnx = folder / ONNX
    exported = export_onnx(
        checkpoint.weights, checkpoint.imgsz, opset=target.opset, simplify=target.simplify, out=onnx
    )
    made = _identity(target, checkpoint, origin, exported, sha256_file(onnx))
    manifest.write(made, folder)
    return made


def _engine(
    target: OnnxRuntimeTarget | TensorRTTarget, made: Manifest, evidence: Evidence, folder: Path
) -> Manifest:
    """Make of the exported bundle what the target asks for: quantised, or a TensorRT plan."""
    onnx = folder / ONNX
    if target.calibration:
        from provenline.engines.quantise import quantise

        frames = spread(evidence.training, target.calibration.frames)
        paths = [evidence.root / path for path in frames["path"]]
        quantise(onnx, paths, made.imgsz, fit_of(made.layout), target.calibration, onnx)
        made = replace(
            made, onnx_sha256=sha256_file(onnx), calibration=_calibration(target.calibration, paths)
        )
    if target.kind == "tensorrt":
        from provenline.engines.tensorrt_build import build_plan

        made = replace(made, hardware=build_plan(onnx, made.imgsz, target, folder / PLAN))
    manifest.write(made, folder)
    return made


def _calibration(params: CalibrationParams, paths: list[Path]) -> dict[str, Any]:
    """Return what the manifest says of a calibration: how, and on which pictures."""
    pictures = hashlib.sha256()
    for path in paths:
        pictures.update(read_bytes(path))
    found = {"split": "train", "frames": len(paths), "frames_sha256": pictures.hexdigest()}
    return {**params.model_dump(), **found}


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
        thresholds={},
        precision=target.precision,
        target={"kind": target.kind, "name": target.name, "device": device_of(target)},
        calibration=None,
        builder=builder_versions(),
        opset=exported.opset,
        golden={},
        preprocessing=manifest.preprocessing(exported.layout, checkpoint.imgsz),
        hardware=None,
    )


def _compare(
    reference: pd.DataFrame,
    found: pd.DataFrame,
    frames: pd.DataFrame,
    evidence: Evidence,
    gate: ParityParams,
) -> Parity:
    held = None
    if evidence.truth is not None:
        given = frames, evidence.truth, reference, found, evidence.labels, gate.iou, evidence.interval
        held = hold(*given, evidence.least)
    return parity.compare(reference, found, len(frames), gate, held, evidence.interval.min_groups)
