"""Base and candidate on the same frames, with intervals over videos: `dvc repro eval`."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from glue import runtime
from provenline import line, rounds, tables
from provenline.detectors.base import predict_frames
from provenline.detectors.open import open_checkpoint
from provenline.detectors.params import ModelParams
from provenline.evaluation import label_errors
from provenline.evaluation.assess import assess
from provenline.evaluation.judged import judged, read_split
from provenline.evaluation.params import EvalParams
from provenline.evaluation.seeds import Trainings, read_spreads
from provenline.files import read_json, sha256_file, sha256_of, write_json, write_rows
from provenline.splits.copies import refuse_across
from provenline.splits.params import CopyParams

FOUND, REVIEW = Path("data/predictions"), Path("data/review/label_errors.csv")
TRAINING, SPREADS = Path("metrics/train.json"), Path("data/seed_spread.json")
COLUMNS = ["model", "split", "category", "recall", "precision"]


def main() -> str:
    """Write the candidate's predictions, the paired comparison, its curves and the doubtful labels."""
    params, model = runtime.params("eval", EvalParams), runtime.params("model", ModelParams)
    usecase, round_ = runtime.params("usecase", line.UseCase), runtime.value("round")
    weights = Path("models") / f"{usecase.name}_{round_}.pt"
    tuned = model.with_weights("candidate", weights, sha256_of(weights), usecase.classes)
    both = {"base": model, "candidate": tuned}
    models = {name: open_checkpoint(one, runtime.value("profile.device")) for name, one in both.items()}
    split = Path("data") / f"dataset_split_{round_}.csv"
    ours, theirs = (tables.read(line.data(s) / "annotated.parquet", tables.FRAMES) for s in line.SIDES)
    frames = judged(ours, theirs, read_split(split))
    parts = [tables.read(line.data(s) / "boxes.parquet", tables.BOXES) for s in line.SIDES]
    boxes = pd.concat(parts, ignore_index=True)
    taught = theirs["group"].nunique() - frames.loc[frames["split"] == "deployment", "group"].nunique()
    there = frames["split"] == "deployment"
    refuse_across(ours, frames[there], runtime.params("split.copies", CopyParams))
    base = tables.read(FOUND / "base.parquet", tables.PREDICTIONS)
    base = pd.concat([base, predict_frames(models["base"], frames[there], Path(), line.BATCH)])
    found = {"base": base, "candidate": predict_frames(models["candidate"], frames, Path(), line.BATCH)}
    tables.write(found["candidate"], FOUND / "candidate.parquet", tables.PREDICTIONS)
    same = models["base"].fingerprint == models["candidate"].fingerprint
    seeds = Trainings(read_json(TRAINING), read_spreads(SPREADS))
    done = assess(frames, boxes, found, usecase.classes, params, same_model=same, trainings=seeds)
    done.result["warnings"] += [rounds.judge_nothing(taught)] if taught else []
    write_rows(Path("plots/eval/precision_recall.csv"), done.curves["precision_recall"], COLUMNS)
    label_errors.write(done.suspicions, REVIEW)
    done.result["label_errors"]["file"] = REVIEW.as_posix()
    write_json(Path("metrics") / f"eval_{round_}.json", {"split_sha256": sha256_file(split), **done.result})
    read = [*line.judged(*line.SIDES), split, model.weights, weights, TRAINING, SPREADS]
    runtime.inputs("eval", [*read, *(FOUND / f"{name}.parquet" for name in found)])
    return f"eval on {done.result['judged_on']}: better is {done.result['better']}"


if __name__ == "__main__":
    runtime.run(main)
