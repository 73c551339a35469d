"""Parameters of an ablation. The values live in conf/ablation/ only, which Hydra never composes.

An ablation is no stage: its parameters in params.yaml would make stages run again.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from provenline.errors import InputError

CONF, DEFAULT = Path("conf/ablation"), "augment"
METRICS = {"map50": "mAP50", "map": "mAP50-95", "precision": "precision", "recall": "recall", "f1": "F1"}


def _listed(value: Any) -> Any:
    """Take one override for a list of one."""
    return (value,) if isinstance(value, str) else value


def _named(value: Any) -> Any:
    if isinstance(value, dict) and any(isinstance(name, bool) for name in value):
        raise ValueError('quote the levels "on" and "off": YAML reads them as true and false')
    return value


Override = Annotated[str, Field(pattern=r"^[^=\s]+=\S*$")]
Overrides = Annotated[tuple[Override, ...], BeforeValidator(_listed)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_ ]*$")]
Levels = Annotated[dict[Name, Overrides], BeforeValidator(_named), Field(min_length=2)]


class AblationParams(BaseModel):
    """What is varied, with which seeds, and what it is judged by.

    Attributes:
        about: The question, in one line.
        design: ``one_at_a_time``: the reference, and one setting for each other level of each factor;
            ``full``: every combination of levels, so that a factor is judged among all the others'.
        seed_key: The parameter that seeds move. Nothing else may: the split must stay.
        seeds: At least one; two or more tell luck from effect.
        common: Overrides of every cell.
        factors: Factor -> level -> overrides. The first level is the reference.
        wholes: Settings as a whole, each compared with the reference.
        metrics: From ``METRICS``; the first decides.
        min_seeds: With fewer seeds there is no verdict.
        warn_seeds: With fewer seeds a verdict carries a warning.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    about: str
    design: Literal["one_at_a_time", "full"]
    seed_key: Annotated[str, Field(pattern=r"^[a-z_]+(\.[a-z_]+)+$")]
    seeds: Annotated[tuple[Annotated[int, Field(ge=0)], ...], Field(min_length=1)]
    common: Overrides
    factors: dict[Name, Levels]
    wholes: dict[Name, Overrides]
    metrics: Annotated[tuple[Literal["map50", "map", "precision", "recall", "f1"], ...], Field(min_length=1)]
    min_seeds: Annotated[int, Field(ge=2)]
    warn_seeds: Annotated[int, Field(ge=2)]

    @field_validator("seeds", "metrics")
    @classmethod
    def _once(cls, values: tuple[Any, ...]) -> tuple[Any, ...]:
        if len(set(values)) < len(values):
            raise ValueError("one is listed twice")
        return values

    @model_validator(mode="after")
    def _something(self) -> AblationParams:
        if not self.factors and not self.wholes and len(self.seeds) < 2:
            raise ValueError("neither factors, nor wholes, nor a second seed: there is nothing to compare")
        levels = (overrides for levels in self.factors.values() for overrides in levels.values())
        for override in (one for group in (self.common, *self.wholes.values(), *levels) for one in group):
            if override.split("=")[0].lstrip("+~") in {"seed", self.seed_key}:
                raise ValueError(f"{override}: seeds are named under `seeds` alone")
        return self


def arguments(words: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """Return the ablation's name and the overrides for every cell, from the words of a command.

    Raises:
        InputError: Several are named.

    >>> arguments(["small", "profile=tiny"]), arguments([])
    (('small', ('profile=tiny',)), ('augment', ()))
    """
    names = [word for word in words if "=" not in word]
    if len(names) > 1:
        raise InputError(f"one ablation at a time, not {' and '.join(names)}")
    return (names or [DEFAULT])[0], tuple(word for word in words if "=" in word)


def read(path: Path) -> AblationParams:
    """Read an ablation.

    Raises:
        InputError: It is not there or wrong; all faults at once, each by its dotted key.
    """
    known = ", ".join(sorted(one.stem for one in path.parent.glob("*.yaml")))
    try:
        return AblationParams.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise InputError("there is no such ablation", file=path, mend=f"There are {known}") from None
    except yaml.YAMLError as error:
        raise InputError(f"not YAML ({error})", file=path) from None
    except ValidationError as error:
        faults = (f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        raise InputError("; ".join(faults), file=path) from None
