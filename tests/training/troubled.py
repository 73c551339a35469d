"""A rank that trouble was put into: `PROVENLINE_TROUBLE` names it; it happens once, in one rank's batch.

A rank that is held there, and the others with it, goes on once the file beside its mark, `.over`, is there.

Or, in all ranks, validation finds what follows from an image's name, so that there is something to measure.
"""

from __future__ import annotations

import errno
import os
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np

from provenline.detectors.quiet import quiet_ultralytics
from provenline.training import rank


def memory(_: Any) -> Any:
    raise RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB. GPU 1 has a total capacity of")


def mismatch(_: Any) -> Any:
    raise RuntimeError("size mismatch\nmore")


def disk(_: Any) -> Any:
    raise OSError(errno.ENOSPC, "No space left on device", "last.pt")


def killed(_: Any) -> Any:
    os.kill(os.getpid(), signal.SIGKILL)


def silent(_: Any) -> Any:
    os._exit(3)


def held(result: Any) -> Any:
    """Wait: whatever happens to the training then does not depend on how quick the machine is."""
    over = Path(f"{os.environ['PROVENLINE_TROUBLE'].split(' ')[3]}.over")
    while not over.exists():
        time.sleep(0.05)
    return result


def no_number(result: Any) -> Any:
    loss, items = result
    return loss * float("nan"), {name: value * float("nan") for name, value in items.items()}


def foretold(real: Any) -> Any:
    """Return a validator's method that takes other predictions: the truth, moved by some pixels."""
    import torch

    def update_metrics(validator: Any, preds: Any, batch: Any) -> None:
        side, found = torch.tensor([batch["img"].shape[3], batch["img"].shape[2]] * 2), []
        for index, file in enumerate(batch["im_file"]):
            rng = np.random.default_rng(list(Path(file).name.encode()))
            x, y, w, h = batch["bboxes"][batch["batch_idx"] == index].T
            boxes = torch.stack([x - w / 2, y - h / 2, x + w / 2, y + h / 2], dim=1) * side
            boxes = torch.cat([boxes + torch.from_numpy(rng.uniform(-4, 4, 4)).float(), side[None] / 8])
            scores = torch.from_numpy(np.sort(rng.random(len(boxes)))[::-1].copy()).float()
            nothing = torch.zeros(len(boxes), 0)
            found.append({"bboxes": boxes, "conf": scores, "cls": torch.zeros(len(boxes)), "extra": nothing})
        real(validator, found, batch)

    return update_metrics


def main() -> None:
    what, where, when, done = os.environ["PROVENLINE_TROUBLE"].split(" ")
    quiet_ultralytics()
    from ultralytics.models.yolo.detect import DetectionValidator
    from ultralytics.nn.tasks import DetectionModel

    loss, seen = DetectionModel.loss, 0

    def troubled(model: Any, batch: Any, preds: Any = None) -> Any:
        nonlocal seen
        result, seen = loss(model, batch, preds), seen + model.training
        if model.training and seen == int(when) and not Path(done).exists():
            Path(done).touch()
            return globals()[what](result)
        return result

    if what == "foretold":
        DetectionValidator.update_metrics = foretold(DetectionValidator.update_metrics)
    elif os.environ["RANK"] == where:
        DetectionModel.loss = troubled
    rank.main()


if __name__ == "__main__":
    main()
