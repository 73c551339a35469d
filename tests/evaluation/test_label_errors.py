"""Planted label errors come first, on real labels and on simulated ones; deployment frames never come."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from provenline import tables
from provenline.errors import InputError
from provenline.evaluation.label_errors import COLUMNS, KINDS, read, summary, suspicions, top, write
from tests.evaluation import planted, world

REAL = Path(__file__).parents[3] / "shared/data/real"
LABELS = ("person", "hand")


def asked(**changes):
    given = world.WHY.label_errors.model_copy(update={"floor": 0.0, "most": 10**6} | changes)
    return world.WHY.model_copy(update={"label_errors": given})


def honest(splits=None, each=30):
    """Frames with a person and a hand apart, and a base and a candidate that find both well."""
    rng = np.random.default_rng(0)
    rows, objects, found = [], [], {"base": [], "candidate": []}
    for split in splits or ("val",):
        for k in range(each):
            name = f"{split}{k:02d}"
            rows.append(world.frame(name, f"{split}{k % 10}", "Collar", path=f"{name}.jpg"))
            for xyxy, label in (((50, 50, 150, 250), "person"), ((300, 100, 400, 200), "hand")):
                objects.append(world.box(name, xyxy, label))
                for model in found.values():
                    shaken = np.array(xyxy) + rng.normal(0, 3, 4)
                    model.append(world.prediction(name, shaken, rng.uniform(0.6, 0.95), label))
    splits = [row["frame_id"].rstrip("0123456789") for row in rows]
    frames = world.frames_table(rows).assign(split=splits)
    return frames, world.boxes_table(objects), {m: world.predictions_table(f) for m, f in found.items()}


def without(table, frame_id, label):
    gone = (table["frame_id"] == frame_id) & (table["label"] == label)
    return table[~gone].reset_index(drop=True)


def spoil(frames, boxes, kind, frame_id):
    """Plant one error about the hand of a frame."""
    mine = (boxes["frame_id"] == frame_id) & (boxes["label"] == "hand")
    boxes = boxes.copy()
    if kind == "missing":
        return boxes[~mine].reset_index(drop=True)
    if kind == "spurious":
        extra = world.boxes_table([world.box(frame_id, (500, 20, 600, 120), "hand")])
        return pd.concat([boxes, extra], ignore_index=True)
    if kind == "location":
        boxes.loc[mine, ["x1", "x2"]] += 55.0
    else:
        boxes.loc[mine, "label"] = "person"
    return boxes


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_one_error_of_each_kind_comes_first(kind, split):
    frames, boxes, predictions = honest((split,))
    wrong = f"{split}07"
    rows = suspicions(frames, spoil(frames, boxes, kind, wrong), predictions, LABELS, asked())
    first = rows.iloc[0]
    assert (first["rank"], first["frame_id"], first["kind"]) == (1, wrong, kind)
    assert first["split"] == split and first["path"] == f"{wrong}.jpg" and first["category"] == "Collar"
    assert list(rows.columns) == COLUMNS and rows["score"].between(0, 1).all()
    expected = {
        "missing": ("", "hand"), "spurious": ("hand", ""), "location": ("hand", "hand"),
        "label": ("person", "hand"),
    }  # fmt: skip
    assert (first["label"], first["other"]) == expected[kind]
    drawn, seen = first[tables.BOX].to_numpy(float), first[[f"found_{n}" for n in tables.BOX]].to_numpy(float)
    assert np.isnan(drawn).all() == (kind == "missing") and np.isnan(seen).all() == (kind == "spurious")
    assert first["score"] > 5 * rows["score"].iloc[1:].max() or first["score"] > 0.5
    clean = suspicions(frames, boxes, predictions, LABELS, asked())
    assert clean["score"].max() < first["score"] / 2


def test_a_double_box_is_one_too_many():
    frames, boxes, predictions = honest()
    again = boxes[(boxes["frame_id"] == "val03") & (boxes["label"] == "hand")]
    doubled = pd.concat([boxes, again.assign(x1=again["x1"] + 2)], ignore_index=True)
    first = suspicions(frames, doubled, predictions, LABELS, asked()).iloc[0]
    assert (first["frame_id"], first["kind"], first["label"]) == ("val03", "spurious", "hand")


def test_the_candidate_may_accuse_what_it_was_trained_on_but_not_acquit_it():
    frames, boxes, predictions = honest(("train", "val"))
    for split in ("train", "val"):
        wrong = f"{split}05"
        spoilt = spoil(frames, boxes, "missing", wrong)
        # The candidate has learnt that nobody is there: it sees nothing.
        learnt = predictions | {"candidate": without(predictions["candidate"], wrong, "hand")}
        alone = {"base": predictions["base"]}
        score = {}
        for name, models in (("alone", alone), ("learnt", learnt), ("both", predictions)):
            rows = suspicions(frames, spoilt, models, LABELS, asked())
            mine = rows[(rows["frame_id"] == wrong) & (rows["kind"] == "missing")]
            score[name] = mine["score"].iloc[0]
        if split == "train":
            assert score["learnt"] >= score["alone"] - 0.02  # not acquitted
        else:
            assert score["learnt"] < score["alone"] - 0.1  # a witness like any other
        assert score["both"] >= score["learnt"]
        # The base sees nothing there: on train too, the candidate's word is enough to be listed.
        blind = predictions | {"base": without(predictions["base"], wrong, "hand")}
        rows = suspicions(frames, spoilt, blind, LABELS, asked())
        assert rows.iloc[0]["frame_id"] == wrong and rows.iloc[0]["witness"] == "candidate"


def test_deployment_frames_and_frames_that_nobody_looked_at_never_come():
    frames, boxes, predictions = honest(("train", "deployment"))
    boxes = boxes[boxes["label"] != "hand"].reset_index(drop=True)  # no hand is annotated anywhere
    frames.loc[frames["frame_id"] == "train00", "annotated"] = False
    rows = suspicions(frames, boxes, predictions, LABELS, asked())
    assert set(rows["split"]) == {"train"} and "train00" not in set(rows["frame_id"])
    told = summary(rows, frames, 0.0)
    assert told["looked_at"] == {"train": 29} and told["by_split"] == {"train": len(rows)}
    only = frames[frames["split"] == "deployment"]
    none = suspicions(only, boxes, predictions, LABELS, asked())
    assert len(none) == 0 and list(none.columns) == COLUMNS
    assert summary(none, only, 0.0)["looked_at"] == {}


def test_what_lies_on_crowds_and_habits_are_no_suspicion():
    frames, boxes, predictions = honest()
    crowd = [world.box(name, (300, 100, 400, 200), "hand") for name in frames["frame_id"]]
    crowded = world.boxes_table([one | {"attributes": '{"iscrowd": "true"}'} for one in crowd])
    people = boxes[boxes["label"] == "person"]
    rows = suspicions(frames, pd.concat([people, crowded], ignore_index=True), predictions, LABELS, asked())
    assert not ((rows["kind"] == "missing") & (rows["found_x1"] > 250)).any()
    # A model that always takes a mannequin for a person accuses no mannequin; one that does it once does.
    there = (500, 0, 600, 300)
    dummies = world.boxes_table([world.box(name, there, "mannequin") for name in frames["frame_id"]])
    with_dummies = pd.concat([boxes, dummies], ignore_index=True)
    fooled = [world.prediction(name, there, 0.9) for name in frames["frame_id"]]
    score = {}
    for times in (1, len(fooled)):
        more = world.predictions_table(fooled[:times])
        models = {name: pd.concat([table, more], ignore_index=True) for name, table in predictions.items()}
        rows = suspicions(frames, with_dummies, models, LABELS, asked())
        mine = rows[rows["label"] == "mannequin"]
        assert len(mine) == times and set(mine["kind"]) == {"label"} and set(mine["other"]) == {"person"}
        score[times] = mine["score"].max()
    assert score[1] > 4 * score[len(fooled)]


def test_the_list_is_written_and_read_and_groups_take_turns(tmp_path):
    frames, boxes, predictions = honest(each=80)
    for name in frames["frame_id"][:10]:  # ten hands that nobody annotated, in ten groups
        boxes = without(boxes, name, "hand")
    rows = suspicions(frames, boxes, predictions, LABELS, asked(most=25))
    assert len(rows) == 25 and rows["score"].is_monotonic_decreasing
    assert (rows["kind"][:10] == "missing").all()
    write(rows, tmp_path / "review" / "list.csv")
    again = read(tmp_path / "review" / "list.csv")
    pd.testing.assert_frame_equal(again, rows, check_dtype=False, atol=1e-6)
    assert top(again, "missing", 10)["group"].nunique() == 10
    assert len(top(again, "label", 3)) == 0
    named = rows.head(1).assign(group="NA", category="null", label="None", other="")
    write(named, tmp_path / "named.csv")
    back = read(tmp_path / "named.csv")
    pd.testing.assert_frame_equal(back, named, check_dtype=False, atol=1e-6)
    write(rows.iloc[:0], tmp_path / "none.csv")
    assert len(read(tmp_path / "none.csv")) == 0
    floor = float(rows["score"].iloc[3])
    assert len(suspicions(frames, boxes, predictions, LABELS, asked(floor=floor))) >= 4
    assert len(suspicions(frames, boxes, predictions, LABELS, asked(floor=1.0))) == 0


def test_what_is_no_list_is_refused(tmp_path):
    with pytest.raises(InputError, match="dvc repro eval"):
        read(tmp_path / "none.csv")
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match="other columns"):
        read(tmp_path / "other.csv")
    (tmp_path / "empty.csv").write_text("")
    with pytest.raises(InputError, match="not a list"):
        read(tmp_path / "empty.csv")


def models_of(frames, spoilt, boxes, labels, seed):
    """A base that saw the truth badly; a candidate that saw it well, but on train learnt the errors."""
    train = set(frames.loc[frames["split"] == "train", "frame_id"])
    parts = []
    for learnt, source in ((True, spoilt), (False, boxes)):
        part = frames[frames["frame_id"].isin(train) == learnt]
        mine = source[source["frame_id"].isin(part["frame_id"])]
        parts.append(
            planted.detector(part, mine, labels, seed + learnt, recall=0.92, false=0.4, confusion=0.01)
        )
    base = planted.detector(frames, boxes, labels, seed + 2, recall=0.7, false=1.2)
    return {"base": base, "candidate": pd.concat(parts, ignore_index=True)}


def ranking(frames, boxes, labels, seed, share=0.04):
    """Plant errors into real labels; return where the planted ones are in the ranking."""
    groups = sorted(frames["group"].unique())
    side = np.random.default_rng(seed).choice(["train", "val", "test"], len(groups), p=[0.7, 0.15, 0.15])
    frames = frames.assign(split=frames["group"].map(dict(zip(groups, side, strict=True))))
    spoilt, errors = planted.spoiled(frames, boxes, labels, share, seed)
    rows = suspicions(frames, spoilt, models_of(frames, spoilt, boxes, labels, seed), labels, asked())
    return planted.is_planted(rows, errors) >= 0, len(errors)


def chance(hits, total):
    rng = np.random.default_rng(0)
    return float(np.mean([planted.average_precision(rng.permutation(hits), total) for _ in range(20)]))


@pytest.mark.parametrize(
    ("name", "labels"),
    [("coco128_person", ("person",)), ("cctv_events_yolo", ("fall", "fire", "object", "person", "smoke"))],
)
def test_errors_planted_into_real_labels_come_first(name, labels):
    listed = REAL / name / "groups.csv"
    groups = {}
    if listed.is_file():
        table = pd.read_csv(listed)
        groups = {Path(file).name: group for file, group in zip(table["file"], table["group"], strict=True)}
    frames, boxes = planted.yolo(REAL / name, groups, labels)
    found = [ranking(frames, boxes, labels, seed) for seed in range(2)]
    precision = [planted.average_precision(*one) for one in found]
    by_chance = [chance(*one) for one in found]
    first = np.mean([hits[:10].mean() for hits, _ in found])
    print(f"{name}: average precision {np.round(precision, 3)}, by chance {np.round(by_chance, 3)}, "
          f"of the first ten {first:.2f}")  # fmt: skip
    assert np.mean(precision) > 10 * np.mean(by_chance)
    assert np.mean(precision) > 0.35 and first >= 0.5
