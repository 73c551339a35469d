"""What waits for the tracker: under .state/tracking/, one folder per run.

A stage writes here and nowhere else, on its own disk. `sending` takes it from here to MLflow, in a
process of its own. What the tracker has not acknowledged stays, whatever is killed meanwhile.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from glue.tracking.records import Record
from provenline.files import atomic_path, read_json, sha256_file, write_json

SENDING = "sending"  # held by the one process that sends
_WRITING = "writing"  # held for the moment of a write
_RUN, _LINES, _FILES = "run.json", "lines.jsonl", "files"


@contextmanager
def locked(root: Path, name: str, *, wait: bool = True) -> Iterator[bool]:
    """Hold a lock that dies with this process; yield False where another has it and ``wait`` is False."""
    root.mkdir(parents=True, exist_ok=True)
    with (root / f"{name}.lock").open("ab") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            yield False
            return
        yield True


@dataclass(frozen=True)
class Spool:
    """The records of one run that the tracker has not acknowledged, oldest first.

    Attributes:
        root: Folder of all spools.
        mark: Names the run.
    """

    root: Path
    mark: str

    @property
    def folder(self) -> Path:
        """Where they lie; it is gone where nothing waits."""
        return self.root / self.mark

    def append(self, record: Mapping[str, Any], run: Mapping[str, Any], file: Path | None = None) -> None:
        """Add a record; on return it is on disk.

        Args:
            record: Anything that JSON can say.
            run: What the run is made of, should the tracker not know it yet.
            file: To be copied, since it may have changed when it is sent; the record then names the copy
                under ``file``.

        Raises:
            OSError: The disk is full, for one.
        """
        with locked(self.root, _WRITING):
            self.folder.mkdir(exist_ok=True)
            if not (self.folder / _RUN).exists():
                write_json(self.folder / _RUN, run)
            if file is not None:
                record = {**record, "file": self._copy(file)}
            line = json.dumps(record, ensure_ascii=False, allow_nan=False).encode() + b"\n"
            with (self.folder / _LINES).open("a+b") as stream:
                # A writer that was killed may have left half a line: it must not spoil this one.
                stream.write(line if _ends_whole(stream) else b"\n" + line)
                stream.flush()
                os.fsync(stream.fileno())

    def _copy(self, file: Path) -> str:
        name = Path(_FILES) / sha256_file(file)[:16] / file.name
        if not (self.folder / name).exists():
            with atomic_path(self.folder / name) as temporary:
                shutil.copyfile(file, temporary)
        return name.as_posix()

    def run(self) -> dict[str, Any] | None:
        """Return what the run is made of, None where nothing waits."""
        path = self.folder / _RUN
        return dict(read_json(path)) if path.exists() else None

    def records(self) -> list[tuple[Record, int]]:
        """Return the whole records and their length in bytes; one that cannot be read is empty."""
        return [(_parsed(line), len(line)) for line in self._whole().splitlines(keepends=True)]

    def waiting(self) -> int:
        """Return how many records wait."""
        return self._whole().count(b"\n")

    def drop(self, length: int) -> None:
        """Forget so many bytes from the beginning: the tracker has them. Only who holds `SENDING` may."""
        with locked(self.root, _WRITING):
            path = self.folder / _LINES
            rest = path.read_bytes()[length:]
            with atomic_path(path) as temporary, temporary.open("wb") as stream:
                stream.write(rest)
                stream.flush()
                os.fsync(stream.fileno())

    def close(self) -> None:
        """Remove the folder if nothing waits. Only who holds `SENDING` may."""
        with locked(self.root, _WRITING):
            if not self._whole():
                shutil.rmtree(self.folder, ignore_errors=True)

    def _whole(self) -> bytes:
        try:
            content = (self.folder / _LINES).read_bytes()
        except FileNotFoundError:
            return b""
        return content[: content.rfind(b"\n") + 1]


def spools(root: Path) -> list[Spool]:
    """Return the spools in which something waits."""
    found = (Spool(root, path.parent.name) for path in sorted(root.glob(f"*/{_LINES}")))
    return [one for one in found if one.waiting()]


def _ends_whole(stream: BinaryIO) -> bool:
    if not stream.seek(0, os.SEEK_END):
        return True
    stream.seek(-1, os.SEEK_END)
    return stream.read(1) == b"\n"


def _parsed(line: bytes) -> Record:
    try:
        found = json.loads(line)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
