"""Train the simulated line's base model: `make base`, or `python tools/train_base.py`.

A YOLOv8n from random weights, on simulated people in other poses than the line's operators and without
machines, occlusion and mannequins. Writes `models/base/yolov8n_simline.pt` (FP16, no optimizer) and its
card. About 17 minutes on two cores; a run that was stopped goes on where it was.
"""

from __future__ import annotations

import argparse
import hashlib
import platform
from pathlib import Path
from typing import Any

from provenline.files import atomic_path, sha256_file
from provenline.simline.params import PortraitParams
from provenline.simline.portraits import render_portraits
from provenline.training.keeping import forget
from provenline.training.params import Augment, Keep, Recipe, Sizes, TrainParams
from provenline.training.scratch import untrained
from provenline.training.train import fine_tune

ARCHITECTURE, CLASSES = "yolov8n.yaml", ("person",)
STATE = Path(".state/base")


def options() -> argparse.Namespace:
    """Return the command line's options; the defaults are what the committed weights were made with."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--train", type=int, default=1200, help="training images")
    parser.add_argument("--val", type=int, default=150, help="validation images")
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--imgsz", type=int, default=320)
    parser.add_argument("--seed", type=int, default=77)
    parser.add_argument("--device", default="cpu", help="cpu, or a GPU: 0")
    parser.add_argument("--workers", type=int, default=4, help="reading processes; unused on the processor")
    parser.add_argument("--out", type=Path, default=Path("models/base/yolov8n_simline.pt"))
    return parser.parse_args()


def portraits(chosen: argparse.Namespace) -> PortraitParams:
    """Return what the training images show."""
    return PortraitParams(
        seed=chosen.seed,
        workers=0,
        train=chosen.train,
        val=chosen.val,
        size=416,
        max_people=4,
        empty_share=0.08,
        jpeg_quality=90,
    )


def recipe(chosen: argparse.Namespace) -> TrainParams:
    """Return how the weights are trained: from nothing in few epochs, so AdamW and a step per batch."""
    return TrainParams(
        when="always",
        device=chosen.device,
        workers=chosen.workers,
        cache="none",
        limit=0,
        allow=(),
        keep=Keep(metrics=(), top=1, choose="fitness"),
        full=Sizes(epochs=chosen.epochs, batch=chosen.batch, nbs=chosen.batch),
        may_flip=(),
        recipe=Recipe(
            task="detect",
            optimizer="AdamW",
            lr0=0.002,
            lrf=0.01,
            cos_lr=True,
            momentum=0.9,
            weight_decay=0.0005,
            warmup_epochs=1.0,
            patience=0,
            freeze=0,
            box=7.5,
            cls=0.5,
            dfl=1.5,
            close_mosaic=3,
            seed=chosen.seed,
            epochs=chosen.epochs,
            batch=chosen.batch,
            nbs=chosen.batch,
            imgsz=chosen.imgsz,
            extra={},
        ),
        augment=Augment(
            fliplr=0.5,
            flipud=0.0,
            mosaic=1.0,
            mixup=0.0,
            copy_paste=0.0,
            hsv_h=0.015,
            hsv_s=0.7,
            hsv_v=0.4,
            degrees=0.0,
            translate=0.1,
            scale=0.5,
            shear=0.0,
            perspective=0.0,
            erasing=0.0,
        ),
    )


def main() -> None:
    """Render, train, and write weights and card."""
    chosen = options()
    drawn = render_portraits(STATE / "portraits", portraits(chosen))
    start = STATE / "untrained.pt"
    untrained(ARCHITECTURE, CLASSES, chosen.seed, chosen.imgsz, start)
    params = recipe(chosen)
    mark = hashlib.sha256(f"{params}{drawn['sha256']}{sha256_file(start)}".encode()).hexdigest()[:16]
    dataset = STATE / "portraits" / "data.yaml"
    state, peaks = STATE / mark, STATE / "peaks"
    result = fine_tune(dataset, start, sha256_file(start), params, chosen.out, peaks, state, _say)
    with atomic_path(chosen.out.parent / "README.md") as temporary:
        temporary.write_text(card(chosen, drawn, result), encoding="utf-8")
    forget(state)
    print(f"{chosen.out}: sha256 {result['sha256']} (write it into conf/model/{chosen.out.stem}.yaml)")


def card(chosen: argparse.Namespace, drawn: dict[str, Any], result: dict[str, Any]) -> str:
    """Return the model card; every number in it comes from this run."""
    best = result["history"][result["best_epoch"] - 1]
    used = result["arguments"]["in_effect"]
    command = " ".join(f"--{key} {value}" for key, value in vars(chosen).items() if key != "out")
    size = chosen.out.stat().st_size / 1e6
    minutes = result["measured"]["seconds"] / 60
    versions = ", ".join(f"{name} {_version(name)}" for name in ("ultralytics", "torch"))
    named = ("optimizer", "lr0", "lrf", "cos_lr", "momentum", "weight_decay", "warmup_epochs", "batch", "nbs")
    varied = ("close_mosaic", "mosaic", "fliplr", "hsv_h", "hsv_s", "hsv_v", "translate", "scale", "seed")
    return f"""# {chosen.out.name}

The base model of the simulated line: a YOLOv8n of one class, `person`, trained from random weights on
simulated people. It has seen people who stand, walk and sit in the open, of every clothing and from every
side; it has seen no sewing machines, no occlusion by them, no bent seated operators and no mannequins.
It stands in for an off-the-shelf detector where nothing may be downloaded, and knows nothing of the real
world.

- sha256 `{result["sha256"]}`, {size:.1f} MB, FP16, optimizer stripped
- made by `python tools/train_base.py {command}` (`make base`), {versions}, Python {platform.python_version()}
- trained on {drawn["train"]} drawn images with {drawn["boxes"]["train"]} people \
(416x416, seed {drawn["seed"]}, tree sha256 `{drawn["sha256"][:16]}…`), {result["epochs"]} epochs at \
{chosen.imgsz}, {minutes:.0f} minutes on `{chosen.device}`
- arguments in effect: {", ".join(f"{name} {used[name]}" for name in named)}
- augmentation: {", ".join(f"{name} {used[name]}" for name in varied)}

Measured by ultralytics' validation on {drawn["val"]} more drawn images with {drawn["boxes"]["val"]} people, \
best epoch ({result["best_epoch"]}), which was chosen on these same images:

| mAP50 | mAP50-95 | precision | recall |
|---|---|---|---|
| {best["mAP50"]:.3f} | {best["mAP50_95"]:.3f} | {best["precision"]:.3f} | {best["recall"]:.3f} |

How it does on the line itself is what stage `stageA-eval` measures.
"""


def _version(package: str) -> str:
    from importlib.metadata import version

    return version(package)


def _say(epoch: int, numbers: dict[str, float]) -> None:
    print(f"epoch {epoch}: mAP50 {numbers['mAP50']:.3f}, recall {numbers['recall']:.3f}", flush=True)


if __name__ == "__main__":
    main()
