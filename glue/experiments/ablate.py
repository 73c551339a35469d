"""Train every cell of an ablation, and say what each factor is worth: `make ablate`.

`make ablate ARGS="small profile=cpu"` takes conf/ablation/small.yaml (augment.yaml, if none is named), and
overrides for every cell. What has results is not trained again.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from glue import runtime
from glue.experiments.cells import same_frames, score_all, stand
from glue.experiments.commits import composed
from glue.experiments.queue import DvcQueue
from glue.experiments.running import Outcome, run
from glue.experiments.table import show
from glue.tracking.ablation import log_ablation
from provenline.ablation.comparable import only_training_moves
from provenline.ablation.design import Design, cells, expand
from provenline.ablation.effects import rules_of
from provenline.ablation.params import AblationParams, read
from provenline.ablation.result import CHOOSING, Measured, result
from provenline.ablation.spread import keep
from provenline.errors import InputError
from provenline.files import write_json

CONF, DEFAULT = Path("conf/ablation"), "augment"
RESULT, SPREADS = Path("metrics/ablation.json"), Path("data/seed_spread.json")


def main() -> None:
    """Run the cells, write metrics/ablation.json, print it; exit status 1 if cells have no results."""
    with runtime.one_line_errors():
        name, overrides = arguments(sys.argv[1:])
        params = read(CONF / f"{name}.yaml")
        design = expand(params)
        wanted = cells(params, design, name, overrides)
        experiments = dict(wanted.values())
        parameters = {one: composed(words) for one, words in experiments.items()}
        only_training_moves(parameters)
        outcome = run(experiments, ["eval"], DvcQueue())
        say_failures(outcome)
        revs = {cell: outcome.done[one] for cell, (one, _) in wanted.items() if one in outcome.done}
        first = {one.name: parameters[wanted[one.name, params.seeds[0]][0]] for one in design.settings}
        found = analyse(name, params, design, revs, first)
        failed = [{"cell": one, "why": why} for one, why in outcome.failed.items()]
        if design.contrasts:  # a sweep of seeds alone says nothing of factors: the last one that did stays
            write_json(RESULT, {"name": name, **found, "failed": failed})
        show(found, RESULT if design.contrasts else SPREADS)
        say_failures(outcome)
    sys.exit(1 if outcome.failed else 0)


def arguments(words: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """Return the ablation's name and the overrides for every cell.

    >>> arguments(["small", "profile=tiny"]), arguments([])
    (('small', ('profile=tiny',)), ('augment', ()))
    """
    names = [word for word in words if "=" not in word]
    if len(names) > 1:
        raise InputError(f"one ablation at a time, not {' and '.join(names)}")
    return (names or [DEFAULT])[0], tuple(word for word in words if "=" in word)


def analyse(
    name: str,
    params: AblationParams,
    design: Design,
    revs: Mapping[tuple[str, int], str],
    parameters: Mapping[str, Mapping[str, Any]],
) -> dict[str, Any]:
    """Score the cells that have results and return what follows, as metrics/ablation.json has it.

    Args:
        name: Of the ablation.
        params: What was asked for.
        design: What follows from it.
        revs: (setting, seed) -> commit of the cell.
        parameters: Setting -> what its first cell composes to; in frames and judging they agree.

    Raises:
        InputError: No cell has results, or they were not judged on the same frames.
    """
    if not revs:
        raise InputError("no cell has results", mend="See above which failed and why")
    reference = next(iter(parameters.values()))
    round_ = str(reference["round"])
    same_frames({f"{name}-{setting}-s{seed}": rev for (setting, seed), rev in revs.items()}, round_)
    ground = stand(next(iter(revs.values())), reference)
    sets = (CHOOSING, ground.judged_on)
    trained = score_all(ground, revs, sets, params.metrics, name, round_)
    keep((one.training for one in trained.values()), name, ground.judged_on, ground.mark, SPREADS)
    rules = rules_of(params, ground.params.interval)
    scored = {cell: one.training.scores for cell, one in trained.items()}
    measured = result(Measured(params, design, scored, ground.judged_on, rules))
    found = {"split_sha256": ground.split_sha256, **measured}
    log_ablation(name, found, design.settings, trained, parameters)
    return found


def say_failures(outcome: Outcome) -> None:
    """Print which cells have no results, why, and what to do."""
    for one, why in outcome.failed.items():
        runtime.notice(f"{one} failed: {why}")
    if outcome.failed:
        runtime.notice(
            f"{len(outcome.failed)} failed; start again to run them alone (`dvc queue logs NAME` says more)"
        )


if __name__ == "__main__":
    main()
