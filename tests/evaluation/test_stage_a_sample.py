"""Which frames Stage A measures: even over groups, the same for the same seed, unmoved by growth."""

from __future__ import annotations

import pandas as pd
import pytest

from provenline.errors import InputError
from provenline.evaluation.stage_a import measure, select
from provenline.evaluation.stage_a_sample import COLUMNS, accept, read_sample
from tests.evaluation import world
from tests.evaluation.world import frame


def some(groups: dict[str, tuple[str, int]], **more) -> pd.DataFrame:
    return world.frames_table(
        [
            frame(f"{group}_{k:03d}", group, category, **more)
            for group, (category, count) in groups.items()
            for k in range(count)
        ]
    )


def videos(count: int, each: int = 12, categories: int = 3) -> pd.DataFrame:
    return some({f"v{k:02d}": (f"c{k % categories}", each) for k in range(count)})


def params(frames: int = 100_000, groups: int | None = 3, seed: int = 0):
    return world.stage_a_params(frames=frames, groups_per_category=groups, seed=seed)


def test_some_videos_of_each_category():
    frames = some({f"v{k:02d}": (f"c{k % 3}", 4) for k in range(15)} | {f"p{k}": ("c0", 1) for k in range(5)})
    chosen = select(frames, params())
    assert chosen.groupby("category")["group"].nunique().tolist() == [3, 3, 3]
    assert not chosen["group"].str.startswith("p").any()
    assert (chosen.groupby("group").size() == 4).all()


def test_the_choice_does_not_hang_on_order_or_on_other_categories():
    frames = videos(24)
    first = select(frames, params())
    pd.testing.assert_frame_equal(first, select(frames.sample(frac=1, random_state=1), params()))
    pd.testing.assert_frame_equal(
        first[first["category"] == "c1"].reset_index(drop=True),
        select(frames[frames["category"] == "c1"], params()),
    )
    seeds = {tuple(sorted(set(select(frames, params(seed=s))["group"]))) for s in range(5)}
    assert len(seeds) > 1


def test_without_categories_or_without_videos():
    frames = some({f"v{k:02d}": ("", 3) for k in range(9)} | {"p": ("", 1)})
    assert select(frames, params())["group"].nunique() == 9
    photos = some({f"p{k}": ("c", 1) for k in range(9)})
    assert select(photos, params())["group"].nunique() == 3
    assert select(some({"v": ("c", 3)}, annotated=False), params()).empty


@pytest.mark.parametrize(("wanted", "each"), [(250, 12), (252, 12), (253, 13), (20, 1), (21, 1), (1000, 30)])
def test_the_budget_is_spread_evenly(wanted: int, each: int):
    """The least equal share that gives what is wanted: 21 videos of 30 frames."""
    chosen = select(videos(42, each=30, categories=7), params(wanted))
    assert set(chosen.groupby("group").size()) == {each}
    assert chosen["group"].nunique() == 21


def test_short_videos_give_all_and_the_others_more():
    frames = some({"long": ("c", 50), "longer": ("c", 50), "short": ("c", 4)})
    sizes = select(frames, params(40)).groupby("group").size().to_dict()
    assert sizes == {"long": 18, "longer": 18, "short": 4}


def test_the_paper_takes_all_videos():
    chosen = select(videos(42, each=30, categories=7), params(1000, None))
    assert chosen["group"].nunique() == 42 and len(chosen) == 42 * 24
    few = select(videos(42), params(1000, None))
    assert len(few) == 42 * 12
    boxes, predictions = world.boxes_table([]), world.predictions_table([])
    warned = measure(few, boxes, predictions, ("person",), params(1000, None))["warnings"]
    assert "504 of 1000 frames wanted are there" in warned


def test_what_is_chosen_is_a_lot_over_the_whole_video():
    chosen = select(videos(30, each=100), params(9 * 10))
    places = chosen["frame_id"].str[-3:].astype(int)
    assert 35 < places.mean() < 65 and places.nunique() > 45


def test_more_of_one_video_shuffles_nothing_elsewhere():
    before = select(videos(9, each=30), params(90))
    grown = pd.concat([videos(9, each=30), some({"v00": ("c0", 60)}).iloc[30:]])
    after = select(grown, params(90))
    elsewhere = [table[table["group"] != "v00"].reset_index(drop=True) for table in (before, after)]
    pd.testing.assert_frame_equal(*elsewhere)
    assert (after.groupby("group").size() == 10).all()


def test_more_videos_leave_a_part_of_what_was_chosen():
    """Without a ledger the shares shrink, but nobody's frames are exchanged for others of theirs."""
    before, after = (select(videos(count, each=30), params(180, None)) for count in (9, 18))
    mine = after[after["group"].isin(before["group"])]
    assert set(mine["frame_id"]) < set(before["frame_id"])


@pytest.mark.parametrize("count", [10, 12, 24])
def test_what_the_ledger_holds_stays(count: int):
    held = set(select(videos(9, each=30), params(90))["frame_id"])
    grown = select(videos(count, each=40), params(90), held)
    assert held <= set(grown["frame_id"])
    assert set(grown["frame_id"]) == held  # the budget is spent
    more = select(videos(count, each=40), params(count * 20, None), held)
    assert held < set(more["frame_id"]) and more["group"].nunique() == count
    assert set(more.groupby("group").size()) == {20}


def test_a_ledger_may_hold_photos_and_frames_that_are_gone():
    frames = some({"v0": ("c", 4), "v1": ("c", 4), "p0": ("c", 1)})
    held = {"p0_000", "gone_001"}
    chosen = select(frames, params(5), held)
    assert "p0_000" in set(chosen["frame_id"])
    result = measure(chosen, world.boxes_table([]), world.predictions_table([]), ("person",), params(5), held)
    assert result["sample"] == {"wanted": 5, "accepted": 1, "accepted_gone": 1}
    assert "1 frames of the accepted sample are gone or not annotated" in result["warnings"]


def test_accept_adds_and_keeps(tmp_path):
    sample, ledger = tmp_path / "sample.csv", tmp_path / "ledger.csv"
    ledger.write_text(",".join(COLUMNS) + "\n")
    chosen = select(videos(9), params(18))
    chosen[[*COLUMNS, "camera"]].to_csv(sample, index=False)
    assert accept(sample, ledger) == {"added": 18, "kept": 0}
    first = ledger.read_bytes()
    assert accept(sample, ledger) == {"added": 0, "kept": 18}
    assert ledger.read_bytes() == first
    assert read_sample(ledger)["frame_id"].tolist() == chosen["frame_id"].tolist()
    chosen.head(1).assign(frame_id="x").to_csv(sample, index=False)
    assert accept(sample, ledger) == {"added": 1, "kept": 18}


def test_a_comma_too_many_moves_no_column(tmp_path):
    path = tmp_path / "ledger.csv"
    path.write_text("frame_id,category,group\na,Collar,g1,\nb,Cuffs,g2,\n")
    assert read_sample(path)["frame_id"].tolist() == ["a", "b"]
    with pytest.raises(InputError, match="not a CSV table"):
        read_sample(tmp_path)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (None, "file is missing"),
        ("", "not a CSV table"),
        ("frame,group\n", "has no column frame_id"),
        ("frame_id,category,group\na,c,g\na,c,g\n", "row 3: frame a stands twice"),
        ("frame_id,category,group\n,c,g\n", "row 2: no frame_id"),
    ],
)
def test_a_bad_ledger_is_one_line(tmp_path, text, says):
    path = tmp_path / "ledger.csv"
    if text is not None:
        path.write_text(text)
    with pytest.raises(InputError) as caught:
        read_sample(path)
    assert says in str(caught.value) and "\n" not in str(caught.value)
