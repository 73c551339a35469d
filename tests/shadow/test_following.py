"""Finds followed through a recording: against tracks written down by hand; order must not matter."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from provenline import tables
from provenline.shadow import compare, following
from tests.evaluation.world import frame, frames_table
from tests.shadow import world

PARAMS = world.params(score_production=0.25, score_candidate=0.25)
HERE, NEAR, FAR = (10, 10, 30, 50), (13, 10, 33, 50), (60, 10, 80, 50)
Finds = dict[int, list[tuple[int, int, int, int]]]


def frames(count: int, media: str = "a.mp4", workplace: list[float] | None = None) -> pd.DataFrame:
    rows = [frame(f"{media}{n}", media, media=media) | {"time_ms": 1000 * n} for n in range(count)]
    return frames_table([row | {"workplace": workplace} for row in rows])


def said(
    role: str, finds: Finds, media: str = "a.mp4", score: float = 0.9, label: str = "person"
) -> pd.DataFrame:
    rows = [
        {"frame_id": f"{media}{n}", "model": role, "label": label, "score": score, "mask": None}
        | dict(zip(tables.BOX, map(float, box), strict=True))
        for n, boxes in finds.items()
        for box in boxes
    ]
    return tables.table(rows, tables.PREDICTIONS)


def followed(count: int, production: Finds, candidate: Finds) -> dict[str, list[int]]:
    table = following.follow(
        frames(count), said("production", production), said("candidate", candidate), PARAMS
    )
    assert table["frame_id"].tolist() == frames(count)["frame_id"].tolist()
    return {name: np.flatnonzero(table[name]).tolist() for name in (*following.LOST, *following.BRIEF)}


NOTHING = {"lost_production": [], "lost_candidate": [], "brief_production": [], "brief_candidate": []}


def test_what_both_find_throughout_is_neither_lost_nor_brief() -> None:
    both: Finds = {n: [HERE if n % 2 else NEAR] for n in range(6)}
    assert followed(6, both, both) == NOTHING


def test_one_loses_what_it_finds_again() -> None:
    always: Finds = {n: [HERE] for n in range(6)}
    assert followed(6, always, {n: [NEAR] for n in (0, 1, 3, 4, 5)}) == NOTHING | {"lost_candidate": [2]}
    # Two frames are longer than the gap of one: it may have left, as far as that detector can tell.
    assert followed(6, always, {n: [NEAR] for n in (0, 1, 4, 5)}) == NOTHING


def test_both_can_lose_the_same() -> None:
    seen: Finds = {n: [HERE] for n in (0, 1, 3, 4)}
    assert followed(5, seen, seen) == NOTHING | {"lost_production": [2], "lost_candidate": [2]}


def test_a_find_of_one_frame_by_one_of_them_is_brief_but_not_at_an_end() -> None:
    always: Finds = {n: [HERE] for n in range(5)}
    assert followed(5, always | {2: [HERE, FAR]}, always) == NOTHING | {"brief_production": [2]}
    assert followed(5, always, always | {2: [HERE, FAR], 3: [HERE, FAR]}) == NOTHING
    assert followed(5, {2: [FAR]}, {2: [FAR]}) == NOTHING  # both found it
    assert followed(5, {0: [FAR], 4: [FAR]}, {}) == NOTHING


def test_the_threshold_counts_and_labels_and_recordings_are_apart() -> None:
    steady = {0: [HERE], 2: [HERE]}
    unsure = pd.concat([said("production", steady), said("production", {1: [HERE]}, score=0.2)])
    nobody = said("candidate", {})
    assert following.follow(frames(3), unsure, nobody, PARAMS)["lost_production"].tolist() == [0, 1, 0]
    other = pd.concat([said("production", steady), said("production", {1: [HERE]}, label="mannequin")])
    table = following.follow(frames(3), other, nobody, PARAMS)
    assert table["lost_production"].tolist() == [0, 1, 0] and table["brief_production"].tolist() == [0, 1, 0]
    both = pd.concat([frames(2, "a.mp4"), frames(2, "b.mp4")], ignore_index=True)
    apart = pd.concat([said("production", {0: [HERE]}, "a.mp4"), said("production", {1: [HERE]}, "b.mp4")])
    assert following.follow(both, apart, nobody, PARAMS)[list(following.LOST)].to_numpy().sum() == 0


def test_two_people_who_cross_are_followed_one_to_one() -> None:
    left = {n: (10 + 8 * n, 10, 40 + 8 * n, 60) for n in range(6)}
    right = {n: (60 - 8 * n, 10, 90 - 8 * n, 60) for n in range(6)}
    both: Finds = {n: [left[n], right[n]] for n in range(6)}
    less = {n: (boxes if n != 1 else boxes[:1]) for n, boxes in both.items()}
    assert followed(6, both, less) == NOTHING | {"lost_candidate": [1]}


def test_neither_rows_nor_names_matter() -> None:
    rng = np.random.default_rng(1)
    count = 40
    people = [(10, 12, 34, 60), (60, 5, 84, 55), (100, 20, 124, 70)]

    def seen(miss: float) -> Finds:
        return {
            n: [tuple(int(v) for v in np.add(p, rng.integers(-2, 3))) for p in people if rng.random() > miss]
            for n in range(count)
        }

    ours, theirs = said("production", seen(0.2)), said("candidate", seen(0.4))
    first = following.follow(frames(count), ours, theirs, PARAMS)
    assert first[list(following.LOST)].to_numpy().sum() > 10
    for seed in range(3):
        mixed = frames(count).sample(frac=1, random_state=seed)
        again = following.follow(
            mixed, ours.sample(frac=1, random_state=seed), theirs.sample(frac=1, random_state=seed), PARAMS
        )
        pd.testing.assert_frame_equal(
            again.sort_values("frame_id", ignore_index=True), first.sort_values("frame_id", ignore_index=True)
        )
    swapped = following.follow(frames(count), theirs, ours, PARAMS)
    assert swapped["lost_production"].tolist() == first["lost_candidate"].tolist()


def test_lost_frames_are_those_that_were_taken_away() -> None:
    """A known truth: one person who stays; frames are taken from one detector, none beside another."""
    rng = np.random.default_rng(2)
    taken = sorted(rng.choice(np.arange(1, 99, 3), 12, replace=False).tolist())
    whole: Finds = {n: [HERE] for n in range(100)}
    found = followed(100, whole, {n: boxes for n, boxes in whole.items() if n not in taken})
    assert found == NOTHING | {"lost_candidate": taken}


def test_somebody_at_the_machine_has_the_centre_of_its_box_on_it() -> None:
    place = [0.0, 0.0, 40.0, 40.0]
    table = following.at_work(
        frames(3, workplace=place),
        said("production", {0: [HERE], 1: [FAR]}),
        said("candidate", {2: [NEAR, FAR]}),
        PARAMS,
    )
    assert table["at_work_production"].tolist() == [1, 0, 0] and table["at_work_candidate"].tolist() == [
        0,
        0,
        1,
    ]
    nowhere = following.at_work(frames(2), said("production", {0: [HERE]}), said("candidate", {}), PARAMS)
    assert nowhere[list(following.AT_WORK)].isna().to_numpy().all()


@pytest.mark.parametrize(
    ("there", "gap", "count"),
    [([], 1, 0), ([0, 1, 2], 1, 1), ([0, 2, 4], 1, 1), ([0, 2, 4], 0, 3), ([0, 3, 4, 9], 1, 3), ([9], 1, 1)],
)
def test_visits_are_stretches_of_frames(there: list[int], gap: int, count: int) -> None:
    table = pd.DataFrame(
        {"media": "a", "time_ms": range(10), "at_work_production": np.isin(range(10), there) * 1.0}
    )
    assert following.visits(table.sample(frac=1, random_state=0), "production", gap) == count
    twice = pd.concat([table, table.assign(media="b"), table.assign(media="c", at_work_production=np.nan)])
    assert following.visits(twice, "production", gap) == 2 * count


def test_the_summary_adds_up_and_has_an_interval_over_groups() -> None:
    table = pd.concat(
        [frames(6, f"{name}.mp4", [0.0, 0.0, 40.0, 40.0] if name != "z" else None) for name in "abcz"],
        ignore_index=True,
    )
    ours = pd.concat([said("production", {n: [HERE] for n in range(6)}, f"{name}.mp4") for name in "abcz"])
    theirs = pd.concat([said("candidate", {0: [HERE], 2: [HERE]}, f"{name}.mp4") for name in "abcz"])
    whole = compare.compare_frames(table, ours, theirs, PARAMS)
    for more in (
        following.follow(table, ours, theirs, PARAMS),
        following.at_work(table, ours, theirs, PARAMS),
    ):
        whole = whole.merge(more, on="frame_id")
    found = following.summarise(whole.assign(camera=whole["group"]), PARAMS)
    overall = found["overall"]
    assert overall["lost_candidate"] == 4 and overall["lost_production"] == 0
    at = overall["at_work"]
    assert at["frames"] == 18 and at["visits"] == {"production": 3, "candidate": 3}
    assert at["differ"]["estimate"] == pytest.approx(4 / 6)
    assert sum(part["lost_candidate"] for part in found["by_camera"]) == 4
    assert [part["at_work"] is None for part in found["by_camera"]] == [False, False, False, True]
