"""Parameters of split."""

from __future__ import annotations

import math
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

SPLITS = ("train", "val", "test")


class Shares(BaseModel):
    """Wanted shares of the groups, summing to 1."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    train: float = Field(gt=0, le=1)
    val: float = Field(ge=0, lt=1)
    test: float = Field(ge=0, lt=1)

    @model_validator(mode="after")
    def _sum(self) -> Shares:
        total = self.train + self.val + self.test
        if not math.isclose(total, 1, abs_tol=1e-6):
            raise ValueError(f"train, val and test sum to {total:g}, not to 1")
        return self

    def of(self, split: str) -> float:
        """Return the share of one split."""
        return float(getattr(self, split))


class CopyParams(BaseModel):
    """What counts as one recording under two names, and what is done about it.

    Attributes:
        correlation: Two media are one recording when what moves in them correlates at least so much.
        action: ``join`` puts both into one unit, so that no split can cut them; ``stop`` refuses;
            ``report`` only says so.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    correlation: float = Field(gt=0, le=1)
    action: Literal["join", "stop", "report"]


class SplitParams(BaseModel):
    """How groups are assigned and what the audit calls a near duplicate.

    Attributes:
        unit: ``group``, or ``frame``: single frames at random, which leaks, and only serves
            to measure by how much.
        by: Columns of the Frames table whose combination a split may not cut; media that share a
            ``group`` stay together whatever the columns say.
        class_floor: Objects of each class that val and test need before a figure on them means anything.
        copies: What counts as one recording under two names.
        shares: Wanted shares by number of groups.
        stratify: Column whose values are spread over the splits alike.
        seed: Of the order in which new groups are taken.
        near_duplicate_bits: Two frames whose 64-bit difference hashes differ in at most so many
            bits are near duplicates.
        task: What the data set's labels are written for: ``detect`` (boxes) or ``segment`` (polygons).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    unit: Literal["group", "frame"]
    by: tuple[Literal["group", "media", "camera", "day", "category"], ...] = Field(min_length=1)
    class_floor: int = Field(ge=0)
    copies: CopyParams
    shares: Shares
    stratify: Literal["category"]
    seed: int = Field(ge=0)
    near_duplicate_bits: int = Field(ge=0, le=64)
    task: Literal["detect", "segment"]
