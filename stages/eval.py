"""Base and candidate on the same frames, with intervals over videos: `dvc repro eval`."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from provenline import tables
from provenline.detectors.base import predict_frames
from provenline.detectors.open import open_checkpoint
from provenline.detectors.params import ModelParams
from provenline.evaluation.compare import evaluate
from provenline.evaluation.curves import curves
from provenline.evaluation.params import EvalParams
from provenline.files import sha256_file, write_json
from stages import _runtime as runtime

FOUND = Path("data/predictions")
COLUMNS = ["model", "split", "category", "recall", "precision"]


def main() -> str:
    """Write the candidate's predictions, the paired comparison and its curves."""
    params, model = runtime.params("eval", EvalParams), runtime.params("model", ModelParams)
    usecase, round_ = runtime.params("usecase", runtime.UseCase), runtime.value("round")
    weights = Path("models") / f"{usecase.name}_{round_}.pt"
    tuned = model.with_weights("candidate", weights, sha256_file(weights), usecase.classes)
    models = {
        name: open_checkpoint(one, runtime.value("profile.device"))
        for name, one in {"base": model, "candidate": tuned}.items()
    }
    split = Path("data") / f"dataset_split_{round_}.csv"
    frames, boxes = judged(pd.read_csv(split, usecols=["frame_id", "split"]))
    there = frames["split"] == "deployment"
    base = tables.read(FOUND / "base.parquet", tables.PREDICTIONS)
    base = pd.concat([base, predict_frames(models["base"], frames[there], Path(), runtime.BATCH)])
    found = {"base": base, "candidate": predict_frames(models["candidate"], frames, Path(), runtime.BATCH)}
    tables.write(found["candidate"], FOUND / "candidate.parquet", tables.PREDICTIONS)
    same = models["base"].fingerprint == models["candidate"].fingerprint
    result = evaluate(frames, boxes, found, usecase.classes, params, same_model=same)
    rows = curves(frames, boxes, found, usecase.classes, params, bins=20)["precision_recall"]
    runtime.write_rows(Path("plots/eval/precision_recall.csv"), rows, COLUMNS)
    write_json(Path("metrics") / f"eval_{round_}.json", {"split_sha256": sha256_file(split), **result})
    read = [*runtime.judged(*runtime.SIDES), split, model.weights, weights]
    runtime.inputs("eval", [*read, *(FOUND / f"{name}.parquet" for name in found)])
    return f"eval on {result['judged_on']}: better is {result['better']}"


def judged(split: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the frames of both footages with a column ``split``, and their boxes."""
    frames = {s: tables.read(runtime.data(s) / "annotated.parquet", tables.FRAMES) for s in runtime.SIDES}
    boxes = [tables.read(runtime.data(s) / "boxes.parquet", tables.BOXES) for s in runtime.SIDES]
    parts = [
        frames["development"].merge(split, on="frame_id"),
        frames["deployment"].assign(split="deployment"),
    ]
    return pd.concat(parts, ignore_index=True), pd.concat(boxes, ignore_index=True)


if __name__ == "__main__":
    runtime.run(main)
