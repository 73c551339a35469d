"""Put every video on one side, for good: `dvc repro split`."""

from __future__ import annotations

from pathlib import Path

from provenline import tables
from provenline.files import write_json
from provenline.splits.assign import assign, describe, groups_of
from provenline.splits.audit import audit, with_split
from provenline.splits.dataset import write_assignment, write_dataset
from provenline.splits.ledger import read_ledger
from provenline.splits.params import SplitParams
from stages import _runtime as runtime

LEDGER = Path("data/split_ledger.csv")


def main() -> str:
    """Write the assignment, the dataset in YOLO's layout, and the audit for leaks."""
    params, usecase = runtime.params("split", SplitParams), runtime.params("usecase", runtime.UseCase)
    round_ = runtime.value("round")
    frames = tables.read("data/annotated.parquet", tables.FRAMES)
    boxes = tables.read("data/boxes.parquet", tables.BOXES)
    groups, ledger = groups_of(frames), read_ledger(LEDGER)
    assignment = assign(groups, ledger, params)
    written = write_assignment(frames, assignment, Path("data") / f"dataset_split_{round_}.csv")
    dataset = write_dataset(
        frames, boxes, assignment, usecase.classes, Path("data/dataset"), f"{usecase.name}_{round_}", Path()
    )
    report = {
        "assignment": written,
        **describe(assignment, groups, ledger),
        "dataset": dataset,
        "audit": audit(with_split(frames, assignment), params),
    }
    write_json(runtime.metrics("split"), report)
    return f"split {len(assignment)} groups: {report['groups']}"


if __name__ == "__main__":
    runtime.run(main)
