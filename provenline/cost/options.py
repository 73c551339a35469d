"""The options of the plan side by side: what a training costs, what n of them do, and which pays off."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from provenline.cost.ledger import Entry
from provenline.cost.params import CostParams, Option, hourly
from provenline.errors import InputError


@dataclass(frozen=True)
class Compared:
    """One option.

    Attributes:
        title: What it is.
        upfront: To be paid once, in US dollars.
        hours: Of one training.
        measured: Trainings in the ledger that the hours are the mean of; 0 where they are the table's.
        per_run: One training, in US dollars.
        after: What so many trainings come to with what is paid once, in the order of ``retrains``.
        pays_off: After how many trainings it is no dearer than the reference: 0 from the start, None never
            (or it is the reference).
        reference: It is what the others are held against.
        assumed: Names of its numbers that are assumptions.
        source: Where the others are from.
    """

    title: str
    upfront: float
    hours: float
    measured: int
    per_run: float
    after: tuple[float, ...]
    pays_off: int | None
    reference: bool
    assumed: tuple[str, ...]
    source: str


def compare(params: CostParams, entries: Sequence[Entry], usecase: str) -> list[Compared]:
    """Return the options, the reference first and the others by their name.

    Args:
        params: See there.
        entries: The ledger: whole trainings on an option's machine give its hours.
        usecase: Those of this use case alone count.

    Raises:
        InputError: The reference is none of the options.
    """
    if params.reference not in params.options:
        what = f"cost.reference: {params.reference} is none of {', '.join(params.options)}"
        raise InputError(what, file="conf/cost/plan.yaml")
    hours = {name: _hours(one, entries, usecase) for name, one in params.options.items()}
    per_run = {name: hours[name][0] * hourly(one, params.usd_per_kwh) for name, one in params.options.items()}
    base = params.options[params.reference].upfront_usd, per_run[params.reference]
    names = sorted(params.options, key=lambda name: (name != params.reference, name))
    return [
        _compared(params, name, hours[name], per_run[name], None if name == params.reference else base)
        for name in names
    ]


def pays_off(upfront: float, per_run: float, other_upfront: float, other_per_run: float) -> int | None:
    """Return after how many trainings one option is no dearer than another for good; None if it never is.

    >>> pays_off(2500, 0.1, 0, 2.6), pays_off(0, 1.0, 0, 2.0), pays_off(100, 2.0, 0, 1.0)
    (1000, 0, None)
    """
    more, saved = upfront - other_upfront, other_per_run - per_run
    if saved < 0 or (saved == 0 and more > 0):
        return None
    return 0 if more <= 0 else math.ceil(more / saved - 1e-9)


def _compared(
    params: CostParams,
    name: str,
    hours: tuple[float, int],
    per_run: float,
    base: tuple[float, float] | None,
) -> Compared:
    one = params.options[name]
    return Compared(
        title=one.title,
        upfront=one.upfront_usd,
        hours=hours[0],
        measured=hours[1],
        per_run=per_run,
        after=tuple(one.upfront_usd + runs * per_run for runs in params.retrains),
        pays_off=None if base is None else pays_off(one.upfront_usd, per_run, *base),
        reference=base is None,
        assumed=tuple(number for number in one.assumed if number != "hours_per_run" or not hours[1]),
        source=one.source,
    )


def _hours(one: Option, entries: Sequence[Entry], usecase: str) -> tuple[float, int]:
    """Return the hours of a whole training, and from how many trainings they are known."""
    mine = [entry for entry in entries if entry.usecase == usecase and entry.machine == one.machine]
    whole = {entry.training for entry in mine if entry.finished and entry.epochs}
    if not whole:
        return one.hours_per_run, 0
    # What a killed process had trained belongs to the training that went on from it.
    return sum(entry.hours for entry in mine if entry.training in whole) / len(whole), len(whole)
