"""Which detectors can be fine-tuned here, and by which of ultralytics' trainers."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeAlias

from provenline.detectors.ultralytics_model import load_network, output_layout
from provenline.errors import InputError

TrainerClass: TypeAlias = Any  # ultralytics' DetectionTrainer or a subclass: no useful types
TRAINED = "ultralytics"


def require_trainable(family: str, base: Path) -> None:
    """Refuse a base whose family cannot be fine-tuned here.

    Raises:
        InputError: The family is another than ultralytics.
    """
    if family != TRAINED:
        what = f"a detector of {family} is judged here but not fine-tuned"
        mend = f"Pass it through (train.when=never), or name a base of {TRAINED}"
        raise InputError(what, file=base, mend=mend)


def trainer_of(base: Path) -> TrainerClass:
    """Return the trainer of a verified checkpoint: RT-DETR has losses and data of its own.

    Raises:
        InputError: The file is no checkpoint for detection or segmentation.
    """
    network = load_network(base)
    if output_layout(network) == "queries":
        from ultralytics.models.rtdetr.train import RTDETRTrainer

        return RTDETRTrainer
    if network.task == "segment":
        from ultralytics.models.yolo.segment import SegmentationTrainer

        return SegmentationTrainer
    from ultralytics.models.yolo.detect import DetectionTrainer

    return DetectionTrainer
