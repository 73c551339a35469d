"""The evidence part of a dossier: what a run left, by its hashes, and what names what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from provenline.dossier import code, holding, linking, sums, verdicts
from provenline.dossier.holding import Held
from provenline.dossier.plan import Item, Run, deliverables, items
from provenline.dossier.reading import Reader, parse
from provenline.dossier.record import Artifact, Evidence
from provenline.dossier.sums import Sums

SUMS = "sums"  # folder of the lists, beside the dossier


@dataclass(frozen=True)
class Collected:
    """Evidence with what belongs beside it.

    Attributes:
        evidence: As the dossier holds it.
        sums: Name of a list beside the dossier -> its files, by paths relative to the project's folder.
        faults: Links that do not hold as things stand, in words.
    """

    evidence: Evidence
    sums: dict[str, Sums]
    faults: tuple[str, ...]

    def write(self, folder: Path) -> None:
        """Write the lists beside a dossier that is to come."""
        for name, listed in self.sums.items():
            sums.write(folder / name, listed)


def collect(root: Path, run: Run) -> Collected:
    """Hash everything that the report may read, take the rest from the lists of the stages that read it.

    Args:
        root: The project's folder.
        run: Which run.

    Raises:
        InputError: The list of a stage is malformed.
    """
    plan = items(run)
    found = holding.hash_here(root, [one for one in plan if not one.named_in])
    found |= _named(root, plan, found)
    reader = Reader(root, plan)
    checked = linking.check(run, reader, found)
    missing = [one.id for one in plan if one.needed and one.id not in found]
    kept = [one for one in plan if one.id in found]
    evidence = Evidence(
        run=run,
        artifacts=tuple(_artifact(one, found[one.id]) for one in kept),
        links=tuple(one.link for one in checked if one.link),
        code=code.by_stage(_pipeline(root), source_files(found)),
        verdicts=tuple(verdicts.read(run, reader)),
        missing=(*missing, *undelivered(run, plan, found)),
    )
    return Collected(
        evidence,
        {_sums_name(one): _listed(one, found[one.id]) for one in kept if one.kind != "file"},
        tuple(one.sentence for one in checked if one.state == "broken"),
    )


def _pipeline(root: Path) -> Any:
    place = root / code.PIPELINE
    return parse(place) if place.is_file() else None


def _named(root: Path, plan: list[Item], found: Mapping[str, Held]) -> dict[str, Held]:
    """Return what only the lists of other stages know."""
    paths = {one.id: one.path for one in plan}
    lists = sorted({one.named_in for one in plan if one.named_in in found})
    read = {key: sums.read(root / paths[key]) for key in lists}
    asked = [one for one in plan if one.named_in in read and one.path]
    seen = {one.id: holding.named(one, read[one.named_in], paths[one.named_in]) for one in asked}
    return {key: one for key, one in seen.items() if one is not None}


def _artifact(item: Item, held: Held) -> Artifact:
    return Artifact(
        id=item.id,
        step=item.step,
        kind=item.kind,
        path=item.path,
        sha256=held.sha256,
        size=held.size,
        files=len(held.members),
        sums="" if item.kind == "file" else _sums_name(item),
        by=held.by or "report",
    )


def _sums_name(item: Item) -> str:
    return f"{SUMS}/{item.id}.sha256"


def _listed(item: Item, held: Held) -> Sums:
    return {f"{item.path}/{name}": digest for name, digest in held.members.items()}


def source_files(found: Mapping[str, Held]) -> Sums:
    """Return the files of the source tree by their paths."""
    heads = {"code": "provenline", "glue": "glue", "stages": "stages"}
    return {
        f"{head}/{name}": digest
        for key, head in heads.items()
        if key in found
        for name, digest in found[key].members.items()
    }


def undelivered(run: Run, plan: list[Item], found: Mapping[str, Held]) -> list[str]:
    """Return which of the named deliverables are not in the artifacts that hold them."""
    paths = {one.id: one.path for one in plan}
    absent = []
    for place, key in deliverables(run).items():
        member = "" if place == paths[key] else place.removeprefix(f"{paths[key]}/")
        if key in found and member not in found[key].members:
            absent.append(place)
    return absent
