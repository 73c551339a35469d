"""What is really there: every artifact of a plan hashed, or taken from the list of the stage that read it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from provenline.dossier import sums
from provenline.dossier.plan import Item
from provenline.dossier.sums import Digest, Sums


@dataclass(frozen=True)
class Held:
    """One artifact as it is.

    Attributes:
        sha256: Of the file, of the folder as a tree, or of the list's lines.
        size: Bytes; None where they were not counted.
        members: Files by their path inside the artifact; of a file, itself under "".
        by: What hashed it: empty for this process, else the list that names it.
    """

    sha256: str
    size: int | None
    members: Sums
    by: str = ""


def held(item: Item, members: Mapping[str, Digest]) -> Held:
    """Return an artifact from the hashes of its files."""
    digests = {name: one.sha256 for name, one in members.items()}
    return Held(identity(item.kind, digests), sum(one.size for one in members.values()), digests)


def identity(kind: str, members: Mapping[str, str]) -> str:
    """Return the one hash of an artifact from those of its files.

    >>> identity("file", {"": "0" * 64}) == "0" * 64
    True
    """
    if kind == "file":
        return members[""]
    if kind == "folder":
        return sums.tree(members)
    lines = "".join(sums.to_lines(members))
    return hashlib.sha256(lines.encode("utf-8", "surrogateescape")).hexdigest()


def hash_here(root: Path, wanted: Iterable[Item]) -> dict[str, Held]:
    """Hash what this process may read itself; what is not there is not in the result.

    Args:
        root: The project's folder.
        wanted: Files and folders; a folder that stands but is empty counts as there.
    """
    files: dict[str, Path] = {}
    places: dict[str, tuple[Item, list[str]]] = {}
    for item in (one for one in wanted if one.path):
        place = root / item.path
        names = sums.listed(place) if item.kind == "folder" else [""]
        if item.kind == "folder" and not place.is_dir():
            continue
        places[item.id] = item, names
        files |= {f"{item.id}\0{name}": place / name if name else place for name in names}
    done = sums.digests(files)
    found = {}
    for key, (item, names) in places.items():
        members = {name: done[f"{key}\0{name}"] for name in names if f"{key}\0{name}" in done}
        if len(members) == len(names):
            found[key] = held(item, members)
    return found


def named(item: Item, listed: Mapping[str, str], by: str) -> Held | None:
    """Return an artifact as a stage's list names it; None where it does not.

    An empty folder and one that is not there look alike in a list: both have no files.
    """
    if item.kind == "file":
        digest = listed.get(item.path)
        return None if digest is None else Held(digest, None, {"": digest}, by)
    members = sums.under(listed, item.path)
    return Held(identity(item.kind, members), None, members, by)
