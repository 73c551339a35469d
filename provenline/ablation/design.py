"""From factors to the cells that are trained, and to the pairs of settings that are compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product

from provenline.ablation.params import AblationParams
from provenline.errors import InputError

REFERENCE = "reference"


@dataclass(frozen=True)
class Setting:
    """One way to train, whatever the seed.

    Attributes:
        name: Short, without blanks; part of an experiment's name.
        overrides: What is given to Hydra, in order.
        levels: Factor -> level; empty for a setting as a whole.
        moved: Those factors that are not at their reference level.
    """

    name: str
    overrides: tuple[str, ...]
    levels: Mapping[str, str]
    moved: tuple[str, ...]


@dataclass(frozen=True)
class Contrast:
    """One level of a factor against its reference level.

    Attributes:
        factor: What is varied.
        level: How the level is called in a sentence, ``flip on``.
        against: The same of the reference level, ``flip off``.
        pairs: Settings that differ in nothing but this: (with the level, with the reference level).
    """

    factor: str
    level: str
    against: str
    pairs: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Design:
    """The settings of an ablation, the reference first, and what is compared with what."""

    settings: tuple[Setting, ...]
    contrasts: tuple[Contrast, ...]


def label(setting: Setting) -> str:
    """Return a setting as people call it: by the levels that are not the reference's.

    >>> label(Setting("flip-on", (), {"mosaic": "on", "flip": "on"}, ("flip",)))
    'flip=on'
    """
    moved = [f"{factor}={setting.levels[factor]}" for factor in setting.moved]
    return " ".join(moved) or setting.name or REFERENCE


def expand(params: AblationParams) -> Design:
    """Return the settings that the design asks for, and one contrast per level and per whole.

    Raises:
        InputError: Two settings would have the same name.
    """
    combinations = _combinations(params)
    settings = [
        Setting(name, _overrides(params, row), row, _moved(params, row)) for name, row in combinations.items()
    ]
    # Without the factors' overrides: to Hydra a value given by name stands above a whole group.
    settings += [
        Setting(_slug(whole), (*params.common, *given), {}, ()) for whole, given in params.wholes.items()
    ]
    names = [one.name for one in settings]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise InputError(f"two settings are called {twice[0]!r}", mend="Rename a factor, a level or a whole")
    return Design(tuple(settings), (*_contrasts(params, combinations), *_wholes(params)))


def cells(
    params: AblationParams, design: Design, prefix: str, extra: tuple[str, ...] = ()
) -> dict[tuple[str, int], tuple[str, tuple[str, ...]]]:
    """Return (setting, seed) -> (name of the experiment, its overrides), seed by seed.

    A killed sweep then leaves whole seeds, which can be compared, and not whole settings, which cannot.

    Args:
        params: See there.
        design: Of these parameters.
        prefix: What the experiments' names begin with.
        extra: Overrides of every cell, after all others but the seed.
    """
    return {
        (one.name, seed): (
            f"{prefix}-{one.name}-s{seed}",
            (*one.overrides, *extra, f"{params.seed_key}={seed}"),
        )
        for seed in params.seeds
        for one in design.settings
    }


def _first(params: AblationParams) -> dict[str, str]:
    return {factor: next(iter(levels)) for factor, levels in params.factors.items()}


def _combinations(params: AblationParams) -> dict[str, dict[str, str]]:
    """Return name -> factor -> level of the settings that factors make; the reference comes first."""
    first = _first(params)
    if params.design == "full":
        rows = (
            dict(zip(params.factors, chosen, strict=True)) for chosen in product(*params.factors.values())
        )
        return {_name(params, row): row for row in rows}
    found = {REFERENCE: first}
    for factor, levels in params.factors.items():
        for level in list(levels)[1:]:
            row = {**first, factor: level}
            found[_name(params, row)] = row
    return found


def _name(params: AblationParams, row: Mapping[str, str]) -> str:
    moved = [f"{factor} {row[factor]}" for factor in _moved(params, row)]
    return "_".join(map(_slug, moved)) or REFERENCE


def _moved(params: AblationParams, row: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(factor for factor, level in row.items() if level != _first(params)[factor])


def _slug(text: str) -> str:
    return text.replace(" ", "-")


def _overrides(params: AblationParams, row: Mapping[str, str]) -> tuple[str, ...]:
    chosen = (one for factor, level in row.items() for one in params.factors[factor][level])
    return (*params.common, *chosen)


def _contrasts(params: AblationParams, combinations: Mapping[str, Mapping[str, str]]) -> list[Contrast]:
    named = {tuple(sorted(row.items())): name for name, row in combinations.items()}
    found = []
    for factor, levels in params.factors.items():
        reference, *others = levels
        for level in others:
            sides = [
                (name, named.get(tuple(sorted({**row, factor: reference}.items()))))
                for name, row in combinations.items()
                if row[factor] == level
            ]
            pairs = tuple((one, other) for one, other in sides if other is not None)
            found.append(Contrast(factor, f"{factor} {level}", f"{factor} {reference}", pairs))
    return found


def _wholes(params: AblationParams) -> list[Contrast]:
    return [Contrast(whole, whole, REFERENCE, ((_slug(whole), REFERENCE),)) for whole in params.wholes]
