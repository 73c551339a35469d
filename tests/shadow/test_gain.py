from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from provenline import tables
from provenline.shadow import gain, sample
from provenline.shadow.params import ROLES
from tests.shadow.world import params

GROUPS, FRAMES = 30, 60


def everything(seed: int) -> pd.DataFrame:
    """Build outcomes and comparison of all frames; the candidate finds more in some groups than in others."""
    generator = np.random.default_rng(seed)
    many = GROUPS * FRAMES
    group = np.repeat(np.arange(GROUPS), FRAMES)
    objects = generator.integers(0, 3, many) * (generator.random(many) < 0.7)
    ease = generator.normal(0, 0.3, GROUPS)[group]
    chance = np.clip(0.75 + 0.2 * ease, 0, 1)
    hits = {"production": generator.binomial(objects, chance)}
    more = generator.binomial(objects - hits["production"], np.clip(0.5 + 0.3 * ease, 0, 1))
    lost = generator.binomial(hits["production"], 0.05)
    hits["candidate"] = hits["production"] + more - lost
    shared = generator.binomial(1, 0.03, many)
    table = pd.DataFrame({"frame_id": [f"f{i:05d}" for i in range(many)], "time_ms": np.arange(many)})
    table["group"] = [f"g{i:02d}" for i in group]
    table["media"], table["objects"] = table["group"], objects
    for role in ROLES:
        false = shared + generator.binomial(1, 0.04 if role == "production" else 0.03, many)
        table[f"found_{role}"] = hits[role]
        table[role] = table[f"detections_{role}"] = hits[role] + false
        table[f"errors_{role}"] = objects - hits[role] + false
        table[f"presence_{role}"] = ((objects > 0) != (table[role] > 0)).astype(float)
    table["disagrees"] = (more + lost > 0) | (table["production"] != table["candidate"])
    return table


def full(table: pd.DataFrame) -> dict[str, float]:
    """Compute the gains from all frames, plainly."""
    total = table.sum(numeric_only=True)
    recall = (total["found_candidate"] - total["found_production"]) / total["objects"]
    precision = [total[f"found_{role}"] / total[f"detections_{role}"] for role in ROLES]
    return {
        "recall": recall,
        "precision": precision[1] - precision[0],
        "presence_error": (total["presence_candidate"] - total["presence_production"]) / len(table),
        "net_gain": (total["errors_production"] - total["errors_candidate"]) / len(table),
        "error_reduction": 1 - total["errors_candidate"] / total["errors_production"],
    }


def estimates(table: pd.DataFrame, wanted: dict[str, int], seed: int, replicates: int = 200) -> dict:
    chosen = sample.draw(table, wanted, seed)
    found = table.set_index("frame_id").loc[chosen["frame_id"].tolist()].reset_index()
    interval = params().interval.model_copy(update={"replicates": replicates})
    weight = gain.weigh(found, chosen)
    return gain.estimate(found, weight, sorted(set(table["group"])), interval)


def test_all_frames_labelled_give_the_plain_figures() -> None:
    table = everything(1)
    wanted = {name: len(table) for name in sample.STRATA}
    found = estimates(table, wanted, 0)
    for name, value in full(table).items():
        assert found[name].estimate == pytest.approx(value, abs=1e-12)


def test_a_sample_is_right_on_the_average() -> None:
    table, wanted = everything(2), {"differ": 150, "agree": 40, "empty": 20}
    truth = full(table)
    found = [estimates(table, wanted, seed, 100) for seed in range(80)]
    for name, value in truth.items():
        got = np.array([one[name].estimate for one in found])
        # Ratios of totals are right up to a bias of the order of one over the sample.
        assert abs(got.mean() - value) < 4 * got.std() / np.sqrt(len(got)) + 0.05 * got.std() + 1e-4, name


@pytest.mark.slow
def test_nominal_95_per_cent_hold_what_many_groups_would_show() -> None:
    """New groups in every study: the truth is that of endlessly many groups, not of those drawn."""
    truths = [full(everything(seed)) for seed in range(10_000, 10_150)]
    truth = {name: np.mean([one[name] for one in truths]) for name in truths[0]}
    held = dict.fromkeys(truth, 0)
    studies, wanted = 300, {"differ": 150, "agree": 40, "empty": 20}
    for seed in range(studies):
        found = estimates(everything(seed), wanted, seed, 500)
        for name, value in truth.items():
            held[name] += found[name].low <= value <= found[name].high
    assert all(0.90 <= count / studies <= 0.99 for count in held.values()), held


def test_missing_labels_are_stood_for_by_their_stratum() -> None:
    table = everything(4)
    chosen = sample.draw(table, {"differ": 60, "agree": 40, "empty": 20}, 0)
    back = chosen.drop(index=chosen.index[chosen["stratum"] == "agree"][:5])
    weight = pd.Series(gain.weigh(back, chosen), index=back.index)
    for name, part in chosen.groupby("stratum"):
        assert weight[back["stratum"] == name].sum() == pytest.approx(part["weight"].sum())


def test_outcomes_count_what_was_missed_and_what_is_nobody() -> None:
    frames = pd.DataFrame({"frame_id": ["a", "b", "c"], "group": ["g", "g", "h"]})
    box = dict(zip(tables.BOX, (10.0, 10.0, 30.0, 50.0), strict=True))
    away = dict(zip(tables.BOX, (60.0, 10.0, 80.0, 50.0), strict=True))
    truth = pd.DataFrame(
        [{"frame_id": "a", "label": "person", **box}, {"frame_id": "b", "label": "person", **box}]
    )
    truth["attributes"] = "{}"

    def said(rows: list[tuple[str, dict[str, float], float]]) -> pd.DataFrame:
        return pd.DataFrame([{"frame_id": f, "label": "person", "score": s, **at} for f, at, s in rows])

    predictions = {
        "production": said([("a", box, 0.3), ("c", away, 0.3)]),
        "candidate": said([("a", box, 0.3), ("b", box, 0.9), ("b", away, 0.9)]),
    }
    # Production counts from 0.25 on, the candidate from 0.5: its 0.3 on "a" is no detection.
    found = gain.outcomes(frames, truth, predictions, ("person",), params())
    assert found["objects"].tolist() == [1, 1, 0]
    assert found["found_production"].tolist() == [1, 0, 0]
    assert found["errors_production"].tolist() == [0, 1, 1]
    assert found["found_candidate"].tolist() == [0, 1, 0]
    assert found["errors_candidate"].tolist() == [1, 1, 0]
    assert found["presence_production"].tolist() == [0, 1, 1]
    assert found["presence_candidate"].tolist() == [1, 0, 0]
    own = params().at({"person": 0.35}, {"person": 0.25})
    found = gain.outcomes(frames, truth, predictions, ("person",), own)
    assert found["found_production"].tolist() == [0, 0, 0] and found["errors_production"].tolist() == [
        1,
        1,
        0,
    ]
    assert found["found_candidate"].tolist() == [1, 1, 0]


def test_objects_that_both_find_or_both_miss_cancel() -> None:
    table = everything(5)
    for part in ("found", "detections", "errors", "presence"):
        table[f"{part}_candidate"] = table[f"{part}_production"]
    found = estimates(table, {"differ": 50, "agree": 40, "empty": 20}, 0)
    for name in full(table):
        assert found[name].estimate == 0.0
    # Not one frame told a difference: so small it is, but not certainly none.
    assert found["recall"].low < 0 < found["recall"].high < 0.1
