"""Collects everything that the stages wrote into one typed object; without pandas, so quickly.

What is missing is remembered by name. What is there but malformed is an error: a page that guesses
is worse than none.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from provenline.errors import InputError
from provenline.parameters import PARAMS, read
from provenline.reports import ablation_readings, eval_readings, proofs, split_readings
from provenline.reports import footage_readings as footage
from provenline.reports import judged_readings as judged
from provenline.reports.ablation_evidence import Ablation
from provenline.reports.document import Document, open_document
from provenline.reports.evidence import Engine, Evidence, Footage, Round
from provenline.reports.split_evidence import Leakage
from provenline.rounds import counting

T = TypeVar("T")


class Gatherer:
    """Reads files under a root and remembers which were missing.

    Args:
        root: The project's folder.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.missing: dict[str, str] = {}

    def read(self, path: str, stage: str, reader: Callable[[Document], T]) -> T | None:
        """Read one JSON file, or None and a note of the stage that would write it."""
        document = open_document(self.root / path)
        if document is None:
            self.missing[path] = stage
            return None
        return reader(document)


def gather(root: Path, round_: str, usecase: str) -> Evidence:
    """Read everything there is.

    Args:
        root: The project's folder.
        round_: ``v0``, ...
        usecase: Name of the use case.

    Raises:
        InputError: A file is malformed.
    """
    gatherer = Gatherer(root)
    parameters, path = read(root), root / PARAMS
    source = _mapping(parameters, "source")
    evaluation = gatherer.read(f"metrics/eval_{round_}.json", "eval", eval_readings.evaluation)
    judged_on = "" if evaluation is None else evaluation.judged_on
    split = gatherer.read("metrics/split.json", "split", footage.split)
    return Evidence(
        usecase=usecase,
        round=round_,
        classes=tuple(map(str, _mapping(parameters, "usecase").get("classes") or ())),
        simulated=bool(source.get("simulate")),
        model=str(_mapping(parameters, "model").get("name", "")),
        confidence=_number(_mapping(parameters, "interval").get("confidence")),
        parameters=path.read_text(encoding="utf-8") if path.is_file() else "",
        development=_footage(gatherer, ""),
        deployment=_footage(gatherer, "_deployment"),
        rounds=_rounds(root, str(parameters.get("rounds", "")), round_),
        split=split,
        stage_a=gatherer.read("metrics/stage_a_eval.json", "stageA-eval", judged.stage_a),
        training=gatherer.read("metrics/train.json", "train", judged.training),
        evaluation=evaluation,
        engines=engines(gatherer, tuple(_mapping(parameters, "trt_build"))),
        shadow=gatherer.read("metrics/shadow_ab.json", "shadow-ab", judged.shadow),
        curves=_curves(root / "plots/eval/precision_recall.csv", judged_on),
        leakage=read_leakage(root),
        ablation=read_ablation(root, split.sha256 if split else ""),
        missing=gatherer.missing,
    )


def _rounds(root: Path, folder: str, upto: str) -> tuple[Round, ...]:
    place = root / folder
    if folder in ("", "data/none") or not place.is_dir():
        return ()
    names = counting((path.name for path in place.iterdir()), upto)
    documents = [open_document(place / name / "round.json") for name in names]
    return tuple(footage.brought(one) for one in documents if one is not None)


def read_leakage(root: Path) -> Leakage | None:
    """Return what `make leakage` found; the file is empty (in git) where nobody ran it."""
    document = open_document(root / "metrics/leakage.json")
    return None if document is None or not document.value else split_readings.leakage(document)


def read_ablation(root: Path, split_sha256: str) -> Ablation | None:
    """Return what `make ablate` found; None where nobody ran it, or where it ran on another split."""
    document = open_document(root / "metrics/ablation.json")
    found = None if document is None or not document.value else ablation_readings.ablation(document)
    return found if found is not None and found.split_sha256 == split_sha256 else None


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, (int, float)) else None


def _mapping(value: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = value.get(key)
    return found if isinstance(found, dict) else {}


def _footage(gatherer: Gatherer, suffix: str) -> Footage:
    extracted = f"metrics/extract{suffix}.json"
    return Footage(
        extraction=gatherer.read(extracted, "extract", footage.extraction),
        annotation=gatherer.read(
            f"metrics/annotate_import{suffix}.json", "annotate-import", footage.annotation
        ),
        provenance=gatherer.read(extracted, "extract", footage.provenance),
    )


def engines(gatherer: Gatherer, targets: tuple[str, ...]) -> tuple[Engine, ...]:
    """Return the engines of today's targets: other targets' files may still lie there."""
    found: list[Engine] = []
    places = [gatherer.root / "metrics/trt_build" / f"{target}.json" for target in sorted(targets)]
    files = [place for place in places if place.is_file()]
    if not files:
        gatherer.missing["metrics/trt_build/*.json"] = "trt-build"
    for file in files:
        identity = open_document(file)
        measured = open_document(gatherer.root / "models/engines" / file.stem / "measurements.json")
        for role in ("base", "candidate"):
            if identity is not None and identity.has(role):
                timed = measured.part(role) if measured is not None and measured.has(role) else None
                given = identity.part(role)
                behind = proofs.standing(gatherer.root, file.stem, role, given.part("manifest"))
                found.append(judged.engine(file.stem, role, given, timed, behind))
    return tuple(found)


def _curves(path: Path, split: str) -> Mapping[str, tuple[tuple[float, float], ...]]:
    """Return the points per model of one split, all categories together."""
    if not path.is_file():
        return {}
    points: dict[str, list[tuple[float, float]]] = {}
    with path.open(encoding="utf-8", newline="") as stream:
        for number, row in enumerate(csv.DictReader(stream), start=2):
            try:
                if row["split"] == split and not row["category"]:
                    points.setdefault(row["model"], []).append(
                        (float(row["recall"]), float(row["precision"]))
                    )
            except (KeyError, TypeError, ValueError):
                raise InputError(
                    "no point of a curve", file=path, place=f"row {number}", mend="Run `dvc repro eval`"
                ) from None
    return {model: tuple(sorted(found)) for model, found in sorted(points.items())}


def warnings(evidence: Evidence) -> list[tuple[str, str]]:
    """Return every warning that a stage wrote, with the stage's name."""
    parts: Iterable[tuple[str, tuple[str, ...]]] = (
        ("annotate-import", _of(evidence.development.annotation)),
        ("annotate-import (deployment)", _of(evidence.deployment.annotation)),
        ("split", _of(evidence.split)),
        ("stageA-eval", _of(evidence.stage_a)),
        ("train", _of(evidence.training)),
        ("eval", _of(evidence.evaluation)),
    )
    return [(stage, text) for stage, texts in parts for text in texts]


def _of(part: Any) -> tuple[str, ...]:
    return () if part is None else tuple(part.warnings)
