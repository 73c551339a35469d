"""Links that are no hash under a key: rows, files and words that two artifacts must have in common.

They are what somebody who alters one artifact, and then writes the dossier anew, would have to alter too.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from provenline import rounds
from provenline.dossier.checks import Check, short
from provenline.dossier.claims import MANIFEST, is_apart
from provenline.dossier.holding import Held
from provenline.dossier.plan import ROLES, SIDES, Run
from provenline.dossier.reading import AlteredError, Reader, dotted
from provenline.errors import InputError
from provenline.images import read_bytes

FRAME = ("frame_id", "path", "media", "media_sha256")


class AbsentError(Exception):
    """Something that is needed for a look is not on this machine."""


class BrokenError(Exception):
    """Two artifacts do not fit together.

    Args:
        file: Which one is at fault.
        why: What is wrong.
        place: Where in it.
    """

    def __init__(self, file: str, why: str, place: str = "") -> None:
        self.file, self.why, self.place = file, why, place
        super().__init__(why)


@dataclass(frozen=True)
class Seen:
    """What the looks need.

    Attributes:
        run: Which run.
        reader: Opens artifacts.
        held: Item -> what it is.
    """

    run: Run
    reader: Reader
    held: Mapping[str, Held]

    def rows(self, key: str, columns: Iterable[str], member: str = "") -> list[tuple[Any, ...]]:
        """Return rows of a table."""
        found = self.reader.columns(key, tuple(columns), member)
        if found is None:
            raise AbsentError(self.reader.name(key, member))
        return found

    def read(self, key: str, member: str = "") -> Any:
        """Return what a JSON or YAML file holds."""
        found = self.reader.read(key, member)
        if found is None:
            raise AbsentError(self.reader.name(key, member))
        return found

    def members(self, key: str) -> Mapping[str, str]:
        """Return the files of an artifact by their hashes."""
        if key not in self.held:
            raise AbsentError(self.reader.name(key))
        return self.held[key].members


def check(seen: Seen) -> list[Check]:
    """Take every look, in the order of the chain."""
    return [_look(seen, *one) for one in _looks(seen.run)]


def _looks(run: Run) -> Iterator[tuple[Any, ...]]:
    for side in SIDES:
        yield "footage", f"frames of {side} name the footage that they were taken from", footage, side
    for side in SIDES:
        yield "frames", f"the pictures of {side} are those of its table", pictures, side
    for side in SIDES:
        yield "labels", f"labels of {side} are of its frames", labels, side
    yield "split", "the split places the annotated frames", placed
    yield "split", "the dataset holds these frames' bytes, on the side where the split has them", dataset
    yield "weights", "training acted on Stage A's decision", decision
    for role in ROLES:
        yield "predictions", f"predictions of the {role} are of these frames", predicted, role
    for role in ROLES:
        yield "engines", f"the manifest of the {role}'s engine is the one that was measured", manifest, role
    yield "shadow", "the shadow run saw the deployment footage", shadowed
    if is_apart(run):
        yield "shadow", "production is the engine that was pinned", pinned


def _look(seen: Seen, step: str, about: str, function: Any, *words: str) -> Check:
    try:
        function(seen, *words)
    except AbsentError as error:
        return Check(step, about, "absent", str(error), why="is not here")
    except AlteredError as error:
        return Check(step, about, "unseen", str(error), why="was altered, so it was not opened")
    except BrokenError as error:
        return Check(step, about, "broken", error.file, error.place, why=error.why)
    except InputError as error:
        return Check(step, about, "broken", str(error.file or ""), error.place or "", why=error.what)
    return Check(step, about)


def footage(seen: Seen, side: str) -> None:
    """Each frame's media is in the footage, by its hash; and the frame's own name begins with it."""
    key, media = f"frames_table.{side}", seen.members(f"media.{side}")
    table = seen.reader.name(key)
    for frame_id, _, name, digest in seen.rows(key, FRAME):
        if not str(frame_id).startswith(f"{str(digest)[:12]}_"):
            raise BrokenError(table, f"frame {frame_id} is named after another media", "frame_id")
        if media.get(name) != digest:
            why = f"names {name} as {short(str(digest))}, listed is {short(media.get(name, ''))}"
            raise BrokenError(table, why, "media_sha256")


def pictures(seen: Seen, side: str) -> None:
    """Every row has its picture, and every picture its row."""
    key = f"frames_table.{side}"
    folder = PurePosixPath(seen.reader.name(f"frames.{side}"))
    wanted = set()
    for _, path, _, _ in seen.rows(key, FRAME):
        place = PurePosixPath(path)
        wanted.add(place.parent if place.parent.suffix == ".zip" else place)
    there = {folder / name for name in seen.members(f"frames.{side}")}
    if wanted - there:
        why = f"names {min(wanted - there)}, which is not among the pictures"
        raise BrokenError(seen.reader.name(key), why, "path")
    if there - wanted:
        raise BrokenError(str(min(there - wanted)), "is a picture that no row names")


def labels(seen: Seen, side: str) -> None:
    """The table with the annotators' marks has the same frames, and every box lies on one of them."""
    frames = set(seen.rows(f"frames_table.{side}", FRAME))
    marked = set(seen.rows(f"annotated.{side}", FRAME))
    if frames != marked:
        odd = min(frames ^ marked)
        why = f"does not have the frames of {seen.reader.name(f'frames_table.{side}')}, first {odd[0]}"
        raise BrokenError(seen.reader.name(f"annotated.{side}"), why)
    _only(seen, f"boxes.{side}", {frame_id for frame_id, *_ in frames})


def _only(seen: Seen, key: str, frames: set[str]) -> None:
    strange = {frame_id for (frame_id,) in seen.rows(key, ["frame_id"])} - frames
    if strange:
        raise BrokenError(seen.reader.name(key), f"speaks of {min(strange)}, which is no frame", "frame_id")


def placed(seen: Seen) -> None:
    """The split has a row for each frame, also for those of rounds, under its media's name."""
    own = seen.rows("annotated.development", FRAME)
    known = {(row[0], row[2]) for row in (*own, *_of_rounds(seen))}
    rows = set(seen.rows("split", ["frame_id", "media"]))
    if rows != known:
        odd = min(rows ^ known)
        raise BrokenError(seen.reader.name("split"), f"does not place the frames of this run, first {odd[0]}")


def _of_rounds(seen: Seen) -> list[tuple[Any, ...]]:
    if not seen.run.rounds:
        return []
    names = rounds.counting({name.split("/")[0] for name in seen.members("rounds")}, seen.run.round)
    return [row for name in names for row in seen.rows("rounds", FRAME, f"{name}/{rounds.FRAMES}")]


def dataset(seen: Seen) -> None:
    """Each picture of the dataset is a frame's bytes, and lies on the side that the split gives it."""
    sides = dict(seen.rows("split", ["frame_id", "split"]))
    taught = _of_rounds(seen)
    paths = {row[0]: row[1] for row in (*seen.rows("annotated.development", FRAME), *taught)}
    stored, folder = dict(seen.members("frames.development")), seen.reader.name("dataset")
    if taught:
        stored |= {f"{seen.run.rounds}/{name}": digest for name, digest in seen.members("rounds").items()}
    for name, digest in seen.members("dataset").items():
        kind, _, rest = name.partition("/")
        if kind not in ("images", "labels"):
            continue
        side, frame_id = rest.split("/")[0], PurePosixPath(rest).stem
        if sides.get(frame_id) != side:
            raise BrokenError(f"{folder}/{name}", f"the split has it in {sides.get(frame_id) or 'no set'}")
        if kind == "images" and _stored(seen, paths.get(frame_id, ""), stored) != digest:
            raise BrokenError(f"{folder}/{name}", f"is not the frame {paths.get(frame_id)}")


def _stored(seen: Seen, path: str, stored: Mapping[str, str]) -> str:
    """Return the hash of a frame; one in an archive is read, since only the archive was hashed."""
    name = path.removeprefix(f"{seen.reader.name('frames.development')}/")
    if PurePosixPath(path).parent.suffix != ".zip":
        return stored.get(name, "")
    if PurePosixPath(name).parent.as_posix() not in stored:
        return ""
    if seen.reader.place("frames.development", PurePosixPath(name).parent.as_posix()) is None:
        raise AbsentError(path)
    return hashlib.sha256(read_bytes(seen.reader.root / path)).hexdigest()


def decision(seen: Seen) -> None:
    """Stage A, the word that it leaves for training, and what training says it acted on are one."""
    said = dotted(seen.read("stage_a"), "decision")
    for key, place in (("decision", "decision"), ("train", "stage_a")):
        if (found := dotted(seen.read(key), place)) != said:
            name = seen.reader.name("stage_a")
            raise BrokenError(seen.reader.name(key), f"says {found!r}, {name} says {said!r}", place)


def predicted(seen: Seen, role: str) -> None:
    """No detection is on a frame that is not of this run."""
    frames = {row[0] for side in SIDES for row in seen.rows(f"annotated.{side}", FRAME)}
    _only(seen, f"predictions.{role}", frames)


def manifest(seen: Seen, role: str) -> None:
    """The manifest beside the engine is the one whose parity was measured."""
    beside = seen.read(f"engine.{role}", MANIFEST)
    measured = dotted(seen.read("trt_build"), f"{role}.manifest")
    if beside != measured:
        keys = sorted({*_keys(beside), *_keys(measured)})
        differing = [key for key in keys if dotted(beside, key) != dotted(measured, key)]
        file = seen.reader.name(f"engine.{role}", MANIFEST)
        why = f"is not what {seen.reader.name('trt_build')} says of it"
        raise BrokenError(file, why, ", ".join(differing[:3]))


def _keys(value: Any) -> set[str]:
    return {str(key) for key in value} if isinstance(value, dict) else set()


def shadowed(seen: Seen) -> None:
    """What both engines saw is the deployment footage, by its hashes as the shadow run found them."""
    media = seen.members("media.deployment")
    columns = ["media", "media_sha256"]
    for name, digest in sorted(set(seen.rows("shadow", columns, "frames.parquet"))):
        if media.get(name) != digest:
            why = f"saw {name} as {short(digest)}, extracted was {short(media.get(name, ''))}"
            raise BrokenError(seen.reader.name("shadow", "frames.parquet"), why, "media_sha256")


def pinned(seen: Seen) -> None:
    """The production engine was made of the checkpoint that the parameters pin."""
    pin = dotted(seen.read("params"), "shadow_ab.production.checkpoint_sha256")
    made = dotted(seen.read("engine.production", MANIFEST), "checkpoint_sha256")
    if pin and pin != made:
        file, place = seen.reader.name("engine.production", MANIFEST), "checkpoint_sha256"
        raise BrokenError(file, f"is made of {short(str(made))}, pinned is {short(str(pin))}", place)
