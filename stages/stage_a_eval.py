"""Measure the off-the-shelf detector and decide what to do: `dvc repro stageA-eval`."""

from __future__ import annotations

from pathlib import Path

from glue import runtime
from provenline import line, tables
from provenline.detectors.base import predict_frames
from provenline.detectors.open import open_checkpoint
from provenline.detectors.params import ModelParams
from provenline.evaluation.params import StageAParams
from provenline.evaluation.stage_a import confidence_rows, measure, select
from provenline.evaluation.stage_a_sample import read_sample
from provenline.evaluation.stage_a_seen import ROWS, frame_rows
from provenline.files import write_json, write_rows


def main() -> str:
    """Write the base's predictions on all development frames, the measurement and the decision."""
    params, usecase = runtime.params("stage_a_eval", StageAParams), runtime.params("usecase", line.UseCase)
    frames = tables.read("data/annotated.parquet", tables.FRAMES)
    boxes = tables.read("data/boxes.parquet", tables.BOXES)
    model, base = runtime.params("model", ModelParams), Path("data/predictions/base.parquet")
    detector = open_checkpoint(model, runtime.value("profile.device"))
    held = set(read_sample(Path("data/stage_a_ledger.csv"))["frame_id"])
    found = predict_frames(detector, frames, Path(), line.BATCH)
    chosen = select(frames, params, held)
    result = measure(chosen, boxes, found, usecase.classes, params, held)
    result = {"model": {"name": detector.name, "sha256": detector.fingerprint}, **result}
    tables.write(found, base, tables.PREDICTIONS)
    rows = frame_rows(chosen, boxes, found, usecase.classes, params)
    write_rows(Path("data/stage_a_sample.csv"), rows, ROWS)
    write_rows(Path("plots/stage_a_eval/confidence.csv"), confidence_rows(result), ["score", "frames"])
    write_json(line.metrics("stage_a_eval"), result)
    # One word: the only thing of Stage A that training depends on.
    write_json("data/stage_a_decision.json", {"decision": result["decision"]})
    runtime.inputs("stage_a_eval", [*line.judged("development"), model.weights, base])
    borderline = "; label what its plan says, or try the next larger base (model=yolov8s_coco)"
    return f"Stage A: {result['decision']}{borderline if result['decision'] == 'inconclusive' else ''}"


if __name__ == "__main__":
    runtime.run(main)
