"""Holds the bytes that are here against those that a dossier names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from provenline.dossier import holding, sums
from provenline.dossier.checks import Check
from provenline.dossier.concluding import PAGE
from provenline.dossier.holding import Held
from provenline.dossier.paths import is_inside
from provenline.dossier.record import Artifact, Page
from provenline.dossier.sums import Digest, Sums
from provenline.errors import InputError

Make = Callable[..., Check]
Names = Iterable[str] | None
OUTSIDE = "lies outside the project's folder: --outside looks there"


@dataclass(frozen=True)
class Recorded:
    """An artifact as the dossier has it.

    Attributes:
        artifact: Its entry.
        members: Its files by their hashes, by paths inside it; None where their list is not here or not to be
            believed.
        check: What is wrong with the list; None where nothing is.
    """

    artifact: Artifact
    members: Sums | None
    check: Check | None = None


def recorded(artifact: Artifact, beside: Path, intact: Mapping[str, str]) -> Recorded:
    """Return an artifact with the files that its list names.

    Args:
        artifact: Its entry.
        beside: Folder of the dossier, where the list lies.
        intact: Lists whose bytes are those that the dossier names; only these are opened.
    """
    if artifact.kind == "file":
        return Recorded(artifact, {"": artifact.sha256})
    if artifact.sums not in intact:
        return Recorded(artifact, None)
    broken = partial(Check, artifact.step, f"{artifact.sums} lists {artifact.path}", "broken", artifact.sums)
    try:
        listed = sums.read(beside / artifact.sums)
    except InputError as error:
        return Recorded(artifact, None, broken(error.place or "", why=error.what))
    members = sums.under(listed, artifact.path)
    if len(members) != len(listed) or not all(is_inside(name) for name in members):
        return Recorded(artifact, None, broken(why=f"names files that are not in {artifact.path}"))
    found = holding.identity(artifact.kind, members)
    if (found, len(members)) != (artifact.sha256, artifact.files):
        return Recorded(artifact, None, broken(expected=artifact.sha256, found=found))
    return Recorded(artifact, members)


@dataclass(frozen=True)
class Here:
    """What of an artifact lies on this machine.

    Attributes:
        recorded: What should be there.
        place: Where it is looked for; None where it must not be.
        names: Files that are to be hashed, by paths inside the artifact.
    """

    recorded: Recorded
    place: Path | None
    names: tuple[str, ...]

    @property
    def id(self) -> str:
        """Return the artifact's name in the plan."""
        return self.recorded.artifact.id


def look(root: Path, one: Recorded, outside: bool) -> Here:
    """Return which files of an artifact are to be hashed: of a folder, all that lie in it."""
    artifact = one.artifact
    if not (outside or is_inside(artifact.path)):
        return Here(one, None, ())
    place = root / artifact.path
    if artifact.kind == "folder":
        return Here(one, place, tuple(sums.listed(place)))
    return Here(one, place, ("",) if artifact.kind == "file" else tuple(one.members or ()))


def hashed(places: Iterable[Here]) -> dict[str, dict[str, Digest]]:
    """Hash every file of several artifacts in one go; item -> file -> hash."""
    wanted = {
        f"{here.id}\0{name}": here.place / name if name else here.place
        for here in places
        if here.place is not None
        for name in here.names
    }
    found: dict[str, dict[str, Digest]] = {}
    for key, digest in sums.digests(wanted).items():
        item, _, name = key.partition("\0")
        found.setdefault(item, {})[name] = digest
    return found


def held(here: Here, found: Mapping[str, Digest]) -> Held | None:
    """Return an artifact as it is here; as it was recorded where not all of it is.

    None where it is not here and its list is not either: then nobody knows its files.
    """
    artifact, recorded_ = here.recorded.artifact, here.recorded.members
    members = {name: one.sha256 for name, one in found.items()}
    if members and (artifact.kind != "list" or len(members) == artifact.files):
        return Held(holding.identity(artifact.kind, members), None, members)
    if recorded_ is None and artifact.files:
        return None
    return Held(artifact.sha256, artifact.size, recorded_ or {})


def compare(here: Here, found: Mapping[str, Digest]) -> Check:
    """Hold what is here of an artifact against what the dossier names."""
    artifact, members = here.recorded.artifact, here.recorded.members
    counted = "" if artifact.kind == "file" else f" ({artifact.files} files)"
    make = partial(Check, artifact.step, f"{artifact.path}{counted}", of_bytes=True)
    if early := _not_compared(here, bool(found), make):
        return early
    digests = {name: one.sha256 for name, one in found.items()}
    if members is not None and artifact.kind != "file":
        names = here.names if artifact.kind == "folder" else None
        return _members(make, artifact.path, members, digests, names)
    whole = digests[""] if artifact.kind == "file" else sums.tree(digests)
    if whole == artifact.sha256:
        return make()
    return make("broken", artifact.path, expected=artifact.sha256, found=whole)


def _not_compared(here: Here, some: bool, make: Make) -> Check | None:
    """Return the check of an artifact whose bytes need not, or cannot, be held against anything."""
    artifact = here.recorded.artifact
    if here.recorded.check:
        return here.recorded.check
    if here.place is None:
        return make("absent", artifact.path, why=OUTSIDE)
    if not here.names and artifact.files == 0:
        return make()  # an empty folder, or none: a list of files cannot tell the two apart
    if here.recorded.members is None and artifact.kind == "list":
        return make("absent", artifact.sums, why="is not to be had, so nobody can say which files are meant")
    if not some and (artifact.kind != "folder" or not here.names):
        return make("absent", artifact.path, why="is not here")
    return None


def _members(
    make: Make,
    folder: str,
    members: Mapping[str, str],
    digests: Mapping[str, str],
    names: Iterable[str] | None,
) -> Check:
    """Return the first file that is another, too many or missing.

    Args:
        make: Makes the check.
        folder: Where the files lie, for the eye; may be empty.
        members: What should be there.
        digests: What is there.
        names: All that lies in the folder, where all of it counts; None where files beside are none of our
            business, and where one that is missing is merely not here.
    """
    lost, extra = members.keys() - digests.keys(), set(names or ()) - members.keys()
    other = {name for name, digest in digests.items() if members.get(name, digest) != digest}
    wrong = sorted(other | extra | (set() if names is None else lost))
    joined = f"{folder}/" if folder else ""
    if wrong:
        name = wrong[0]
        more = f" (and {len(wrong) - 1} more in {folder or 'the report'})" if len(wrong) > 1 else ""
        said = "is missing" if name in lost else "is not named by the dossier" if name in extra else ""
        expected, found = members.get(name, ""), digests.get(name, "")
        why = said and said + more
        return make("broken", joined + name, expected=expected, found=found, why=why)
    if lost:
        why = f"is not here, nor {len(lost) - 1} more" if len(lost) > 1 else "is not here"
        return make("absent", joined + min(lost), why=why)
    return make()


def report(pages: Iterable[Page], beside: Path, dossier: str) -> tuple[list[Check], Sums]:
    """Hold the files beside a dossier against those that it names.

    Args:
        pages: Files of the report.
        beside: The dossier's folder.
        dossier: Its own name there.

    Returns:
        The check, and the files whose bytes are right.
    """
    wanted = {one.path: one.sha256 for one in pages}
    make = partial(Check, "report", f"the report beside the dossier, {len(wanted)} files", of_bytes=True)
    if PAGE not in wanted:
        return [make("broken", dossier, why=f"leaves out {PAGE}")], {}
    if odd := [path for path in wanted if not is_inside(path)]:
        return [make("broken", dossier, why=f"names {odd[0]!r}, which is not beside it")], {}
    if not any((beside / path).is_file() for path in wanted):
        return ([make("absent", str(beside), why="is not here")] if wanted else []), {}
    names = tuple(name for name in sums.listed(beside) if name != dossier)
    found = sums.digests({name: beside / name for name in names})
    digests = {name: one.sha256 for name, one in found.items()}
    intact = {name: digest for name, digest in digests.items() if wanted.get(name) == digest}
    return [_members(make, "", wanted, digests, names)], intact
