"""Fine-tune by recipe, or pass the base through: `dvc repro train`."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from provenline.detectors.params import ModelParams
from provenline.detectors.weights import resolve
from provenline.files import read_json, sha256_file, sha256_tree, write_json
from provenline.training.families import require_trainable
from provenline.training.params import TrainParams
from provenline.training.train import fine_tune, pass_through
from stages import _runtime as runtime
from stages import _tracking as tracking


def main() -> str:
    """Write the candidate's weights, how training went, and its curve."""
    params, model = runtime.params("train", TrainParams), runtime.params("model", ModelParams)
    usecase, round_ = runtime.params("usecase", runtime.UseCase), runtime.value("round")
    name = f"{usecase.name}_{round_}"
    base, out = resolve(model), Path("models") / f"{name}.pt"
    decision = read_json("data/stage_a_decision.json")["decision"]
    if params.when == "never" or (params.when == "auto" and decision == "ship"):
        report: dict[str, Any] = pass_through(base, out)
    else:
        require_trainable(model.family, base)
        inputs = f"{params}{sha256_file(base)}{sha256_tree('data/dataset')}"
        state = Path(".state/train") / hashlib.sha256(inputs.encode()).hexdigest()[:16]
        dataset = Path("data/dataset") / f"{name}.yaml"
        report = fine_tune(dataset, base, sha256_file(base), params, out, state, on_epoch)
    measured = report.pop("measured", None)  # a clock in a metrics file would change it at every run
    warning = "Stage A was inconclusive: trained all the same" if decision == "inconclusive" else None
    split = sha256_file(Path("data") / f"dataset_split_{round_}.csv")
    said = {"stage_a": decision, "warning": warning, "split_sha256": split}
    write_json(runtime.metrics("train"), {**said, **report})
    columns = ["epoch", *sorted({key for row in report["history"] for key in row} - {"epoch"})]
    runtime.write_rows(Path("plots/train/epochs.csv"), report["history"], columns)
    tracking.log("train", measured, [runtime.metrics("train")])
    return f"{name}: {report['epochs']} epochs, best {report['best_epoch']} (Stage A said {decision})"


def on_epoch(epoch: int, numbers: dict[str, float]) -> None:
    """Send an epoch's numbers to the tracker while training goes on."""
    tracking.log("train", {"epoch": numbers}, step=epoch)


if __name__ == "__main__":
    runtime.run(main)
