from __future__ import annotations

import math

import numpy as np
import pytest

from provenline.errors import InputError
from provenline.evaluation.leakage import counterfactual, difference, lines


def interval(estimate: float, half: float | None) -> dict:
    ends = {"low": None, "high": None} if half is None else {"low": estimate - half, "high": estimate + half}
    return {"estimate": estimate, **ends}


def evaluation(base: float, candidate: float, groups: int = 20, half: float | None = 0.1) -> dict:
    return {
        "splits": {
            "test": {
                "groups": groups,
                "candidate": {"map50": interval(candidate, half)},
                "difference": {"map50": interval(candidate - base, half)},
            }
        }
    }


def test_the_interval_of_a_difference_covers_as_it_should() -> None:
    """Against simulation: two skewed estimates, each with an exact 95% interval."""
    rng = np.random.default_rng(0)
    truth, hits, draws = 0.8 - 0.5, 0, 4000
    for _ in range(draws):
        ends = []
        for share, size in ((0.8, 60), (0.5, 40)):
            p, z = rng.binomial(size, share) / size, 1.959964
            centre = (p + z * z / (2 * size)) / (1 + z * z / size)
            half = z * math.sqrt(p * (1 - p) / size + z * z / (4 * size**2)) / (1 + z * z / size)
            ends.append({"value": p, "low": centre - half, "high": centre + half})
        found = difference(*ends)
        hits += found["low"] <= truth <= found["high"]
    assert 0.94 <= hits / draws <= 0.96


def test_the_easier_test_set_is_no_leak() -> None:
    """The random test set is easier by 0.2 for the base too: that much of the gap is no leak."""
    found = counterfactual(evaluation(0.3, 0.5), evaluation(0.5, 0.8))
    assert found["difference"]["value"] == pytest.approx(0.3)
    assert found["net"]["value"] == pytest.approx(0.1)
    assert found["net"]["high"] - found["net"]["value"] == pytest.approx(math.hypot(0.1, 0.1), abs=1e-6)
    assert found["field_random"] is None and found["reason"] == ""


def test_few_groups_and_missing_intervals_are_said() -> None:
    found = counterfactual(evaluation(0.3, 0.5, groups=6, half=None), evaluation(0.5, 0.8))
    assert "6 groups" in found["reason"] and found["difference"]["low"] is None
    assert found["grouped"]["reason"]


def test_a_run_that_did_not_train_is_refused() -> None:
    passed = evaluation(0.3, 0.3)
    passed["splits"]["test"]["difference"] = None
    with pytest.raises(InputError, match="did not train"):
        counterfactual(passed, evaluation(0.5, 0.8))
    with pytest.raises(InputError, match="no test set"):
        counterfactual({"splits": {}}, passed)


def test_each_figure_is_a_line_and_what_was_not_measured_is_none() -> None:
    said = lines(counterfactual(evaluation(0.3, 0.5, groups=6), evaluation(0.5, 0.8)))
    assert [one[:50].strip() for one in said] == [
        "random frames in train and test",
        "no video on two sides",
        "what the leak would have printed more",
        "the same, with the easier test frames taken off",
        "rough: the grouped test set holds 6 groups",
    ]
    assert said[0][50:] == " map50 +0.800 [+0.700, +0.900]"
