from __future__ import annotations

import pandas as pd
import pytest

from benchmarks import shape
from provenline import tables


def said(*rows: tuple[str, float, float]) -> pd.DataFrame:
    """Return squares of 20 pixels: frame, left side, score."""
    return tables.table(
        [
            {"frame_id": frame, "model": "m", "label": "person", "score": score}
            | dict(zip(tables.BOX, (left, 0.0, left + 20.0, 20.0), strict=True))
            for frame, left, score in rows
        ],
        tables.PREDICTIONS,
    )


def test_scores_of_boxes_that_are_in_both_are_held_against_each_other() -> None:
    square = said(("a", 0, 0.9), ("a", 100, 0.5), ("b", 0, 0.8), ("b", 50, 0.1), ("c", 0, 0.7))
    rectangle = said(("a", 102, 0.45), ("a", 1, 0.6), ("b", 15, 0.8), ("b", 50, 0.9))
    # The first box of b lies elsewhere, its second counts in neither, and c has none.
    assert sorted(shape.moved(square, rectangle, 0.25)) == pytest.approx([0.05, 0.3])
    assert not len(shape.moved(said(), rectangle, 0.25))
