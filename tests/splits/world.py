"""A small world of groups, frames and images."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd

from provenline import tables
from provenline.splits.params import CopyParams, Shares, SplitParams

EMPTY = pd.DataFrame(columns=["group", "category", "split"])


def params(
    seed: int = 0,
    bits: int = 4,
    shares: tuple[float, float, float] = (0.7, 0.15, 0.15),
    **changes: Any,
) -> SplitParams:
    train, val, test = shares
    rest = {"unit": "group", "by": ("group",), "class_floor": 0, **changes}
    action = rest.pop("action", "report")
    return SplitParams(
        **rest,
        copies=CopyParams(correlation=0.9, action=action),
        shares=Shares(train=train, val=val, test=test),
        stratify="category",
        seed=seed,
        near_duplicate_bits=bits,
        task="detect",
    )


def groups(rows: Sequence[tuple[str, str, int]]) -> pd.DataFrame:
    """A table of groups, each of which is a unit of its own."""
    table = pd.DataFrame(rows, columns=["group", "category", "frames"])
    return table.assign(keys=[(name,) for name in table["group"]], unit=table["group"])


def random_groups(seed: int, count: int, categories: int = 7, prefix: str = "g") -> pd.DataFrame:
    rng = np.random.default_rng([seed, count])
    return groups(
        [(f"{prefix}{n:03d}", f"c{rng.integers(categories)}", int(rng.integers(1, 60))) for n in range(count)]
    )


def frame(media: str, time_ms: int = 0, **changes: object) -> dict:
    digest = hashlib.sha256(media.encode()).hexdigest()
    row = {
        "frame_id": f"{digest[:12]}_{time_ms:09d}",
        "path": f"frames/{digest[:12]}_{time_ms:09d}.jpg",
        "plan": "window",
        "media": media,
        "media_sha256": digest,
        "time_ms": time_ms,
        "width": 64,
        "height": 48,
        "camera": "",
        "day": "",
        "category": "Collar",
        "group": media,
        "workplace": None,
        "dhash": digest[:16],
        "annotated": True,
        "annotator": "ana",
    }
    return {**row, **changes}


def frames(rows: Sequence[dict]) -> pd.DataFrame:
    return tables.table(list(rows), tables.FRAMES)


def box(
    frame_id: str, x1: float, y1: float, x2: float, y2: float, label: str = "person", annotator: str = "ana"
):
    edges = {"x1": x1, "y1": y1, "x2": x2, "y2": y2}
    rest = {"polygon": None, "attributes": "{}"}
    return {"frame_id": frame_id, "annotator": annotator, "label": label, **edges, **rest}


def boxes(rows: Sequence[dict]) -> pd.DataFrame:
    return tables.table(list(rows), tables.BOXES)


def write_images(root: Path, table: pd.DataFrame) -> None:
    (root / "frames").mkdir(parents=True, exist_ok=True)
    for number, path in enumerate(table["path"]):
        image = np.full((48, 64, 3), number % 255, dtype=np.uint8)
        cv2.imwrite(str(root / path), image)
