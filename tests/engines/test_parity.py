from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from provenline import tables
from provenline.engines import parity
from tests.engines.world import PARITY


def predictions(rows: list[tuple[str, float, float, float]]) -> pd.DataFrame:
    """Build a table of (frame, x, side, score), boxes at y = 0."""
    return tables.table(
        [
            {"frame_id": f, "model": "m", "label": "person", "x1": x, "y1": 0.0, "x2": x + s, "y2": s}
            | {"score": score, "mask": None}
            for f, x, s, score in rows
        ],
        tables.PREDICTIONS,
    )


def scattered(seed: int, frames: int = 20) -> pd.DataFrame:
    generator = np.random.default_rng(seed)
    return predictions(
        [
            (f"f{i}", float(place * 50), 30.0, float(generator.uniform(0.01, 1)))
            for i in range(frames)
            for place in range(5)
        ]
    )


def test_the_same_predictions_pass_with_nothing_between_them() -> None:
    table = scattered(0)
    result = parity.compare(table, table, 20, PARITY)
    assert result.verdict == "pass"
    assert (result.matched_reference, result.matched_engine, result.iou_min) == (1.0, 1.0, 1.0)
    assert result.score_drift_max == 0.0
    assert result.reference == result.engine == int((table["score"] >= 0.25).sum())


def test_known_drift_and_shift_are_measured() -> None:
    reference = predictions([("a", 0, 100, 0.9), ("b", 0, 100, 0.5)])
    engine = predictions([("a", 10, 100, 0.89), ("b", 0, 100, 0.46)])
    result = parity.compare(reference, engine, 2, PARITY)
    assert result.iou_min == pytest.approx(90 / 110)
    assert result.iou_mean == pytest.approx((90 / 110 + 1) / 2)
    assert result.score_drift_max == pytest.approx(0.04)
    assert result.score_drift_mean == pytest.approx(0.025)
    assert result.verdict == "fail"
    assert "drifts by 0.0400" in result.reasons[0]


def test_slipping_under_the_threshold_is_drift_and_no_miss() -> None:
    reference, engine = predictions([("a", 0, 10, 0.2501)]), predictions([("a", 0, 10, 0.2499)])
    result = parity.compare(reference, engine, 1, PARITY)
    assert (result.reference, result.engine, result.verdict) == (1, 0, "pass")
    assert result.matched_reference == 1.0
    assert result.matched_engine is None


@pytest.mark.parametrize("swap", [False, True])
def test_a_box_without_partner_fails_in_both_directions(swap: bool) -> None:
    full = scattered(1)
    part = full[full.index != full["score"].idxmax()].reset_index(drop=True)
    first, second = (part, full) if swap else (full, part)
    params = PARITY.model_copy(update={"min_matched_share": 1.0})
    result = parity.compare(first, second, 20, params)
    assert result.verdict == "fail"
    whose = "engine" if swap else "checkpoint"
    assert result.reasons[0].startswith("only ") and whose in result.reasons[0]


def test_labels_and_frames_are_never_mixed() -> None:
    reference = predictions([("a", 0, 10, 0.9)])
    for other in (predictions([("b", 0, 10, 0.9)]), predictions([("a", 0, 10, 0.9)]).assign(label="dog")):
        assert parity.compare(reference, other, 2, PARITY).matched_reference == 0.0


def test_ap_difference_is_held_against_the_gate() -> None:
    table = scattered(2)
    assert parity.compare(table, table, 20, PARITY, (0.5, 0.499)).verdict == "pass"
    failed = parity.compare(table, table, 20, PARITY, (0.5, 0.49))
    assert failed.verdict == "fail" and failed.ap_difference == pytest.approx(-0.01)
    assert parity.compare(table, table, 20, PARITY, (None, None)).ap_difference is None


def test_nothing_to_compare_is_inconclusive() -> None:
    for table in (predictions([]), predictions([("a", 0, 10, 0.2)])):
        result = parity.compare(table, table, 3, PARITY)
        assert result.verdict == "inconclusive"
        assert "3 frames" in result.reasons[0]
