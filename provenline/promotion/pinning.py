"""The pin: what ``shadow-ab`` takes for production, as a file of ``conf/`` that follows from the record."""

from __future__ import annotations

from pathlib import Path

from provenline.files import atomic_path
from provenline.promotion.record import Production

FILE = Path("conf/production/pinned.yaml")
_HEAD = """# @package shadow_ab.production
# What runs today. `provenline promote` and `rollback` write it; models/production.json is the record.
"""
_BASE = f"""{_HEAD}checkpoint_sha256: "" # nothing was promoted: the base counts as production
bundle: models/engines/${{target}}/base
"""


def text(production: Production) -> str:
    """Return the pin of a record."""
    found = production.current
    if found is None:
        return _BASE
    return f'{_HEAD}checkpoint_sha256: "{found.checkpoint_sha256}"\nbundle: {found.bundle}\n'


def values(production: Production, target: str) -> dict[str, str]:
    """Return the pin of a record as composed parameters have it; nothing promoted is the target's base."""
    found = production.current
    return {
        "checkpoint_sha256": found.checkpoint_sha256 if found else "",
        "bundle": found.bundle if found else f"models/engines/{target}/base",
    }


def holds(root: Path, production: Production) -> bool:
    """Return whether the pin is the record's."""
    path = root / FILE
    return path.is_file() and path.read_text(encoding="utf-8") == text(production)


def write(root: Path, production: Production) -> None:
    """Write the pin of a record, whole or not at all."""
    with atomic_path(root / FILE) as temporary:
        temporary.write_text(text(production), encoding="utf-8")
