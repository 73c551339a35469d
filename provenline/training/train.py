"""Fine-tune a checkpoint by a recipe, so that it can be killed, gone on with, and explained."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from provenline.detectors.device import torch_device
from provenline.detectors.quiet import quiet_ultralytics, seed_fonts
from provenline.detectors.weights import verified
from provenline.errors import InputError
from provenline.files import atomic_path, sha256_file, sha256_of
from provenline.training.families import trainer_of
from provenline.training.keeping import Keeper, Notes
from provenline.training.params import TrainParams
from provenline.training.strip import strip_checkpoint
from provenline.training.view import View, build_view
from provenline.training.watching import Watcher

OnEpoch = Callable[[int, dict[str, float]], None]


def fine_tune(
    dataset_yaml: Path,
    base: Path,
    base_sha256: str,
    params: TrainParams,
    out: Path,
    state: Path,
    on_epoch: OnEpoch,
) -> dict[str, Any]:
    """Fine-tune ``base`` on a YOLO data set and write the best epoch's weights to ``out``.

    A run that was killed goes on after its last finished epoch when it is called again with the same
    ``state``. Its optimizer state passes through FP16 in ultralytics' checkpoint, so a resumed run ends
    near, not at, the weights of one that was never killed.

    Args:
        dataset_yaml: The data set's YAML; the folder is only read.
        base: Checkpoint to start from.
        base_sha256: Its hash; another file is refused.
        params: Recipe, augmentation, device.
        out: `.pt` to write: FP16, no optimizer, nothing of the machine.
        state: Working folder, named by the caller after a fingerprint of all inputs; removed at the end.
        on_epoch: Called with the epoch (from 1) and its numbers after each finished epoch.

    Returns:
        `epochs`, `best_epoch`, `history`, `arguments` (asked and in effect, `differences`), `images`,
        `boxes`, `classes`, `seed`, `device`, `base_sha256`, `sha256` of ``out``; and, under `measured`,
        what another run of the same would not repeat: `seconds` and the `starts` of the processes.

    Raises:
        InputError: Base or data set are missing or wrong, memory runs out, or the loss is no number.
    """
    verified(base, base_sha256)
    device = torch_device(params.device)
    quiet_ultralytics()
    seed_fonts()
    view = build_view(dataset_yaml, state / "view", params.limit)
    keeper = Keeper(state / "kept")
    notes = keeper.notes()
    if not notes.done:
        asked = arguments(params, view, state / "run", device)
        with _one_line(params):
            _run(asked, base, keeper, Watcher(keeper, notes, params.recipe.epochs, on_epoch), view)
        notes = keeper.notes()
    strip_checkpoint(keeper.best, out, params.recipe.imgsz)
    shutil.rmtree(state)
    return {**_summary(notes, params, view), "base_sha256": base_sha256, "sha256": sha256_file(out)}


def pass_through(base: Path, out: Path) -> dict[str, Any]:
    """Copy the base to ``out`` where no training is wanted; return `fine_tune`'s keys as they apply.

    A base that is a folder makes ``out`` a folder.
    """
    with atomic_path(out) as temporary:
        (shutil.copytree if base.is_dir() else shutil.copyfile)(base, temporary)
    digest = sha256_of(out)
    return {"epochs": 0, "best_epoch": 0, "history": [], "base_sha256": digest, "sha256": digest}


def arguments(params: TrainParams, view: View, run: Path, device: str) -> dict[str, Any]:
    """Return the arguments that ultralytics' trainer is given."""
    return {
        **params.recipe.model_dump(),
        **params.augment.model_dump(),
        "task": "detect",
        "data": str(view.yaml.resolve()),
        "device": device.removeprefix("cuda:"),
        "workers": params.workers,
        "save_dir": str(run.resolve()),
        "exist_ok": True,
        "deterministic": True,
        "amp": _precision(device),
        # The biases' rate at the start of the warm-up: 0.1 suits SGD and throws Adam off.
        "warmup_bias_lr": 0.1 if "SGD" in params.recipe.optimizer else 0.0,
        "cache": False,  # reading ahead into memory is not deterministic
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


def _run(asked: dict[str, Any], base: Path, keeper: Keeper, watcher: Watcher, view: View) -> None:
    weights = Path(asked["save_dir"]) / "weights"
    if watcher.notes.history:
        asked = {**asked, "resume": str(keeper.restore(weights))}
    else:
        shutil.rmtree(asked["save_dir"], ignore_errors=True)
    trainer = trainer_of(base)(overrides={**asked, "model": str(base.resolve())})
    # Its own last evaluation strips the checkpoints in place and tells nothing new.
    trainer.final_eval = lambda: None
    with watcher.watching(trainer, asked, view):
        trainer.train()


@contextmanager
def _one_line(params: TrainParams) -> Iterator[None]:
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        text = " ".join(str(error).split())
        if isinstance(error, MemoryError) or "out of memory" in text.lower():
            what = (
                f"out of memory with batch {params.recipe.batch} at {params.recipe.imgsz} on {params.device}"
            )
            raise InputError(what, mend="Lower batch or imgsz in conf/profile") from None
        if "NaN" in text:
            mend = "Lower lr0 in conf/recipe, or look for broken labels"
            raise InputError(f"the loss is no number any more ({text[:120]})", mend=mend) from None
        raise


def _summary(notes: Notes, params: TrainParams, view: View) -> dict[str, Any]:
    asked = {**params.recipe.model_dump(), **params.augment.model_dump()}
    differences = {
        name: {"asked": asked[name], "in_effect": value}
        for name, value in notes.in_effect.items()
        if name in asked and asked[name] != value
    }
    return {
        "epochs": len(notes.history),
        "best_epoch": notes.best_epoch,
        "history": notes.history,
        "arguments": {"asked": asked, "in_effect": notes.in_effect, "differences": differences},
        "images": {"train": len(view.train), "val": len(view.val)},
        "boxes": view.boxes,
        "classes": list(view.names),
        "seed": params.recipe.seed,
        "device": params.device,
        "measured": {"seconds": round(sum(notes.seconds), 1), "starts": notes.starts},
    }
