"""What a training leaves: the candidate, and the peaks beside it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from provenline.errors import InputError
from provenline.files import atomic_path, sha256_file, write_json
from provenline.progress import notice
from provenline.training.keeping import Keeper
from provenline.training.params import Keep, TrainParams
from provenline.training.peaks import Scores, peaks, ranked, wanted
from provenline.training.strip import strip_checkpoint

_LIST = "peaks.json"


def publish(keeper: Keeper, scores: Scores, params: TrainParams, out: Path, folder: Path) -> dict[str, Any]:
    """Write the chosen epoch's weights to ``out`` and the peaks' to ``folder``, each whole or not at all.

    Returns:
        `best_epoch`, `chosen_by`, `sha256` of ``out``, and `peaks`: one entry per epoch with its `file`,
        `sha256`, numbers, and `best_by` (metric -> rank from 1).

    Raises:
        InputError: No checkpoint is left.
    """
    whole = keeper.epochs
    _say_lost(scores, params.keep, whole)
    best = next((epoch for epoch in ranked(scores, params.keep.choose) if epoch in whole), None)
    if best is None:
        raise InputError("no epoch's checkpoint is left", mend="Start it again: it trains anew")
    strip_checkpoint(keeper.checkpoint(best), out, params.recipe.imgsz)
    found = []
    with atomic_path(folder) as temporary:
        temporary.mkdir()
        for epoch, by in peaks(scores, params.keep, whole).items():
            file = temporary / f"epoch_{epoch:04d}.{'+'.join(by)}.pt"
            if epoch == best:
                shutil.copyfile(out, file)
            else:
                strip_checkpoint(keeper.checkpoint(epoch), file, params.recipe.imgsz)
            numbers = {name: round(value, 6) for name, value in scores[epoch - 1].items()}
            digest = sha256_file(file)
            found.append({"epoch": epoch, "best_by": by, "file": file.name, "sha256": digest, **numbers})
        write_json(temporary / _LIST, found)
    return {
        "best_epoch": best,
        "chosen_by": params.keep.choose,
        "sha256": sha256_file(out),
        "peaks": found,
    }


def publish_none(folder: Path) -> dict[str, Any]:
    """Write the list of peaks where nothing was trained: an empty one."""
    with atomic_path(folder) as temporary:
        temporary.mkdir()
        write_json(temporary / _LIST, [])
    return {"peaks": []}


def _say_lost(scores: Scores, keep: Keep, whole: list[int]) -> None:
    if lost := sorted(wanted(scores, keep) - set(whole)):
        what = f"epoch {', '.join(map(str, lost))} was among the best and is damaged on disk"
        notice(f"{what}: the best of those that are whole are taken")
