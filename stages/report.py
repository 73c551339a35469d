"""The paper's tables and figures, the cards and the page: `dvc repro report`."""

from __future__ import annotations

from pathlib import Path

from glue import runtime
from glue.tracking import track
from provenline import line
from provenline.files import read_json
from provenline.footage.params import PrivacyParams
from provenline.reports.params import ReportParams
from provenline.reports.report import write_report


def main() -> str:
    """Write reports/ and complete this fingerprint's run in MLflow from metrics/*.json."""
    params = runtime.params("report", ReportParams)
    round_, usecase = runtime.value("round"), runtime.params("usecase", line.UseCase)
    privacy = runtime.params("footage", PrivacyParams)
    done = write_report(Path(), params, privacy, round_, usecase.name, Path("reports"))
    figures = {path.stem: read_json(path) for path in sorted(Path("metrics").rglob("*.json"))}
    seals = {key: done[key] for key in ("seal", "evidence_sha256")}
    track.complete(figures, Path("data") / f"dataset_split_{round_}.csv", seals)
    return f"report: reports/index.html; seal {done['seal']} (write it down: `provenline verify --seal`)"


if __name__ == "__main__":
    runtime.run(main)
