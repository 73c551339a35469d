"""Which round the team is in, as a file of ``conf/``: the one switch that taking a round's labels ends in."""

from __future__ import annotations

from pathlib import Path

from provenline.files import atomic_path

FILE = Path("conf/rounds/taken.yaml")
FOLDER = Path("data/rounds")
_HEAD = """# @package _global_
# One turn of labelling, training and shadowing. `provenline round take` writes it.
"""


def text(name: str) -> str:
    """Return the file for a round; ``v0`` has no labels of rounds yet.

    >>> print(text("v0.1").splitlines()[-1])
    rounds: data/rounds
    """
    folder = "data/none" if name == "v0" else FOLDER.as_posix()
    return f"{_HEAD}round: {name}\nrounds: {folder}\n"


def write(root: Path, name: str) -> None:
    """Switch to a round, whole or not at all."""
    with atomic_path(root / FILE) as temporary:
        temporary.write_text(text(name), encoding="utf-8")
