from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from provenline.detectors.bundle import Layout
from provenline.detectors.open import open_engine
from provenline.detectors.size import Size
from provenline.engines import golden, manifest
from provenline.errors import InputError
from provenline.files import sha256_file
from tests.engines import world

RAW = golden.Form("raw", classes=3, imgsz=Size(640, 640))
ROWS = replace(RAW, layout="end2end")


def raw(generator: np.random.Generator, anchors: int = 500, classes: int = 3) -> np.ndarray:
    boxes = generator.uniform(0, 640, (4, anchors))
    return np.concatenate([boxes, generator.uniform(0, 1, (classes, anchors))]).astype(np.float32)


def test_a_raw_outputs_scores_are_all_compared_and_the_strongest_boxes() -> None:
    expected = raw(np.random.default_rng(1))
    assert golden.difference(RAW, expected, expected.copy()) == (0, 0)
    order = np.argsort(-expected[4:].max(axis=0))
    for anchor, counts in ((order[0], True), (order[99], True), (order[100], False), (order[-1], False)):
        found = expected.copy()
        found[2, anchor] += 3
        score, box = golden.difference(RAW, expected, found)
        assert score == 0 and box == pytest.approx(3 if counts else 0, abs=1e-4)
        found[5, anchor] = expected[5, anchor] - 0.25
        assert golden.difference(RAW, expected, found)[0] == pytest.approx(0.25, abs=1e-6)


def test_rows_of_an_end2end_output_are_found_wherever_they_stand() -> None:
    generator = np.random.default_rng(2)
    boxes, scores = generator.uniform(0, 640, (50, 4)), generator.uniform(0.06, 1, (50, 1))
    expected = np.concatenate([boxes, scores, generator.integers(0, 2, (50, 1))], axis=1).astype(np.float32)
    assert golden.difference(ROWS, expected, generator.permutation(expected)) == (0, 0)
    moved = generator.permutation(expected)
    moved[7, 0] += 2
    assert golden.difference(ROWS, expected, moved)[1] == pytest.approx(2, abs=1e-4)
    strange = expected.copy()
    strange[:, 5] = 9  # every row is of a class that was not expected: each differs by its whole score
    assert golden.difference(ROWS, expected, strange)[0] == pytest.approx(float(scores.max()))


def test_a_missing_row_and_one_too_many_are_seen_and_weak_ones_may_come_and_go() -> None:
    one = np.array([[10, 10, 20, 20, 0.8, 0]], dtype=np.float32)
    two = np.array([[10, 10, 20, 20, 0.8, 0], [300, 300, 400, 400, 0.7, 0]], dtype=np.float32)
    for expected, found in ((one, two), (two, one)):
        assert golden.difference(ROWS, expected, found)[1] > 100
    weak = two.copy()
    weak[1, 4] = 0.02
    assert golden.difference(ROWS, one, weak) == (0, 0) == golden.difference(ROWS, weak, one)


def test_queries_are_compared_in_pixels_and_outlines_not_at_all() -> None:
    expected = np.array([[0.5, 0.5, 0.1, 0.1, 0.9, 0], [0.2, 0.2, 0.1, 0.1, 0.5, 1]], dtype=np.float32)
    found = expected[::-1].copy()
    found[0, 2] += 0.01
    score, box = golden.difference(replace(ROWS, layout="queries"), expected, found)
    assert score == 0 and box == pytest.approx(6.4, abs=1e-3)
    flat = replace(ROWS, layout="queries", imgsz=Size(height=384, width=640))
    assert golden.difference(flat, expected, found)[1] == pytest.approx(6.4, abs=1e-3)
    found[0, 2] -= 0.01
    found[0, 3] += 0.01
    assert golden.difference(flat, expected, found)[1] == pytest.approx(3.84, abs=1e-3)
    outlined = raw(np.random.default_rng(3), classes=3 + 32)
    other = outlined.copy()
    other[7:] += 5
    assert golden.difference(RAW, outlined, other) == (0, 0)
    assert RAW.surest(outlined) == outlined[4:7].max()


@pytest.mark.parametrize("layout", ["raw", "end2end", "queries"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_no_number_never_agrees(layout: Layout, value: float) -> None:
    expected = np.full((6, 6), 0.5, dtype=np.float32)
    found = expected.copy()
    found[-1, -1] = value
    score, box = golden.difference(replace(RAW, layout=layout), expected, found)
    assert not golden.Agreement(1, 0.5, score, box, 1.0, 1e9).holds


def test_another_network_under_the_same_bundle_is_noticed(tmp_path: Path) -> None:
    folder = world.bundle(tmp_path / "a")
    made = manifest.verify(folder)
    assert golden.compare(folder, made, open_engine(folder, "cpu")).holds
    other = world.bundle(tmp_path / "b", shift=0.5)
    shutil.copyfile(other / "model.onnx", folder / "model.onnx")
    content = json.loads((folder / "manifest.json").read_text())
    content["onnx_sha256"] = sha256_file(folder / "model.onnx")
    (folder / "manifest.json").write_text(json.dumps(content))
    made = manifest.verify(folder)
    agreement = golden.compare(folder, made, open_engine(folder, "cpu"))
    assert agreement.box == pytest.approx(0.5, abs=1e-4) and agreement.score < 1e-6
    assert not agreement.holds


def test_the_precision_of_what_runs_chooses_the_tolerance(tmp_path: Path) -> None:
    folder = world.bundle(tmp_path / "a")
    made, network = manifest.verify(folder), open_engine(folder, "cpu")
    assert golden.compare(folder, made, network).box_tolerance == 0.1
    assert golden.compare(folder, replace(made, precision="int8"), network).box_tolerance == 16
    bound = replace(made, hardware={"precision": "fp16", "plan_sha256": "0" * 64})
    assert golden.compare(folder, bound, network).box_tolerance == 4


def test_a_damaged_golden_file_is_one_line(tmp_path: Path) -> None:
    folder = world.bundle(tmp_path / "a")
    made, network = manifest.verify(folder), open_engine(folder, "cpu")
    (folder / "golden/00.npy").write_bytes(b"\x93NUMPY")
    with pytest.raises(InputError, match=r"00\.npy: no array"):
        golden.compare(folder, made, network)
    np.save(folder / "golden/00.npy", np.zeros((5, 4), np.float32))
    with pytest.raises(InputError, match="was expected"):
        golden.compare(folder, made, network)


def test_drawn_pictures_follow_from_the_seed_and_are_no_flat_grey(tmp_path: Path) -> None:
    folders = [world.bundle(tmp_path / name) for name in "ab"]
    one, two = (
        [cv2.imread(str(path)) for path in golden.pictures_of(folder, manifest.read(folder))]
        for folder in folders
    )
    assert all(np.array_equal(left, right) for left, right in zip(one, two, strict=True))
    assert all(picture.shape == (64, 96, 3) and picture.std() > 20 for picture in one)
    assert not np.array_equal(one[0], one[1])
