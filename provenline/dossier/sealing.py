"""A dossier as a file: its seals, and its bytes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from provenline.dossier import sums
from provenline.dossier.record import FORMAT, Dossier, Evidence, Page
from provenline.errors import InputError
from provenline.files import atomic_path

FILE = "dossier.json"
LARGEST = 1 << 24  # bytes
_MEND = "Run `dvc repro report`, or fetch the dossier anew"


def digest(value: Any) -> str:
    """Return the SHA-256 of a JSON value in one spelling: keys sorted, no spaces, UTF-8.

    >>> digest({"b": 1, "a": 2}) == digest({"a": 2, "b": 1})
    True
    """
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def evidence_seal(evidence: Evidence) -> str:
    """Return the hash over what the report rests on."""
    return digest(evidence.model_dump(mode="json"))


def seal_of(content: Mapping[str, Any]) -> str:
    """Return the hash over a dossier's content but its own seal."""
    return digest({key: value for key, value in content.items() if key != "seal"})


def spell(content: Mapping[str, Any]) -> str:
    """Return the one text that a dossier is written as."""
    return json.dumps(content, indent=1, ensure_ascii=True, allow_nan=False) + "\n"


def pages(folder: Path) -> tuple[Page, ...]:
    """Return the files of a report's folder by their hashes, without the dossier."""
    names = [name for name in sums.listed(folder) if name != FILE]
    found = sums.digests({name: folder / name for name in names})
    return tuple(Page(path=name, sha256=found[name].sha256, size=found[name].size) for name in names)


def write(evidence: Evidence, report: Iterable[Page], path: Path) -> Dossier:
    """Write the dossier of a run, whole or not at all, and return it."""
    content: dict[str, Any] = {
        "format": FORMAT,
        "evidence": evidence.model_dump(mode="json"),
        "evidence_sha256": evidence_seal(evidence),
        "report": [one.model_dump(mode="json") for one in report],
    }
    content["seal"] = seal_of(content)
    with atomic_path(path) as temporary:
        temporary.write_text(spell(content), encoding="utf-8", newline="\n")
    return _checked(content, path)


def read(path: Path) -> tuple[Dossier, str]:
    """Read a dossier and its text; does not look whether its seals hold.

    Raises:
        InputError: It is missing, is no dossier, or is larger than one can be.
    """
    try:
        size = path.stat().st_size
        if not path.is_file() or size > LARGEST:
            what = f"{size} bytes are too many for a dossier" if path.is_file() else "is no file"
            raise InputError(what, file=path, mend=_MEND)
        text = path.read_bytes().decode("utf-8")
        content = json.loads(text, parse_constant=_refuse)
    except FileNotFoundError:
        raise InputError("file is missing", file=path, mend="Run `dvc repro report` or `dvc pull`") from None
    except RecursionError:
        raise InputError("is nested too deeply", file=path, mend=_MEND) from None
    except (OSError, ValueError) as error:
        what = f"is no dossier ({' '.join(str(error).split())[:120]})"
        raise InputError(what, file=path, mend=_MEND) from None
    return _checked(content, path), text


def _refuse(word: str) -> None:
    raise ValueError(f"{word} is no number")


def _checked(content: Any, path: Path) -> Dossier:
    told = content.get("format") if isinstance(content, dict) else None
    if type(told) is int and 0 < told < FORMAT:
        what = f"is a dossier of format {told}, this version reads {FORMAT}"
        raise InputError(what, file=path, mend="Verify it with the code of the commit that it was made by")
    try:
        # As JSON, where a list is what a tuple is written as; all else is taken strictly.
        return Dossier.model_validate_json(json.dumps(content))
    except (ValidationError, RecursionError) as error:
        first = error.errors()[0] if isinstance(error, ValidationError) else None
        what = f"is no dossier ({first['msg'] if first else 'nested too deeply'})"
        place = ".".join(map(str, first["loc"])) if first else None
        raise InputError(what, file=path, place=place or None, mend=_MEND) from None
