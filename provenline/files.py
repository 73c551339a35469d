"""Files that appear whole or not at all, and their hashes."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from provenline.errors import InputError


@contextmanager
def atomic_path(final: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside ``final``; rename it to ``final`` when the block succeeds.

    Works for a file and for a folder (the caller creates either at the yielded path). A folder
    that already stands at ``final`` is replaced. On an error nothing stays behind.
    """
    final = Path(final)
    final.parent.mkdir(parents=True, exist_ok=True)
    # The suffix stays last: encoders and writers choose their format by it.
    temporary = final.with_name(f".{final.stem}.{os.getpid()}.tmp{final.suffix}")
    _remove(temporary)
    try:
        yield temporary
        if final.is_dir() and not final.is_symlink():
            # rename() cannot replace a folder that holds something: step the old one aside first.
            old = final.with_name(f".{final.name}.{os.getpid()}.tmp.old")
            _remove(old)
            final.rename(old)
            temporary.rename(final)
            _remove(old)
        else:
            temporary.replace(final)
    finally:
        _remove(temporary)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def sha256_file(path: str | Path) -> str:
    """Return the SHA-256 of a file as 64 hexadecimal digits."""
    digest = hashlib.sha256()
    with Path(path).open("rb") as stream:
        while chunk := stream.read(1 << 20):  # hashlib.file_digest needs Python 3.11
            digest.update(chunk)
    return digest.hexdigest()


def sha256_tree(root: str | Path, pattern: str = "**/*") -> str:
    """Return one SHA-256 over the relative names and the contents of the files under ``root``."""
    root, digest = Path(root), hashlib.sha256()
    for path in sorted(p for p in root.glob(pattern) if p.is_file()):
        digest.update(f"{path.relative_to(root).as_posix()}\0{sha256_file(path)}\n".encode())
    return digest.hexdigest()


def sha256_of(path: str | Path) -> str:
    """Return the SHA-256 of a file, or of a folder as `sha256_tree` has it."""
    return sha256_tree(path) if Path(path).is_dir() else sha256_file(path)


def write_json(path: str | Path, value: Any) -> None:
    """Write ``value`` as indented JSON, atomically. NaN is refused: JSON has none."""
    with atomic_path(path) as temporary:
        temporary.write_text(
            json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n",
            encoding="utf-8",
        )


def read_json(path: str | Path) -> Any:
    """Read a JSON file.

    Raises:
        InputError: The file is missing or is not JSON.
    """
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError("file is missing", file=path, mend="Run `dvc repro` or `dvc pull`") from None
    except json.JSONDecodeError as error:
        raise InputError(f"not JSON ({error.msg})", file=path, place=f"line {error.lineno}") from None
    except (
        ValueError,
        RecursionError,
    ) as error:  # no UTF-8, thousands of digits, nested too deep
        raise InputError(f"not JSON ({' '.join(str(error).split())[:80]})", file=path) from None


def write_rows(path: Path, rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> None:
    """Write rows as CSV, whole or not at all; other columns are left out."""
    with atomic_path(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, columns, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
