"""Parameters of cost: the machine that trains, the ceiling, and the options of the plan."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Amount = Annotated[float, Field(ge=0.0, allow_inf_nan=False)]
_NUMBERS = Literal["upfront_usd", "usd_per_hour", "watts", "hours_per_run"]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Machine(_Model):
    """What trains.

    Attributes:
        name: As the ledger calls it.
        usd_per_hour: Price of an hour, in US dollars.
        watts: Drawn while training, where electricity is paid apart; 0 where it is not counted.
    """

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
    usd_per_hour: Amount
    watts: Amount


class Option(_Model):
    """One way to train that the plan weighs.

    Attributes:
        title: What it is.
        machine: Its name in the ledger, so that hours that were measured on it stand for those assumed.
        upfront_usd: To be paid once.
        usd_per_hour: Price of an hour.
        watts: As in ``Machine``.
        hours_per_run: Of one whole training.
        assumed: Which of these numbers are assumptions.
        source: Where the others are from, and of when.
    """

    title: str
    machine: str
    upfront_usd: Amount
    usd_per_hour: Amount
    watts: Amount
    hours_per_run: Annotated[float, Field(gt=0.0, allow_inf_nan=False)]
    assumed: tuple[_NUMBERS, ...]
    source: str


class CostParams(_Model):
    """What may be spent on training.

    Attributes:
        ceiling_usd: No training starts that would go past it, over all use cases and machines.
        usd_per_kwh: Price of electricity.
        machine: What trains.
        retrains: After how many trainings the options are compared.
        reference: The option that the others are held against.
        options: By a short name.
    """

    ceiling_usd: Annotated[float, Field(gt=0.0, allow_inf_nan=False)]
    usd_per_kwh: Amount
    machine: Machine
    retrains: Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(min_length=1)]
    reference: str
    options: dict[str, Option]

    @property
    def usd_per_hour(self) -> float:
        """What an hour of the machine costs, electricity included."""
        return hourly(self.machine, self.usd_per_kwh)


def hourly(one: Machine | Option, usd_per_kwh: float) -> float:
    """Return the price of an hour, electricity included, in US dollars."""
    return one.usd_per_hour + one.watts / 1000 * usd_per_kwh
