"""Fetches what trained cells left behind, has them scored, and logs their figures into their own runs."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from glue.experiments.commits import fetch
from glue.tracking import runs, track
from provenline import progress
from provenline.ablation.comparable import alike
from provenline.ablation.stand import Cell, Stand, figures, grounds, grounds_read, left, read_stand, scored
from provenline.parameters import PARAMS


@contextmanager
def fetched(rev: str, paths: Sequence[str]) -> Iterator[Path]:
    """Yield a folder that holds some files of a commit, as long as the block lasts."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for path in paths:
            fetch(rev, path, folder)
        yield folder


def stand(rev: str, parameters: Mapping[str, Any]) -> Stand:
    """Read frames, boxes, split and the judged set as they are in one cell.

    Args:
        rev: Commit of the cell.
        parameters: What it composes to.

    Raises:
        InputError: Nothing was judged there, or a file is missing.
    """
    with fetched(rev, grounds_read(str(parameters["round"]))) as folder:
        return read_stand(folder, parameters)


def same_frames(revs: Mapping[str, str], round_: str) -> None:
    """Refuse cells whose frames, labels or split differ, whatever their parameters say.

    Raises:
        InputError: Two of them differ.
    """
    known = {name: _hashes(rev) for name, rev in revs.items()}
    alike({name: {path: hashes.get(path, "") for path in grounds(round_)} for name, hashes in known.items()})


def _hashes(rev: str) -> dict[str, str]:
    with fetched(rev, ["dvc.lock"]) as folder:
        lock = yaml.safe_load((folder / "dvc.lock").read_text(encoding="utf-8"))
    outs = (out for stage in lock["stages"].values() for out in stage.get("outs", ()))
    return {str(out["path"]): str(out.get("md5", "")) for out in outs}


def score_all(
    given: Stand,
    revs: Mapping[tuple[str, int], str],
    sets: tuple[str, ...],
    metrics: tuple[str, ...],
    ablation: str,
    round_: str,
) -> dict[tuple[str, int], Cell]:
    """Score every cell, and log its figures into the run that its training has in MLflow.

    Args:
        given: What all are judged on.
        revs: (setting, seed) -> commit of the cell.
        sets: To be measured on.
        metrics: To be measured.
        ablation: Its name, for the tracker.
        round_: ``v0``, ...

    Raises:
        InputError: A cell did not train, or its predictions are gone.
    """
    found = {}
    for (setting, seed), rev in progress.track(revs.items(), "scoring cells", total=len(revs)):
        with fetched(rev, [*left(round_), str(PARAMS)]) as folder:
            measured, params = figures(folder, setting, round_), folder / PARAMS
            name = f"{ablation}-{setting}-s{seed}"
            tags = {"ablation": ablation, "setting": setting, "seed": str(seed)}
            track.log("", measured, params=params, tags=tags, name=name)
            track.curve("train.epoch", measured["train"]["history"], params=params)
            training = scored(given, folder, measured["train"], seed, sets, metrics)
            found[setting, seed] = Cell(training, runs.fingerprint(params), rev)
    return found
