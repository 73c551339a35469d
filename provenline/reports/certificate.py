"""The split certificate: one page on whether the split leaks, from what `split` wrote alone."""

from __future__ import annotations

from pathlib import Path

from provenline.errors import InputError
from provenline.files import atomic_path
from provenline.parameters import read
from provenline.reports import footage_readings, split_rows, split_story, words
from provenline.reports.document import open_document
from provenline.reports.evidence import Evidence, Footage
from provenline.reports.gather import Gatherer, read_leakage
from provenline.reports.templating import fill

FILE = "split_certificate.html"
SOURCE = "metrics/split.json"


def render(evidence: Evidence, home: str = "") -> str:
    """Render the certificate; a page that says so where there is no split.

    Args:
        evidence: What is known; of it only the split, the leakage counterfactual and names are used.
        home: Address of the whole report; empty where it does not lie beside this page.
    """
    if evidence.split is None:
        return fill("no_split.html.j2")
    return fill(
        "certificate.html.j2",
        e=evidence,
        s=evidence.split,
        split=split_story,
        words=words,
        tables={table.name: table for table in split_rows.tables(evidence)},
        home=home,
    )


def write_certificate(root: Path, out: Path) -> Evidence:
    """Write the certificate of the last `split`, whatever became of the rest of the line.

    Args:
        root: The project's folder.
        out: The HTML file; replaced if it is there.

    Returns:
        What the page rests on.

    Raises:
        InputError: metrics/split.json is missing or malformed.
    """
    document = open_document(root / SOURCE)
    if document is None:
        raise InputError("file is missing", file=root / SOURCE, mend="Run `dvc repro split` or `dvc pull`")
    parameters = read(root)
    usecase, source = parameters.get("usecase"), parameters.get("source")
    extraction = Gatherer(root).read("metrics/extract.json", "extract", footage_readings.extraction)
    evidence = Evidence(
        usecase=str(usecase.get("name", "")) if isinstance(usecase, dict) else "",
        round=str(parameters.get("round", "")),
        simulated=bool(source.get("simulate")) if isinstance(source, dict) else False,
        development=Footage(extraction=extraction),
        split=footage_readings.split(document),
        leakage=read_leakage(root),
    )
    with atomic_path(out) as temporary:
        temporary.write_text(render(evidence), encoding="utf-8", newline="\n")
    return evidence
