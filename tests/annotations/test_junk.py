"""Exports come from anywhere: whatever stands in them, a reader reads it or says in one line why not."""

from __future__ import annotations

import copy
import json
import random
import re

import pytest

from provenline.annotations import coco, cvat, cvat_video, label_studio, voc
from provenline.errors import InputError
from tests.annotations import world

JUNK = [
    None, True, -1, 0, 3, 1e400, -(10**30), 0.5, "", "x", "nan", "0", [], [[]], [1], {}, {"a": 1},
    [None], [{}],
]  # fmt: skip
TEXT = [
    "",
    "x",
    "nan",
    "inf",
    "-1",
    "0",
    "1e400",
    "9" * 30,
    "1,2",
    "1,2;3",
    ";",
    ",",
    "1,2;3,4;5,6",
    "é",
    "5 6",
]

COCO = {
    "images": [{"id": 1, "file_name": "a.jpg", "width": 20, "height": 10}],
    "categories": [{"id": 1, "name": "person"}],
    "annotations": [
        {"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4], "attributes": {"rotation": 3}},
        {"id": 2, "image_id": 1, "category_id": 1, "segmentation": [[1, 2, 3, 4, 5, 6]], "iscrowd": 0},
        {"id": 3, "image_id": 1, "category_id": 1, "segmentation": {"size": [10, 20], "counts": [3, 2, 195]}},
        {"id": 4, "image_id": 1, "category_id": 1, "segmentation": {"size": [10, 20], "counts": "32S6"}},
    ],
}
_SIZE = {"original_width": 20, "original_height": 10, "to_name": "image", "id": "r"}
_BOX = {"x": 1, "y": 2, "width": 3, "height": 4, "rotation": 5}
STUDIO = [
    {
        "id": 1,
        "data": {"image": "/data/upload/1/0123abcd-p.jpg"},
        "predictions": [],
        "annotations": [
            {
                "completed_by": {"id": 1},
                "was_cancelled": False,
                "result": [
                    {**_SIZE, "type": "rectanglelabels", "value": {**_BOX, "rectanglelabels": ["a"]}},
                    {**_SIZE, "type": "choices", "from_name": "c", "value": {"choices": ["b"]}},
                    {
                        **_SIZE,
                        "id": "p",
                        "value": {"points": [[1, 2], [3, 4], [5, 6]], "polygonlabels": ["a"]},
                    },
                    {**_SIZE, "id": "b", "value": {"rle": [0, 0, 3, 32, 7], "brushlabels": ["a"]}},
                ],
            }
        ],
    },
    {
        "id": 2,
        "data": {"video": "v.mp4"},
        "annotations": [
            {
                "completed_by": 1,
                "result": [
                    {
                        "id": "v",
                        "value": {
                            "framesCount": 5,
                            "labels": ["a"],
                            "sequence": [{**_BOX, "frame": 1, "enabled": True}, {**_BOX, "frame": 3}],
                        },
                    }
                ],
            }
        ],
    },
]
CVAT = (
    '<annotations><image id="0" name="a.jpg" width="20" height="10">'
    '<box label="a" xtl="1" ytl="2" xbr="3" ybr="4" rotation="5" occluded="0">'
    '<attribute name="n">v</attribute></box>'
    '<polygon label="a" points="1,2;3,4;5,6"/><polyline label="a" points="1,2;3,4;5,6;7,8"/>'
    '<ellipse label="a" cx="1" cy="2" rx="3" ry="4" rotation="5"/>'
    '<mask label="a" rle="1, 2, 3" left="1" top="2" width="3" height="2"/></image></annotations>'
)
VIDEO = (
    "<annotations><meta><task><start_frame>0</start_frame><stop_frame>9</stop_frame><frame_filter>step=3"
    "</frame_filter></task><original_size><width>20</width><height>10</height></original_size></meta>"
    '<track id="0" label="a"><box frame="0" outside="0" xtl="1" ytl="2" xbr="3" ybr="4" rotation="5"/>'
    '<box frame="6" outside="0" xtl="1" ytl="2" xbr="3" ybr="4"/><box frame="9" outside="1" xtl="1"/></track>'
    "</annotations>"
)
VOC = (
    "<annotation><filename>a.jpg</filename><size><width>20</width><height>10</height></size><object><name>a</name>"
    "<truncated>0</truncated><bndbox><xmin>1</xmin><ymin>2</ymin><xmax>3</xmax><ymax>4</ymax></bndbox></object>"
    "</annotation>"
)


def places(value, here=()):
    yield here
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in parts:
        yield from places(part, (*here, key))


def spoilt(value, rng):
    value = copy.deepcopy(value)
    for _ in range(rng.randint(1, 2)):
        path = rng.choice([place for place in places(value) if place])
        inner = value
        for key in path[:-1]:
            inner = inner[key]
        if rng.random() < 0.2:
            del inner[path[-1]]
        else:
            inner[path[-1]] = copy.deepcopy(rng.choice(JUNK))
        if not list(places(value))[1:]:
            break
    return value


def tries(read, path):
    """Return 1 where it is refused in one line, 0 where it is read."""
    try:
        read(path)
    except InputError as error:
        assert "\n" not in str(error)
        return 1
    return 0


@pytest.mark.parametrize(("read", "good"), [(coco.read, COCO), (label_studio.read, STUDIO)])
def test_junk_in_json(tmp_path, read, good):
    rng = random.Random(0)
    file = tmp_path / "a.json"
    file.write_text(json.dumps(good))
    assert tries(read, file) == 0
    refused = 0
    for _ in range(1500):
        file.write_text(json.dumps(spoilt(good, rng)))
        refused += tries(read, file)
    assert 100 < refused < 1400


@pytest.mark.parametrize(
    ("read", "good"), [(cvat.read, CVAT), (cvat_video.read, VIDEO), (lambda file: voc.read(file.parent), VOC)]
)
def test_junk_in_xml(tmp_path, read, good):
    rng = random.Random(0)
    file = tmp_path / "a.xml"
    file.write_text(good)
    assert tries(read, file) == 0
    spots = [match.span(1) for match in re.finditer(r'="([^"]*)"|(?<=>)[^<>]+(?=<)', good) if match[1]]
    spots += [match.span() for match in re.finditer(r"(?<=>)[^<>]+(?=<)", good)]
    refused = 0
    for _ in range(600):
        start, end = rng.choice(spots)
        file.write_text(good[:start] + rng.choice(TEXT) + good[end:])
        refused += tries(read, file)
    assert refused < 550


def test_junk_in_bytes(tmp_path):
    rng = random.Random(0)
    for read, name, good in ((coco.read, "a.json", json.dumps(COCO)), (cvat.read, "b.xml", CVAT)):
        file = tmp_path / name
        for _ in range(300):
            raw = bytearray(good.encode())
            for _ in range(3):
                raw[rng.randrange(len(raw))] = rng.randrange(256)
            file.write_bytes(raw[: rng.randrange(1, len(raw) + 1)] if rng.random() < 0.3 else raw)
            tries(read, file)


def test_real_exports_are_no_other_format():
    for read in (cvat.read, cvat_video.read):
        with pytest.raises(InputError):
            read(world.SHARED / "wagon_defects_coco" / "_annotations.coco.json")
    with pytest.raises(InputError):
        label_studio.read(world.SHARED / "wagon_defects_coco" / "_annotations.coco.json")


@pytest.mark.parametrize(
    "text", ['[{"id": %s}]' % ("9" * 5000), '[{"data": {"image": "\\ud800.jpg"}}]', "[" * 100_000]
)
def test_json_that_python_reads_or_refuses_in_its_own_way(tmp_path, text):
    file = tmp_path / "a.json"
    for read, whole in ((label_studio.read, text), (coco.read, f'{{"images": {text}}}')):
        file.write_text(whole)
        with pytest.raises(InputError, match=r"not JSON|no Unicode"):
            read(file)


def test_json_with_characters_in_two_escapes_is_read(tmp_path):
    (tmp_path / "a.json").write_text(json.dumps(COCO).replace("a.jpg", "\\ud83d\\ude00.jpg"))
    assert coco.read(tmp_path / "a.json")[0].name == "\U0001f600.jpg"


@pytest.mark.parametrize("encoding", ["utf-32", "cp932", "no-such-encoding"])
def test_xml_in_encodings_that_the_parser_does_not_know(tmp_path, encoding):
    file = tmp_path / "a.xml"
    for read, text in (
        (cvat.read, CVAT),
        (cvat_video.read, VIDEO),
        (lambda file: voc.read(file.parent), VOC),
    ):
        file.write_text(f'<?xml version="1.0" encoding="{encoding}"?>{text}')
        with pytest.raises(InputError, match="encoding that cannot be read"):
            read(file)
