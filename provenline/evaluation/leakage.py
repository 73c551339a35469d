"""The leakage counterfactual: what a random frame split would have made of the same footage.

Two models are trained alike, one on a grouped split and one on single frames drawn at random. Each is
scored on its own test set; what the second scores more is what the leak would have printed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from provenline.errors import InputError

METRIC = "map50"
_LINES = {
    "random": "random frames in train and test",
    "grouped": "no video on two sides",
    "difference": "what the leak would have printed more",
    "net": "the same, with the easier test frames taken off",
    "field_random": "on deployment footage, trained on random frames",
    "field_grouped": "on deployment footage, trained on grouped videos",
}


def counterfactual(grouped: Mapping[str, Any], random: Mapping[str, Any]) -> dict[str, Any]:
    """Compare two evaluations (metrics/eval_*.json) of the same footage.

    The two test sets hold other frames. So the base, which was trained on neither, is the control: what
    it scores more on one of them is that set's easiness and no leak, and ``net`` has it taken off.

    Args:
        grouped: Evaluation under the grouped split.
        random: Evaluation under the random frame split.

    Returns:
        ``metric``; ``random``, ``grouped`` and their ``difference`` on the test sets; ``net``, the
        difference of what fine-tuning gained over the base; ``field_random`` and ``field_grouped``, the
        same two models on the deployment footage, where nothing leaked (or null); and how many
        groups each test set holds. Estimates are ``{value, low, high, reason}``.

    Raises:
        InputError: An evaluation has no test set, or its candidate is the base.
    """
    tests = [_test(one, name) for one, name in ((grouped, "grouped"), (random, "random"))]
    apart, leaking = (_estimate(one["candidate"][METRIC]) for one in tests)
    gains = [_estimate(one["difference"][METRIC]) for one in tests]
    return {
        "metric": METRIC,
        "random": leaking,
        "grouped": apart,
        "difference": difference(leaking, apart),
        "net": difference(gains[1], gains[0]),
        "field_random": _field(random),
        "field_grouped": _field(grouped),
        "grouped_groups": tests[0]["groups"],
        "random_groups": tests[1]["groups"],
        "reason": f"the grouped test set holds {tests[0]['groups']} groups"
        if tests[0]["groups"] < 10
        else "",
    }


def lines(found: Mapping[str, Any]) -> list[str]:
    """Return what ``counterfactual`` found, a line for each figure and one where it is rough."""
    said = [
        f"{words:<50} {found['metric']} {_text(found[name])}"
        for name, words in _LINES.items()
        if found[name] is not None
    ]
    return said + ([f"rough: {found['reason']}"] if found["reason"] else [])


def _text(estimate: Mapping[str, Any]) -> str:
    interval = "" if estimate["low"] is None else f" [{estimate['low']:+.3f}, {estimate['high']:+.3f}]"
    return f"{estimate['value']:+.3f}{interval}" if estimate["value"] is not None else "not measured"


def difference(a: Mapping[str, Any], b: Mapping[str, Any]) -> dict[str, Any]:
    """Return a - b with the interval that follows from both intervals.

    Method: MOVER, G. Y. Zou and A. Donner, "Construction of confidence limits about effect measures",
    Statistics in Medicine 27 (2008); it takes the two as independent.

    >>> difference({"value": 3, "low": 2, "high": 4}, {"value": 1, "low": 1, "high": 1})["high"]
    3.0
    """
    ends = [one[name] for one in (a, b) for name in ("value", "low", "high")]
    if any(end is None for end in ends):
        known = a["value"] is not None and b["value"] is not None
        value = a["value"] - b["value"] if known else None
        return {"value": value, "low": None, "high": None, "reason": "one of the two has no interval"}
    value = a["value"] - b["value"]
    down = math.hypot(a["value"] - a["low"], b["high"] - b["value"])
    up = math.hypot(a["high"] - a["value"], b["value"] - b["low"])
    return {
        "value": round(value, 6),
        "low": round(value - down, 6),
        "high": round(value + up, 6),
        "reason": "",
    }


def _test(evaluation: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    test = evaluation.get("splits", {}).get("test")
    if not test or test["candidate"].get(METRIC) is None:
        raise InputError(f"the {name} run has no test set with objects", mend="Give test a larger share")
    if not test["difference"]:
        raise InputError(f"the {name} run did not train", mend="Run both with ARGS=train.when=always")
    return dict(test)


def _estimate(interval: Mapping[str, Any] | None) -> dict[str, Any]:
    if interval is None:
        return {"value": None, "low": None, "high": None, "reason": "not measured"}
    reason = "" if interval["low"] is not None else "too few groups for an interval"
    return {"value": interval["estimate"], "low": interval["low"], "high": interval["high"], "reason": reason}


def _field(evaluation: Mapping[str, Any]) -> dict[str, Any] | None:
    found = evaluation["splits"].get("deployment")
    return _estimate(found["candidate"].get(METRIC)) if found else None
