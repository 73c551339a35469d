"""The ledger: which group was accepted into which split. In git, and never moved by a stage.

Every row carries a short check of itself, and the last line the number of rows and a hash over them
all: an edit by hand is noticed, and its line is named. That guards against slips, not against
somebody who writes the checks anew.
"""

from __future__ import annotations

import csv
import hashlib
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from provenline.errors import InputError
from provenline.files import atomic_path
from provenline.splits.params import SPLITS

COLUMNS = ["group", "category", "split"]  # what a file must have
HELD = [*COLUMNS, "unit"]
RESEAL = "Look at `git diff`, then run `provenline split accept --reseal`"

_SEAL = re.compile(r"# seal rows=(\d+) sha256=([0-9a-f]{64})")
_Row = tuple[str, str, str, str]


def read_ledger(path: str | Path) -> pd.DataFrame:
    """Read a ledger; one that holds its header only is empty.

    Returns:
        Columns group, category, split, unit (the group, where the file has no such column); one row
        per group, sorted by group.

    Raises:
        InputError: The file is missing, lacks a column, has an empty group or an unknown split, or
            puts a group into two splits; or it is not what was sealed; with the line.
    """
    sheet = _read(Path(path), f"Start one that holds only the line {','.join(COLUMNS)}")
    _check_seal(sheet)
    return sheet.table()


def accept(assignment_csv: str | Path, ledger_path: str | Path) -> dict[str, int]:
    """Copy an assignment into the ledger and seal it; what the ledger holds stays as it is.

    Args:
        assignment_csv: What the stage ``split`` wrote (its columns group, category, split, unit count).
        ledger_path: The ledger; begun if it is missing.

    Returns:
        Counts: ``added`` groups, ``kept`` groups, and of these ``absent`` from the assignment.

    Raises:
        InputError: Either file is malformed, the ledger is not what was sealed, the assignment places
            single frames, or the two put a group into different splits. The ledger is then left as it
            was.
    """
    ledger_path = Path(ledger_path)
    proposed = _read(Path(assignment_csv), "Run `dvc repro split`").table()
    held = read_ledger(ledger_path) if ledger_path.exists() else pd.DataFrame(columns=HELD)
    accepted = dict(zip(held["group"], held["split"], strict=True))
    for group, split in zip(proposed["group"], proposed["split"], strict=True):
        if accepted.get(group, split) != split:
            what = f"group '{group}' is in {split}, the ledger has accepted it in {accepted[group]}"
            raise InputError(what, file=assignment_csv, mend="Run `dvc repro split` with this ledger")
    new = proposed[~proposed["group"].isin(held["group"])]
    write_ledger(pd.concat([held, new]), ledger_path)
    absent = int((~held["group"].isin(proposed["group"])).sum())
    return {"added": len(new), "kept": len(held), "absent": absent}


def reseal(path: str | Path) -> dict[str, Any]:
    """Seal what the ledger holds now: after a merge of two branches, or an edit that is wanted.

    Returns:
        ``rows``, and ``changed``: the groups whose rows were not sealed as they stand.

    Raises:
        InputError: The file is malformed, or puts a group into two splits (as two branches may).
    """
    sheet = _read(Path(path), f"Start one that holds only the line {','.join(COLUMNS)}")
    write_ledger(sheet.table(), path)
    changed = [row[0] for row, (check, _) in sheet.rows.items() if check != _check(row)]
    return {"rows": len(sheet.rows), "changed": sorted(changed)}


def write_ledger(ledger: pd.DataFrame, path: str | Path) -> None:
    """Write a ledger, sorted by group and sealed, whole or not at all."""
    rows = _canonical(ledger)
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow([*HELD, "check"])
        writer.writerows([*row, _check(row)] for row in rows)
        stream.write(f"# seal rows={len(rows)} sha256={_digest(rows)}\n")


def facts(ledger: pd.DataFrame) -> dict[str, Any]:
    """Return ``rows``, ``sha256`` over what they say (the seal's) and ``sealed``, JSON-able.

    Args:
        ledger: What ``read_ledger`` returned, which lets only a sealed or an empty one pass.
    """
    rows = _canonical(ledger)
    return {"rows": len(rows), "sha256": _digest(rows), "sealed": bool(rows)}


@dataclass
class _Sheet:
    """A file as it stands: row -> its check and line; and the seals, of which there should be one."""

    path: Path
    rows: dict[_Row, tuple[str, int]] = field(default_factory=dict)
    seals: list[tuple[int, str, int]] = field(default_factory=list)  # rows, sha256, line

    def table(self) -> pd.DataFrame:
        return pd.DataFrame(sorted(self.rows), columns=pd.Index(HELD), dtype="object")


def _check_seal(sheet: _Sheet) -> None:
    if not sheet.rows and not sheet.seals:
        return
    for row, (check, line) in sheet.rows.items():
        if sheet.seals and check != _check(row):
            what = f"the row of group '{row[0]}' was {'changed' if check else 'added'} by hand"
            raise InputError(what, file=sheet.path, place=f"line {line}", mend=RESEAL)
    if len(sheet.seals) != 1:
        what = "two seals: two versions were merged" if sheet.seals else "rows without a seal"
        raise InputError(what, file=sheet.path, mend=RESEAL)
    count, digest, line = sheet.seals[0]
    rows = sorted(sheet.rows)
    if count != len(rows):
        what = f"{count} rows were sealed, {len(rows)} are there: some were removed or added by hand"
        raise InputError(what, file=sheet.path, place=f"line {line}", mend=RESEAL)
    if digest != _digest(rows):
        what = "the rows are not those that were sealed"
        raise InputError(what, file=sheet.path, place=f"line {line}", mend=RESEAL)


def _canonical(ledger: pd.DataFrame) -> list[_Row]:
    columns = ledger.assign(unit=ledger.get("unit", ledger["group"]))[HELD]
    return sorted(columns.itertuples(index=False, name=None))


def _check(row: _Row) -> str:
    return hashlib.sha256("\0".join(row).encode()).hexdigest()[:8]


def _digest(rows: list[_Row]) -> str:
    return hashlib.sha256("\n".join("\0".join(row) for row in rows).encode()).hexdigest()


def _read(path: Path, mend: str) -> _Sheet:
    try:
        # utf-8-sig: spreadsheets begin their files with a byte order mark.
        with path.open(encoding="utf-8-sig", newline="") as stream:
            return _sheet(csv.DictReader(stream), path)
    except FileNotFoundError:
        raise InputError("file is missing", file=path, mend=mend) from None
    except UnicodeDecodeError:
        raise InputError("not a text file in UTF-8", file=path) from None
    except (OSError, csv.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise InputError(f"not a CSV that can be read ({reason})", file=path) from None


def _sheet(reader: csv.DictReader[str], path: Path) -> _Sheet:
    missing = [name for name in COLUMNS if name not in (reader.fieldnames or [])]
    if missing:
        what = f"no column {', '.join(missing)}"
        raise InputError(what, file=path, place="line 1", mend=f"Its columns are {', '.join(COLUMNS)}")
    sheet, seen = _Sheet(path), dict[str, tuple[_Row, int]]()
    for cells in reader:
        line = reader.line_num
        if seal := _SEAL.fullmatch(cells["group"] or ""):
            sheet.seals.append((int(seal[1]), seal[2], line))
            continue
        row = _row(cells, path, line)
        before, first = seen.setdefault(row[0], (row, line))
        if before[2] != row[2]:
            what = f"group '{row[0]}' is in {row[2]} here and in {before[2]} in line {first}"
            raise InputError(what, file=path, place=f"line {line}", mend="Keep one of the two lines")
        if first == line:
            sheet.rows[row] = (cells.get("check") or "", line)
    return sheet


def _row(cells: dict[str, Any], path: Path, line: int) -> _Row:
    group, category, split = (cells[name] or "" for name in COLUMNS)
    unit, place = cells.get("unit") or group, f"line {line}"
    if not group:
        raise InputError("a row without a group", file=path, place=place)
    if split not in SPLITS:
        mend = f"It is one of {', '.join(SPLITS)}"
        raise InputError(f"unknown split '{split}'", file=path, place=place, mend=mend)
    if unit == cells.get("frame_id"):
        mend = "It only serves to measure a leak: compose with split=by_video and run `dvc repro split`"
        raise InputError("single frames were placed at random (unit: frame)", file=path, mend=mend)
    return group, category, split, unit
