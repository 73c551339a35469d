"""Whether a dossier says all that belongs to a run: who may leave things out has little to fake."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial

from pydantic import ValidationError

from provenline.dossier import code, collecting, linking, sealing
from provenline.dossier.checks import Check, short
from provenline.dossier.holding import Held
from provenline.dossier.plan import Item, deliverables, run_of
from provenline.dossier.reading import Reader, parse
from provenline.dossier.record import Artifact, Evidence
from provenline.errors import InputError


def planned(evidence: Evidence, plan: list[Item]) -> tuple[list[Artifact], list[Check]]:
    """Return the artifacts that stand where the plan has them, and checks for those that do not.

    Args:
        evidence: As the dossier has it.
        plan: What belongs to its run.
    """
    wanted = {one.id: one for one in plan}
    kept, odd = dict[str, Artifact](), list[Check]()
    for one in evidence.artifacts:
        if one.id in kept or not _as_planned(one, wanted.get(one.id)):
            why = f"{one.id} ({one.path}) is not what belongs to a run"
            odd.append(Check("dossier", f"{one.id} in the dossier", "broken", sealing.FILE, why=why))
        else:
            kept[one.id] = one
    for item in plan:
        if item.needed and item.id not in kept and item.id not in evidence.missing:
            why = f"leaves out {item.id} ({item.path})"
            odd.append(Check("dossier", f"{item.id} in the dossier", "broken", sealing.FILE, why=why))
    return list(kept.values()), odd


def _as_planned(one: Artifact, item: Item | None) -> bool:
    if item is None:
        return False
    listed = "" if item.kind == "file" else f"{collecting.SUMS}/{one.id}.sha256"
    return (item.step, item.kind, item.path, listed) == (one.step, one.kind, one.path, one.sums)


def check(evidence: Evidence, plan: list[Item], reader: Reader, held: Mapping[str, Held]) -> Iterator[Check]:
    """Yield what is missing, the links, the named deliverables, and what the run was made with.

    Args:
        evidence: As the dossier has it.
        plan: What belongs to its run.
        reader: Opens artifacts.
        held: Item -> what it is here, or what it was.
    """
    yield from _missing(evidence, plan)
    yield from _links(evidence, reader, held)
    yield from _delivered(evidence, plan, held)
    yield _run(evidence, reader)
    yield _code(evidence, reader, held)


def _missing(evidence: Evidence, plan: list[Item]) -> Iterator[Check]:
    """Yield what was not there when the report was written: a hole in the chain that nobody can fill now."""
    known = {one.id: one for one in plan}
    for key in evidence.missing:
        step, path = (known[key].step, known[key].path or key) if key in known else ("run", key)
        yield Check(step, path, "broken", path, why="was not there when the report was written")


def _links(evidence: Evidence, reader: Reader, held: Mapping[str, Held]) -> Iterator[Check]:
    checks = linking.check(evidence.run, reader, held)
    yield from checks
    seen, written = {one.link for one in checks if one.link}, set(evidence.links)
    unread = {one.file for one in checks if one.state in ("absent", "unseen") and not one.link}
    for one in evidence.links:
        if one not in seen and one.by not in unread:
            why = f"the dossier has it name {short(one.sha256)}, which it does not"
            yield Check(one.step, f"links of {one.by}", "broken", one.by, one.place, why=why)
    for one in (check.link for check in checks if check.link and check.link not in written):
        why = "the dossier leaves this link out"
        yield Check(one.step, f"links of {one.by}", "broken", one.by, one.place, why=why)


def _delivered(evidence: Evidence, plan: list[Item], held: Mapping[str, Held]) -> Iterator[Check]:
    """Yield the deliverables that the plan names, as far as their artifacts' files are known."""
    steps = {one.id: one.step for one in plan}
    absent = collecting.undelivered(evidence.run, plan, held)
    for place, key in deliverables(evidence.run).items():
        if place in evidence.missing or key not in held or not held[key].members:
            continue
        make = partial(Check, steps[key], f"deliverable {place}")
        yield make("broken", place, why="is no part of the run") if place in absent else make()


def _run(evidence: Evidence, reader: Reader) -> Check:
    make = partial(Check, "run", "params.yaml describes this run")
    opened = linking.opening(make, reader, "params")
    if isinstance(opened, Check):
        return opened
    try:
        same = isinstance(opened, dict) and run_of(opened) == evidence.run
    except ValidationError:
        same = False
    return make() if same else make("broken", reader.name("params"), why="describes another run")


def _code(evidence: Evidence, reader: Reader, held: Mapping[str, Held]) -> Check:
    make = partial(Check, "run", f"the code behind {len(evidence.code)} stages, as {code.PIPELINE} lists it")
    place = reader.root / code.PIPELINE
    if not place.is_file():
        return make("absent", code.PIPELINE, why="is not here")
    try:
        found, said = code.by_stage(parse(place), collecting.source_files(held)), evidence.code
    except InputError as error:
        return make("broken", code.PIPELINE, why=error.what)
    wrong = sorted(stage for stage in found.keys() | said.keys() if found.get(stage) != said.get(stage))
    if not wrong:
        return make()
    return make(
        "broken", code.PIPELINE, f"stages.{wrong[0]}", said.get(wrong[0], ""), found.get(wrong[0], "")
    )
