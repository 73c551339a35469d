from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from benchmarks import promotion, promotion_line
from provenline.evaluation.intervals import Interval
from provenline.shadow.params import ShadowParams
from tests.shadow import world


def params() -> ShadowParams:
    return world.params(plan={"gain": 0.1, "confidence": 0.95, "power": 0.8})


@pytest.mark.parametrize("which", ["much better", "worse"])
def test_a_world_that_is_clear_is_decided_rightly_and_once(which: str) -> None:
    one = next(one for one in promotion.WORLDS if one.name == which)
    table = promotion.frames_of(one, 20, 100, np.random.default_rng(3))
    done = promotion.replicate(table, one.reduction, params(), 0)
    assert (done.decision,) == one.right == (done.last,) and done.looks == 1
    assert 0 < done.labels < done.of == 2000


def test_errors_of_a_drawn_table_are_those_of_its_counts() -> None:
    table = promotion.frames_of(promotion.WORLDS[1], 20, 100, np.random.default_rng(4))
    for role in ("production", "candidate"):
        missed = table["objects"] - table[f"found_{role}"]
        false = table[f"detections_{role}"] - table[f"found_{role}"]
        assert (
            (table[f"errors_{role}"] == missed + false).all() and (missed >= 0).all() and (false >= 0).all()
        )


def test_labelling_on_ends_where_nothing_more_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """No look has fewer labels than the one before, and none follows a decision."""
    seen = []
    looked = promotion.look

    def look(*given: object) -> object:
        seen.append(looked(*given))  # type: ignore[arg-type]
        return seen[-1]

    monkeypatch.setattr(promotion, "look", look)
    few = world.params(plan={"gain": 0.2, "confidence": 0.95, "power": 0.5})
    one = promotion.WORLDS[1]
    for seed in range(6):
        table = promotion.frames_of(one, 12, 60, np.random.default_rng(seed))
        seen.clear()
        done = promotion.replicate(table, one.reduction, few, seed)
        assert done.stubborn == ""
        labels = [found[1] for found in seen]
        assert len(seen) == done.looks <= promotion.LOOKS and labels == sorted(labels)
        assert all(found[0].decision == "label" for found in seen[:-1])
        assert seen[0][0].decision == done.decision and seen[-1][0].decision == done.last


def test_who_labels_on_whatever_it_says_stops_at_promote_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    seen, looked = [], promotion.look

    def look(*given: object) -> object:
        seen.append(looked(*given))  # type: ignore[arg-type]
        return seen[-1]

    monkeypatch.setattr(promotion, "look", look)
    one = promotion.WORLDS[3]
    few = world.params(plan={"gain": 0.2, "confidence": 0.95, "power": 0.5})
    for seed in range(4):
        table = promotion.frames_of(one, 12, 60, np.random.default_rng(seed))
        plain, stubborn = (promotion.replicate(table, 0.0, few, seed, stubborn=on) for on in (False, True))
        assert (plain.decision, plain.labels, plain.last, plain.looks) == (
            stubborn.decision,
            stubborn.labels,
            stubborn.last,
            stubborn.looks,
        )
        of_stubborn = [told.decision for told, _, _ in seen[plain.looks :]]
        assert stubborn.stubborn == of_stubborn[-1] and "promote" not in of_stubborn[:-1]
        assert of_stubborn[-1] == "promote" or len(of_stubborn) == promotion.LOOKS
        seen.clear()


def test_drawn_videos_are_groups_of_their_own() -> None:
    groups = ["a"] * 2 + ["b"] * 3
    table = pd.DataFrame({"frame_id": list("vwxyz"), "group": groups, "media": groups, "seen": range(5)})
    found = promotion_line.drawn(table, 50, np.random.default_rng(0))
    assert found["group"].nunique() == 50 and found["frame_id"].is_unique
    taken = {tuple(rows["seen"]) for _, rows in found.groupby("group")}
    assert taken == {(0, 1), (2, 3, 4)}


@pytest.mark.parametrize(
    ("moved", "right"),
    [
        ({"error_reduction": 0.3, "net_gain": 0.1}, ("promote",)),
        ({"error_reduction": 0.1, "net_gain": 0.1}, ("hold", "label")),
        ({"error_reduction": 0.3, "net_gain": 0.1, "recall": -0.03}, ("reject",)),
        ({"error_reduction": 0.3, "net_gain": 0.1, "presence_error": 0.03}, ("reject",)),
        ({"error_reduction": 0.3, "net_gain": 0.1, "presence_error": -0.03}, ("promote",)),
        ({"error_reduction": -0.1, "net_gain": -0.1}, ("reject",)),
    ],
)
def test_what_is_right_follows_from_the_gates(moved: dict[str, float], right: tuple[str, ...]) -> None:
    names = ("net_gain", "error_reduction", "recall", "precision", "presence_error")
    true: dict[str, Interval | None] = {
        name: Interval(moved.get(name, 0.0), None, None, confidence=0.95, groups=1, method="bca")
        for name in names
    }
    assert promotion_line.right(true, params()) == right
