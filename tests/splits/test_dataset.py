from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

import pandas as pd
import pytest
import yaml

from provenline.errors import InputError
from provenline.files import sha256_tree
from provenline.splits import copying
from provenline.splits.assign import assign, groups_of
from provenline.splits.dataset import write_assignment, write_dataset
from provenline.splits.placing import assign_frames
from tests.splits import world

CLASSES = ("person", "mannequin")


@pytest.fixture
def built(tmp_path):
    """Nine videos of three frames: one with objects, one without, one that nobody looked at."""
    rows, objects = [], []
    for n in range(9):
        media = f"{'ab'[n % 2]}/v{n}.mp4"
        seen, empty, unseen = (world.frame(media, t, category=f"c{n % 2}") for t in (0, 500, 1000))
        rows += [seen, empty, {**unseen, "annotated": False, "annotator": ""}]
        objects += [
            world.box(seen["frame_id"], 0, 0, 64, 48),
            world.box(seen["frame_id"], 10.5, 4, 20, 16, "mannequin"),
            world.box(seen["frame_id"], 1, 1, 9, 9, "hand"),
            world.box(seen["frame_id"], 2, 2, 9, 9, "person", annotator="bea"),
            world.box(empty["frame_id"], 1, 1, 9, 9, "hand"),
        ]
    frames, boxes = world.frames(rows), world.boxes(objects)
    world.write_images(tmp_path, frames)
    assignment = assign(groups_of(frames), world.EMPTY, world.params())
    return tmp_path, frames, boxes, assignment


def test_layout_labels_and_counts(built):
    root, frames, boxes, assignment = built
    folder = root / "data" / "dataset"
    report = write_dataset(frames, boxes, assignment, CLASSES, folder, "lbzf_v0", root)
    placed = dict(zip(assignment["group"], assignment["split"], strict=True))
    for row in frames.itertuples():
        image = folder / "images" / placed[row.group] / f"{row.frame_id}.jpg"
        label = folder / "labels" / placed[row.group] / f"{row.frame_id}.txt"
        assert image.exists() == label.exists() == row.annotated
        if row.annotated:
            assert image.read_bytes() == (root / row.path).read_bytes()
            assert image.stat().st_ino != (root / row.path).stat().st_ino
            lines = [line.split() for line in label.read_text().splitlines()]
            back = [_pixels(line) for line in lines]
            assert back == ([(0, 0, 0, 64, 48), (1, 10.5, 4, 20, 16)] if row.time_ms == 0 else [])
    assert len(list(folder.rglob("*.jpg"))) == 18
    for split, counts in report["splits"].items():
        groups = sum(one == split for one in placed.values())
        assert counts["groups"] == groups
        assert counts["frames"] == 2 * groups == sum(counts["categories"].values())
        assert counts["frames_without_objects"] == groups
        assert counts["objects"] == {"person": groups, "mannequin": groups}
        assert counts["not_annotated"] == groups


def _pixels(line: list[str]) -> tuple:
    x, y, w, h = (float(value) for value in line[1:])
    assert all(len(value.split(".")[1]) >= 6 for value in line[1:])
    edges = ((x - w / 2) * 64, (y - h / 2) * 48, (x + w / 2) * 64, (y + h / 2) * 48)
    return int(line[0]), *(round(edge, 4) for edge in edges)


def test_the_yaml_is_relative(built):
    root, frames, boxes, assignment = built
    report = write_dataset(frames, boxes, assignment, CLASSES, root / "d", "lbzf_v0", root)
    assert Path(report["yaml"]) == root / "d" / "lbzf_v0.yaml"
    content = yaml.safe_load((root / "d" / "lbzf_v0.yaml").read_text())
    assert content == {
        "train": "images/train", "val": "images/val", "test": "images/test",
        "names": {0: "person", 1: "mannequin"},
    }  # fmt: skip


def test_the_same_tables_in_any_order_give_the_same_bytes(built):
    root, frames, boxes, assignment = built
    write_dataset(frames, boxes, assignment, CLASSES, root / "d1", "x", root)
    shuffled = [
        table.sample(frac=1, random_state=3).reset_index(drop=True) for table in (frames, boxes, assignment)
    ]
    write_dataset(*shuffled, CLASSES, root / "d2", "x", root)
    assert sha256_tree(root / "d1") == sha256_tree(root / "d2")
    first = write_assignment(frames, assignment, root / "1.csv")
    second = write_assignment(shuffled[0], shuffled[2], root / "2.csv")
    assert first["sha256"] == second["sha256"] == hashlib.sha256((root / "1.csv").read_bytes()).hexdigest()


def test_an_old_dataset_is_replaced_whole(built):
    root, frames, boxes, assignment = built
    (root / "d" / "images" / "train").mkdir(parents=True)
    (root / "d" / "images" / "train" / "old.jpg").write_bytes(b"")
    write_dataset(frames, boxes, assignment, CLASSES, root / "d", "x", root)
    assert not list((root / "d").rglob("old.jpg"))


def test_a_missing_image_leaves_nothing_behind(built):
    root, frames, boxes, assignment = built
    (root / frames["path"][0]).unlink()
    with pytest.raises(InputError, match="image is missing"):
        write_dataset(frames, boxes, assignment, CLASSES, root / "d", "x", root)
    assert not (root / "d").exists()
    assert not [path for path in root.iterdir() if path.name.startswith(".")]


def test_nothing_annotated_is_refused(built):
    root, frames, boxes, assignment = built
    with pytest.raises(InputError, match="no frame is annotated"):
        write_dataset(frames.assign(annotated=False), boxes, assignment, CLASSES, root / "d", "x", root)


def test_the_assignment_csv(built):
    root, frames, _, assignment = built
    report = write_assignment(frames, assignment, root / "s.csv")
    table = pd.read_csv(root / "s.csv")
    assert list(table.columns) == ["frame_id", "media", "group", "category", "unit", "split"]
    assert table["frame_id"].is_monotonic_increasing
    assert (report["frames"], report["groups"]) == (27, 9)
    assert len(table[["group", "split"]].drop_duplicates()) == 9
    assert (table["unit"] == table["group"]).all()
    assert b"\r" not in (root / "s.csv").read_bytes()


def test_single_frames_can_be_written_too(built):
    root, frames, boxes, _ = built
    assignment = assign_frames(frames, world.params(shares=(0.5, 0.25, 0.25)))
    write_dataset(frames, boxes, assignment, CLASSES, root / "d", "x", root)
    write_assignment(frames, assignment, root / "s.csv")
    table = pd.read_csv(root / "s.csv", index_col="frame_id")
    assert (table["unit"] == table.index).all()
    images = {path.stem: path.parent.name for path in (root / "d" / "images").rglob("*.jpg")}
    assert images == table.loc[frames.loc[frames["annotated"], "frame_id"], "split"].to_dict()


def test_frames_in_archives_are_unpacked(built):
    root, frames, boxes, assignment = built
    write_dataset(frames, boxes, assignment, CLASSES, root / "plain", "x", root)
    with zipfile.ZipFile(root / "frames" / "clip.zip", "w") as archive:
        for path in frames["path"]:
            archive.write(root / path, Path(path).name)
            (root / path).unlink()
    packed = frames.assign(path=[f"frames/clip.zip/{Path(path).name}" for path in frames["path"]])
    write_dataset(packed, boxes, assignment, CLASSES, root / "packed", "x", root)
    assert sha256_tree(root / "packed") == sha256_tree(root / "plain")


def test_hands_copy_what_one_process_copies(built, monkeypatch):
    root, frames, boxes, assignment = built
    write_dataset(frames, boxes, assignment, CLASSES, root / "d1", "x", root)
    monkeypatch.setattr(copying, "_FEW", 0)
    monkeypatch.setattr(copying, "_PART", 3)
    write_dataset(frames, boxes, assignment, CLASSES, root / "d2", "x", root)
    assert sha256_tree(root / "d1") == sha256_tree(root / "d2")


@pytest.mark.parametrize("few", [0, 4096])
def test_a_missing_picture_is_named_whoever_copies(built, monkeypatch, few):
    root, frames, boxes, assignment = built
    monkeypatch.setattr(copying, "_FEW", few)
    (root / frames["path"].iloc[0]).unlink()
    with pytest.raises(InputError, match="image is missing") as error:
        write_dataset(frames, boxes, assignment, CLASSES, root / "d", "x", root)
    assert frames["path"].iloc[0] in str(error.value)
    assert not (root / "d").exists()


def test_outlines_are_written_as_they_are(built):
    root, frames, boxes, assignment = built
    shapes = [[0.0, 0.0, 64.0, 0.0, 31.7, 48.0], [10.5, 4.0, 20.0, 4.0, 20.0, 16.0, 10.5, 16.0]]
    drawn = boxes.assign(polygon=[shapes[row.label == "mannequin"] for row in boxes.itertuples()])
    write_dataset(frames, drawn, assignment, CLASSES, root / "d", "x", root, "segment")
    seen = 0
    for label in (root / "d" / "labels").rglob("*.txt"):
        for line, shape in zip(label.read_text().splitlines(), shapes, strict=False):
            number, *values = line.split()
            sides = [(64, 48)[n % 2] for n in range(len(values))]
            back = [float(value) * side for value, side in zip(values, sides, strict=True)]
            assert back == pytest.approx(shape, abs=1e-6) and number == str(shapes.index(shape))
            seen += 1
    assert seen == 18
