"""Which boxes stand for a crowd: many objects under one box, that nobody marked one by one."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

# COCO's name, and the one that datumaro gives it in CVAT's exports.
NAMES = ("iscrowd", "is_crowd")
_SET = ("1", "true", "yes")


def crowds(boxes: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Return which boxes have the attribute ``iscrowd`` set (true, yes or 1), (n,).

    Args:
        boxes: Boxes; without a column ``attributes`` there is no crowd among them.
    """
    found = np.zeros(len(boxes), dtype=np.bool_)
    if "attributes" not in boxes.columns:
        return found
    texts = boxes["attributes"]
    # Few boxes name it, and reading JSON is slow.
    named = np.flatnonzero(texts.str.contains("crowd", regex=False).to_numpy(dtype=np.bool_))
    found[named] = [_is_set(json.loads(texts.iloc[place])) for place in named]
    return found


def _is_set(attributes: dict[str, Any]) -> bool:
    return any(str(attributes.get(name, "")).strip().lower() in _SET for name in NAMES)
