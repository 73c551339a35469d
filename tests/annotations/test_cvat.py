from __future__ import annotations

import json
import re
from collections import Counter
from xml.etree import ElementTree as ET

import cv2
import numpy as np
import pytest
from pycocotools import mask as coco_mask

from provenline.annotations import cvat
from provenline.errors import InputError
from tests.annotations import world


def test_boxes_with_attributes_and_occlusion(tmp_path):
    inner = world.attribute("mannequin", "true") + world.attribute("note", " a &amp; b ")
    file = world.cvat(
        tmp_path / "a.xml",
        world.image(
            "x.mp4/1000.jpg", world.box(1, 2, 30.5, 40, occluded="1", inner=inner), world.box(0, 0, 5, 5)
        ),
        world.image("x.mp4/2000.jpg"),
    )
    first, second = cvat.read(file)
    assert (first.name, first.width, first.height) == ("x.mp4/1000.jpg", 100, 80)
    assert first.objects[0].box == (1, 2, 30.5, 40)
    assert first.objects[0].attributes == {"occluded": "true", "mannequin": "true", "note": "a & b"}
    assert first.objects[1].attributes == {"occluded": "false"}
    assert first.objects[0].polygon is None
    assert second.objects == ()
    assert first.place == "line 4"
    assert first.objects[1].place == "line 6, image 'x.mp4/1000.jpg'"


@pytest.mark.parametrize("angle", [30.0, 90.0, 211.5])
def test_rotated_box_encloses_what_opencv_rotates(tmp_path, angle):
    file = world.cvat(
        tmp_path / "a.xml", world.image("p.jpg", world.box(20, 30, 60, 50, rotation=str(angle)))
    )
    (read,) = cvat.read(file)[0].objects
    corners = cv2.boxPoints(((40.0, 40.0), (40.0, 20.0), angle))
    assert read.box == pytest.approx((*corners.min(axis=0), *corners.max(axis=0)), abs=1e-3)
    ours = np.array(read.polygon).reshape(-1, 2)
    for corner in corners:
        assert np.abs(ours - corner).max(axis=1).min() < 1e-3
    assert read.attributes["rotation"] == str(angle)


def test_masks_agree_with_pycocotools(tmp_path):
    rng = np.random.default_rng(3)
    shapes, truths = [], []
    for _ in range(20):
        window = np.zeros((9, 7), dtype=int)
        window[rng.integers(0, 9), rng.integers(0, 7)] = 1
        window |= (rng.random((9, 7)) < rng.choice([0.02, 0.3])).astype(int)
        flat = window.ravel()
        edges = np.flatnonzero(np.diff(flat)) + 1
        runs = np.diff([0, *edges, flat.size]).tolist()
        runs = runs if flat[0] == 0 else [0, *runs]
        rle = ", ".join(map(str, runs))
        shapes.append(f'<mask label="person" rle="{rle}" left="11" top="5" width="7" height="9"></mask>')
        whole = np.zeros((80, 100), np.uint8, order="F")
        whole[5:14, 11:18] = window
        truths.append(coco_mask.encode(whole))
    (image,) = cvat.read(world.cvat(tmp_path / "a.xml", world.image("p.jpg", *shapes)))
    for one, truth in zip(image.objects, truths, strict=True):
        x, y, width, height = coco_mask.toBbox(truth)
        assert one.box == (x, y, x + width, y + height)
        kept = json.loads(one.attributes["mask"])
        assert (kept["counts"], kept["size"]) == (truth["counts"].decode(), [80, 100])


def test_polygons_quads_ellipses_and_what_is_skipped(tmp_path):
    shapes = (
        '<polygon label="person" points="1,2;30,4;10,20.5"></polygon>',
        '<polyline label="person" points="1,1;9,1;9,9;1,9"></polyline>',
        '<polyline label="person" points="1,1;9,1;9,9;1,9;1,1"></polyline>',
        '<polyline label="person" points="1,1;9,1;9,9;5,12;1,9;1,1"></polyline>',
        '<ellipse label="person" cx="40" cy="40" rx="10" ry="4" rotation="30"></ellipse>',
        '<polyline label="person" points="1,1;9,1;9,9"></polyline>',
        '<polyline label="person" points="1,1;9,1;9,9;7,7;3,3"></polyline>',
        '<points label="person" points="1,1"></points>',
        '<cuboid label="person" xtl1="1"></cuboid>',
        '<skeleton label="person"><points label="nose" points="1,1"></points></skeleton>',
        '<tag label="day"></tag>',
        '<tag label="rain"></tag>',
    )
    (image,) = cvat.read(world.cvat(tmp_path / "a.xml", world.image("p.jpg", *shapes)))
    boxes = [one.box for one in image.objects]
    assert boxes[:4] == [(1, 2, 30, 20.5), (1, 1, 9, 9), (1, 1, 9, 9), (1, 1, 9, 12)]
    assert image.objects[0].polygon == (1, 2, 30, 4, 10, 20.5)
    assert [len(one.polygon) for one in image.objects[1:4]] == [8, 8, 10]
    turn = np.linspace(0, 2 * np.pi, 100_000)
    cos, sin = np.cos(np.pi / 6), np.sin(np.pi / 6)
    xs = 40 + 10 * np.cos(turn) * cos - 4 * np.sin(turn) * sin
    ys = 40 + 10 * np.cos(turn) * sin + 4 * np.sin(turn) * cos
    assert boxes[4] == pytest.approx((xs.min(), ys.min(), xs.max(), ys.max()), abs=1e-6)
    assert image.objects[4].attributes["ellipse"] == "40 40 10 4 30"
    kinds = {"polyline": 2, "points": 1, "cuboid": 1, "skeleton": 1, "tag day": 1, "tag rain": 1}
    assert dict(image.skipped) == kinds


def test_unreadable_shapes_are_named(tmp_path):
    shapes = (
        '<box label="person" xtl="1" ytl="2" xbr="3"></box>',
        '<box label="person" xtl="1" ytl="x" xbr="3" ybr="4"></box>',
        '<box label="person" xtl="1" ytl="nan" xbr="3" ybr="4"></box>',
        '<polygon label="person" points="1,2;3"></polygon>',
        '<polygon label="person" points="1,2;3,4"></polygon>',
        '<mask label="person" rle="1, 2" left="0" top="0" width="2" height="2"></mask>',
        '<mask label="person" rle="4" left="0" top="0" width="2" height="2"></mask>',
        '<mask label="person" rle="0, 4" left="99" top="0" width="2" height="2"></mask>',
        '<mask label="person" rle="0, 4" left="0" top="0" width="2"></mask>',
        '<ellipse label="person" cx="1" cy="2" rx="3"></ellipse>',
    )
    (image,) = cvat.read(world.cvat(tmp_path / "a.xml", world.image("p.jpg", *shapes)))
    assert not image.objects
    assert [one.place.split(",")[0] for one in image.bad] == [f"line {5 + n}" for n in range(len(shapes))]
    assert "no ybr" in image.bad[0].reason
    assert "'nan' is no coordinate" in image.bad[2].reason
    assert all(one.label == "person" for one in image.bad)


BOMB = """<?xml version="1.0"?>
<!DOCTYPE lolz [
 <!ENTITY lol "lol">
 <!ENTITY lol2 "&lol;&lol;&lol;&lol;&lol;">
]>
<annotations>&lol2;</annotations>"""


@pytest.mark.parametrize(
    ("text", "place", "what"),
    [
        ("", "line 1", "malformed XML"),
        ("<annotations>\n<image id='0'", "line 2", "malformed XML"),
        ("<annotations>\n<meta>\n</annotations>", "line 3", "malformed XML"),
        ("<annotation>\n<object/></annotation>", "line 1", "not a CVAT export"),
        ("{}", "line 1", "malformed XML"),
        (BOMB, "line 2", "declares a document type"),
        ("<!DOCTYPE a SYSTEM 'file:///etc/passwd'><annotations/>", "line 1", "declares a document type"),
        ("<annotations>\n<track id='0'/></annotations>", "line 2", "CVAT for video"),
        ("<annotations>\n<image name='a.jpg'/></annotations>", "line 2", "without a name"),
        ("<annotations><meta/></annotations>", "", "holds no images"),
    ],
)
def test_what_is_no_export_is_one_line(tmp_path, text, place, what):
    file = tmp_path / "a.xml"
    file.write_text(text)
    with pytest.raises(InputError) as error:
        cvat.read(file)
    message = str(error.value)
    assert message.startswith(str(file))
    assert place in message
    assert what in message
    assert "\n" not in message


def test_missing_and_binary_files(tmp_path):
    with pytest.raises(InputError, match="file is missing"):
        cvat.read(tmp_path / "no.xml")
    (tmp_path / "b.xml").write_bytes(bytes(range(256)))
    with pytest.raises(InputError, match="malformed XML"):
        cvat.read(tmp_path / "b.xml")


@pytest.mark.parametrize("folder", ["construction_workers_cvat", "urban_scene_cvat", "grocery_shelves_cvat"])
def test_real_exports_against_elementtree(folder):
    (file,) = (world.SHARED / folder).glob("*.xml")
    images = cvat.read(file)
    root = ET.parse(file).getroot()
    expected = Counter(
        (image.get("name"), shape.get("label"))
        for image in root.iter("image")
        for shape in image
        if shape.tag in ("box", "mask", "polygon")
        or (shape.tag == "polyline" and shape.get("points").count(";") == 3)
    )
    assert Counter((image.name, one.label) for image in images for one in image.objects) == expected
    assert len(images) == len(re.findall("<image ", file.read_text()))
    assert not [one for image in images for one in image.bad]
    kinds = {image: Counter(shape.tag for shape in image) for image in root.iter("image")}
    read = sum(len(image.objects) + sum(image.skipped.values()) for image in images)
    assert read == sum(sum(one.values()) for one in kinds.values())


def test_a_real_video_export_is_refused():
    (file,) = (world.SHARED / "cvat_video_tracks_xml_only").glob("*.xml")
    with pytest.raises(InputError, match="CVAT for video"):
        cvat.read(file)


def test_a_head_that_nests_without_end_is_refused(tmp_path):
    """Its memory would grow with the square of the depth."""
    (tmp_path / "a.xml").write_text(f"<annotations><meta>{'<a>' * 5000}{'</a>' * 5000}</meta></annotations>")
    with pytest.raises(InputError, match=r"a\.xml: line 1: it nests too deep"):
        cvat.read(tmp_path / "a.xml")
