"""A network with random weights, to train from scratch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from provenline.detectors.quiet import quiet_ultralytics
from provenline.training.strip import save_network


def untrained(architecture: str, classes: tuple[str, ...], seed: int, imgsz: int, out: Path) -> None:
    """Write a checkpoint with random weights, whole or not at all.

    Args:
        architecture: One that ultralytics describes, such as `yolov8n.yaml`, `yolov8n-seg.yaml` or
            `rtdetr-l.yaml`.
        classes: Class names, in the order of their numbers.
        seed: Of the weights. Torch's global generator is put back afterwards.
        imgsz: Noted in the file.
        out: The `.pt` file to write.
    """
    quiet_ultralytics()
    import torch
    from ultralytics.nn import tasks

    describe: Any = tasks.yaml_model_load
    head = describe(architecture)["head"][-1][2]
    build: Any = tasks.DetectionModel
    if head.startswith("Segment"):
        build = tasks.SegmentationModel
    elif head == "RTDETRDecoder":
        build = tasks.RTDETRDetectionModel
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = build(architecture, ch=3, nc=len(classes), verbose=False)
    model.names = dict(enumerate(classes))
    save_network(model, out, imgsz)
