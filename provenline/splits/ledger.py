"""The ledger: which group was accepted into which split. In git, and never moved by a stage."""

from __future__ import annotations

import csv
from pathlib import Path

import pandas as pd

from provenline.errors import InputError
from provenline.files import atomic_path
from provenline.splits.params import SPLITS

COLUMNS = ["group", "category", "split"]


def read_ledger(path: str | Path) -> pd.DataFrame:
    """Read a ledger; one that holds its header only is empty.

    Returns:
        Columns group, category, split; one row per group, sorted by group.

    Raises:
        InputError: The file is missing, lacks a column, has an empty group or an unknown split, or
            puts a group into two splits; with the line.
    """
    mend = f"Start one that holds only the line {','.join(COLUMNS)}"
    return _read(Path(path), mend)


def accept(assignment_csv: str | Path, ledger_path: str | Path) -> dict[str, int]:
    """Copy an assignment into the ledger; what the ledger holds stays as it is.

    Args:
        assignment_csv: What the stage ``split`` wrote (its columns group, category, split count).
        ledger_path: The ledger; begun if it is missing.

    Returns:
        Counts: ``added`` groups, ``kept`` groups, and of these ``absent`` from the assignment.

    Raises:
        InputError: Either file is malformed, or they put a group into different splits. The ledger
            is then left as it was.
    """
    ledger_path = Path(ledger_path)
    proposed = _read(Path(assignment_csv), "Run `dvc repro split`")
    held = read_ledger(ledger_path) if ledger_path.exists() else pd.DataFrame(columns=COLUMNS)
    accepted = dict(zip(held["group"], held["split"], strict=True))
    for group, split in zip(proposed["group"], proposed["split"], strict=True):
        if accepted.get(group, split) != split:
            what = f"group '{group}' is in {split}, the ledger has accepted it in {accepted[group]}"
            raise InputError(what, file=assignment_csv, mend="Run `dvc repro split` with this ledger")
    new = proposed[~proposed["group"].isin(held["group"])]
    write_ledger(pd.concat([held, new]), ledger_path)
    absent = int((~held["group"].isin(proposed["group"])).sum())
    return {"added": len(new), "kept": len(held), "absent": absent}


def write_ledger(ledger: pd.DataFrame, path: str | Path) -> None:
    """Write a ledger, sorted by group, whole or not at all."""
    ordered = ledger[COLUMNS].sort_values("group", kind="stable")
    with atomic_path(path) as temporary:
        ordered.to_csv(temporary, index=False, lineterminator="\n")


def _read(path: Path, mend: str) -> pd.DataFrame:
    try:
        # utf-8-sig: spreadsheets begin their files with a byte order mark.
        with path.open(encoding="utf-8-sig", newline="") as stream:
            return _rows(csv.DictReader(stream), path)
    except FileNotFoundError:
        raise InputError("file is missing", file=path, mend=mend) from None
    except UnicodeDecodeError:
        raise InputError("not a text file in UTF-8", file=path) from None


def _rows(reader: csv.DictReader[str], path: Path) -> pd.DataFrame:
    missing = [name for name in COLUMNS if name not in (reader.fieldnames or [])]
    if missing:
        what = f"no column {', '.join(missing)}"
        raise InputError(what, file=path, place="line 1", mend=f"Its columns are {', '.join(COLUMNS)}")
    seen: dict[str, tuple[str, str, int]] = {}
    for row in reader:
        group, category, split = (row[name] or "" for name in COLUMNS)
        place = f"line {reader.line_num}"
        if not group:
            raise InputError("a row without a group", file=path, place=place)
        if split not in SPLITS:
            mend = f"It is one of {', '.join(SPLITS)}"
            raise InputError(f"unknown split '{split}'", file=path, place=place, mend=mend)
        before = seen.setdefault(group, (category, split, reader.line_num))
        if before[1] != split:
            what = f"group '{group}' is in {split} here and in {before[1]} in line {before[2]}"
            raise InputError(what, file=path, place=place, mend="Keep one of the two lines")
    rows = [(group, category, split) for group, (category, split, _) in sorted(seen.items())]
    return pd.DataFrame(rows, columns=pd.Index(COLUMNS), dtype="object")
