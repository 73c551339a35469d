"""What all cells of an ablation are judged on, and what came of one."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from provenline.ablation.spread import Training
from provenline.evaluation.params import EvalParams
from provenline.evaluation.seeds import ground_sha256


@dataclass(frozen=True)
class Stand:
    """What all cells are judged on.

    Attributes:
        frames: Of both footages, with a column ``split``.
        boxes: Of all of them.
        labels: That are looked at.
        params: How.
        judged_on: The set that claims rest on.
        split_sha256: Of the split.
    """

    frames: pd.DataFrame
    boxes: pd.DataFrame
    labels: tuple[str, ...]
    params: EvalParams
    judged_on: str
    split_sha256: str

    @property
    def mark(self) -> str:
        """The hash of all that decides what a score means."""
        return ground_sha256(self.frames, self.boxes, self.labels, self.judged_on, self.params)


@dataclass(frozen=True)
class Cell:
    """What came of a cell.

    Attributes:
        training: Its report, and its scores on the sets that it is judged on.
        mark: Of its own run in MLflow.
        experiment: Its commit, as DVC's experiment has it.
    """

    training: Training
    mark: str
    experiment: str
