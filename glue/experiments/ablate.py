"""Train every cell of an ablation, and say what each factor is worth: `make ablate`.

`make ablate ARGS="small profile=cpu"` takes conf/ablation/small.yaml (augment.yaml, if none is named), and
overrides for every cell. What has results is not trained again.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from glue import runtime
from glue.experiments.cells import same_frames, score_all, stand
from glue.experiments.commits import composed
from glue.experiments.queue import DvcQueue
from glue.tracking.ablation import log_ablation
from provenline.ablation.analyse import analysed, sets
from provenline.ablation.comparable import only_training_moves
from provenline.ablation.design import Design, cells, expand
from provenline.ablation.params import CONF, AblationParams, arguments, read
from provenline.ablation.running import run, say_failures
from provenline.ablation.table import show
from provenline.errors import InputError
from provenline.files import write_json

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


def analyse(
    name: str,
    params: AblationParams,
    design: Design,
    revs: Mapping[tuple[str, int], str],
    parameters: Mapping[str, Mapping[str, Any]],
) -> dict[str, Any]:
    """Have the cells that have results scored, log them, and return what metrics/ablation.json has.

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
    trained = score_all(ground, revs, sets(ground), params.metrics, name, round_)
    found = analysed(name, params, design, ground, trained, SPREADS)
    log_ablation(name, found, design.settings, trained, parameters)
    return found


if __name__ == "__main__":
    main()
