"""The ledger of trainings: an append-only file of one JSON object a line.

A training says when it starts, then every minute and after every epoch how long it has run, and when it
ends. So the hours of one that was killed are known to the minute. A process adds whole lines under a lock;
half a line, which a kill or a full disk can leave, is passed over.
"""

from __future__ import annotations

import csv
import fcntl
import io
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, get_type_hints

from provenline.errors import InputError
from provenline.files import atomic_path


@dataclass(frozen=True)
class Entry:
    """One process that trained: a training that was killed and went on is two of them.

    Attributes:
        id: Of the process.
        training: Fingerprint that a killed training shares with the one that goes on from it.
        started: Unix time, in seconds.
        usecase: Name of the use case.
        machine: Name of the machine.
        usd_per_hour: What an hour was counted at.
        model: What was fine-tuned.
        device: As in the recipe.
        imgsz: Side of the input, in pixels.
        images: Training images of an epoch.
        asked: Epochs that it set out to train.
        epochs: Epochs that it finished.
        epoch_seconds: Seconds from the start to the end of the last finished epoch.
        seconds: Seconds from the start to the last sign of life.
        ended: It said that it ended; else it runs, or was killed.
        finished: It ended with a model.
        estimated_usd: What it was expected to cost; None where nothing was known.
    """

    id: str
    training: str
    started: float
    usecase: str
    machine: str
    usd_per_hour: float
    model: str
    device: str
    imgsz: int
    images: int
    asked: int
    epochs: int = 0
    epoch_seconds: float = 0.0
    seconds: float = 0.0
    ended: bool = False
    finished: bool = False
    estimated_usd: float | None = None

    @property
    def hours(self) -> float:
        """Hours that count."""
        return self.seconds / 3600

    @property
    def usd(self) -> float:
        """What it has cost so far."""
        return self.hours * self.usd_per_hour


_COLUMNS = tuple(one.name for one in fields(Entry))


class Ledger:
    """The ledger of a project.

    Args:
        file: Where this machine's lines are added.
        exported: A table of what was exported, here or elsewhere; it may be missing.
    """

    def __init__(self, file: Path, exported: Path | None = None) -> None:
        self.file, self.exported = file, exported

    @classmethod
    def of(cls, home: Path) -> Ledger:
        """Return the ledger of the project in a folder."""
        return cls(home / ".state/cost.jsonl", home / "data/cost_ledger.csv")

    def entries(self) -> list[Entry]:
        """Return everything that is known, by start; of what stands in both files this machine's lines count.

        Raises:
            InputError: The exported table is malformed.
        """
        found = {one.id: one for one in _exported(self.exported)} | _read(self.file)
        return sorted(found.values(), key=lambda one: (one.started, one.id))

    def add(self, **line: Any) -> None:
        """Add one line, whole.

        Raises:
            OSError: It could not be written.
        """
        with self.locked():
            self.write(line)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes from writing inside the block."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        with self.file.with_suffix(".lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            try:
                yield
            finally:
                # Closing would not do: a worker that was forked meanwhile holds the same lock.
                fcntl.flock(lock, fcntl.LOCK_UN)

    def write(self, line: Mapping[str, Any]) -> None:
        """Add one line; the caller holds the lock."""
        with self.file.open("ab+") as stream:
            size = stream.seek(0, os.SEEK_END)
            stream.seek(max(0, size - 1))
            torn = size > 0 and stream.read(1) != b"\n"
            stream.write(f"{chr(10) if torn else ''}{json.dumps(line)}\n".encode())

    def export(self) -> tuple[Path, int]:
        """Write all that is known as one table to keep in git; return where, and how many rows.

        Raises:
            InputError: There is nowhere to write it, or the older table is malformed.
        """
        if self.exported is None:
            raise InputError("the ledger has no table to be exported to")
        found = self.entries()
        text = io.StringIO()
        writer = csv.DictWriter(text, _COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows({name: getattr(one, name) for name in _COLUMNS} for one in found)
        with atomic_path(self.exported) as temporary:
            temporary.write_text(text.getvalue(), encoding="utf-8")
        return self.exported, len(found)


def spent(entries: Iterable[Entry]) -> float:
    """Return what trainings have cost, in US dollars."""
    return sum(one.usd for one in entries)


def _read(file: Path) -> dict[str, Entry]:
    found: dict[str, dict[str, Any]] = {}
    for line in file.read_text(encoding="utf-8", errors="replace").splitlines() if file.is_file() else ():
        try:
            value = json.loads(line)
            known = {name: value[name] for name in _COLUMNS if name in value}
            found.setdefault(str(known["id"]), {}).update(known)
        except (ValueError, TypeError, KeyError):
            continue  # half a line
    entries = {}
    for name, values in found.items():
        try:
            entries[name] = Entry(**values)
        except TypeError:
            continue  # its first line is lost
    return entries


def _exported(file: Path | None) -> Iterator[Entry]:
    if file is None or not file.is_file():
        return
    types = get_type_hints(Entry)
    with file.open(encoding="utf-8", newline="") as stream:
        for number, row in enumerate(csv.DictReader(stream), start=2):
            try:
                yield Entry(**{name: _value(row[name], types[name]) for name in _COLUMNS})
            except (KeyError, TypeError, ValueError) as error:
                mend = "Restore it from git, or remove it and export anew"
                raise InputError(
                    f"no row of a cost ledger ({error})", file=file, place=f"row {number}", mend=mend
                ) from None


def _value(text: str, kind: Any) -> Any:
    if kind is bool:
        return {"True": True, "False": False}[text]
    if kind in (int, float, str):
        return kind(text)
    return float(text) if text else None
