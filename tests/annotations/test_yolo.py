from __future__ import annotations

import pytest

from provenline.annotations import yolo
from provenline.errors import InputError
from tests.annotations import world


def test_boxes_polygons_and_empty_files(tmp_path):
    folder = world.yolo(
        tmp_path, {"a": "0 0.5 0.5 0.2 0.4\n\n1 0.1 0.1 0.3 0.1 0.2 0.6\n", "b": "", "sub/c": "1 0.5 0.5 1 1"}
    )
    a, b, c = yolo.read(folder)
    assert [one.name for one in (a, b, c)] == ["a", "b", "sub/c"]
    assert (a.width, a.height) == (None, None)
    assert a.objects[0].box == pytest.approx((0.4, 0.3, 0.6, 0.7))
    assert a.objects[1].box == pytest.approx((0.1, 0.1, 0.3, 0.6))
    assert a.objects[1].polygon == (0.1, 0.1, 0.3, 0.1, 0.2, 0.6)
    assert [one.label for one in a.objects] == ["person", "fall"]
    assert b.objects == ()
    assert a.objects[1].place == "line 3"


def test_a_missing_label_file_is_not_an_empty_one(tmp_path):
    folder = world.yolo(tmp_path, {"a": "", "x.rf.1": ""}, images=("a", "b", "x.rf.1", "x.rf.2"))
    assert yolo.without_label_file(folder) == ["b", "x.rf.2"]


def test_a_list_of_classes_among_the_labels_is_no_label_file(tmp_path):
    folder = world.yolo(tmp_path, {"a": "", "classes": "person\nfall\n"})
    assert [one.name for one in yolo.read(folder)] == ["a"]


@pytest.mark.parametrize("names", ["[person, fall]", "{0: person, 1: fall}", "{'1': fall, '0': person}"])
def test_names_as_list_or_by_number(tmp_path, names):
    world.yolo(tmp_path, {}, names=names)
    assert yolo.read_names(tmp_path / "data.yaml") == {0: "person", 1: "fall"}


@pytest.mark.parametrize(
    "line",
    [
        "0 0.5 0.5 0.2",
        "0 0.5 0.5 0.2 0.4 0.9",
        "x 0.5 0.5 0.2 0.4",
        "0.5 0.5 0.5 0.2 0.4",
        "0 a 0.5 0.2 0.4",
        "0 nan 0 1 1",
        "-1 0 0 1 1",
        "inf 0 0 1 1",
    ],
)
def test_malformed_lines_are_named(tmp_path, line):
    (image,) = yolo.read(world.yolo(tmp_path, {"a": f"0 0.5 0.5 0.2 0.4\n{line}\n"}))
    assert len(image.objects) == 1
    assert [one.place for one in image.bad] == ["line 2"]
    assert image.bad[0].reason.startswith("malformed line")


def test_unknown_class_names_file_line_and_known_ones(tmp_path):
    folder = world.yolo(tmp_path, {"a": "0 0.5 0.5 0.2 0.4\n7 0.5 0.5 0.2 0.4"})
    with pytest.raises(InputError) as error:
        yolo.read(folder)
    assert "a.txt: line 2: unknown class 7. Known: 0 person, 1 fall." in str(error.value)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("names: [a\n", "not YAML"),
        ("nc: 3\n", "no class names"),
        ("", "no class names"),
        ("names: 3\n", "no class names"),
        ("names: {a: b}\n", "no class names"),
    ],
)
def test_bad_data_yaml(tmp_path, text, what):
    (tmp_path / "data.yaml").write_text(text)
    with pytest.raises(InputError, match=what):
        yolo.read(tmp_path)


def test_missing_parts(tmp_path):
    with pytest.raises(InputError, match="file is missing"):
        yolo.read(tmp_path)
    world.yolo(tmp_path, {})
    with pytest.raises(InputError, match="no label files"):
        yolo.read(tmp_path)
