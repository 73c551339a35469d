"""Whether the cells of an ablation may be compared: all are trained and judged on the same frames."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from provenline.errors import InputError

# What decides which frames are trained and judged on: of all that, only the training may move.
DATA = (
    "source",
    "simulate",
    "extract",
    "annotate_import",
    "split",
    "usecase",
    "round",
    "rounds",
    "stage_a_eval",
    "eval",
)


def only_training_moves(parameters: Mapping[str, Mapping[str, Any]]) -> None:
    """Refuse cells that would not be trained and judged on the same frames.

    Args:
        parameters: Name of the cell -> what it composes to.

    Raises:
        InputError: Two of them differ in more than the training.
    """
    names = list(parameters)
    first = parameters[names[0]]
    for name in names[1:]:
        moved = [key for key in DATA if parameters[name].get(key) != first.get(key)]
        if moved:
            what = f"{name} and {names[0]} differ in {', '.join(moved)}"
            raise InputError(what, mend="Vary the training alone (train.*, model): cells share their frames")


def alike(hashes: Mapping[str, Mapping[str, str]]) -> None:
    """Refuse cells whose frames, labels or split differ, whatever their parameters say.

    Args:
        hashes: Name of the cell -> path -> hash.

    Raises:
        InputError: Two of them differ.
    """
    first = next(iter(hashes.values()), {})
    for name, mine in hashes.items():
        if moved := [path for path in first if mine[path] != first[path]]:
            mend = f"Run them again: `dvc exp remove {name}`"
            raise InputError(f"{name} was judged on other data than the others", file=moved[0], mend=mend)
