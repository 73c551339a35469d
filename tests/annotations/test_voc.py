from __future__ import annotations

from collections import Counter
from xml.etree import ElementTree as ET

import pytest

from provenline.annotations import voc
from provenline.errors import InputError
from tests.annotations import world

SIZE = "<size><width>100</width><height>80</height><depth>3</depth></size>"


def thing(x1, y1, x2, y2, name="person", extra=""):
    sides = "".join(
        f"<{n}>{v}</{n}>" for n, v in zip(("xmin", "ymin", "xmax", "ymax"), (x1, y1, x2, y2), strict=True)
    )
    return f"<object><name>{name}</name>{extra}<bndbox>{sides}</bndbox></object>"


def export(folder, name="a", body="", where="Annotations", filename="a.jpg"):
    file = folder / where / f"{name}.xml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"<annotation><filename>{filename}</filename>{SIZE}{body}</annotation>")
    return folder


@pytest.mark.parametrize("where", ["Annotations", "labels", "."])
@pytest.mark.parametrize(("origin", "box"), [(0, (1, 2, 30, 40)), (1, (0, 1, 30, 40))])
def test_both_conventions(tmp_path, where, origin, box):
    (image,) = voc.read(export(tmp_path, body=thing(1, 2, 30, 40), where=where), origin)
    assert (image.name, image.width, image.height) == ("a.jpg", 100, 80)
    assert [one.box for one in image.objects] == [box]


def test_a_whole_image_counted_from_one_is_a_whole_image(tmp_path):
    (image,) = voc.read(export(tmp_path, body=thing(1, 1, 100, 80)), 1)
    assert image.objects[0].box == (0, 0, 100, 80)


def test_a_coordinate_0_disproves_counting_from_one(tmp_path):
    export(tmp_path, body=thing(5, "0.0", 30, 40))
    assert voc.read(tmp_path, 0)[0].objects[0].box == (5, 0, 30, 40)
    with pytest.raises(InputError, match=r"object 1: a coordinate 0\. The coordinates are counted from 0"):
        voc.read(tmp_path, 1)


def test_attributes_names_and_empty_images(tmp_path):
    extra = "<pose>Left</pose><truncated>1</truncated><difficult>0</difficult><occluded/>"
    own = "<attributes><attribute><name>note</name><value>x &amp; y</value></attribute></attributes>"
    part = "<part><name>head</name><bndbox><xmin>1</xmin></bndbox></part>"
    export(tmp_path, "b/c", thing(1, 2, 30, 40, extra=extra + own + part), filename="c.png")
    export(tmp_path, "d", filename="sub/d.png")
    first, second = voc.read(tmp_path)
    assert first.objects[0].attributes == {
        "pose": "Left", "truncated": "true", "difficult": "false", "note": "x & y"
    }  # fmt: skip
    assert (first.name, second.name) == ("b/c.png", "sub/d.png")
    assert second.objects == second.bad == ()


def test_what_cannot_be_read_is_named(tmp_path):
    body = thing(30, 2, 1, 40) + thing(1, 2, "x", 4) + thing(1, 2, "nan", 4)
    body += "<object><name>person</name><bndbox><xmin>1</xmin></bndbox></object><object/>"
    (image,) = voc.read(export(tmp_path, body=body))
    assert not image.objects
    assert [one.place for one in image.bad] == [f"object {n}" for n in range(1, 6)]
    assert "out of order" in image.bad[0].reason
    assert "no ymin" in image.bad[3].reason
    (tmp_path / "Annotations" / "a.xml").write_text(f"<annotation>{thing(1, 2, 3, 4)}</annotation>")
    (image,) = voc.read(tmp_path)
    assert "does not say the size" in image.bad[0].reason


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "malformed XML"),
        ("<annotations/>", "not a VOC file"),
        ("<!DOCTYPE a SYSTEM 'file:///etc/passwd'><annotation/>", "declares a document type"),
    ],
)
def test_what_is_no_export(tmp_path, text, what):
    (tmp_path / "a.xml").write_text(text)
    with pytest.raises(InputError, match=what):
        voc.read(tmp_path)


def test_no_files(tmp_path):
    assert not voc.is_export(tmp_path)
    with pytest.raises(InputError, match="no label files"):
        voc.read(tmp_path)


def test_images_without_a_file(tmp_path):
    export(tmp_path, "b/c")
    for name in ("b/c.jpg", "b/d.jpg"):
        (tmp_path / "JPEGImages" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "JPEGImages" / name).touch()
    assert voc.without_label_file(tmp_path) == ["b/d"]


@pytest.mark.parametrize(("folder", "images"), [("workers_ppe_voc", 195), ("insulators_voc", 48)])
def test_real_exports_against_elementtree(folder, images):
    read = voc.read(world.SHARED / folder)
    roots = [ET.parse(file).getroot() for file in (world.SHARED / folder / "labels").glob("*.xml")]
    expected = Counter(
        (root.findtext("filename"), one.findtext("name"), *(float(side.text) for side in one.find("bndbox")))
        for root in roots
        for one in root.iter("object")
    )
    assert Counter((image.name, one.label, *one.box) for image in read for one in image.objects) == expected
    assert len(read) == images
    assert not [one for image in read for one in image.bad]
    assert {image.name for image in read} == {
        path.name for path in (world.SHARED / folder / "images").iterdir()
    }


def test_the_workers_are_counted_from_0():
    with pytest.raises(InputError, match="a coordinate 0"):
        voc.read(world.SHARED / "workers_ppe_voc", 1)
