"""What `make ablate` found, typed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from provenline.reports.estimates import Estimate


@dataclass(frozen=True)
class Effect:
    """One level of a factor against its reference level, by the metric that decides.

    Attributes:
        level: What is compared, ``flip on``.
        against: With what, ``flip off``.
        judged: The difference on the set that claims rest on.
        chosen: The same on the set that may choose; None where it was not measured.
        seeds: Seeds with results on both sides.
        p_holm: Adjusted for all factors being looked at; None without a verdict.
        reads: ``better``, ``worse``, ``cannot be told apart`` or ``no verdict``.
    """

    level: str
    against: str
    judged: Estimate | None
    chosen: Estimate | None
    seeds: int
    p_holm: float | None
    reads: str


@dataclass(frozen=True)
class Setting:
    """One way to train, over its seeds.

    Attributes:
        name: Its name.
        seeds: Seeds with results.
        judged: Its mean on the set that claims rest on, by metric.
        chosen: Its mean on the set that may choose, by metric.
        spread: Standard deviation between seeds, of the metric that decides, on the judged set.
    """

    name: str
    seeds: int
    judged: Mapping[str, Estimate | None]
    chosen: Mapping[str, Estimate | None]
    spread: float | None


@dataclass(frozen=True)
class Ablation:
    """Which factors were varied, and what they are worth.

    Attributes:
        name: Of the ablation.
        about: The question.
        metrics: The first decides.
        judged_on: The set that claims rest on.
        chosen_on: The set that may choose.
        seeds: How many seeds were asked for.
        wanted: Cells that were asked for.
        done: Cells with results.
        effects: In the order of the factors.
        settings: The reference first.
        sentences: One per effect on the judged set.
        choice: What may be chosen, and what would be selection; empty where nothing can.
        warnings: Sentences.
        failed: (cell, why).
        split_sha256: Of the split it was measured on.
    """

    name: str
    about: str
    metrics: tuple[str, ...]
    judged_on: str
    chosen_on: str
    seeds: int
    wanted: int
    done: int
    effects: tuple[Effect, ...]
    settings: tuple[Setting, ...]
    sentences: tuple[str, ...]
    choice: str
    warnings: tuple[str, ...]
    failed: tuple[tuple[str, str], ...]
    split_sha256: str
