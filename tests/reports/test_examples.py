from __future__ import annotations

import zipfile
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from provenline import tables
from provenline.footage.anonymise import blur_of
from provenline.reports.examples import Scene, choose, classify, load, shadow_scenes
from provenline.reports.gather import gather
from provenline.reports.params import ReportParams
from provenline.reports.pictures import draw
from tests.reports.conftest import PLAIN

BLUR = blur_of(PLAIN, [], [])


def iou(a: np.ndarray, b: np.ndarray) -> float:
    """Overlap of two boxes, counted by hand."""
    wide = min(a[2], b[2]) - max(a[0], b[0])
    high = min(a[3], b[3]) - max(a[1], b[1])
    shared = max(wide, 0) * max(high, 0)
    return shared / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared)


def found(truth: np.ndarray, boxes: np.ndarray) -> list[bool]:
    return [any(iou(one, box) >= 0.5 for box in boxes) for one in truth]


def test_examples_are_of_their_kind(line: Path) -> None:
    evaluation = gather(line, "v0", "lbzf_person").evaluation
    material = load(line, "v0", "train")
    assert evaluation and material
    params = ReportParams(pictures=5, seed=3, picture_width=320)
    scenes = choose(material, ["person"], evaluation, params, line)
    assert {"gained", "missed", "on_other", "found"} <= set(scenes)
    for one in scenes["gained"]:
        pairs = zip(found(one.truth, one.candidate), found(one.truth, one.base), strict=True)
        assert any(ours and not theirs for ours, theirs in pairs)
    for one in scenes["found"]:
        assert all(found(one.truth, one.base)) and all(found(one.truth, one.candidate))
        assert len(one.truth) == len(one.base) == len(one.candidate)
    for one in scenes["missed"]:
        pairs = zip(found(one.truth, one.candidate), found(one.truth, one.base), strict=True)
        assert any(not ours and not theirs for ours, theirs in pairs)
    for one in scenes["on_other"]:
        boxes = material.boxes
        of_frame = (boxes["frame_id"] == one.path.stem) & (boxes["label"] == "mannequin")
        things = boxes.loc[of_frame, tables.BOX].to_numpy()
        assert any(iou(thing, box) >= 0.3 for thing in things for box in [*one.base, *one.candidate])
    names = [one.about.split(" · ")[1] for one in scenes["gained"]]
    assert len(set(names)) == len(names)


def test_the_lot_follows_the_seed(line: Path) -> None:
    evaluation = gather(line, "v0", "lbzf_person").evaluation
    material = load(line, "v0", "train")
    assert evaluation and material
    drawn = [
        [one.about for one in choose(material, ["person"], evaluation, params, line)["gained"]]
        for params in (ReportParams(pictures=4, seed=seed, picture_width=320) for seed in (0, 0, 1))
    ]
    assert drawn[0] == drawn[1] != drawn[2]


def test_every_object_is_in_one_kind_of_frame(line: Path) -> None:
    evaluation = gather(line, "v0", "lbzf_person").evaluation
    material = load(line, "v0", "test")
    assert evaluation and material
    truth = tables.truth(material.frames, material.boxes, ["person"])
    flags = classify(material, truth, ["person"], evaluation)
    occupied = material.frames["frame_id"].isin(truth["frame_id"]).to_numpy()
    kinds = np.stack([flags[kind] for kind in ("gained", "lost", "missed", "found")])
    wrong = flags["false"] | flags["on_other"]
    assert (kinds.any(axis=0) | wrong)[occupied].all()
    assert not (flags["found"] & wrong).any()
    assert not kinds[:, ~occupied].any()


def test_without_predictions_there_are_no_examples(copy: Path) -> None:
    (copy / "data/predictions/candidate.parquet").unlink()
    assert load(copy, "v0", "test") is None


def test_shadow_scenes_are_the_mined_ones(line: Path) -> None:
    scenes = shadow_scenes(line, ["person"], {"production": 0.25, "candidate": 0.25}, 3)
    assert len(scenes) == 3 and all(one.path.is_file() for one in scenes)
    assert all(len(one.truth) == 0 for one in scenes)
    assert all(len(one.base) + len(one.candidate) for one in scenes)


def test_pictures_are_shrunk_and_never_grown(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.jpg"), np.full((200, 400, 3), 128, np.uint8))
    box = np.array([[10.0, 10.0, 90.0, 150.0]])
    scene = Scene("found", "f", tmp_path / "a.jpg", "here", box, np.c_[box, 0.4], np.zeros((0, 5)))
    small, same = draw(scene, 100, BLUR), draw(scene, 1000, BLUR)
    assert small and same
    assert (small.width, small.height) == (100, 50) and (same.width, same.height) == (400, 200)
    assert small.alt == "Frame of here: 1 box by the annotators, 1 box by base, 0 boxes by candidate."
    with zipfile.ZipFile(tmp_path / "clip.zip", "w") as archive:
        archive.write(tmp_path / "a.jpg", "a.jpg")
    assert draw(replace(scene, path=tmp_path / "clip.zip/a.jpg"), 100, BLUR) == small
    assert draw(replace(scene, path=tmp_path / "clip.zip/b.jpg"), 100, BLUR) is None
    assert draw(Scene("found", "f", tmp_path / "gone.jpg", "", box, box, box), 100, BLUR) is None
