"""What is written is read back, fitted, and lies where it was."""

from __future__ import annotations

import json
import zipfile

import numpy as np
import pytest
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO
from typer.testing import CliRunner

from provenline import tables
from provenline.annotations import cvat, masks
from provenline.annotations.exporting import export
from provenline.annotations.fitting import fit
from provenline.annotations.reading import open_exports
from provenline.annotations.resolving import Resolver
from provenline.annotations.shapes import enclosing_box
from provenline.commands.annotations import app
from provenline.errors import InputError
from tests.annotations import world

KINDS = ["coco", "cvat", "yolo"]
NASTY = ["person", 'a "b" <c> & d', "Ärmel: groß", "rock toe damaged", "'- {x: 1} #y", "no"]


def box_row(frame, label, box, polygon=None, attributes=None, annotator="a"):
    return {
        "frame_id": frame["frame_id"],
        "annotator": annotator,
        "label": label,
        **dict(zip(tables.BOX, box, strict=True)),
        "polygon": polygon,
        "attributes": json.dumps(attributes or {"occluded": "false"}),
    }


def some_world(seed, *, polygons):
    """Frames of many sizes with boxes and polygons anywhere in them."""
    rng = np.random.default_rng(seed)
    rows, things = [], []
    for n in range(40):
        width, height = (int(side) for side in rng.integers(40, 8000, 2))
        one = world.frame(f"Collar/v{n}.mp4", 1000 * n + 1000, width, height)
        rows.append({**one, "annotated": n != 7, "annotator": "a" if n != 7 else ""})
        for _ in range(int(rng.integers(0, 12)) if n != 7 else 0):
            corners = rng.random((int(rng.integers(3, 9)), 2)) * (width, height)
            polygon = corners.ravel().tolist() if polygons and rng.random() < 0.7 else None
            if polygon is None:
                low, high = corners.min(axis=0), corners.max(axis=0)
                box = (*low, *np.maximum(high, np.minimum(low + 2, (width, height))))
            else:
                box = enclosing_box(polygon)
            if box[2] - box[0] >= 1.5 and box[3] - box[1] >= 1.5:
                things.append(box_row(one, str(rng.choice(NASTY)), box, polygon))
    return world.frames(*rows), tables.table(things, tables.BOXES)


def read_back(folder, kind, frames):
    """Read an export; return frame_id to label, box and polygon, fitted into the frame."""
    resolver = Resolver(frames, endings=kind != "yolo")
    found = {}
    with open_exports(folder, kind) as (exports, _):
        ((_, images),) = exports.items()
        for image in images:
            at = resolver.find(image.name)
            assert not image.bad
            fitted = [fit(one, at.width, at.height, relative=image.width is None) for one in image.objects]
            found[at.frame_id] = [
                (one.label, shape.box, shape.polygon)
                for one, shape in zip(image.objects, fitted, strict=True)
            ]
    return found


@pytest.mark.parametrize("polygons", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_a_round_trip_moves_nothing_by_a_twentieth_of_a_pixel(tmp_path, kind, polygons):
    frames, boxes = some_world(3, polygons=polygons)
    done = export(frames, boxes, tmp_path / "out", kind)
    assert (done.images, sum(done.objects.values()), done.left_out) == (39, len(boxes), {})
    found = read_back(tmp_path / "out", kind, frames)
    assert set(found) == set(frames.loc[frames["annotated"], "frame_id"])
    assert set(boxes["label"]) == set(NASTY)
    largest = 0.0
    for frame_id, things in found.items():
        expected = boxes[boxes["frame_id"] == frame_id]
        assert [label for label, _, _ in things] == expected["label"].tolist()
        for (_, box, polygon), row in zip(things, expected.itertuples(), strict=True):
            largest = max(largest, np.abs(np.subtract(box, (row.x1, row.y1, row.x2, row.y2))).max())
            if row.polygon is not None:
                assert np.abs(np.subtract(polygon, row.polygon)).max() < 0.05
            elif not (kind == "yolo" and polygons):
                assert polygon is None
    assert largest < 0.05
    assert largest < {"coco": 1e-9, "cvat": 1e-4, "yolo": 1e-4}[kind]


@pytest.mark.parametrize("kind", KINDS)
def test_attributes_and_masks(tmp_path, kind):
    one = {**world.frame("p.jpg"), "annotated": True, "annotator": "a"}
    mask = np.zeros((80, 100), bool)
    mask[10:20, 30:45] = mask[15:30, 40:41] = True
    text = masks.encode(mask)
    said = {"occluded": "true", "note": ' <b> & "c" ä', "mask": text}
    parts = json.dumps([[1, 2, 30, 4, 10, 20.5], [50, 50, 60, 50, 60, 70]])
    boxes = tables.table(
        [
            box_row(one, "person", masks.enclosing(mask), None, said),
            box_row(one, "sign", (1, 2, 60, 70), None, {"polygons": parts}),
            box_row(one, "sign", (5, 5, 9, 9), None, {"occluded": "maybe"}),
        ],
        tables.BOXES,
    )
    done = export(world.frames(one), boxes, tmp_path / "out", kind)
    assert done.simplified == {"coco": {}, "cvat": {"polygons": 1}, "yolo": {"mask": 1, "polygons": 1}}[kind]
    with open_exports(tmp_path / "out", kind) as (exports, _):
        ((_, (image,)),) = exports.items()
    if kind == "yolo":
        return
    first, second, third = image.objects
    assert first.attributes["mask"] == text
    assert first.box == masks.enclosing(mask)
    assert first.attributes["occluded"] == "true"
    assert first.attributes["note"].strip() == said["note"].strip()
    assert third.attributes["occluded"] == "maybe"
    assert second.box == pytest.approx((1, 2, 60, 70))
    if kind == "coco":
        assert json.loads(second.attributes["polygons"]) == json.loads(parts)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("folder", ["construction_workers_cvat", "urban_scene_cvat", "grocery_shelves_cvat"])
def test_real_labels_survive_each_format(tmp_path, folder, kind):
    frames, boxes = [], []
    for image in cvat.read(world.SHARED / folder / "annotations.xml"):
        one = world.frame(image.name, 0, image.width, image.height)
        frames.append({**one, "annotated": True, "annotator": "a"})
        fitted = [fit(thing, image.width, image.height, relative=False) for thing in image.objects]
        boxes += [
            box_row(
                one, thing.label, shape.box, shape.polygon and list(shape.polygon), dict(thing.attributes)
            )
            for thing, shape in zip(image.objects, fitted, strict=True)
        ]
    table = world.frames(*frames)
    export(table, tables.table(boxes, tables.BOXES), tmp_path / "out", kind)
    found = read_back(tmp_path / "out", kind, table)
    again = [shape for one in frames for shape in found[one["frame_id"]]]
    assert [label for label, _, _ in again] == [row["label"] for row in boxes]
    apart = np.subtract([box for _, box, _ in again], [[row[side] for side in tables.BOX] for row in boxes])
    assert np.abs(apart).max() < 0.05
    if kind == "yolo":
        return
    with open_exports(tmp_path / "out", kind) as (exports, _):
        ((_, images),) = exports.items()
    said = [thing.attributes for image in images for thing in image.objects]
    for ours, row in zip(said, boxes, strict=True):
        assert ours == json.loads(row["attributes"])


def test_coco_is_what_pycocotools_reads(tmp_path, capsys):
    frames, boxes = some_world(5, polygons=True)
    export(frames, boxes, tmp_path / "out", "coco")
    theirs = COCO(str(tmp_path / "out" / "annotations.json"))
    names = {one["id"]: one["name"] for one in theirs.loadCats(theirs.getCatIds())}
    assert list(names) == list(range(1, len(NASTY) + 1))
    for image in theirs.loadImgs(theirs.getImgIds()):
        expected = boxes[boxes["frame_id"] == image["file_name"].removesuffix(".jpg")]
        for one, row in zip(
            theirs.loadAnns(theirs.getAnnIds(image["id"])), expected.itertuples(), strict=True
        ):
            assert names[one["category_id"]] == row.label
            if row.polygon is None:
                assert one["area"] == pytest.approx((row.x2 - row.x1) * (row.y2 - row.y1))
            elif len(row.polygon) == 6 and one["area"] > 10_000:
                pixels = coco_mask.area(
                    coco_mask.frPyObjects(one["segmentation"], image["height"], image["width"])
                )
                assert one["area"] == pytest.approx(pixels.sum(), rel=0.05)


def two_annotators():
    one, other = ({**world.frame(f"{n}.jpg"), "annotated": True, "annotator": "a"} for n in "xy")
    nobody = world.frame("z.jpg")
    boxes = [
        box_row(one, "person", (1, 1, 9, 9)),
        box_row(one, "sign", (1, 1, 9, 9)),
        box_row(one, "person", (2, 2, 9, 9), annotator="b"),
    ]
    return world.frames(one, other, nobody), tables.table(boxes, tables.BOXES)


def test_what_counts_is_written_and_the_rest_is_said(tmp_path):
    frames, boxes = two_annotators()
    done = export(frames, boxes, tmp_path / "a", "yolo", ["person"])
    assert (done.images, done.objects, done.left_out) == (2, {"person": 1}, {"sign": 1})
    files = {path.name: path.read_text() for path in (tmp_path / "a" / "labels").iterdir()}
    assert sorted(files.values()) == ["", "0 0.05000000 0.06250000 0.08000000 0.10000000\n"]
    done = export(frames, boxes, tmp_path / "b", "yolo", annotator="b")
    assert (done.images, done.objects) == (1, {"person": 1})


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"labels": ["person", "person"]}, "'person' is asked for twice"),
        ({"labels": ["persn"]}, "no object is called 'persn'. Known: person, sign"),
        ({"annotator": "c"}, "no frame was annotated by 'c'. Known annotators: a"),
        ({"root": "."}, "image is missing"),
    ],
)
def test_what_cannot_be_written_leaves_nothing(tmp_path, changes, what):
    frames, boxes = two_annotators()
    if "root" in changes:
        changes = {"root": tmp_path}
    with pytest.raises(InputError, match=what):
        export(frames, boxes, tmp_path / "out", "coco", **changes)
    assert not list(tmp_path.iterdir())


def test_characters_that_xml_cannot_hold(tmp_path):
    one = {**world.frame("x.jpg"), "annotated": True, "annotator": "a"}
    boxes = tables.table([box_row(one, "a\x00b", (1, 1, 9, 9))], tables.BOXES)
    with pytest.raises(InputError, match="XML cannot hold the character 0"):
        export(world.frames(one), boxes, tmp_path / "out", "cvat")
    assert not list(tmp_path.iterdir())
    export(world.frames(one), boxes, tmp_path / "out", "coco")


def test_a_folder_is_never_replaced(tmp_path):
    (tmp_path / "out").mkdir()
    with pytest.raises(InputError, match="the folder exists"):
        export(*two_annotators(), tmp_path / "out", "coco")


def test_the_command(tmp_path, monkeypatch):
    frames, boxes = two_annotators()
    monkeypatch.chdir(tmp_path)
    tables.write(frames, tmp_path / "data" / "annotated.parquet", tables.FRAMES)
    tables.write(boxes, tmp_path / "data" / "boxes.parquet", tables.BOXES)
    for path in frames["path"]:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(path.encode())
    options = ["--format", "cvat", "--out", "out", "--labels", "person", "--images"]
    done = CliRunner().invoke(app, ["export", *options])
    assert done.exit_code == 0, done.output
    assert "out: 2 images; objects: person 1" in done.output
    assert "left out: sign 1" in done.output
    for row in frames[frames["annotated"]].itertuples():
        assert (tmp_path / "out" / "images" / f"{row.frame_id}.jpg").read_bytes() == row.path.encode()


def test_yolo_polygons_are_what_the_trainer_reads(tmp_path):
    from PIL import Image

    from provenline.detectors.quiet import quiet_ultralytics

    quiet_ultralytics()
    from ultralytics.data.utils import verify_image_label

    one = {**world.frame("p.jpg"), "annotated": True, "annotator": "a"}
    ring = [1.0, 2.0, 30.0, 4.0, 10.0, 20.5]
    boxes = [
        box_row(one, "person", (10.25, 20, 60, 70)),
        box_row(one, "sign", enclosing_box(ring), ring),
    ]
    export(world.frames(one), tables.table(boxes, tables.BOXES), tmp_path / "out", "yolo")
    (labels,) = (tmp_path / "out" / "labels").iterdir()
    Image.new("RGB", (100, 80)).save(tmp_path / "p.jpg")
    read = verify_image_label((str(tmp_path / "p.jpg"), str(labels), "", False, 2, 0, 0, False))
    found, segments = read[1], read[3]
    pixels = found[:, 1:] * (100, 80, 100, 80)
    assert found[:, 0].tolist() == [0, 1]
    centred = [[(10.25 + 60) / 2, 45, 49.75, 50], [15.5, 11.25, 29, 18.5]]
    assert pixels == pytest.approx(np.array(centred), abs=1e-3)
    assert segments[1] * (100, 80) == pytest.approx(np.array(ring).reshape(-1, 2), abs=1e-3)


def test_pictures_come_out_of_a_clips_archive(tmp_path):
    frames, boxes = two_annotators()
    paths = [f"clip.zip/{name}.jpg" for name in frames["frame_id"]]
    with zipfile.ZipFile(tmp_path / "clip.zip", "w") as archive:
        for path in paths:
            archive.writestr(path.removeprefix("clip.zip/"), f"picture {path}")
    export(frames.assign(path=paths), boxes, tmp_path / "out", "yolo", root=tmp_path)
    written = {path.name: path.read_text() for path in (tmp_path / "out" / "images").iterdir()}
    named = frames.loc[frames["annotated"], "frame_id"]
    assert written == {f"{name}.jpg": f"picture clip.zip/{name}.jpg" for name in named}
