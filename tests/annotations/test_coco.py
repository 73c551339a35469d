from __future__ import annotations

import json
from collections import Counter

import numpy as np
import pytest
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO

from provenline.annotations import coco
from provenline.errors import InputError
from tests.annotations import world


def export(path, *annotations, images=None, categories=None):
    value = {
        "images": images or [{"id": 3, "file_name": "a\\b.jpg", "width": 100, "height": 80}],
        "categories": categories or [{"id": 1, "name": "person"}, {"id": 7, "name": "sign"}],
        "annotations": [
            {"id": n, "image_id": 3, "category_id": 1, **one} for n, one in enumerate(annotations)
        ],
    }
    path.write_text(json.dumps(value))
    return path


def test_boxes_polygons_and_masks(tmp_path):
    mask = np.zeros((80, 100), np.uint8, order="F")
    mask[10:20, 30:45] = 1
    packed = coco_mask.encode(mask)
    packed = {"counts": packed["counts"].decode(), "size": [80, 100]}
    ring = [1, 2, 30, 4, 10, 20.5]
    (image,) = coco.read(
        export(
            tmp_path / "a.json",
            {"bbox": [1, 2, 3, 4.5], "segmentation": []},
            {"bbox": [0, 0, 1, 1], "segmentation": [[*ring, *ring[:2]]], "category_id": 7},
            {"bbox": [0, 0, 1, 1], "segmentation": [ring, [50, 50, 60, 50, 60, 70]]},
            {"segmentation": packed},
            {"segmentation": {"counts": [30 * 80 + 10, 2, 80 * 70 - 12], "size": [80, 100]}, "iscrowd": 1},
            {"bbox": [10, 10, 20, 10], "attributes": {"occluded": False, "rotation": 90.0, "note": "ä"}},
        )
    )
    assert (image.name, image.width, image.height) == ("a/b.jpg", 100, 80)
    assert [one.box for one in image.objects] == [
        (1, 2, 4, 6.5), (1, 2, 30, 20.5), (1, 2, 60, 70), (30, 10, 45, 20), (30, 10, 31, 12), (15, 5, 25, 25),
    ]  # fmt: skip
    assert [one.label for one in image.objects[:2]] == ["person", "sign"]
    assert image.objects[1].polygon == tuple(ring)
    assert json.loads(image.objects[2].attributes["polygons"])[1] == [50, 50, 60, 50, 60, 70]
    assert json.loads(image.objects[3].attributes["mask"]) == packed
    assert image.objects[4].attributes["iscrowd"] == "true"
    assert image.objects[5].attributes == {"occluded": "false", "rotation": "90.0", "note": "ä"}


def test_an_image_without_annotations_has_nothing_on_it(tmp_path):
    (image,) = coco.read(export(tmp_path / "a.json"))
    assert image.objects == image.bad == ()


def test_what_cannot_be_read_is_named(tmp_path):
    (image,) = coco.read(
        export(
            tmp_path / "a.json",
            {},
            {"bbox": [1, 2, 3]},
            {"bbox": [1, 2, 3, "x"]},
            {"bbox": [1, 2, 3, float("nan")]},
            {"segmentation": [[1, 2, 3, 4]]},
            {"segmentation": [3]},
            {"segmentation": {"counts": "x", "size": [80, 100]}},
        )
    )
    assert not image.objects
    assert [one.place for one in image.bad] == [f"annotation {n}" for n in range(7)]


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"category_id": 2}, "unknown category_id 2. Known: 1 person, 7 sign"),
        ({"image_id": 9}, "unknown image_id 9"),
    ],
)
def test_unknown_ids(tmp_path, changes, what):
    with pytest.raises(InputError, match=what):
        coco.read(export(tmp_path / "a.json", {"bbox": [1, 2, 3, 4], **changes}))


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[]", "lists no images"),
        ('{"images": 3}', "lists no images"),
        ('{"images": [{}]}', "no id"),
        ('{"images": [{"id": 1}]}', "without a file_name"),
        ('{"images": [{"id": 1, "file_name": "a"}, {"id": 1, "file_name": "b"}]}', "id 1 stands twice"),
    ],
)
def test_what_is_no_export(tmp_path, text, what):
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(InputError, match=what):
        coco.read(tmp_path / "a.json")


def test_a_real_export_against_pycocotools(capsys):
    file = world.SHARED / "wagon_defects_coco" / "_annotations.coco.json"
    images = coco.read(file)
    theirs = COCO(str(file))
    names = {one["id"]: one["name"] for one in theirs.loadCats(theirs.getCatIds())}
    count = Counter(one.label for image in images for one in image.objects)
    assert count == {"gunny_bag": 81, "wire": 148}
    assert len(images) == 53
    for image, given in zip(images, theirs.loadImgs(theirs.getImgIds()), strict=True):
        assert image.name == given["file_name"]
        anns = theirs.loadAnns(theirs.getAnnIds(given["id"]))
        for ours, ann in zip(image.objects, anns, strict=True):
            (ring,) = ann["segmentation"]
            assert ours.label == names[ann["category_id"]]
            assert ours.box == (min(ring[0::2]), min(ring[1::2]), max(ring[0::2]), max(ring[1::2]))
