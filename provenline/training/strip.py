"""Checkpoints as they leave training: weights in FP16 and what loading them needs, nothing else.

Ultralytics stamps its checkpoints with the date, all arguments, paths of the machine, the git state
and the training curve. Here the network is built anew from its description and only the weights are
taken over, so that the same weights give the same bytes and nothing of the machine travels along.
"""

from __future__ import annotations

import io
from copy import deepcopy
from pathlib import Path
from typing import Any, TypeAlias

from provenline.detectors.quiet import quiet_ultralytics
from provenline.files import atomic_path

Network: TypeAlias = Any  # ultralytics' DetectionModel, whose attributes torch's types hide


def task_of(checkpoint: Path) -> str:
    """Return what a checkpoint is for: `detect`, `segment`, …; it is unpickled."""
    return str(_loaded(checkpoint).task)


def _loaded(checkpoint: Path) -> Network:
    quiet_ultralytics()
    from ultralytics.nn import tasks

    load: Any = tasks.load_checkpoint
    return load(str(checkpoint), device="cpu")[0]


def strip_checkpoint(checkpoint: Path, out: Path, imgsz: int) -> None:
    """Write a checkpoint's (averaged) weights to ``out``, whole or not at all.

    Args:
        checkpoint: One that ultralytics wrote in this run; it is unpickled.
        out: The `.pt` file to write, some 6 MB for a YOLOv8n.
        imgsz: Noted in the file as the size that it was trained at.
    """
    save_network(_loaded(checkpoint), out, imgsz)


def save_network(model: Network, out: Path, imgsz: int) -> None:
    """Write a network as a checkpoint that ultralytics loads; see `strip_checkpoint`."""
    import torch
    import ultralytics
    from ultralytics.nn.tasks import SegmentationModel

    names = {int(index): str(name) for index, name in model.names.items()}
    build: Any = type(model)
    description = {**model.yaml, "yaml_file": Path(str(model.yaml.get("yaml_file", ""))).name}
    channels = description.get("channels", 3)
    fresh = build(deepcopy(description), ch=channels, nc=len(names), verbose=False)
    fresh.load_state_dict(model.float().state_dict())
    # Not by ultralytics' guess, which knows nothing of RT-DETR.
    task = "segment" if isinstance(fresh, SegmentationModel) else "detect"
    fresh.names, fresh.task, fresh.args = names, task, {"task": task, "imgsz": imgsz}
    fresh.half().eval().requires_grad_(requires_grad=False)
    content = {
        "epoch": -1,
        "model": fresh,
        "ema": None,
        "optimizer": None,
        "train_args": {"task": task, "imgsz": imgsz},
        "version": ultralytics.__version__,
        "license": "AGPL-3.0",
    }
    # Through memory: torch writes a file's own name into the archive.
    buffer = io.BytesIO()
    torch.save(content, buffer)
    with atomic_path(out) as temporary:
        temporary.write_bytes(buffer.getvalue())
