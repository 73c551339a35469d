from __future__ import annotations

from collections import Counter

import pytest

from provenline.annotations import yolo
from provenline.annotations.fitting import fit
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


def test_other_layouts(tmp_path):
    world.yolo(tmp_path / "a", {})
    for name, ending, text in (("train/labels/x", "txt", "1 0.5 0.5 1 1"), ("train/images/x", "jpg", ""),
                               ("train/images/y", "jpg", "")):  # fmt: skip
        file = tmp_path / "a" / f"{name}.{ending}"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    assert [(one.name, one.objects[0].label) for one in yolo.read(tmp_path / "a")] == [("train/x", "fall")]
    assert yolo.without_label_file(tmp_path / "a") == ["train/y"]
    old = tmp_path / "b"
    (old / "obj_train_data").mkdir(parents=True)
    (old / "obj.names").write_text("person\nfall\n")
    (old / "obj_train_data" / "x.txt").write_text("1 0.5 0.5 1 1")
    (old / "obj_train_data" / "x.jpg").touch()
    assert [(one.name, one.objects[0].label) for one in yolo.read(old)] == [("x", "fall")]
    assert not yolo.is_export(tmp_path)
    assert yolo.is_export(old)


@pytest.mark.parametrize(
    ("folder", "images", "counts"),
    [
        ("aerial_obb_yolo", 18, {"house": 73, "tennis court": 48}),
        ("drain_slopes_yolo/boxes", 237,
         {"slope drain": 442, "toe drain": 152, "vegetation": 130, "rock toe": 409}),
        ("drain_slopes_yolo/polygons", 44,
         {"slope drain": 78, "toe drain": 10, "vegetation": 5, "rock toe": 31}),
        ("quay_cracks_yolo", 222, {"crack": 318}),
        ("bottles_cans_yolo", 110, {"can": 194, "bottle": 60}),
        ("cctv_events_yolo", 227,
         {"person": 199, "fire": 79, "fall": 52, "object": 30, "smoke": 29, "violence": 21}),
    ],
)  # fmt: skip
def test_real_exports_have_the_counts_that_their_readme_gives(folder, images, counts):
    read = yolo.read(world.SHARED / folder)
    assert len(read) == images
    assert Counter(one.label for image in read for one in image.objects) == counts
    assert not [one for image in read for one in image.bad]


def test_oriented_boxes_slightly_outside_are_cut_off_not_lost():
    read = yolo.read(world.SHARED / "aerial_obb_yolo")
    things = [one for image in read for one in image.objects]
    assert {len(one.polygon) for one in things} == {8}
    outside = [one for one in things if min(one.box) < 0 or max(one.box) > 1]
    assert outside
    for one in outside:
        fitted = fit(one, 1024, 1024, relative=True)
        assert min(fitted.box) >= 0
        assert max(fitted.box) <= 1024


def test_names_that_grow_or_nest_without_end(tmp_path):
    nine = ", ".join(["*a%d"] * 9)
    lines = [f"a{n}: &a{n} [{nine % ((n - 1,) * 9)}]" for n in range(1, 12)]
    bomb = "\n".join(["a0: &a0 [x]", *lines, "names: [*a11]"])
    for text in (bomb, "names: " + "[" * 5000, "names: person", "names: [[a], [b]]", "names: {.inf: a}"):
        folder = world.yolo(tmp_path, {"a": "0 0.5 0.5 0.2 0.4"})
        (folder / "data.yaml").write_text(text)
        with pytest.raises(InputError, match=r"aliases|no class names"):
            yolo.read(folder)


def test_a_list_of_classes_in_another_encoding(tmp_path):
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels" / "a.txt").write_text("0 0.5 0.5 0.2 0.4")
    (tmp_path / "classes.txt").write_bytes("caf\xe9".encode("latin-1"))
    with pytest.raises(InputError, match="no class names"):
        yolo.read(tmp_path)
