"""What every detector delivers, and how a table of frames becomes a table of predictions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from provenline import tables
from provenline.detectors.preprocess import Image
from provenline.detectors.size import Size
from provenline.errors import InputError
from provenline.images import ahead, read_image
from provenline.progress import bar


@dataclass(frozen=True)
class Detections:
    """The objects found in one image, strongest first.

    Attributes:
        boxes: (n, 4) float64 `x1 y1 x2 y2`, half-open, in image pixels, inside the image.
        scores: (n,) float64, 0 to 1.
        labels: n labels of ours.
    """

    boxes: NDArray[np.float64]
    scores: NDArray[np.float64]
    labels: list[str]

    def __len__(self) -> int:
        return len(self.labels)


class Detector(Protocol):
    """Whatever turns images into detections.

    Attributes:
        name: Stands in the `model` column of Predictions.
        names: The model's own class names, in its order.
        imgsz: Height and width of its input, in pixels.
        fingerprint: SHA-256 of the weights that run.
    """

    name: str
    names: tuple[str, ...]
    imgsz: Size
    fingerprint: str

    def predict(self, images: Sequence[Image]) -> list[Detections]:
        """Return the detections of each BGR image (h, w, 3); sizes may differ."""
        ...


class Engine(Detector, Protocol):
    """A detector out of a bundle, whose bare network can be asked too."""

    def run(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the network's output for prepared images (n, 3, *imgsz)."""
        ...


def predict_frames(detector: Detector, frames: pd.DataFrame, root: Path, batch: int) -> pd.DataFrame:
    """Run a detector over a Frames table.

    Args:
        detector: Any detector.
        frames: Frames; every row is read.
        root: What `frames.path` is relative to.
        batch: Images per call.

    Returns:
        Predictions, in the order of the frames, strongest first within each.

    Raises:
        InputError: A stored image is missing, unreadable, or not of the size that the table says.
    """
    columns: dict[str, list[Any]] = {name: [] for name in ("frame_id", "label", *tables.BOX, "score")}
    rows = list(zip(frames["path"], frames["width"], frames["height"], strict=True))
    images = ahead(lambda row: _read(Path(root) / row[0], row[1], row[2]), rows, 2 * batch)
    with bar() as display:
        task = display.add_task(detector.name, total=len(frames))
        for start in range(0, len(frames), batch):
            ids = frames["frame_id"].iloc[start : start + batch]
            found = detector.predict(list(islice(images, batch)))
            for frame_id, one in zip(ids, found, strict=True):
                _append(columns, frame_id, one)
            display.advance(task, len(ids))
    return tables.table(pd.DataFrame(columns).assign(model=detector.name, mask=None), tables.PREDICTIONS)


def _append(columns: dict[str, list[Any]], frame_id: str, found: Detections) -> None:
    columns["frame_id"].extend([frame_id] * len(found))
    columns["label"].extend(found.labels)
    columns["score"].extend(found.scores.tolist())
    for axis, name in enumerate(tables.BOX):
        columns[name].extend(found.boxes[:, axis].tolist())


def _read(path: Path, width: int, height: int) -> Image:
    image = read_image(path)
    if image.shape[:2] != (height, width):
        size = f"{image.shape[1]}x{image.shape[0]}"
        mend = "Run `dvc repro extract`: boxes are in the pixels of the table"
        raise InputError(f"image is {size}, the table says {width}x{height}", file=path, mend=mend)
    return image
