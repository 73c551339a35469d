"""Hours that frames stand for, rates of false positives, and the threshold that keeps a bound."""

from __future__ import annotations

import numpy as np
import pytest

from provenline.evaluation.false_alarms import Watch, bounded, hours, rates
from provenline.evaluation.matching import match
from provenline.evaluation.slices import cut
from tests.evaluation import world

PERSON = ("person",)


def timed(media, *seconds):
    return [world.frame(f"{media}{s}", media, media=media, time_ms=round(1000 * s)) for s in seconds]


def test_a_frame_stands_for_the_time_to_the_next():
    rows = timed("a", 0, 5, 10, 15) + timed("photo", 0) + timed("b", 20, 10, 0)
    frames = world.frames_table(rows).sample(frac=1, random_state=0)
    found = dict(zip(frames["frame_id"], hours(frames) * 3600, strict=True))
    assert [found[f"a{s}"] for s in (0, 5, 10, 15)] == pytest.approx([5, 5, 5, 5])
    assert [found[f"b{s}"] for s in (0, 10, 20)] == pytest.approx([10, 10, 10])
    assert np.isnan(found["photo0"])


def test_nobody_looked_in_a_pause():
    frames = world.frames_table(timed("a", 0, 5, 10, 600, 605, 612))
    assert hours(frames) * 3600 == pytest.approx([5, 5, 10, 5, 7, 5])


def watch(frames, truth, predictions, interval=world.INTERVAL):
    part = cut(frames, interval)
    matches = match(part.frames["frame_id"], truth, predictions, PERSON, [0.5])
    return Watch(part, matches, 0.5, hours(part.frames))


def line(seed, groups=24, **more):
    frames, truth, predictions = world.line(seed, groups, 0.8, **more)
    return watch(frames, truth, predictions)


def test_rates_are_counts_over_hours_and_recall_is_theirs():
    one = line(1)
    false = one.matches.is_false(0.5)
    # Eight frames a second apart in each of 24 videos: 192 seconds were looked at.
    assert one.exposure() == {
        "hours": pytest.approx(192 / 3600, abs=1e-6), "frames": 192, "frames_without_time": 0, "period_s": 1.0
    }  # fmt: skip
    for row in rates(one, (0.1, 0.3, 0.5), world.INTERVAL):
        count = (false & (one.matches.score >= row["score"])).sum()
        assert row["per_hour"]["estimate"] == pytest.approx(count / 192 * 3600, rel=1e-5)
        assert row["per_1000_frames"]["estimate"] == pytest.approx(count / 192 * 1000, rel=1e-5)
        assert row["per_hour"]["low"] < row["per_hour"]["estimate"] < row["per_hour"]["high"]
        found = one.matches.is_found(0.5, row["score"]).mean()
        assert row["recall"]["estimate"] == pytest.approx(found, abs=1e-6)


def test_none_seen_is_not_none_at_all():
    row = rates(line(1), (0.99,), world.INTERVAL)[0]
    assert row["per_hour"]["estimate"] == 0 and row["per_1000_frames"]["low"] == 0
    # The rule of three: with none in n independent frames, up to about 3 / n of all may have one.
    assert 1000 * 3 / 192 < row["per_1000_frames"]["high"] < 1000 * 3 / 24
    assert row["per_hour"]["high"] == pytest.approx(3.6 * row["per_1000_frames"]["high"], rel=1e-5)


@pytest.mark.parametrize("bound", [1, 30, 200, 400, 2000])
def test_the_threshold_is_the_lowest_that_keeps_the_bound_on_val(bound):
    val, judged = line(3, 12), line(4)
    params = world.WHY.calibration.model_copy(update={"bounds_per_hour": (float(bound),)})
    (row,) = bounded(val, judged, params, world.INTERVAL)
    false, score = val.matches.is_false(0.5), val.matches.score
    allowed = bound * 96 / 3600
    kept = [s for s in np.unique(score) if (false & (score >= s)).sum() <= allowed]
    assert row["score"] == min(kept)
    assert row["bound_per_hour"] == bound and row["bound_per_1000_frames"] is None
    assert row["per_hour"] == rates(judged, (row["score"],), world.INTERVAL)[0]["per_hour"]
    assert ("cannot show so low a rate" in row["reason"]) == (allowed < 1)


def test_photos_have_no_hours():
    frames, truth, predictions = world.line(5, 24, 0.8)
    photos = watch(frames.assign(media=frames["frame_id"]), truth, predictions)
    assert photos.exposure() == {
        "hours": None, "frames": 192, "frames_without_time": 192, "period_s": None
    }  # fmt: skip
    row = rates(photos, (0.3,), world.INTERVAL)[0]
    assert row["per_hour"] is None and row["per_1000_frames"]["estimate"] > 0
    (row,) = bounded(photos, photos, world.WHY.calibration, world.INTERVAL)
    assert (row["bound_per_hour"], row["bound_per_1000_frames"]) == (None, 100)
    assert row["per_1000_frames"]["estimate"] <= 100 and row["per_hour"] is None
    # Photos among videos: these are left out of the hours, and so are their false positives.
    mixed = frames["media"].where(frames["group"] != "g000", frames["frame_id"])
    part = watch(frames.assign(media=mixed), truth, predictions)
    assert part.exposure()["frames_without_time"] == 8
    video = (frames["group"] != "g000").to_numpy()
    only = watch(frames[video], truth, predictions)
    both = [rates(one, (0.1,), world.INTERVAL)[0]["per_hour"]["estimate"] for one in (part, only)]
    assert both[0] == pytest.approx(both[1])


def test_no_threshold():
    frames, truth, predictions = world.line(6, 12, 0.8)
    judged = watch(frames, truth, predictions)
    asked = world.WHY.calibration.model_copy(update={"bounds_per_hour": (1.0,)})
    # The surest of all detections is false.
    wrong = world.predictions_table([world.prediction("g000_000", (400, 0, 500, 90), 0.99)])
    val = watch(frames, truth, wrong)
    (row,) = bounded(val, judged, asked, world.INTERVAL)
    assert row["score"] is None and "most confident" in row["reason"] and row["recall"] is None
    (row,) = bounded(watch(frames, truth, predictions.iloc[:0]), judged, asked, world.INTERVAL)
    assert row["score"] is None and row["reason"] == "nothing is detected on val"
    none = bounded(watch(frames.iloc[:0], truth, predictions), judged, world.WHY.calibration, world.INTERVAL)
    assert none[0]["score"] is None and none[0]["reason"] == "val has no frame"
