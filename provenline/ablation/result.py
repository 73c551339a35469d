"""The whole of an ablation as one JSON object: settings, effects, what may be chosen, what is missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from provenline.ablation.design import Design
from provenline.ablation.effects import Cells, Effect, Rules, effects, mean_of
from provenline.ablation.measure import Scores
from provenline.ablation.params import AblationParams
from provenline.ablation.sentences import chosen, sentence, settled_by, warning
from provenline.evaluation.proportions import rounded

CHOOSING = "val"


@dataclass(frozen=True)
class Measured:
    """All cells that have results.

    Attributes:
        params: What was asked for.
        design: What follows from it.
        scores: (setting, seed) -> set -> metric -> number with replicates.
        judged_on: The set that claims rest on: ``deployment`` or ``test``.
        rules: When something may be said.
    """

    params: AblationParams
    design: Design
    scores: Mapping[tuple[str, int], Scores]
    judged_on: str
    rules: Rules

    def sets(self) -> tuple[str, ...]:
        """Return the sets that were measured: the one to choose on, if there is one, and the judged one."""
        there = {name for one in self.scores.values() for name in one}
        return tuple(name for name in (CHOOSING, self.judged_on) if name in there)

    def cells(self, name: str, metric: str) -> Cells:
        """Return one metric on one set, by cell."""
        return {cell: one[name][metric] for cell, one in self.scores.items() if name in one}


def result(given: Measured) -> dict[str, Any]:
    """Return the JSON object: ``settings``, ``effects``, ``choice``, ``sentences``, ``warnings`` and more.

    Effects on the set to choose on stand beside those on the judged set; sentences are about the latter.
    """
    found = {
        (name, metric): effects(
            given.cells(name, metric), given.design.contrasts, given.params.seeds, given.rules
        )
        for name in given.sets()
        for metric in given.params.metrics
    }
    first = given.params.metrics[0]
    judged = found.get((given.judged_on, first), [])
    return {
        "about": given.params.about,
        "design": given.params.design,
        "seeds": list(given.params.seeds),
        "metrics": list(given.params.metrics),
        "judged_on": given.judged_on,
        "chosen_on": CHOOSING,
        "confidence": given.rules.confidence,
        "cells": {"wanted": len(given.params.seeds) * len(given.design.settings), "done": len(given.scores)},
        "settings": _settings(given),
        "effects": [
            _effect(one, name, metric, given.rules) for (name, metric), row in found.items() for one in row
        ],
        "choice": choice(given),
        "sentences": [_full(one, first, given.rules) for one in judged],
        "warnings": _warnings(judged, given.rules),
    }


def choice(given: Measured) -> dict[str, Any] | None:
    """Return the setting that is best on the set to choose on, and what it scores on the judged set.

    The figure on the judged set is a fair one, because that set had no say. The best on the judged set
    would not be: picking it there is selection, and flatters.

    Returns:
        None where there is one setting alone, or none has results for every seed on both sets.
    """
    metric = given.params.metrics[0]
    if len(given.design.settings) < 2:
        return None
    if CHOOSING not in given.sets() or given.judged_on not in given.sets():
        return None
    means = {
        name: {one.name: _whole(given, name, one.name) for one in given.design.settings}
        for name in (CHOOSING, given.judged_on)
    }
    ranked = {name: {key: m for key, m in row.items() if m is not None} for name, row in means.items()}
    if not ranked[CHOOSING] or not ranked[given.judged_on]:
        return None
    best, flattering = (max(row, key=row.__getitem__) for row in ranked.values())
    found = {
        "setting": best,
        "metric": metric,
        "value": rounded(ranked[CHOOSING][best]),
        "judged": rounded(ranked[given.judged_on].get(best)),
        "best_on_judged": flattering,
        "of": len(ranked[CHOOSING]),
    }
    return {**found, "sentence": chosen(found, CHOOSING, given.judged_on)}


def _whole(given: Measured, name: str, setting: str) -> float | None:
    """Return a setting's mean where every seed was measured: others would be compared on other luck."""
    mean = mean_of(given.cells(name, given.params.metrics[0]), setting, given.params.seeds)
    return mean.estimate if len(mean.seeds) == len(given.params.seeds) else None


def _settings(given: Measured) -> list[dict[str, Any]]:
    return [
        {
            "name": one.name,
            "overrides": list(one.overrides),
            "sets": {name: _means(given, name, one.name) for name in given.sets()},
        }
        for one in given.design.settings
    ]


def _means(given: Measured, name: str, setting: str) -> dict[str, Any]:
    seeds, confidence = given.params.seeds, given.rules.confidence
    return {
        metric: mean_of(given.cells(name, metric), setting, seeds).to_dict(confidence, least=0.0)
        for metric in given.params.metrics
    }


def _effect(one: Effect, name: str, metric: str, rules: Rules) -> dict[str, Any]:
    parts = one.mean.parts
    return {
        "factor": one.contrast.factor,
        "level": one.contrast.level,
        "against": one.contrast.against,
        "set": name,
        "metric": metric,
        **one.mean.to_dict(rules.confidence),
        "seed_error": rounded(parts.seed_variance**0.5) if parts else None,
        "group_error": rounded(parts.group_variance**0.5) if parts else None,
        "p": rounded(one.p),
        "p_holm": rounded(one.p_holm),
        "reads": one.reads,
        "sentence": _full(one, metric, rules),
    }


def _full(one: Effect, metric: str, rules: Rules) -> str:
    return "; ".join(filter(None, [sentence(one, metric, rules), settled_by(one, rules)]))


def _warnings(found: Sequence[Effect], rules: Rules) -> list[str]:
    return list(dict.fromkeys(filter(None, (warning(one.mean, rules) for one in found))))
