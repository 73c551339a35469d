"""Recomputes a dossier: every byte that is here, and every link from the footage to the verdict.

Nothing is written, so nothing is lost when it is stopped.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from provenline.dossier import comparing, completing, concluding, contents, sealing
from provenline.dossier.checks import Check, in_order, short
from provenline.dossier.plan import items
from provenline.dossier.reading import Reader
from provenline.dossier.record import Dossier
from provenline.dossier.sums import Digest


@dataclass(frozen=True)
class Outcome:
    """What came of it.

    Attributes:
        dossier: What was held against this machine.
        checks: In the order of the chain.
        files: How many were hashed.
        size: Of these, in bytes.
    """

    dossier: Dossier
    checks: tuple[Check, ...]
    files: int
    size: int

    @property
    def broken(self) -> tuple[Check, ...]:
        """Return the links that do not hold; the first is where the chain breaks."""
        return tuple(one for one in self.checks if one.state == "broken")

    @property
    def absent(self) -> tuple[Check, ...]:
        """Return what could not be looked at because something is not on this machine."""
        return tuple(one for one in self.checks if one.state == "absent")

    @property
    def held(self) -> tuple[Check, ...]:
        """Return the links that hold."""
        return tuple(one for one in self.checks if one.state == "holds")


def verify(root: Path, path: Path, seal: str = "", outside: bool = False) -> Outcome:
    """Hold a dossier against what lies under a project's folder.

    Args:
        root: The project's folder.
        path: The dossier; its report lies beside it.
        seal: What somebody wrote down: the dossier's seal, or the evidence's that the page shows; or empty.
        outside: Whether footage and weights may be looked for outside ``root``, where the dossier says so.

    Raises:
        InputError: There is no dossier, or it is none.
    """
    dossier, text = sealing.read(path)
    evidence, plan = dossier.evidence, items(dossier.evidence.run)
    pages, intact = comparing.report(dossier.report, path.parent, path.name)
    kept, odd = completing.planned(evidence, plan)
    places = [comparing.look(root, comparing.recorded(one, path.parent, intact), outside) for one in kept]
    found = comparing.hashed(places)
    compared = {one.id: comparing.compare(one, found.get(one.id, {})) for one in places}
    known = {one.id: comparing.held(one, found.get(one.id, {})) for one in places}
    held = {key: one for key, one in known.items() if one is not None}
    altered = {key for key, check in compared.items() if check.state == "broken"}
    closed = {one.id for one in places if one.place is None}
    reader = Reader(root, plan, altered, closed)
    checks = [*_seals(dossier, text, path, seal), *odd, *compared.values()]
    checks += completing.check(evidence, plan, reader, held)
    checks += contents.check(contents.Seen(evidence.run, reader, held))
    checks += [*concluding.check(evidence, reader), *pages, *_page(dossier, path.parent, intact)]
    return Outcome(dossier, tuple(in_order(checks)), *_counted(dossier, found, intact))


def _counted(
    dossier: Dossier, found: Mapping[str, Mapping[str, Digest]], intact: Mapping[str, str]
) -> tuple[int, int]:
    """Return how many files were hashed, and their bytes."""
    sizes = [digest.size for members in found.values() for digest in members.values()]
    sizes += [one.size for one in dossier.report if one.path in intact]
    return len(sizes), sum(sizes)


def _seals(dossier: Dossier, text: str, path: Path, seal: str) -> Iterator[Check]:
    """Yield whether the dossier is what was sealed, to the byte."""
    content, file = json.loads(text), str(path)
    if (spelled := sealing.spell(content)) != text:
        pairs = zip(text.splitlines(), spelled.splitlines(), strict=False)
        line = next((n for n, (one, other) in enumerate(pairs, start=1) if one != other), 1)
        why = "is not written as the report writes it"
        yield Check("dossier", "the dossier's own bytes", "broken", file, f"line {line}", why=why)
    computed = {"evidence_sha256": sealing.digest(content["evidence"]), "seal": sealing.seal_of(content)}
    for key, found in computed.items():
        make, said = partial(Check, "dossier", f"the dossier's {key}"), getattr(dossier, key)
        yield make() if found == said else make("broken", file, key, expected=said, found=found)
    if seal:
        yield _given(dossier, seal, file)


def _given(dossier: Dossier, seal: str, file: str) -> Check:
    if seal == dossier.seal:
        return Check("dossier", "the seal that was written down is the dossier's, the page included")
    if seal == dossier.evidence_sha256:
        return Check("dossier", "the seal that was written down is the evidence's, the page apart")
    about, why = "the seal that was written down", f"is {short(dossier.seal)}, not {short(seal)}"
    return Check("dossier", about, "broken", file, "seal", seal, dossier.seal, why)


def _page(dossier: Dossier, beside: Path, intact: Mapping[str, str]) -> Iterator[Check]:
    if concluding.PAGE in intact:
        text = (beside / concluding.PAGE).read_text(encoding="utf-8", errors="replace")
        yield concluding.page_shows(text, dossier.evidence_sha256)
