"""How single cells of a media list are read."""

from __future__ import annotations

import math
import posixpath
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath

from provenline.errors import InputError


@dataclass(frozen=True)
class Row:
    """One row of a CSV, which knows where it stands, so that its errors can say so.

    Attributes:
        file: The CSV.
        number: As a spreadsheet counts: the header is row 1.
        cells: Column to value, without outer blanks.
    """

    file: Path
    number: int
    cells: Mapping[str, str]

    def text(self, column: str) -> str:
        """Return a cell; empty when the list does not have the column."""
        return self.cells.get(column, "")

    def error(self, what: str, mend: str, column: str | None = None) -> InputError:
        """Return the error that names the file, this row and the column."""
        place = f"row {self.number}" + (f", {column}" if column else "")
        return InputError(what, file=self.file, place=place, mend=mend)


def name_of(row: Row, column: str = "path") -> str:
    """Return a path relative to the footage folder in its one spelling.

    Raises:
        InputError: It is empty or absolute, has a backslash, or leads out of the folder.
    """
    text, mend = row.text(column), "Write it relative to the footage folder, with /"
    if not text or "\0" in text:
        raise row.error("no path", mend, column)
    if PurePosixPath(text).is_absolute() or PureWindowsPath(text).drive or "\\" in text:
        raise row.error(f"{text!r} is absolute or has a backslash", mend, column)
    name = posixpath.normpath(text)
    # By its letters only: a link that DVC put in place may well lead out of the folder.
    if name == "." or name.split("/")[0] == "..":
        raise row.error(f"{text!r} leads out of the footage folder", mend, column)
    return name


def work_of(row: Row) -> tuple[float | None, float | None]:
    """Return the span of work in seconds; None where the list is silent.

    Raises:
        InputError: A value is no number of seconds, or the work ends before it starts.
    """
    start, end = (_seconds(row, column) for column in ("work_start_s", "work_end_s"))
    if end is not None and end < (start or 0.0):
        what = f"the work ends at {end:g} s, before it starts at {start or 0:g} s"
        raise row.error(what, "Correct one of the two", "work_end_s")
    return start, end


def workplace_of(row: Row) -> tuple[float, float, float, float] | None:
    """Return the work place as fractions x1 y1 x2 y2 of width and height, or None.

    Raises:
        InputError: It is not four numbers in 0..1 with x1 < x2 and y1 < y2.
    """
    text = row.text("workplace")
    if not text:
        return None
    values = [_float(part) for part in text.split()]
    numbers = [value for value in values if value is not None and 0 <= value <= 1]
    if len(values) != 4 or len(numbers) != 4 or numbers[0] >= numbers[2] or numbers[1] >= numbers[3]:
        mend = "Write x1 y1 x2 y2 as fractions of width and height, for example 0.2 0.1 0.8 0.9"
        raise row.error(f"{text!r} is no work place", mend, "workplace")
    return numbers[0], numbers[1], numbers[2], numbers[3]


def provenance_of(row: Row) -> str:
    """Return where footage came from.

    Raises:
        InputError: It is neither staged nor production nor empty.
    """
    text = row.text("provenance")
    if text not in {"staged", "production", ""}:
        raise row.error(f"{text!r} is no provenance", "Write staged, production, or nothing", "provenance")
    return text


def _seconds(row: Row, column: str) -> float | None:
    text = row.text(column)
    value = _float(text) if text else None
    if text and (value is None or value < 0):
        raise row.error(f"{text!r} is no number of seconds", "Write for example 12.5", column)
    return value


def _float(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
