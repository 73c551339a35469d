"""How a media list is read: its rows, and single cells of them."""

from __future__ import annotations

import csv
import math
import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
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


def read_rows(
    file: Path, required: tuple[str, ...], known: tuple[str, ...], mend: str | None = None
) -> Iterator[Row]:
    """Yield the rows of a CSV with a header; empty lines are passed over.

    Args:
        file: The CSV.
        required: Columns that it must have.
        known: Columns that it may have.
        mend: What to do where the file is missing.

    Raises:
        InputError: It is missing or not a CSV in UTF-8, or a column is missing, unknown or there twice.
    """
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.reader(stream, strict=True)
            header = [name.strip() for name in next(reader, [])]
            _check_header(header, file, required, known)
            for number, values in enumerate(reader, start=2):
                cells = [value.strip() for value in values]
                row = Row(file, number, dict(zip(header, cells, strict=False)))
                if len(cells) > len(header):
                    what = f"{len(cells)} values for {len(header)} columns"
                    raise row.error(what, "Quote values that hold a comma")
                if any(cells):
                    yield row
    except FileNotFoundError:
        raise InputError("file is missing", file=file, mend=mend) from None
    except UnicodeDecodeError:
        raise InputError("not text in UTF-8", file=file, mend="Save it as CSV UTF-8") from None
    except (OSError, csv.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise InputError(f"not a CSV that can be read ({reason})", file=file) from None


def _check_header(header: list[str], file: Path, required: tuple[str, ...], known: tuple[str, ...]) -> None:
    missing = [name for name in required if name not in header]
    unknown = [name for name in header if name not in known]
    twice = [name for name in known if header.count(name) > 1]
    if missing:
        mend = "Separate columns by commas" if any(";" in name or "\t" in name for name in header) else None
        what = f"column {missing[0]!r} is missing"
        raise InputError(what, file=file, place="row 1", mend=mend or f"The columns are {', '.join(known)}")
    if unknown:
        mend = f"The known columns are {', '.join(known)}"
        raise InputError(f"unknown column {unknown[0]!r}", file=file, place="row 1", mend=mend)
    if twice:
        raise InputError(f"column {twice[0]!r} stands twice", file=file, place="row 1", mend="Remove one")


def name_of(row: Row, column: str = "path") -> str:
    """Return a path relative to the footage folder in its one spelling.

    Raises:
        InputError: It is empty or absolute, has a backslash, or leads out of the folder.
    """
    text, mend = row.text(column), "Write it relative to the footage folder, with /"
    if not text or "\0" in text:
        raise row.error("no file is named", f"{mend}, or remove the row", column)
    if PurePosixPath(text).is_absolute() or PureWindowsPath(text).drive or "\\" in text:
        raise row.error(f"{text!r} is absolute or has a backslash", mend, column)
    name = posixpath.normpath(text)
    # By its letters only: a link that DVC put in place may well lead out of the folder.
    if name == "." or name.split("/")[0] == "..":
        raise row.error(f"{text!r} leads out of the footage folder", mend, column)
    return name


def can_be_listed(name: str) -> bool:
    """Say whether a path as the file system has it, relative to the footage folder, can stand in a list."""
    try:
        return name.isprintable() and name == name.strip() and name_of(Row(Path(), 0, {"path": name})) == name
    except InputError:
        return False


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


def size_of(row: Row) -> int | None:
    """Return the file's size in bytes; None where the list is silent.

    Raises:
        InputError: It is no whole number.
    """
    text = row.text("size")
    if text and not re.fullmatch(r"[0-9]{1,18}", text):
        raise row.error(f"{text!r} is no number of bytes", "Leave it to `provenline footage scan`", "size")
    return int(text) if text else None


def sha256_of(row: Row) -> str:
    """Return the file's SHA-256, 64 small hexadecimal digits; empty where the list is silent.

    Raises:
        InputError: It is something else.
    """
    text = row.text("sha256")
    if text and not re.fullmatch(r"[0-9a-f]{64}", text):
        raise row.error(f"{text!r} is no SHA-256", "Leave it to `provenline footage scan`", "sha256")
    return text


def time_of(row: Row, column: str, *, zoned: bool) -> datetime | None:
    """Return a moment written as ISO 8601; None where the list is silent.

    Args:
        row: The row.
        column: The column.
        zoned: Whether it is a moment of the world, with its offset from UTC, or what a clock showed.

    Raises:
        InputError: It is no such moment.
    """
    text = row.text(column)
    example = "2024-05-06T08:00:00" + ("+00:00" if zoned else "")
    try:
        moment = datetime.fromisoformat(text) if text else None
    except ValueError:
        moment = None
    if text and (moment is None or (moment.tzinfo is not None) != zoned):
        raise row.error(f"{text!r} is no date and time", f"Write for example {example}", column)
    return moment


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
