from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from provenline.errors import InputError
from provenline.files import sha256_tree
from provenline.training.view import build_view, evenly, label_of


def test_view_is_a_copy_with_its_own_paths(dataset, tmp_path):
    before = sha256_tree(dataset.parent)
    view = build_view(dataset, tmp_path / "view", 0)
    settings = yaml.safe_load(view.yaml.read_text())
    assert (len(view.train), len(view.val), view.boxes, view.names) == (8, 4, 7, ("person",))
    assert Path(settings["path"]) == tmp_path / "view"
    image = tmp_path / "view" / "images" / "train" / "train_00.jpg"
    source = dataset.parent / "images" / "train" / "train_00.jpg"
    assert image.read_bytes() == source.read_bytes()
    assert not image.is_symlink()
    assert image.stat().st_ino != source.stat().st_ino
    assert sha256_tree(dataset.parent) == before


def test_limit_takes_frames_of_all_media(dataset, tmp_path):
    view = build_view(dataset, tmp_path / "view", 4)
    assert view.train == ("train_00.jpg", "train_02.jpg", "train_04.jpg", "train_06.jpg")
    assert len(list((tmp_path / "view" / "labels" / "train").iterdir())) == 4
    assert len(evenly([Path(str(i)) for i in range(1000)], 300)) == 300


def test_labels_lie_beside_the_last_images_folder():
    assert label_of(Path("/images/set/images/train/a.jpg")) == Path("/images/set/labels/train/a.txt")


@pytest.mark.parametrize(
    "spoil, message",
    [
        (lambda root: (root / "toy.yaml").unlink(), r"toy.yaml: file is missing"),
        (lambda root: (root / "toy.yaml").write_text("train: a"), r"keys missing: \['val', 'names'\]"),
        (lambda root: (root / "labels/train/train_01.txt").unlink(), "train_01.jpg: image has no label file"),
        (lambda root: (root / "labels/val/val_01.txt").unlink(), "val_01.jpg: image has no label file"),
        (
            lambda root: (root / "labels/train/train_01.txt").write_text("7 .5 .5 .1 .1"),
            "train_01.txt: line 1: not a YOLO box of a known class",
        ),
        (lambda root: [p.unlink() for p in (root / "images/val").iterdir()], "no images for val"),
        (lambda root: [p.write_text("") for p in (root / "labels/train").iterdir()], "no labelled object"),
    ],
)
def test_incomplete_data_is_one_line(dataset, tmp_path, spoil, message):
    spoil(dataset.parent)
    with pytest.raises(InputError, match=message):
        build_view(dataset, tmp_path / "view", 0)
    assert not (tmp_path / "view").exists()
