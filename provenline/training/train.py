"""Fine-tune a checkpoint by a recipe, so that it can be killed, gone on with, and explained."""

from __future__ import annotations

import gc
import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from provenline.detectors.device import each_device, torch_devices
from provenline.detectors.quiet import quiet_ultralytics, seed_fonts
from provenline.detectors.weights import verified
from provenline.errors import InputError
from provenline.files import atomic_path, sha256_of
from provenline.progress import notice
from provenline.training.effect import by_definition, differing, hyperparameters, refuse
from provenline.training.failing import one_line, out_of_memory, smaller
from provenline.training.flips import refuse_mixed_up
from provenline.training.keeping import FORMAT, Keeper, Notes, sweep
from provenline.training.loading import cache_of
from provenline.training.params import TrainParams
from provenline.training.publishing import publish, publish_none
from provenline.training.ranks import train_in_ranks
from provenline.training.running import Job, train_here
from provenline.training.strip import task_of
from provenline.training.view import View, build_view
from provenline.training.watching import OnEpoch

HALVINGS = 5  # of the batch, until memory suffices


def fine_tune(
    dataset_yaml: Path,
    base: Path,
    base_sha256: str,
    params: TrainParams,
    out: Path,
    peaks: Path,
    state: Path,
    on_epoch: OnEpoch,
) -> dict[str, Any]:
    """Fine-tune ``base`` on a YOLO data set; write the best epoch's weights to ``out``, others to ``peaks``.

    A run that was killed goes on after its last finished epoch when it is called again with the same
    ``state``; one that had finished publishes again. On a processor it ends with the bytes of a run that was
    never killed, however many processes read and whatever is kept in memory; on a GPU as nearly as its
    kernels repeat themselves. Where memory runs out, it goes on after the last finished epoch with half the
    batch and as many batches more to a step.

    Args:
        dataset_yaml: The data set's YAML; the folder is only read.
        base: Checkpoint to start from.
        base_sha256: Its hash; another file is refused.
        params: Recipe, augmentation, device, what is kept.
        out: `.pt` to write: FP16, no optimizer, nothing of the machine.
        peaks: Folder to write: the best epochs by each watched metric, likewise, and `peaks.json`.
        state: Working folder, named by the caller after `fingerprint`. It stays: the caller removes it
            (`keeping.forget`) when all that it writes itself is there.
        on_epoch: Called with the epoch (from 1) and its numbers after each finished epoch.

    Returns:
        `epochs`, `best_epoch`, `chosen_by`, `history`, `peaks`, `arguments` (asked and in effect,
        `differences`, `batches`), `images`, `boxes`, `classes`, `seed`, `device`, `base_sha256`, `sha256` of
        ``out``; and, under `measured`, what another run of the same would not repeat: `seconds` and the
        `starts` of the processes.

    Raises:
        InputError: Base or data set are missing or wrong, memory runs out at the smallest batch, the disk is
            full, the loss is no number, or hyperparameters in effect are neither those asked for nor allowed;
            or, of several devices, the training process of one failed.
    """
    verified(base, base_sha256)
    devices = torch_devices(params.device)
    quiet_ultralytics()
    seed_fonts()
    with one_line(state / "kept"):
        sweep(state)
        view = build_view(dataset_yaml, state / "view", params.limit, params.recipe.task)
        refuse_mixed_up(view.names, params)
        keeper = Keeper(state / "kept", params.keep)
        notes = keeper.notes()
        refuse(notes.differences, params.allow)
        asked = arguments(params, view, state / "run", ",".join(devices))
        if not notes.done:
            _refuse_task(base, params.recipe.task)
            job = Job(asked, base, state / "kept", None, params.keep, params.allow, view, devices)
            notes = _train(job, params, keeper, on_epoch)
        published = publish(keeper, notes.scores, params, out, peaks)
    return {**_summary(notes, asked, params, view), "base_sha256": base_sha256, **published}


def pass_through(base: Path, out: Path, peaks: Path) -> dict[str, Any]:
    """Copy the base to ``out`` where no training is wanted; return `fine_tune`'s keys as they apply.

    A base that is a folder makes ``out`` a folder.
    """
    with atomic_path(out) as temporary:
        (shutil.copytree if base.is_dir() else shutil.copyfile)(base, temporary)
    digest = sha256_of(out)
    return {
        "epochs": 0,
        "best_epoch": 0,
        "history": [],
        "base_sha256": digest,
        "sha256": digest,
        **publish_none(peaks),
    }


def fingerprint(params: TrainParams, base_sha256: str, dataset_sha256: str) -> str:
    """Return 16 hexadecimal digits that name a training, for its state's folder.

    What may change in between is not in it: who decides to train, reading processes and what they keep in
    memory, what is allowed to differ.
    """
    recipe = params.model_dump(exclude={"when", "workers", "cache", "allow", "full", "may_flip"})
    parts = [recipe, base_sha256, dataset_sha256, FORMAT, version("ultralytics")]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


def arguments(params: TrainParams, view: View, run: Path, device: str) -> dict[str, Any]:
    """Return the arguments that ultralytics' trainer is given.

    Args:
        params: What is asked for.
        view: The data set.
        run: Folder that ultralytics writes to.
        device: As torch names it; several with commas between them.
    """
    devices = device.split(",")
    images = len(devices) * (len(view.train) + len(view.val))  # each device's process holds its own
    return {
        # The biases' rate at the start of the warm-up: 0.1 suits SGD and throws Adam off.
        "warmup_bias_lr": 0.1 if "SGD" in params.recipe.optimizer else 0.0,
        **params.hyperparameters(),
        "task": params.recipe.task,
        "augmentations": [],  # else ultralytics adds some wherever albumentations happens to be installed
        "data": str(view.yaml.resolve()),
        "device": ",".join(dict.fromkeys(one.removeprefix("cuda:") for one in devices)),
        "workers": params.workers,
        "save_dir": str(run.resolve()),
        "exist_ok": True,
        "deterministic": True,
        "amp": _precision(devices[0]),
        "cache": cache_of(params.cache, images, params.recipe.imgsz) or False,
        "plots": False,
        "val": True,
        "save": True,
        "verbose": False,
        "compile": False,
        "rect": False,
    }


def _precision(device: str) -> bool | str:
    if device == "cpu":
        return False
    import torch

    # FP16 would first run a check that fetches weights; BF16 needs neither the check nor loss scaling.
    return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else False


def _refuse_task(base: Path, wanted: str) -> None:
    if (task := task_of(base)) != wanted:
        mend = "Name a base for it in conf/model (yolov8n-seg.pt, say), or take another recipe"
        raise InputError(f"a model for {task!r}, the recipe is for {wanted!r}", file=base, mend=mend)


def _train(job: Job, params: TrainParams, keeper: Keeper, on_epoch: OnEpoch) -> Notes:
    """Train to the end, with half the batch each time that memory runs out."""
    batch, halvings = params.recipe.batch, 0
    while True:
        batch = min([batch, *(one["batch"] for one in keeper.notes().batches)])
        now = replace(job, asked={**job.asked, "batch": batch}, state=keeper.state())
        if _fits(now, keeper, on_epoch):
            return keeper.notes()
        halvings += 1
        batch = _halved(batch, params, len(keeper.notes().history), halvings)


def _halved(batch: int, params: TrainParams, epoch: int, halvings: int) -> int:
    recipe, half = params.recipe, smaller(batch, params.recipe.nbs, len(each_device(params.device)))
    what = f"out of memory in epoch {epoch + 1} with batch {batch} at {recipe.imgsz} on {params.device}"
    if half is None or halvings > HALVINGS:
        raise InputError(what, mend="Lower imgsz or choose a smaller model; finished epochs are kept")
    then = f"going on after epoch {epoch}" if epoch else "starting over"
    steps = f"{recipe.nbs // half} batches to a step of {recipe.nbs} images"
    notice(f"{what}: {then} with batch {half} and {steps}; the augmentation stays as it is")
    return half


def _fits(job: Job, keeper: Keeper, on_epoch: OnEpoch) -> bool:
    """Train; return whether memory sufficed. What was held is let go."""
    run = Path(job.asked["save_dir"])
    shutil.rmtree(run, ignore_errors=True)
    try:
        if len(job.devices) > 1:
            train_in_ranks(job, on_epoch, run.parent)
        else:
            train_here(job, keeper, on_epoch)
    except (RuntimeError, MemoryError, OSError) as error:
        if not out_of_memory(error):
            raise
    else:
        return True
    _free_memory()
    return False


def _free_memory() -> None:
    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def _summary(notes: Notes, asked: dict[str, Any], params: TrainParams, view: View) -> dict[str, Any]:
    wanted = hyperparameters(asked)
    return {
        "epochs": len(notes.history),
        "history": notes.history,
        "arguments": {
            "asked": wanted,
            "in_effect": notes.in_effect,
            "differences": _differences(notes, wanted, len(view.train)),
            "batches": notes.batches,
        },
        "images": {"train": len(view.train), "val": len(view.val)},
        "boxes": view.boxes,
        "classes": list(view.names),
        "seed": params.recipe.seed,
        "device": params.device,
        "measured": {"seconds": round(sum(notes.seconds), 1), "starts": notes.starts},
    }


def _differences(notes: Notes, wanted: Mapping[str, Any], images: int) -> dict[str, dict[str, Any]]:
    """Return what was in effect otherwise than asked, and why that was no error."""
    defined = differing(wanted, by_definition(wanted, images))
    found = {name: {**pair, "why": "by definition"} for name, pair in defined.items()}
    found |= {name: {**pair, "why": "allowed"} for name, pair in notes.differences.items()}
    if (last := notes.batches[-1])["batch"] != wanted["batch"]:
        pair = {"asked": wanted["batch"], "in_effect": last["batch"], "epoch": last["epoch"]}
        found["batch"] = {**pair, "why": "memory ran out"}
    return found
