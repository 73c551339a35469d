"""Holds what stages named against what is there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from provenline.dossier import sums
from provenline.dossier.checks import Check, short
from provenline.dossier.claims import HASH, Claim, claims
from provenline.dossier.holding import Held
from provenline.dossier.plan import Item, Run, items
from provenline.dossier.reading import AlteredError, Reader, dotted
from provenline.dossier.record import Link
from provenline.errors import InputError

Make = Callable[..., Check]


def check(run: Run, reader: Reader, held: Mapping[str, Held]) -> list[Check]:
    """Hold every hash that a stage named against the artifact that it speaks of.

    Args:
        run: Which run.
        reader: Opens the files that name hashes.
        held: Item -> what it is.

    Returns:
        One check for each key that names a hash, and one for each list of what a stage read.
    """
    plan = items(run)
    found = [_of_claim(one, reader, held) for one in claims(run)]
    index = _index(plan, held)
    found += [_of_list(one, reader, held, index) for one in plan if one.id.startswith("inputs.")]
    return [one for one in found if one is not None]


def _of_claim(claim: Claim, reader: Reader, held: Mapping[str, Held]) -> Check | None:
    """Return what came of one claim; None where nothing stands at its key and nothing need."""
    by, about = reader.name(claim.by, claim.said_in), reader.name(claim.about, *claim.of[-1:])
    make = partial(Check, claim.step, f"{by} ({claim.place}) names {about}")
    opened = opening(make, reader, claim.by, claim.said_in)
    if isinstance(opened, Check):
        return opened
    said = dotted(opened, claim.place)
    if said in (None, "") and claim.maybe:
        return None
    if not isinstance(said, str) or not HASH.fullmatch(said):
        return make("broken", by, claim.place, why="names no hash")
    link = Link(step=claim.step, by=by, place=claim.place, about=about, sha256=said)
    target = held.get(claim.about)
    if target is None:
        return make("absent", about, why="is not here", link=link)
    found = next((target.members[name] for name in claim.of if name in target.members), "")
    found = found if claim.of else target.sha256
    if found == said:
        return make(link=link)
    why = f"names {short(said)}, but {about} is {short(found)}"
    return make("broken", by, claim.place, expected=found, found=said, why=why, link=link)


def opening(make: Make, reader: Reader, key: str, member: str = "") -> object:
    """Return what a file holds, or the check that says why it was not opened."""
    name = reader.name(key, member)
    try:
        content = reader.read(key, member)
    except AlteredError:
        return make("unseen", name, why="was altered, so what it says was not looked at")
    except InputError as error:
        return make("broken", name, why=error.what)
    return make("absent", name, why="is not here") if content is None else content


@dataclass(frozen=True)
class _Index:
    """Every file of the run.

    Attributes:
        hashes: Path -> its hashes; more than one only where one of them is wrong.
        unknown: Artifacts of which nobody here knows what belongs to them.
    """

    hashes: Mapping[str, set[str]]
    unknown: tuple[str, ...]

    def may_hold(self, path: str) -> bool:
        """Return whether a path may lie in an artifact that nobody here knows."""
        return any(path == place or path.startswith(f"{place}/") for place in self.unknown)


def _index(plan: list[Item], held: Mapping[str, Held]) -> _Index:
    hashes: dict[str, set[str]] = {}
    for item in plan:
        for name, digest in held[item.id].members.items() if item.id in held else ():
            hashes.setdefault(f"{item.path}/{name}" if name else item.path, set()).add(digest)
    return _Index(hashes, tuple(one.path for one in plan if one.id not in held and one.path))


def _of_list(item: Item, reader: Reader, held: Mapping[str, Held], index: _Index) -> Check:
    """Hold every line of what a stage read against what is there."""
    make = partial(Check, item.step, f"{item.path} names what the stage read")
    try:
        place = reader.place(item.id)
        listed = None if place is None else sums.read(place)
    except AlteredError:
        return make("unseen", item.path, why="was altered, so what it says was not looked at")
    except InputError as error:
        return make("broken", item.path, error.place or "", why=error.what)
    if listed is None:
        return make("absent", item.path, why="is not here")
    whole, about = held[item.id].sha256 if item.id in held else "", f"{len(listed)} files"
    link = Link(step=item.step, by=item.path, place="", about=about, sha256=whole) if whole else None
    return _of_lines(listed, index, partial(make, file=item.path, link=link))


def _of_lines(listed: Mapping[str, str], index: _Index, make: Make) -> Check:
    for path, said in listed.items():
        known = index.hashes.get(path, {said})
        if known != {said}:
            found = min(known - {said})
            why = f"the stage read {short(said)}, but {path} is {short(found)}"
            return make("broken", place=path, expected=found, found=said, why=why)
    unknown = [path for path in listed if path not in index.hashes]
    for path in unknown:
        if not index.may_hold(path):
            return make("broken", place=path, why=f"the stage read {path}, which is no part of the run")
    if unknown:
        return make("absent", place=unknown[0], why=f"names {unknown[0]}, which nobody here knows")
    return make()
