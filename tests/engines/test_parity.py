from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from provenline import tables
from provenline.engines import parity
from provenline.engines.held import Held
from provenline.evaluation.intervals import Interval
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


def truly(before: float, after: float | None, low: float = -0.2, groups: int = 30) -> Held:
    """Return what the truth says of a checkpoint and an engine, its interval from ``low`` to 0.1 above."""
    difference = None
    if after is not None:
        difference = Interval(after - before, low, low + 0.1, 0.95, groups, "bca")
    return Held(before, after, difference, groups, {"reference": {}, "engine": {}})


def test_ap_difference_is_held_against_the_gate() -> None:
    table = scattered(2)
    assert parity.compare(table, table, 20, PARITY, truly(0.5, 0.499)).verdict == "pass"
    failed = parity.compare(table, table, 20, PARITY, truly(0.5, 0.49))
    assert failed.verdict == "fail" and failed.ap_difference == pytest.approx(-0.01)
    assert (failed.ap_low, failed.ap_high) == (-0.2, pytest.approx(-0.1))
    assert parity.compare(table, table, 20, PARITY, truly(0.5, None)).ap_difference is None


def test_what_may_lose_something_is_judged_by_the_end_of_the_interval() -> None:
    table = scattered(2)
    gate = PARITY.model_copy(update={"judged": "bound", "max_ap_difference": 0.03})
    verdicts = [
        parity.compare(table, table, 20, gate, truly(0.5, 0.49, low, groups), min_groups=10)
        for low, groups in ((-0.029, 30), (-0.031, 30), (-0.029, 9))
    ]
    assert [one.verdict for one in verdicts] == ["pass", "fail", "inconclusive"]
    assert "may lose as much as 0.0310" in verdicts[1].reasons[0]
    assert "9 groups" in verdicts[2].reasons[0] and "10 are needed" in verdicts[2].reasons[0]


def test_nothing_to_compare_is_inconclusive() -> None:
    for table in (predictions([]), predictions([("a", 0, 10, 0.2)])):
        result = parity.compare(table, table, 3, PARITY)
        assert result.verdict == "inconclusive"
        assert "3 frames" in result.reasons[0]
