"""What a shadow run found so far, medium by medium: killed, it goes on from its last batch.

Of a medium that is half done there is a file with a line per batch; of one that is done its tables, which are
a twentieth of that and quick to read, since a run over footage that grows reads them every time.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from provenline import tables
from provenline.detectors.machine import installed
from provenline.errors import InputError
from provenline.files import atomic_path, read_json, sha256_tree, write_json
from provenline.footage.media import Media
from provenline.shadow.params import ShadowParams
from provenline.tables import Collector

Rows = list[dict[str, Any]]


# What can change a row; the report's code, for one, cannot, and a day of both engines is much to lose.
_CODE = ("*.py", "detectors/**/*.py", "footage/**/*.py", "shadow/**/*.py")
_OPENCV, _RUNTIMES = (
    ("opencv-python", "opencv-python-headless"),
    ("onnxruntime", "onnxruntime-gpu", "tensorrt"),
)
_TIMING = "timing.json"
_LIBRARIES = ("av", "numpy", *_OPENCV, *_RUNTIMES)


def identity(params: ShadowParams, *engines: str) -> str:
    """Return 16 hexadecimal digits for all that decides the rows: sampling, engines, code, libraries."""
    code = [sha256_tree(Path(__file__).parents[1], pattern) for pattern in _CODE]
    told = [params.period_s, params.batch, *engines, *code, [installed(name) for name in _LIBRARIES]]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:16]


def forget(states: Path, but: str) -> None:
    """Remove all comparisons' folders but one; what a kill leaves of them is still true."""
    for folder in states.iterdir() if states.is_dir() else ():
        if folder.name != but:
            shutil.rmtree(folder, ignore_errors=True)


class Kept:
    """The folder of one comparison.

    Args:
        folder: Named by the caller after `identity`. It stays, for the day when the labels arrive, until
            another comparison takes its place (`forget`). None keeps nothing.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._asked: set[str] = set()

    def part(self, media: Media, sha256: str, schemas: Mapping[str, pa.Schema]) -> Part:
        """Return what is known of a medium; ``schemas`` are of the tables that its batches have rows for."""
        if self._folder is None:
            return Part(None, schemas)
        # The rows carry what the media list says, so another list makes other rows.
        told = [sha256, media.name, media.camera, media.day, media.category, media.group, media.workplace]
        name = hashlib.sha256(json.dumps(told).encode()).hexdigest()[:32]
        self._asked.add(name)
        self._folder.mkdir(parents=True, exist_ok=True)
        return Part(self._folder / f"{name}.jsonl", schemas)

    def forget_rest(self) -> None:
        """Remove what is of recordings that nobody asked for: a rolling buffer unlists them day by day."""
        for one in self._folder.iterdir() if self._folder and self._folder.is_dir() else ():
            if one.name == _TIMING or one.name.partition(".")[0] in self._asked:
                continue
            shutil.rmtree(one) if one.is_dir() else one.unlink()

    def timing(self, now: dict[str, Any]) -> dict[str, Any]:
        """Return what a run measured; where it looked at nothing itself, what the last that looked did."""
        if self._folder is None:
            return now
        file = self._folder / _TIMING
        if now["frames"] > now["frames_kept"]:
            write_json(file, now)
            return now
        try:
            return {**read_json(file), **{name: now[name] for name in ("frames", "frames_kept")}}
        except (InputError, OSError):
            return now


class Part:
    """One medium.

    Attributes:
        rows: Of all batches so far.
        complete: The medium's end was reached.
    """

    def __init__(self, file: Path | None, schemas: Mapping[str, pa.Schema]) -> None:
        self._file, self._schemas = file, schemas
        self.rows = {name: Collector(schema) for name, schema in schemas.items()}
        self.complete = file is not None and self._whole(file.with_suffix(""))
        if file is not None and not self.complete:
            self._go_on(file)

    def _whole(self, folder: Path) -> bool:
        if not folder.is_dir():
            return False
        try:
            found = {
                name: tables.read(folder / f"{name}.parquet", one) for name, one in self._schemas.items()
            }
        except (InputError, OSError):  # a power cut can leave a name without its bytes
            shutil.rmtree(folder)
            return False
        for name, table in found.items():
            self.rows[name].take(table)
        folder.with_suffix(".jsonl").unlink(missing_ok=True)  # killed before this was done
        return True

    def _go_on(self, file: Path) -> None:
        if not file.is_file():
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
        if not isinstance(told, dict) or told.keys() != self.rows.keys():
            return False
        for name, more in told.items():
            self.rows[name].add(more)
        return True

    def add(self, batch: dict[str, Rows]) -> None:
        """Add the rows of one more batch."""
        for name, more in batch.items():
            self.rows[name].add(more)
        if self._file is not None:
            with self._file.open("ab") as stream:
                stream.write(json.dumps(batch).encode() + b"\n")

    def end(self) -> None:
        """Say that the medium's end was reached."""
        self.complete = True
        if self._file is None:
            return
        with atomic_path(self._file.with_suffix("")) as folder:
            folder.mkdir()
            for name, schema in self._schemas.items():
                tables.write(self.rows[name].table(), folder / f"{name}.parquet", schema)
        self._file.unlink(missing_ok=True)
