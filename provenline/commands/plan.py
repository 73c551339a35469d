"""`provenline plan`: how much more footage would settle what is open."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from provenline.commands.project import parameters
from provenline.errors import InputError
from provenline.progress import out

if TYPE_CHECKING:
    from provenline.evaluation.plan_answers import Answer

Rows = list[dict[str, Any]]


def plan(
    half_width: Annotated[
        float | None, typer.Option(min=1e-6, max=1.0, help="Precision that is wanted: 0.02 for ±0.02.")
    ] = None,
    metric: Annotated[
        str | None, typer.Option(help="recall, map50, ...; left out: whatever is open, or recall.")
    ] = None,
    power: Annotated[
        float | None,
        typer.Option(min=0.01, max=0.99, help="Chance to settle an open verdict; left out: that of conf/."),
    ] = None,
) -> None:
    """Say how many videos, and frames of each, settle the open verdicts or reach a precision."""
    from provenline.evaluation.plan_answers import answers, legend, sentence

    rows = _chosen(_read(Path()), metric, half_width is not None)
    found = answers(rows, half_width, power)
    for table in _tables(found):
        out.print(table)
    out.print(legend(found, power), style="dim", highlight=False, markup=False, soft_wrap=True)
    out.print(sentence(found, half_width), highlight=False, markup=False, soft_wrap=True)


def _read(root: Path) -> Rows:
    """Return the rows that the last run wrote, with where they come from.

    Raises:
        InputError: Nothing was run, or by an older version.
    """
    from provenline.files import read_json

    round_ = parameters(root).get("round", "v0")
    files = {"Stage A": "metrics/stage_a_eval.json", "eval": f"metrics/eval_{round_}.json"}
    there = {name: read_json(root / path) for name, path in files.items() if (root / path).is_file()}
    there = {name: given if isinstance(given, dict) else {} for name, given in there.items()}
    if not there:
        raise InputError("nothing was measured yet", file=root / "metrics", mend="Run `dvc repro eval`")
    rows = [
        {**row, "source": f"{name} on {given['judged_on']}" if given.get("judged_on") else name}
        for name, given in there.items()
        for row in _rows(given)
    ]
    if not rows:
        names = ", ".join(files[name] for name in there)
        raise InputError(f"nothing to plan from in {names}", mend="Run `dvc repro eval` on annotated footage")
    return rows


def _rows(given: Mapping[str, Any]) -> Rows:
    from provenline.evaluation.plan_rows import ROW

    planned = given.get("plan")
    rows = planned.get("rows") if isinstance(planned, dict) else None
    return [row for row in rows or () if isinstance(row, dict) and row.keys() >= ROW]


def _chosen(rows: Rows, metric: str | None, precision: bool) -> Rows:
    """Return the rows of a metric; those that are open where no precision is asked for, if any is."""
    chosen = [row for row in rows if metric in (None, row["metric"])]
    if not chosen:
        known = ", ".join(sorted({row["metric"] for row in rows}))
        raise InputError(f"nothing is planned for {metric}", mend=f"Known are {known}")
    return chosen if precision else [row for row in chosen if row["cannot_tell"]] or chosen


def _tables(found: Sequence[Answer]) -> Iterator[Table]:
    """Yield a table for each figure, with columns of one width."""
    cells = [one.cells() for one in found]
    widths = {name: max(len(name), *(len(one[name]) for one in cells)) for name in cells[0]}
    for figure in dict.fromkeys(one.figure for one in found):
        table = Table(
            box=None, pad_edge=False, title=escape(figure), title_justify="left", title_style="bold"
        )
        for name, width in widths.items():
            table.add_column(name, justify="right" if name else "left", min_width=width if name else None)
        for one in found:
            if one.figure == figure:
                table.add_row(*map(escape, one.cells().values()))
        yield table
