"""Put every video on one side, for good: `dvc repro split`."""

from __future__ import annotations

from pathlib import Path

from glue import runtime
from provenline import line, tables
from provenline.annotations.outlines import outlined, warnings
from provenline.files import write_json
from provenline.progress import notice
from provenline.rounds import joined, read
from provenline.splits.audit import audit
from provenline.splits.certificate import certificate
from provenline.splits.copies import search
from provenline.splits.dataset import write_assignment, write_dataset
from provenline.splits.decide import decide
from provenline.splits.ledger import read_ledger
from provenline.splits.params import SplitParams
from provenline.splits.placing import place

LEDGER = Path("data/split_ledger.csv")


def main() -> str:
    """Write the assignment, the dataset in YOLO's layout, and the audit for leaks."""
    params, usecase = runtime.params("split", SplitParams), runtime.params("usecase", line.UseCase)
    round_ = runtime.value("round")
    frames = tables.read("data/annotated.parquet", tables.FRAMES)
    boxes = tables.read("data/boxes.parquet", tables.BOXES)
    frames, boxes = joined(frames, boxes, read(runtime.rounds(), round_))
    ledger, found = read_ledger(LEDGER), search(frames, params.copies)
    assignment, described = decide(frames, boxes, ledger, usecase.classes, found.copies, params)
    written = write_assignment(frames, assignment, Path("data") / f"dataset_split_{round_}.csv")
    folder, name = Path("data/dataset"), f"{usecase.name}_{round_}"
    if params.task == "segment":
        boxes, described["outlines"] = outlined(tables.truth(frames, boxes, usecase.classes), frames)
        described["warnings"] += warnings(described["outlines"])
    dataset = write_dataset(frames, boxes, assignment, usecase.classes, folder, name, Path(), params.task)
    for sentence in described["warnings"]:
        notice(sentence)
    placed = place(frames, assignment)
    audited = audit(placed, params)
    report = {
        "assignment": written,
        **described,
        "dataset": dataset,
        "audit": audited,
        "certificate": certificate(placed, found, audited, params),
    }
    write_json(line.metrics("split"), report)
    verdict = report["certificate"]["verdict"]
    return f"split {described['units']['count']} units: {described['groups']} groups; certificate: {verdict}"


if __name__ == "__main__":
    runtime.run(main)
