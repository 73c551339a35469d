"""The chain of hashes as the page shows it: from the footage to the engine, and where it does not close."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from provenline.dossier import sealing
from provenline.dossier.collecting import Collected, collect
from provenline.dossier.plan import Item, items, run_of
from provenline.dossier.record import Artifact
from provenline.errors import InputError
from provenline.reports.words import plural

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from provenline.reports.evidence import Evidence

TITLES = {
    "run": "The run",
    "footage": "Footage",
    "frames": "Frames",
    "labels": "Labels",
    "split": "Split",
    "weights": "Weights",
    "predictions": "Predictions",
    "evaluation": "Evaluation",
    "engines": "Engines",
    "measurements": "Measurements",
    "shadow": "Shadow run",
}


@dataclass(frozen=True)
class Link:
    """One artifact as the page shows it.

    Attributes:
        label: What it is, and how many files it has.
        path: Where it lies.
        digest: SHA-256.
    """

    label: str
    path: str
    digest: str


@dataclass(frozen=True)
class Chain:
    """The evidence part of the dossier, for the eye.

    Attributes:
        seal: Hash over the evidence: all but this page, which shows it.
        steps: Title -> its main artifacts, in the order of the chain; steps without one are left out.
        faults: Links that do not hold, in words.
        missing: Paths of what was not there.
        counted: How many artifacts and files there are in all.
    """

    seal: str
    steps: tuple[tuple[str, tuple[Link, ...]], ...]
    faults: tuple[str, ...]
    missing: tuple[str, ...]
    counted: str


def gathered(root: Path, parameters: Mapping[str, Any]) -> Collected:
    """Hash what a run left, as its parameters describe it.

    Raises:
        InputError: A name in the parameters cannot be part of a path, or a stage's list is malformed.
    """
    try:
        run = run_of(parameters)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise InputError(first["msg"], file="params.yaml", place=place, mend="Run `make params`") from None
    return collect(root, run)


def shown(collected: Collected) -> Chain:
    """Return what the page shows of a run's evidence."""
    evidence = collected.evidence
    plan = {one.id: one for one in items(evidence.run)}
    steps = [
        (TITLES[step], tuple(_link(plan[one.id], one) for one in found if plan[one.id].label))
        for step, found in evidence.by_step().items()
    ]
    files = sum(one.files for one in evidence.artifacts)
    return Chain(
        seal=sealing.evidence_seal(evidence),
        steps=tuple((title, links) for title, links in steps if links),
        faults=collected.faults,
        missing=tuple(plan[key].path or key if key in plan else key for key in evidence.missing),
        counted=f"{plural(len(evidence.artifacts), 'artifact')} of {plural(files, 'file')}",
    )


def _link(item: Item, found: Artifact) -> Link:
    many = "" if found.kind == "file" else f", {plural(found.files, 'file')}"
    return Link(f"{item.label}{many}", found.path, found.sha256)


def faults(evidence: Evidence) -> list[str]:
    """Return where the chain of hashes does not close.

    Where the files are not here, what the stages' JSON says of each other is held together at least.
    """
    return [*(evidence.chain.faults if evidence.chain else ())] or _named(evidence)


def _named(evidence: Evidence) -> list[str]:
    found = []
    weights = evidence.training
    for one in evidence.engines:
        if weights:
            wanted = weights.base_sha256 if one.role == "base" else weights.sha256
            if one.checkpoint_sha256 != wanted:
                found.append(
                    f"The {one.role}'s engine for {one.target} was built from other weights than these."
                )
        if evidence.split and one.split_sha256 and one.split_sha256 != evidence.split.sha256:
            found.append(f"The {one.role}'s engine for {one.target} names another split.")
    return found
