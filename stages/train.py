"""Fine-tune by recipe, or pass the base through: `dvc repro train`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from glue import cost, runtime
from glue.tracking import track
from provenline import line
from provenline.detectors.params import ModelParams
from provenline.detectors.weights import resolve
from provenline.files import read_json, sha256_file, sha256_tree, write_json, write_rows
from provenline.progress import notice
from provenline.training.families import require_trainable
from provenline.training.keeping import forget
from provenline.training.params import TrainParams
from provenline.training.peaks import sentences
from provenline.training.train import fine_tune, fingerprint, pass_through

STATES = Path(".state/train")


def main() -> str:
    """Write the candidate's weights, how training went, and its curve."""
    params, model = runtime.params("train", TrainParams), runtime.params("model", ModelParams)
    usecase, round_ = runtime.params("usecase", line.UseCase), runtime.value("round")
    name = f"{usecase.name}_{round_}"
    base, out, peaks = resolve(model), Path("models") / f"{name}.pt", Path("models/peaks")
    split = Path("data") / f"dataset_split_{round_}.csv"
    decision = read_json("data/stage_a_decision.json")["decision"]
    if params.when == "never" or (params.when == "auto" and decision == "ship"):
        report: dict[str, Any] = pass_through(base, out, peaks)
    else:
        require_trainable(model.family, base)
        digest, dataset = sha256_file(base), Path("data/dataset") / f"{name}.yaml"
        seen = sha256_tree("data/dataset")
        state = STATES / fingerprint(params, digest, seen)
        track.data(split, dataset.parent, seen)
        with track.live(), cost.counted(dataset, params, state) as meter:
            each = meter.after(track.on_epoch)
            report = fine_tune(dataset, base, digest, params, out, peaks, state, each)
        report["dataset_sha256"] = seen
    measured = report.pop("measured", None)  # a clock in a metrics file would change it at every run
    warning = "Stage A was inconclusive: trained all the same" if decision == "inconclusive" else None
    said = {"stage_a": decision, "warning": warning, "split_sha256": sha256_file(split)}
    said["input"] = model.imgsz.plain  # of what will be judged; training's own is its recipe's
    write_json(line.metrics("train"), {**said, **report})
    columns = ["epoch", *sorted({key for row in report["history"] for key in row} - {"epoch"})]
    write_rows(Path("plots/train/epochs.csv"), report["history"], columns)
    for sentence in sentences(report):
        notice(sentence)
    track.log("train", measured, [line.metrics("train")])
    track.curve("train.epoch", report["history"])
    forget(STATES)  # last: killed before, the stage goes on from there
    return f"{name}: {report['epochs']} epochs, best {report['best_epoch']} (Stage A said {decision})"


if __name__ == "__main__":
    runtime.run(main)
