"""`provenline cost`: what training has cost, what is left, and what other machines would cost."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from provenline.commands.project import at, section
from provenline.progress import out

if TYPE_CHECKING:
    from provenline.cost.ledger import Entry
    from provenline.cost.options import Compared
    from provenline.cost.params import CostParams

_ASSUMED = "*"


def cost(
    export: Annotated[
        bool, typer.Option("--export", help="Write the ledger to data/cost_ledger.csv, to keep it in git.")
    ] = False,
) -> None:
    """Print what was spent on training and what is left, and compare the options of conf/cost."""
    from provenline.cost.ledger import Ledger
    from provenline.cost.options import compare
    from provenline.cost.params import CostParams

    params, usecase = section(Path(), "cost", CostParams), str(at(Path(), "usecase", "name"))
    ledger = Ledger.of(Path())
    entries = ledger.entries()
    if export:
        written, rows = ledger.export()
        out.print(f"{written}: {rows} rows. Commit it with git.", highlight=False)
    _spent(entries, params)
    found = compare(params, entries, usecase)
    _options(found, params, usecase)


def _spent(entries: Sequence[Entry], params: CostParams) -> None:
    from provenline.cost.ledger import spent

    table = Table(
        box=None, pad_edge=False, title="Spent on training", title_justify="left", title_style="bold"
    )
    for name in ("use case", "machine"):
        table.add_column(name)
    for name in ("trainings", "not finished", "hours", "USD"):
        table.add_column(name, justify="right")
    for usecase, machine in sorted({(one.usecase, one.machine) for one in entries}):
        mine = [one for one in entries if (one.usecase, one.machine) == (usecase, machine)]
        whole = {one.training for one in mine if one.finished}
        rest = {one.training for one in mine} - whole
        hours = f"{sum(one.hours for one in mine):.2f}"
        table.add_row(usecase, machine, str(len(whole)), str(len(rest)), hours, f"{spent(mine):.2f}")
    if entries:
        out.print(table)
    used, ceiling = spent(entries), params.ceiling_usd
    out.print(
        f"{used:.2f} of {ceiling:.2f} USD spent, {max(0.0, ceiling - used):.2f} left. "
        f"An hour of {params.machine.name} counts {params.usd_per_hour:.4g} USD.",
        highlight=False,
        soft_wrap=True,
    )


def _options(found: Sequence[Compared], params: CostParams, usecase: str) -> None:
    title = f"What training {usecase} costs, in USD"
    table = Table(box=None, pad_edge=False, title=title, title_justify="left", title_style="bold")
    table.add_column("option")
    runs = [f"after {runs}" for runs in params.retrains]
    for name in ("up-front", "hours", "each", *runs, "pays off"):
        table.add_column(name, justify="right")
    for one in found:
        marks = {name: _ASSUMED if name in one.assumed else "" for name in ("upfront_usd", "hours_per_run")}
        per_run = _ASSUMED if set(one.assumed) - {"upfront_usd"} else ""
        table.add_row(
            one.title,
            f"{one.upfront:.0f}{marks['upfront_usd']}",
            f"{one.hours:.2f}{marks['hours_per_run']}",
            f"{one.per_run:.2f}{per_run}",
            *(f"{total:.0f}{_ASSUMED if one.assumed else ''}" for total in one.after),
            _pays_off(one),
        )
    out.print(table)
    reference = next(one for one in found if one.reference)
    measured = [f"{one.title}: {one.measured}" for one in found if one.measured]
    from_ledger = (
        f"Hours are means of whole trainings in the ledger for {'; '.join(measured)}. " if measured else ""
    )
    out.print(
        f"{_ASSUMED} rests on an assumption of conf/cost/plan.yaml: put your own figures there. {from_ledger}"
        f"Pays off: trainings until it is no dearer than {reference.title} for good. "
        f"Electricity {params.usd_per_kwh:.2f} USD/kWh{_ASSUMED}.",
        style="dim",
        highlight=False,
        soft_wrap=True,
    )
    for one in found:
        out.print(f"{one.title}: {one.source}", style="dim", highlight=False, soft_wrap=True)


def _pays_off(one: Compared) -> str:
    if one.reference:
        return "-"
    words = {None: "never", 0: "at once"}
    return words.get(one.pays_off, f"after {one.pays_off}")
