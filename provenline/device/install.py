"""An engine put in its place, whole or not at all, with the one before it kept.

::

    HOME/versions/<sha256>/     engines, by the hash of their manifest
    HOME/states/<n>/            current -> ../../versions/…, previous -> ../../versions/…, production.json
    HOME/active -> states/<n>   the one name that is ever switched
    HOME/current -> active/current
    HOME/production.json -> active/production.json

Everything that a switch changes lies in one new state, made on the side and flushed to the disk; one rename
of a symbolic link then brings all of it in at once. A kill leaves the old state or the new one, and at worst
something that no state names, which the next command removes.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Literal

from provenline.detectors.bundle import MANIFEST
from provenline.device import attest, production
from provenline.device.production import Production
from provenline.engines import manifest
from provenline.engines.manifest import Manifest
from provenline.errors import InputError
from provenline.files import read_json, sha256_file, write_json

VERSIONS, STATES, ACTIVE, CURRENT, PREVIOUS = "versions", "states", "active", "current", "previous"
_LOCK = ".lock"


def install(folder: Path, home: Path, wanted: str) -> Production:
    """Copy an engine into ``home``, check the copy, and switch to it; what ran before is kept.

    It is held against its golden inputs first: what does not open or says something else never runs.
    Only the files that the manifest names are copied. Installing what runs already changes nothing.

    Args:
        folder: An engine of this device, or an ONNX Runtime bundle as it was fetched.
        home: Where engines live on this device.
        wanted: Identity that the bundle must have; empty accepts any.

    Returns:
        What runs now.

    Raises:
        InputError: A hash differs, it is not for this machine, or another command is at work in ``home``.
    """
    made = manifest.verify(folder, wanted)
    attest.fits(made, folder)
    attest.compare(folder, made, attest.device_of(made))
    with _alone(home):
        _clean(home)
        name = _stored(folder, made, home)
        running = _target(home, CURRENT)
        if running is None or running.name != name:
            if running is not None and not _is_whole(running):
                running = _target(home, PREVIOUS)
            kept = running.name if running is not None and running.name != name else None
            _switch(home, name, kept, "install")
            _clean(home)
        return production.read_production(home)


def rollback(home: Path) -> Production:
    """Switch back to the engine before; a second call switches forth again.

    Returns:
        What runs now.

    Raises:
        InputError: There is none before, it is damaged or not for this machine any more (then what runs
            stays), or another command is at work in ``home``.
    """
    if not (home / ACTIVE).is_symlink():
        raise InputError("nothing is installed", file=home, mend="Run `provenline engine install`")
    with _alone(home):
        _clean(home)
        before, running = _target(home, PREVIOUS), _target(home, CURRENT)
        if before is None or running is None:
            mend = "Install another engine: `provenline engine install`"
            raise InputError("there is no engine before this one", file=home, mend=mend)
        attest.fits(manifest.verify(before), before)
        _switch(home, before.name, running.name, "rollback")
        _clean(home)
        return production.read_production(home)


def running(home: Path) -> tuple[Path, Production]:
    """Return the folder of the engine that runs and what is said of it, both of one moment.

    No link is left in the folder's path: a later switch does not change what is opened from it.

    Raises:
        InputError: Nothing is installed, or the file is malformed.
    """
    state = (home / ACTIVE).resolve()
    return (state / CURRENT).resolve(), production.read_production(state)


def _target(home: Path, role: str) -> Path | None:
    link = home / ACTIVE / role
    return link.resolve() if link.is_symlink() else None


def _stored(folder: Path, made: Manifest, home: Path) -> str:
    """Copy the engine under its hash, if it is not there whole, and return its name in ``versions``."""
    versions, digest = home / VERSIONS, sha256_file(folder / MANIFEST)
    versions.mkdir(exist_ok=True)
    name, turn = digest, 0
    while (versions / name).exists():
        if _is_whole(versions / name):
            return name
        turn += 1  # a damaged copy may be what runs: leave it there until the switch
        name = f"{digest}.{turn}"
    temporary = versions / f".{digest}.tmp"
    temporary.mkdir()
    for file in (MANIFEST, *made.files):
        copy = temporary / file
        copy.parent.mkdir(exist_ok=True)
        shutil.copyfile(folder / file, copy)
        _flush(copy)
    for place in {(temporary / file).parent for file in made.files} | {temporary}:
        _flush(place)
    if sha256_file(temporary / MANIFEST) != digest or not _verifies(temporary):
        raise InputError("changed while it was copied", file=folder, mend="Install it again")
    temporary.rename(versions / name)
    _flush(versions)
    return name


def _is_whole(version: Path) -> bool:
    return _verifies(version) and sha256_file(version / MANIFEST) == version.name.partition(".")[0]


def _verifies(version: Path) -> bool:
    try:
        manifest.verify(version)
    except InputError:
        return False
    return True


def _switch(home: Path, name: str, before: str | None, by: Literal["install", "rollback"]) -> None:
    states = home / STATES
    states.mkdir(exist_ok=True)
    numbers = [int(one.name) for one in states.iterdir() if one.name.isdigit()]
    state = states / str(max(numbers, default=0) + 1)
    state.mkdir()
    (state / CURRENT).symlink_to(Path("..") / ".." / VERSIONS / name)
    if before is not None:
        (state / PREVIOUS).symlink_to(Path("..") / ".." / VERSIONS / before)
    write_json(state / production.FILE, _says(home, name, before, by))
    for place in (state / production.FILE, state, states):
        _flush(place)
    for link in (CURRENT, production.FILE):  # they lead into the active state and never change again
        if not (home / link).is_symlink():
            _point(home / link, Path(ACTIVE) / link)
    _point(home / ACTIVE, Path(STATES) / state.name)


def _point(link: Path, target: Path) -> None:
    temporary = link.with_name(f".{link.name}.tmp")
    temporary.symlink_to(target)
    temporary.replace(link)
    _flush(link.parent)


def _says(home: Path, name: str, before: str | None, by: str) -> dict[str, Any]:
    version = home / VERSIONS / name
    content = read_json(version / MANIFEST)
    hardware = content["hardware"]
    return {
        "format": 1,
        "model_version": _model_version(content),
        "bundle_sha256": manifest.identity(content),
        "engine_sha256": sha256_file(version / MANIFEST),
        "onnx_sha256": content["onnx_sha256"],
        "plan_sha256": hardware["plan_sha256"] if hardware else None,
        **{key: content[key] for key in ("checkpoint_sha256", "dataset_sha256", "split_sha256")},
        "since": datetime.now(timezone.utc).replace(microsecond=0).isoformat(),
        "by": by,
        "previous": _model_version(read_json(home / VERSIONS / before / MANIFEST)) if before else None,
    }


def _model_version(content: dict[str, Any]) -> str:
    return f"{content['target']['name']}@{content['checkpoint_sha256'][:8]}"


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    """Hold the lock of ``home``; the system lets go of it when the process ends, however it ends."""
    try:
        home.mkdir(parents=True, exist_ok=True)
        stream = (home / _LOCK).open("w", encoding="utf-8")
    except OSError as error:
        mend = "Run it as who may write there, or name another with --home"
        raise InputError(f"cannot be written ({error.strerror})", file=home, mend=mend) from None
    with stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise InputError("another command is at work here", file=home, mend="Wait for it") from None
        try:
            yield
        except OSError as error:
            mend = "`provenline engine status` says what runs"
            raise InputError(str(error.strerror or error), file=error.filename or home, mend=mend) from None


def _clean(home: Path) -> None:
    """Remove what the active state does not name: left by a kill, or by the switch that just was."""
    active = home / ACTIVE
    state = active.readlink().name if active.is_symlink() else ""
    named = {_target(home, role) for role in (CURRENT, PREVIOUS)}
    for link in (home / f".{name}.tmp" for name in (ACTIVE, CURRENT, production.FILE)):
        link.unlink(missing_ok=True)
    for folder in _folders(home / STATES):
        if folder.name != state:
            shutil.rmtree(folder)
    for folder in _folders(home / VERSIONS):
        if folder.resolve() not in named:
            shutil.rmtree(folder)


def _folders(place: Path) -> list[Path]:
    return sorted(place.iterdir()) if place.is_dir() else []


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
