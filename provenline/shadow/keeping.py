"""What a shadow run found so far, in a file per medium: killed, it goes on from its last batch."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from provenline.files import sha256_tree
from provenline.footage.media import Media
from provenline.shadow.params import ShadowParams
from provenline.tables import Collector

Rows = list[dict[str, Any]]


def identity(params: ShadowParams, *engines: str) -> str:
    """Return 16 hexadecimal digits for all that decides the rows: sampling, engines, our code."""
    told = [params.period_s, params.batch, *engines, sha256_tree(Path(__file__).parents[1], "**/*.py")]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:16]


def forget(states: Path, but: str = "") -> None:
    """Remove comparisons' folders, all or all but one; what a kill leaves of one is still true."""
    for folder in states.iterdir() if states.is_dir() else ():
        if folder.name != but:
            shutil.rmtree(folder, ignore_errors=True)
    if not but:
        shutil.rmtree(states, ignore_errors=True)


class Kept:
    """The folder of one comparison.

    Args:
        folder: Named by the caller after `identity`. It stays: the caller removes it once everything that
            follows from it has been written. None keeps nothing.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def part(self, media: Media, sha256: str, schemas: Mapping[str, pa.Schema]) -> Part:
        """Return what is known of a medium; ``schemas`` are of the tables that its batches have rows for."""
        if self._folder is None:
            return Part(None, schemas)
        # The rows carry what the media list says, so another list makes other rows.
        told = [sha256, media.name, media.camera, media.day, media.category, media.group, media.workplace]
        name = hashlib.sha256(json.dumps(told).encode()).hexdigest()[:32]
        self._folder.mkdir(parents=True, exist_ok=True)
        return Part(self._folder / f"{name}.jsonl", schemas)


class Part:
    """One medium: a line per batch, and a last one when its end was reached.

    Attributes:
        rows: Of all batches so far.
        complete: The medium's end was reached.
    """

    def __init__(self, file: Path | None, schemas: Mapping[str, pa.Schema]) -> None:
        self._file, self.complete = file, False
        self.rows = {name: Collector(schema) for name, schema in schemas.items()}
        if file is None or not file.is_file():
            return
        whole = 0
        with file.open("rb+") as stream:
            for line in stream:
                if not self._read(line):
                    break  # half a line, which a kill or a full disk can leave
                whole += len(line)
            stream.truncate(whole)

    def _read(self, line: bytes) -> bool:
        try:
            told = json.loads(line) if line.endswith(b"\n") else None
        except ValueError:
            return False
        if not isinstance(told, dict) or (told and told.keys() != self.rows.keys()):
            return False
        self.complete = not told
        for name, more in told.items():
            self.rows[name].add(more)
        return True

    def add(self, batch: dict[str, Rows]) -> None:
        """Add the rows of one more batch."""
        for name, more in batch.items():
            self.rows[name].add(more)
        self._write(batch)

    def end(self) -> None:
        """Say that the medium's end was reached."""
        self.complete = True
        self._write({})

    def _write(self, value: dict[str, Rows]) -> None:
        if self._file is not None:
            with self._file.open("ab") as stream:
                stream.write(json.dumps(value).encode() + b"\n")
