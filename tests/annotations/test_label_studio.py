from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

from provenline.annotations import label_studio, masks
from provenline.errors import InputError
from tests.annotations import world
from tests.annotations.test_masks import brush


def region(value, kind="rectanglelabels", label="person", size=(200, 100), name=None, **extra):
    one = {"id": name or str(value), "type": kind, "to_name": "image", **extra}
    one["from_name"] = extra.get("from_name", "label")
    one["value"] = {**value, **({kind: [label]} if label else {})}
    if size:
        one["original_width"], one["original_height"] = size
    return one


def annotation(*results, by=1, **extra):
    return {"completed_by": by, "result": list(results), **extra}


def task(*annotations, data=None, **extra):
    return {
        "id": 5,
        "data": data or {"image": "/data/upload/1/0123abcd-p.jpg"},
        "annotations": list(annotations),
        **extra,
    }


def read(tmp_path, *tasks):
    (tmp_path / "a.json").write_text(json.dumps(list(tasks)), encoding="utf-8")
    return label_studio.read(tmp_path / "a.json")


def rectangle(x, y, width, height, rotation=0):
    return {"x": x, "y": y, "width": width, "height": height, "rotation": rotation}


def only(exports):
    ((image,),) = exports.values()
    return image


def test_percent_become_pixels(tmp_path):
    points = {"points": [[10, 10], [20, 10], [15, 50]]}
    image = only(
        read(
            tmp_path,
            task(annotation(region(rectangle(10, 20, 30, 40)), region(points, "polygonlabels", "sign"))),
        )
    )
    assert (image.name, image.width, image.height, image.place) == ("p.jpg", 200, 100, "task 5")
    first, second = image.objects
    assert (first.label, first.box, first.polygon) == ("person", (20, 20, 80, 60), None)
    assert (second.label, second.box) == ("sign", (20, 10, 40, 50))
    assert second.polygon == (20, 10, 40, 10, 30, 50)


@pytest.mark.parametrize("angle", [30.0, 90.0, 200.0, 345.0])
def test_rotation_is_about_the_top_left_corner(tmp_path, angle):
    (one,) = only(read(tmp_path, task(annotation(region(rectangle(40, 40, 20, 10, angle)))))).objects
    # OpenCV turns about the centre, which itself turns about the corner at (80, 40).
    cos, sin = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    centre = (80 + 20 * cos - 5 * sin, 40 + 20 * sin + 5 * cos)
    corners = cv2.boxPoints((centre, (40.0, 10.0), angle))
    assert one.box == pytest.approx((*corners.min(axis=0), *corners.max(axis=0)), abs=1e-3)
    assert one.polygon[:2] == pytest.approx((80, 40))
    assert one.attributes == {"rotation": f"{angle:g}"}


def test_brushes_and_ellipses(tmp_path):
    mask = np.zeros((10, 12), bool)
    mask[3:6, 2:9] = True
    brushed = {"format": "rle", "rle": brush(mask, np.random.default_rng(0))}
    round_ = {"x": 50, "y": 50, "radiusX": 10, "radiusY": 20, "rotation": 90}
    image = only(
        read(
            tmp_path,
            task(
                annotation(
                    region(brushed, "brushlabels", size=(12, 10)),
                    region(round_, "ellipselabels", size=(12, 10)),
                )
            ),
        )
    )
    assert image.objects[0].box == (2, 3, 9, 6)
    assert (masks.decode(image.objects[0].attributes["mask"]) == mask).all()
    assert image.objects[1].box == pytest.approx((6 - 2, 5 - 1.2, 6 + 2, 5 + 1.2))


def test_annotators_keep_apart_and_nothing_is_not_unlabelled(tmp_path):
    exports = read(
        tmp_path,
        task(annotation(region(rectangle(1, 1, 9, 9)), by=3), annotation(by={"id": 7, "email": "x@y.z"})),
        task(annotation(by=3, was_cancelled=True)),
        task(annotation(by=3), predictions=[{}, {}]),
    )
    assert {name: len(images) for name, images in exports.items()} == {"annotator_3": 2, "annotator_7": 1}
    first, second = exports["annotator_3"]
    assert (len(first.objects), len(second.objects)) == (1, 0)
    assert dict(second.skipped) == {"prediction": 2}
    assert exports["annotator_7"][0].objects == ()
    assert exports["annotator_7"][0].width is None


def test_statements_are_attributes_or_counted(tmp_path):
    one = rectangle(1, 1, 9, 9)
    results = (
        region(one, "rectangle", None, name="a"),
        region({}, "labels", "person", name="a"),
        {"id": "a", "type": "choices", "from_name": "pose", "value": {"choices": ["bent", "far"]}},
        {"id": "a", "type": "taxonomy", "from_name": "tree", "value": {"taxonomy": [["x", "y"]]}},
        {"id": "b", "type": "choices", "from_name": "day", "value": {"choices": ["night"]}},
        {"from_id": "a", "to_id": "b", "type": "relation", "direction": "right"},
        region({"x": 1, "y": 2, "width": 0.3}, "keypointlabels", name="c"),
        region({**one, "rectanglelabels": ["person", "worker"]}, "rectangle", None, name="d"),
    )
    image = only(read(tmp_path, task(annotation(*results))))
    assert [thing.label for thing in image.objects] == ["person", "person"]
    assert image.objects[0].attributes == {"pose": "bent, far", "tree": "x / y"}
    assert image.objects[1].attributes == {"labels": "person, worker"}
    assert dict(image.skipped) == {"choices": 1, "relation": 1, "keypointlabels": 1}


def test_what_cannot_be_read_is_named(tmp_path):
    results = (
        region({**rectangle(1, 2, 3, 4), "x": "left"}, name="a"),
        region({**rectangle(1, 2, 3, 4), "x": None}, name="b"),
        region(rectangle(1, 2, 3, 4), "rectangle", None, name="c"),
        region({"points": [[1, 1], [2, 2]]}, "polygonlabels", name="d"),
        region({"rle": [1, 2]}, "brushlabels", name="e"),
    )
    image = only(read(tmp_path, task(annotation(*results))))
    assert not image.objects
    assert [one.place for one in image.bad] == [f"task 5, region {name}" for name in "abcde"]
    assert "it has no label" in image.bad[2].reason
    turned = only(read(tmp_path, task(annotation(region(rectangle(1, 2, 3, 4, 30), size=None)))))
    assert "turned shape without the size" in turned.bad[0].reason


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("/data/upload/1/bd8f1cf8-my%20photo.jpg", "my photo.jpg"),
        ("/data/upload/12/bd8f1cf8-bd8f1cf9-a.jpg", "bd8f1cf9-a.jpg"),
        ("/data/upload/1/photo-of-a.jpg", "photo-of-a.jpg"),
        ("https://host.example/data/upload/1/bd8f1cf8-a%2Bb.jpg?x=1", "a+b.jpg"),
        ("/data/local-files/?d=day%201/a+b.jpg", "day 1/a+b.jpg"),
        ("s3://bucket/Collar/a.mp4/1000.jpg", "Collar/a.mp4/1000.jpg"),
        ("Collar\\a.mp4\\1000.jpg", "Collar/a.mp4/1000.jpg"),
        ("a?b#c.jpg", "a?b#c.jpg"),
    ],
)
def test_file_names(url, name):
    assert label_studio.file_name(url) == name


def key(frame, x, *, enabled=True):
    return {"frame": frame, "enabled": enabled, **rectangle(x, 10, 10, 10), "time": frame / 25}


def test_videos_count_from_one_there_and_from_zero_here(tmp_path):
    sequence = [key(2, 0), key(4, 20, enabled=False), key(6, 50), key(7, 60)]
    value = {"framesCount": 9, "sequence": sequence, "labels": ["person"]}
    one = region(value, "videorectangle", None)
    (images,) = read(
        tmp_path, task(annotation(one), data={"video": "/data/upload/1/0123abcd-v.mp4"})
    ).values()
    assert [(image.name, image.number, image.width) for image in images] == [
        ("v.mp4", n, 200) for n in range(9)
    ]
    left = {image.number: [thing.box[0] for thing in image.objects] for image in images}
    assert left == {0: [], 1: [0], 2: [20], 3: [40], 4: [], 5: [100], 6: [120], 7: [120], 8: [120]}


def test_an_empty_annotation_of_a_video_speaks_of_its_first_frame(tmp_path):
    image = only(read(tmp_path, task(annotation(), data={"video": "v.mp4"})))
    assert (image.name, image.number, image.objects) == ("v.mp4", 0, ())
    assert dict(image.skipped) == {"video of unknown length": 1}


def test_json_min(tmp_path):
    one = {
        "id": 5, "annotation_id": 9, "annotator": 2, "image": "/data/upload/1/0123abcd-p.jpg",
        "label": [
            {**rectangle(10, 20, 30, 40), "rectanglelabels": ["person"],
             "original_width": 200, "original_height": 100}
        ],
    }  # fmt: skip
    exports = read(tmp_path, one, {**one, "label": []})
    (images,) = exports.values()
    assert list(exports) == ["annotator_2"]
    assert [thing.box for thing in images[0].objects] == [(20, 20, 80, 60)]
    assert images[1].objects == ()


_SEQUENCE = {"value": {"sequence": [{"frame": 10**12}]}}
HUGE = json.dumps([{"id": 1, "data": {"video": "a.mp4"}, "annotations": [{"result": [_SEQUENCE]}]}])


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("{}", "not a list of tasks"),
        ("[]", "holds no annotations"),
        ("[3]", "not a task"),
        ('[{"id": 1}]', "no annotations"),
        ('[{"id": 1, "annotations": [4]}]', "numbers of annotations"),
        ('[{"id": 1, "data": {}, "annotations": [{"result": []}]}]', "no file"),
        (HUGE, "frame 1000000000000"),
    ],
)
def test_what_is_no_export_is_one_line(tmp_path, text, what):
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(InputError, match=what) as error:
        label_studio.read(tmp_path / "a.json")
    assert "\n" not in str(error.value)


def test_a_real_export_agrees_with_what_cvat_says_of_the_same_photos():
    (file,) = (world.SHARED / "dual_annotation_cvat_labelstudio" / "label_studio").glob("*.json")
    exports = label_studio.read(file)
    (images,) = exports.values()
    labels = [one.label for image in images for one in image.objects]
    assert (len(images), labels.count("Cat"), labels.count("Cats")) == (8, 11, 3)
    folder = world.SHARED / "dual_annotation_cvat_labelstudio" / "images"
    assert {image.name for image in images} == {path.name for path in folder.iterdir()}
