from __future__ import annotations

import pytest

from provenline.reports import words
from provenline.reports.evidence import Estimate


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.61249, "0.612"),
        (0.0542, "0.054"),
        (1.0, "1.00"),
        (12.345, "12.3"),
        (123.45, "123"),
        (0.0, "0"),
        (-0.0, "0"),
        (-0.25, "\u22120.250"),
        (0.00021, "0.00021"),
        (0.9996, "1.00"),
        (None, "n/a"),
    ],
)
def test_numbers_are_written_alike(value: float | None, text: str) -> None:
    assert words.number(value) == text


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [
        (0.01, 0.2, "better"),
        (-0.2, -0.01, "worse"),
        (-0.1, 0.1, "cannot be told apart"),
        (0.0, 0.1, "cannot be told apart"),
        (0.0, 0.0, "cannot be told apart"),
        (None, None, "no interval"),
    ],
)
def test_an_interval_with_zero_tells_nothing_apart(low: float | None, high: float | None, text: str) -> None:
    assert words.difference(Estimate(0.05, low, high)) == text


def test_what_was_not_measured_is_said() -> None:
    assert words.difference(None) == words.difference(Estimate(None)) == "not measured"
    assert words.estimate(Estimate(0.5)) == "0.500 (no interval)"
