from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from provenline.annotations.reading import open_exports
from provenline.errors import InputError
from tests.annotations import test_label_studio as studio
from tests.annotations import world

XML = world.image("p.jpg", world.box(1, 2, 3, 4))


def packed(path: Path, folder: Path) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for file in folder.rglob("*"):
            archive.write(file, file.relative_to(folder))
    return path


def names(folder, kind):
    with open_exports(folder, kind) as (exports, _):
        return {name: [image.name for image in images] for name, images in exports.items()}


def test_nothing_is_read_where_nothing_was_annotated(tmp_path):
    with open_exports(tmp_path / "no", "none") as (exports, without):
        assert exports == without == {}


def test_files_folders_and_archives_are_named_after_their_annotators(tmp_path):
    world.cvat(tmp_path / "in" / "anna.xml", XML)
    world.cvat(tmp_path / "in" / "ben" / "annotations.xml", XML)
    world.cvat(tmp_path / "out" / "annotations.xml", world.image("frame_000007.png", world.box(1, 2, 3, 4)))
    (tmp_path / "out" / "images").mkdir()
    (tmp_path / "out" / "images" / "frame_000007.png").write_bytes(b"picture")
    (tmp_path / "in" / "images").mkdir()
    packed(tmp_path / "in" / "cleo.zip", tmp_path / "out")
    with open_exports(tmp_path / "in", "cvat") as (exports, without):
        assert sorted(exports) == ["anna", "ben", "cleo"]
        assert without == {}
        (image,) = exports["cleo"]
        # Named where it can be found again, whatever folder it was unpacked to.
        assert image.file == tmp_path / "in" / "cleo.zip" / "annotations.xml"
        assert image.picture.read_bytes() == b"picture"
    assert not image.picture.exists()


def test_two_exports_of_one_name(tmp_path):
    world.cvat(tmp_path / "anna.xml", XML)
    world.cvat(tmp_path / "anna" / "annotations.xml", XML)
    with pytest.raises(InputError, match="two exports of 'anna'"), open_exports(tmp_path, "cvat"):
        pass


def test_errors_in_archives_name_the_archive(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "annotations.xml").write_text("<annotations>")
    packed(tmp_path / "anna.zip", tmp_path / "out")
    with pytest.raises(InputError, match="malformed") as error, open_exports(tmp_path, "cvat"):
        pass
    assert str(error.value).startswith(str(tmp_path / "anna.zip" / "annotations.xml"))


def test_folder_formats(tmp_path):
    world.yolo(tmp_path / "one", {"a": ""}, images=("a", "b"))
    with open_exports(tmp_path / "one", "yolo") as (exports, without):
        assert {name: len(images) for name, images in exports.items()} == {"yolo": 1}
        assert without == {"yolo": ["b"]}
        assert exports["yolo"][0].picture == tmp_path / "one" / "images" / "a.jpg"
    world.yolo(tmp_path / "several" / "anna", {"a": ""})
    world.yolo(tmp_path / "out" / "dataset", {"c": ""})
    packed(tmp_path / "several" / "ben.zip", tmp_path / "out")
    assert names(tmp_path / "several", "yolo") == {"anna": ["a"], "ben": ["c"]}
    with open_exports(tmp_path / "several", "yolo") as (exports, _):
        assert exports["ben"][0].file == tmp_path / "several" / "ben.zip" / "dataset" / "labels" / "c.txt"


def test_coco_exports_keep_their_files_in_a_folder_of_their_own(tmp_path):
    value = {"images": [{"id": 1, "file_name": "a.jpg", "width": 4, "height": 4}], "categories": []}
    for folder in ("one/annotations", "several/anna/annotations"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "instances_default.json").write_text(json.dumps(value))
    (tmp_path / "several" / "anna" / "images").mkdir()
    (tmp_path / "several" / "anna" / "images" / "a.jpg").touch()
    assert names(tmp_path / "one", "coco") == {"coco": ["a.jpg"]}
    with open_exports(tmp_path / "several", "coco") as (exports, _):
        assert exports["anna"][0].picture == tmp_path / "several" / "anna" / "images" / "a.jpg"


def test_a_file_of_several_people_makes_several_annotators(tmp_path):
    def project(name, *people):
        tasks = [studio.task(studio.annotation(by=one)) for one in people]
        (tmp_path / name).write_text(json.dumps(tasks))

    project("a.json", 1, 1)
    project("b.json", 2)
    assert {name: len(images) for name, images in names(tmp_path, "label_studio").items()} == {"a": 2, "b": 1}
    project("b.json", 2, 1)
    found = {name: len(images) for name, images in names(tmp_path, "label_studio").items()}
    assert found == {"annotator_1": 3, "annotator_2": 1}


@pytest.mark.parametrize("kind", ["cvat", "cvat_video", "label_studio", "coco", "yolo", "voc"])
def test_empty_folders(tmp_path, kind):
    with pytest.raises(InputError, match="no "), open_exports(tmp_path, kind):
        pass


@pytest.mark.parametrize(
    ("folder", "kind", "images", "objects"),
    [
        ("construction_workers_cvat", "cvat", 230, 768 + 694 + 401),
        ("urban_scene_cvat", "cvat", 10, 101 + 38 + 34 + 10),
        ("grocery_shelves_cvat", "cvat", 8, 45 - 2),  # two open lines of five points are counted as skipped
        ("cvat_video_tracks_xml_only", "cvat_video", 221, 1740),
        ("dual_annotation_cvat_labelstudio/label_studio", "label_studio", 8, 14),
        ("wagon_defects_coco", "coco", 53, 229),
        ("workers_ppe_voc", "voc", 195, 595 + 449 + 445 + 210 + 120 + 101 + 5),
        ("insulators_voc", "voc", 48, 81),
        ("aerial_obb_yolo", "yolo", 18, 121),
    ],
)
def test_real_exports_have_the_counts_that_their_readme_gives(folder, kind, images, objects):
    with open_exports(world.SHARED / folder, kind) as (exports, _):
        (read,) = exports.values()
        assert (len(read), sum(len(one.objects) for one in read)) == (images, objects)
        assert not [one for image in read for one in image.bad]
        assert sum(one.skipped.get("polyline", 0) for one in read) == (2 if "grocery" in folder else 0)


@pytest.mark.parametrize("kind", ["yolo", "voc"])
def test_no_part_of_an_export_is_left_out(tmp_path, kind):
    for part in ("train", "valid"):
        folder = tmp_path / "anna" / part
        if kind == "yolo":
            world.yolo(folder, {"a": ""})
        else:
            folder.mkdir(parents=True)
            (folder / "a.xml").write_text("<annotation><filename>a.jpg</filename></annotation>")
    with (
        pytest.raises(InputError, match="anna: two exports, 'train' and 'valid'"),
        open_exports(tmp_path, kind),
    ):
        pass


@pytest.mark.parametrize("kind", ["cvat", "yolo"])
def test_archives_inside_of_folders_are_not_left_out(tmp_path, kind):
    world.cvat(tmp_path / "anna.xml", XML)
    world.yolo(tmp_path / "ben", {"a": ""})
    (tmp_path / "cleo").mkdir()
    packed(tmp_path / "cleo" / "job.zip", tmp_path / "ben")
    with pytest.raises(InputError, match=r"job\.zip: an archive inside"), open_exports(tmp_path, kind):
        pass


def test_what_macos_adds_is_no_export(tmp_path):
    world.cvat(tmp_path / "anna" / "annotations.xml", XML)
    for name in ("anna/__MACOSX/._annotations.xml", "._ben.xml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"\0\5\x16\7")
    assert names(tmp_path, "cvat") == {"anna": ["p.jpg"]}
