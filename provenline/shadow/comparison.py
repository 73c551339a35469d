"""The comparison of a shadow run, a row per compared frame: written as it grows, read back narrow.

A day of two cameras has 700,000 such rows. While the engines run none of them is in memory; what is read
afterwards for summing up, sampling and the gallery takes about a hundred bytes a row.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from provenline.errors import InputError
from provenline.shadow.compare import COUNTS
from provenline.shadow.following import AT_WORK, BRIEF, LOST

FILE = "comparison.csv"
_REPEATED = ("media", "camera", "day", "category", "group", "hour")  # few values in many rows
_TYPES: dict[str, Any] = {
    **dict.fromkeys(("frame_id", "kind"), str),
    **dict.fromkeys(_REPEATED, "category"),
    "time_ms": "int64",
    **dict.fromkeys((*COUNTS, "count_difference", *LOST, *BRIEF), "int32"),
    **dict.fromkeys(("presence", "disagrees"), bool),
    **dict.fromkeys(AT_WORK, "float32"),
}


class Writer:
    """Appends rows to a comparison; not atomic, the caller renames its folder as a whole.

    Args:
        path: Of the CSV.
        columns: Their names, in order.
    """

    def __init__(self, path: Path, columns: Iterable[str]) -> None:
        self._path = path
        pd.DataFrame(columns=list(columns)).to_csv(path, index=False, lineterminator="\n")

    def add(self, part: pd.DataFrame) -> None:
        """Append rows that have the columns."""
        part.to_csv(self._path, mode="a", header=False, index=False, lineterminator="\n")


def read_comparison(path: Path, columns: Sequence[str] = tuple(_TYPES)) -> pd.DataFrame:
    """Read a comparison in types as narrow as its values; names that repeat are categories.

    Args:
        path: The CSV.
        columns: Those that are wanted.

    Raises:
        InputError: It is missing, no CSV, or lacks a column.
    """
    types = {name: _TYPES[name] for name in columns}
    try:
        # A camera called NA is one; of the numbers alone an empty field is none.
        empty = {name: [""] for name in AT_WORK}
        how: dict[str, Any] = {"keep_default_na": False, "na_values": empty, "lineterminator": "\n"}
        table: pd.DataFrame = pd.read_csv(path, usecols=list(columns), dtype=types, **how)
    except (OSError, ValueError, pd.errors.ParserError) as error:
        what = f"no comparison that can be read ({error})"
        raise InputError(what, file=path, mend="Run `dvc repro shadow-ab`") from None
    for name in _REPEATED:  # some versions of pandas leave them in the order of their appearance
        if name in table:
            known = table[name].cat
            table[name] = known.reorder_categories(sorted(known.categories))
    return table
