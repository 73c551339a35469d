"""ONNX bundles of base and candidate for one target: `dvc repro trt-build`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from glue import runtime
from provenline import line, tables
from provenline.detectors.params import ModelParams
from provenline.detectors.weights import resolve
from provenline.engines.build import Evidence, Golden, Origin, build
from provenline.engines.params import GoldenParams, Target
from provenline.evaluation.params import IntervalParams
from provenline.files import sha256_file, sha256_of, sha256_tree, write_json


def main(target: str) -> str:
    """Write both engines, their parity with the checkpoints (identity) and their latency (measured)."""
    params: Any = runtime.params(f"trt_build.{target}", Target)  # type: ignore[arg-type]
    model, usecase = runtime.params("model", ModelParams), runtime.params("usecase", line.UseCase)
    round_ = runtime.value("round")
    frames = tables.read("data/annotated.parquet", tables.FRAMES)
    csv = Path("data") / f"dataset_split_{round_}.csv"
    split = pd.read_csv(csv)
    val, train = line.in_split(frames, split, "val"), line.in_split(frames, split, "train")
    truth = tables.truth(val, tables.read("data/boxes.parquet", tables.BOXES), usecase.classes)
    interval = runtime.params("interval", IntervalParams)
    least = runtime.value("split.class_floor")
    evidence = Evidence(val, truth, usecase.classes, Path(), train, interval, least)
    held = Golden(runtime.params("golden", GoldenParams), runtime.value("footage.golden"))
    origin = Origin(sha256_tree("data/dataset"), sha256_file(csv))
    weights = {"base": resolve(model), "candidate": Path("models") / f"{usecase.name}_{round_}.pt"}
    parity: dict[str, Any] = {}
    latency: dict[str, Any] = {}
    for role, path in weights.items():
        checkpoint = model.with_weights(role, path, sha256_of(path), usecase.classes)
        built = build(
            params,
            checkpoint,
            origin if role == "candidate" else Origin(None, None),
            evidence,
            held,
            Path("models/engines") / target / role,
        )
        parity[role] = {"manifest": built.manifest, "parity": built.parity}
        latency[role] = {"onnx_sha256": built.manifest["onnx_sha256"], "figures": "unproven", **built.latency}
    write_json(Path("metrics/trt_build") / f"{target}.json", parity)
    write_json(Path("models/engines") / target / "measurements.json", latency)
    read: list[Path | str] = [*line.judged("development"), csv, "data/dataset", *weights.values()]
    runtime.inputs("trt_build", read, target)
    return f"{target}: base and candidate follow their checkpoints"


if __name__ == "__main__":
    runtime.run(main)
