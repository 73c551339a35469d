"""The hyperparameters that were asked for against those in effect.

Ultralytics changes some in silence: `optimizer=auto` sets its own learning rate, memory that runs out halves
the batch, sizes are rounded to the stride, the warm-up leaves the last epoch alone, gradients gather over a
whole number of batches only, and a data set can switch augmentation off. So each value is read where it acts
(the optimizer, the loaders, the transforms), and among the trainer's arguments besides, which later epochs
read again.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from typing import Any, TypeAlias

from provenline.errors import InputError

Trainer: TypeAlias = Any  # ultralytics' DetectionTrainer: no useful types
Values: TypeAlias = dict[str, Any]

# What is no hyperparameter: places, and how this machine goes about it.
PLACES = ("data", "device", "save_dir", "exist_ok", "model", "resume", "task")
LOCAL = frozenset((*PLACES, "workers", "cache", "plots", "val", "save", "verbose"))
# Class of a transform -> where it holds which hyperparameter.
_TRANSFORMS = {
    "Mosaic": {"p": "mosaic"},
    "MixUp": {"p": "mixup"},
    "CutMix": {"p": "cutmix"},
    "CopyPaste": {"p": "copy_paste"},
    "RandomPerspective": {name: name for name in ("degrees", "translate", "scale", "shear", "perspective")},
    "RandomHSV": {"hgain": "hsv_h", "sgain": "hsv_s", "vgain": "hsv_v"},
}
_CLOSED = ("mosaic", "mixup", "cutmix", "copy_paste")  # off in the last `close_mosaic` epochs


def hyperparameters(arguments: Mapping[str, Any]) -> Values:
    """Return those of ultralytics' arguments that decide what is learnt: all but places and workers."""
    return {name: _plain(value) for name, value in arguments.items() if name not in LOCAL}


def by_definition(asked: Mapping[str, Any], images: int) -> Values:
    """Return ``asked`` with what its definitions cap.

    The warm-up is at most one epoch shorter than the training, and the nominal batch at most all images of
    all epochs: with more, no step would ever be taken.

    Args:
        asked: Hyperparameters.
        images: Those of one epoch.
    """
    warmup = min(asked["warmup_epochs"], float(max(asked["epochs"] - 1, 0)))
    batches = math.ceil(images / asked["batch"]) * asked["epochs"]
    return {**asked, "warmup_epochs": warmup, "nbs": min(asked["nbs"], asked["batch"] * batches)}


def in_effect(
    trainer: Trainer, asked: Mapping[str, Any], meant: Mapping[str, Any], accumulate: int, epoch: int | None
) -> Values:
    """Return the hyperparameters as they are used.

    Args:
        trainer: Ultralytics' trainer, its training begun.
        asked: Hyperparameters to look for, as the trainer was told them.
        meant: The same `by_definition`: what must act.
        accumulate: Batches to a step of the optimizer after the warm-up.
        epoch: The one that was just finished, from 0; None before the first.
    """
    acting = {
        **_optimizer(trainer, asked, epoch),
        **_sizes(trainer, asked, accumulate),
        **_augmentation(trainer, asked, epoch),
    }
    found: Values = {}
    for name, wanted in meant.items():
        told = _plain(getattr(trainer.args, name, asked[name]))
        acts = _plain(acting.get(name, wanted))
        found[name] = told if same(acts, wanted) and not same(told, asked[name]) else acts
    return found


def same(one: Any, other: Any) -> bool:
    """Return whether two values of a hyperparameter are one, but for rounding.

    >>> same(0.1 * 3, 0.3), same(True, "bf16"), same(16, 8)
    (True, False, False)
    """
    numbers = all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in (one, other))
    return math.isclose(one, other, rel_tol=1e-6) if numbers else bool(one == other)


def differing(wanted: Mapping[str, Any], found: Mapping[str, Any]) -> dict[str, Values]:
    """Return name -> `asked` and `in_effect` for what differs."""
    return {
        name: {"asked": wanted[name], "in_effect": value}
        for name, value in found.items()
        if not same(wanted[name], value)
    }


def refuse(differences: Mapping[str, Values], allowed: Collection[str]) -> None:
    """Stop where something is in effect otherwise than asked and not allowed to be.

    Raises:
        InputError: In one line that names them all.
    """
    bad = {name: pair for name, pair in differences.items() if name not in allowed}
    if bad:
        pairs = (f"{name} asked {one['asked']}, in effect {one['in_effect']}" for name, one in bad.items())
        names = ", ".join(bad)
        mend = f"Mend its cause, or allow it by name in conf/recipe: allow: [{names}]"
        raise InputError(f"hyperparameters in effect are not those asked for: {'; '.join(pairs)}", mend=mend)


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _optimizer(trainer: Trainer, asked: Mapping[str, Any], epoch: int | None) -> Values:
    groups, args = trainer.optimizer.param_groups, trainer.args
    decays = [group["weight_decay"] for group in groups if group.get("param_group") in {"weight", "muon"}]
    # Ultralytics scales the decay with what a step really holds; ours is defined per nominal batch.
    step = trainer.batch_size * max(round(args.nbs / trainer.batch_size), 1)
    warmup = min(args.warmup_epochs, float(max(trainer.epochs - 1, 0)))
    values = {
        "optimizer": type(trainer.optimizer).__name__,
        "lr0": min(trainer.scheduler.base_lrs),
        "lrf": trainer.lf(trainer.epochs),
        "weight_decay": _farthest((decay * args.nbs / step for decay in decays), asked["weight_decay"]),
        "warmup_epochs": warmup,
        "patience": 0 if math.isinf(trainer.stopper.patience) else trainer.stopper.patience,
        "amp": args.amp if trainer.amp else False,
    }
    batches = len(trainer.train_loader)
    if epoch is not None and (epoch + 1) * batches > round(warmup * batches):
        # MuSGD moves some groups faster: by its base rate, each shows the same lr0.
        base, fall = trainer.scheduler.base_lrs, trainer.lf(epoch)
        rates = (group["lr"] / fall / (own / min(base)) for group, own in zip(groups, base, strict=True))
        values["lr0"] = _farthest(rates, asked["lr0"])
        moments = (group["momentum"] if "momentum" in group else group["betas"][0] for group in groups)
        values["momentum"] = _farthest(moments, asked["momentum"])
    return values


def _farthest(values: Any, wanted: float) -> float:
    return float(max(values, key=lambda value: abs(value - wanted)))


def _sizes(trainer: Trainer, asked: Mapping[str, Any], accumulate: int) -> Values:
    return {
        "epochs": trainer.epochs,
        "batch": trainer.batch_size,
        "nbs": trainer.batch_size * accumulate,
        "imgsz": trainer.train_loader.dataset.imgsz,
        "freeze": _frozen(trainer, asked["freeze"]),
    }


def _frozen(trainer: Trainer, asked: Any) -> Any:
    from ultralytics.utils.torch_utils import unwrap_model

    model: Any = unwrap_model(trainer.model)
    still = {}
    for index, layer in enumerate(model.model):
        # The integral of the box distribution never learns.
        named = [(name, one) for name, one in layer.named_parameters() if not name.startswith("dfl.")]
        if named:
            still[index] = not any(one.requires_grad for _, one in named)
    wanted = asked if isinstance(asked, list) else range(asked)
    return asked if still == {index: index in wanted for index in still} else sum(still.values())


def _augmentation(trainer: Trainer, asked: Mapping[str, Any], epoch: int | None) -> Values:
    transforms = _flat(trainer.train_loader.dataset.transforms)
    found = {name: value for one in transforms for name, value in _held(one)}
    closing = asked["close_mosaic"]
    if epoch is not None and closing and epoch >= trainer.epochs - closing:
        closed = all(found.pop(name, 0.0) == 0.0 for name in _CLOSED)
        found["close_mosaic"] = closing if closed else 0
    return found


def _flat(transforms: Any) -> Iterator[Any]:
    for one in getattr(transforms, "transforms", []):
        if type(one).__name__ == "Compose":
            yield from _flat(one)
        else:
            yield one


def _held(transform: Any) -> Iterator[tuple[str, Any]]:
    kind = type(transform).__name__
    if kind == "RandomFlip":
        yield {"horizontal": "fliplr", "vertical": "flipud"}[transform.direction], transform.p
    for place, name in _TRANSFORMS.get(kind, {}).items():
        yield name, getattr(transform, place)
