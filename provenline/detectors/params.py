"""Parameters of a detector: which weights, which labels, how its raw output is decoded."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, PlainValidator

from provenline.detectors.size import Size, parse

Imgsz = Annotated[Size, PlainValidator(parse)]


class ModelParams(BaseModel):
    """One checkpoint and how it is read.

    Attributes:
        name: Stands in the `model` column of Predictions.
        family: What opens the weights: `ultralytics`, `transformers`, or another `<family>_model.py` beside
            this file.
        weights: Path of the `.pt` file, or of the folder where the family has folders.
        sha256: Hash of the file, or of the folder (`files.sha256_of`). Empty is refused with the hash that
            was found, to be written down by whoever trusts it.
        imgsz: Of the input, in pixels: the side of a square, or `[height, width]`; multiples of 32.
        labels: The model's class name to our label; its other classes are dropped. Empty where it knows
            none of ours and is only a start for training.
        score_floor: Detections below this score are dropped. Thresholds are applied outside.
        nms_iou: Of two boxes of one label that overlap more than this, the weaker is dropped.
        max_detections: At most so many detections per image, the strongest.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1)
    family: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    weights: Path
    sha256: str = Field(pattern=r"^([0-9a-f]{64})?$")
    imgsz: Imgsz
    labels: dict[str, str]
    score_floor: float = Field(ge=0.0, le=0.01)
    nms_iou: float = Field(gt=0.0, le=1.0)
    max_detections: int = Field(ge=1, le=1000)

    def with_weights(self, name: str, weights: Path, sha256: str, classes: tuple[str, ...]) -> ModelParams:
        """Return the same detector with other weights: a model fine-tuned on ``classes``, or the base.

        The label map holds both: a fine-tuned model's classes are our labels already.
        """
        labels = {**{label: label for label in classes}, **self.labels}
        changes = {"name": name, "weights": weights, "sha256": sha256, "labels": labels}
        return self.model_copy(update=changes)
