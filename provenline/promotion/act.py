"""Promote and roll back: a person's acts. One rename switches the record; everything else follows it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from provenline.engines import manifest
from provenline.engines.manifest import Manifest
from provenline.errors import InputError
from provenline.files import atomic_path, read_json
from provenline.promotion import pinning, record
from provenline.promotion.record import Engine, Event, Production

SHADOW = Path("metrics/shadow_ab.json")
KEPT = Path("models/production")  # bundles that were promoted; DVC looks after each
Keep = Callable[[Path], None]


@dataclass(frozen=True)
class Person:
    """Who acts, and why where they overrule the decision."""

    name: str
    override: str = ""


@dataclass(frozen=True)
class Candidate:
    """A candidate that may be promoted.

    Attributes:
        folder: Of its bundle.
        made: Its manifest.
        decision: Of `shadow-ab`.
        reason: Its sentence.
    """

    folder: Path
    made: Manifest
    decision: str
    reason: str


def settle(root: Path) -> bool:
    """Finish a switch that was cut off: bring the pin to what the record says. Returns whether it was not."""
    found = record.read(root)
    if not (root / pinning.FILE).is_file() and found.current is None:
        return False  # nothing was ever switched here; perhaps this is no project at all
    if pinning.holds(root, found):
        return False
    pinning.write(root, found)
    return True


def candidate(root: Path, target: str, person: Person) -> Candidate:
    """Return the candidate that `shadow-ab` decided on.

    Raises:
        InputError: The decision does not say promote and nobody overrides it, was made on other engines
            than those at hand, or the bundle is not whole.
    """
    folder, path = root / "models/engines" / target / "candidate", root / SHADOW
    content = read_json(path)
    try:
        decision, reason = str(content["decision"]), str(content["reason"])
        seen = {role: str(content["engines"][role]["fingerprint"]) for role in ("production", "candidate")}
    except (KeyError, TypeError):
        raise InputError("is no decision", file=path, mend="Run `dvc repro shadow-ab`") from None
    made = manifest.verify(folder)
    found = record.read(root).current
    before = root / (found.bundle if found else f"models/engines/{target}/base")
    at_hand = {"candidate": runs(made), "production": runs(manifest.verify(before))}
    for role, fingerprint in seen.items():
        if fingerprint != at_hand[role]:
            what = f"was decided on {role} {fingerprint[:12]}…, at hand is {at_hand[role][:12]}…"
            raise InputError(what, file=path, mend="Run `dvc repro`, look at the decision, and promote then")
    if at_hand["candidate"] == at_hand["production"]:
        raise InputError("the candidate runs already: there is nothing to promote", file=path)
    if decision != "promote" and not person.override:
        mend = 'Follow it, or override it: --override "why", which is recorded'
        raise InputError(f"the decision is {decision!r}: {reason.rstrip('.')}", file=path, mend=mend)
    return Candidate(folder, made, decision, reason)


def runs(made: Manifest) -> str:
    """Return the hash of what runs: of the plan where there is one, as a detector's fingerprint."""
    return made.hardware["plan_sha256"] if made.hardware else made.onnx_sha256


def promote(root: Path, one: Candidate, seal: str, person: Person, keep: Keep) -> Production:
    """Make the candidate production.

    Its bundle is copied to a folder of its own, which ``keep`` has DVC look after, before the record is
    switched; the pin follows. Killed before the switch nothing has changed, after it ``settle`` finishes.

    Args:
        root: The project's folder.
        one: From ``candidate``.
        seal: Of the dossier that was found to hold.
        person: Who promotes it.
        keep: Has DVC look after a folder.
    """
    identity = manifest.identity(one.made.to_dict())
    kept = KEPT / identity[:12]
    if not (root / kept).is_dir():
        with atomic_path(root / kept) as temporary:
            shutil.copytree(one.folder, temporary)
    manifest.verify(root / kept, identity)
    keep(kept)
    before, now = record.read(root), _now()
    made, over = one.made, "" if one.decision == "promote" else person.override
    engine = Engine(
        model_version=f"{made.target['name']}@{made.checkpoint_sha256[:8]}",
        target=made.target["name"],
        bundle=kept.as_posix(),
        bundle_sha256=identity,
        onnx_sha256=made.onnx_sha256,
        checkpoint_sha256=made.checkpoint_sha256,
        dataset_sha256=made.dataset_sha256,
        split_sha256=made.split_sha256,
        decision=one.decision,
        reason=one.reason,
        override=over,
        seal=seal,
        promoted=now,
        by=person.name,
    )
    why = f"override: {over}" if over else one.reason
    return _switch(root, before, engine, Event(act="promote", at=now, **_of(engine, person, why)))


def rollback(root: Path, person: Person, why: str) -> Production:
    """Make the engine before production again; twice is back where it was.

    Raises:
        InputError: Nothing was promoted yet, or the bundle before is not whole.
    """
    before = record.read(root)
    if before.current is None and before.previous is None:
        raise InputError("nothing was promoted: there is nothing to roll back", file=root / record.FILE)
    engine = before.previous
    if engine:
        manifest.verify(root / engine.bundle, engine.bundle_sha256)
    return _switch(root, before, engine, Event(act="rollback", at=_now(), **_of(engine, person, why)))


def _switch(root: Path, before: Production, engine: Engine | None, event: Event) -> Production:
    after = Production(
        format=record.FORMAT,
        current=engine,
        since=event.at,
        previous=before.current,
        history=(*before.history, event),
    )
    record.write(root, after)
    pinning.write(root, after)
    return after


def _of(engine: Engine | None, person: Person, why: str) -> dict[str, Any]:
    return {"model_version": engine and engine.model_version, "by": person.name, "why": why}


def _now() -> datetime:
    return datetime.now(timezone.utc).replace(microsecond=0)
