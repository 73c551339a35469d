"""Real exports, imported with the shipped label maps; every count is made again from the files here."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest
import yaml

from provenline import tables
from provenline.annotations.importing import Imported, import_annotations
from provenline.annotations.params import AnnotateParams
from provenline.errors import InputError
from tests.annotations import world
from tests.annotations.test_reconciling import agrees

CONF = Path(__file__).parents[2] / "conf" / "annotations"
REAL = world.SHARED
Counts = tuple[Counter[str], int, int]  # objects per label, of those no upright boxes, images


def shipped(name: str, **changes: object) -> AnnotateParams:
    values = yaml.safe_load((CONF / f"{name}.yaml").read_text())
    agreement = world.agreement_params(label=values["agreement"]["label"])
    return AnnotateParams(**{**values, "agreement": agreement, **changes})


def in_cvat(file: Path) -> Counts:
    labels: Counter[str] = Counter()
    images = list(ET.parse(file).getroot().iter("image"))
    shapes = [
        shape for image in images for shape in image if shape.tag in ("box", "polygon", "polyline", "mask")
    ]
    labels.update(shape.attrib["label"] for shape in shapes)
    drawn = sum(shape.tag != "box" or float(shape.get("rotation", 0)) != 0 for shape in shapes)
    return labels, drawn, len(images)


def in_voc(folder: Path) -> Counts:
    roots = [ET.parse(file).getroot() for file in sorted(folder.glob("labels/*.xml"))]
    return Counter(one.findtext("name") for root in roots for one in root.iter("object")), 0, len(roots)


def in_coco(file: Path) -> Counts:
    given = json.loads(file.read_text())
    names = {one["id"]: one["name"] for one in given["categories"]}
    found = given["annotations"]
    drawn = sum(bool(one["segmentation"]) for one in found)
    return Counter(names[one["category_id"]] for one in found), drawn, len(given["images"])


def in_yolo(folder: Path) -> Counts:
    names = yaml.safe_load((folder / "data.yaml").read_text())["names"]
    files = sorted(folder.glob("labels/*.txt"))
    lines = [line.split() for file in files for line in file.read_text().splitlines() if line.strip()]
    return Counter(names[int(line[0])] for line in lines), sum(len(line) > 5 for line in lines), len(files)


SETS: dict[str, tuple[str, Callable[[], Counts]]] = {
    "construction_workers_cvat": (
        "construction", lambda: in_cvat(REAL / "construction_workers_cvat/annotations.xml")
    ),
    "urban_scene_cvat": ("urban_scene", lambda: in_cvat(REAL / "urban_scene_cvat/annotations.xml")),
    "grocery_shelves_cvat": ("shelves", lambda: in_cvat(REAL / "grocery_shelves_cvat/annotations.xml")),
    "workers_ppe_voc": ("workers_ppe", lambda: in_voc(REAL / "workers_ppe_voc")),
    "insulators_voc": ("insulators", lambda: in_voc(REAL / "insulators_voc")),
    "wagon_defects_coco": ("wagons", lambda: in_coco(REAL / "wagon_defects_coco/_annotations.coco.json")),
    "drain_slopes_yolo/boxes": ("drains", lambda: in_yolo(REAL / "drain_slopes_yolo/boxes")),
    "drain_slopes_yolo/polygons": ("drains", lambda: in_yolo(REAL / "drain_slopes_yolo/polygons")),
    "aerial_obb_yolo": ("aerial", lambda: in_yolo(REAL / "aerial_obb_yolo")),
    "cctv_events_yolo": ("people_events", lambda: in_yolo(REAL / "cctv_events_yolo")),
}  # fmt: skip


def brought_in(name: str) -> tuple[Imported, Counts]:
    conf, count = SETS[name]
    frames = world.photos_in(REAL / name / "images")
    return import_annotations(REAL / name, frames, shipped(conf)), count()


@pytest.mark.parametrize("name", SETS)
def test_every_object_of_a_real_export_is_accounted_for(name: str) -> None:
    done, (labels, drawn, images) = brought_in(name)
    report = done.report
    agrees(report)
    read: Counter[str] = Counter()
    for row in report["reconciliation"]:
        read[row["label"]] += row["read"]
    # Lines of more than four points are no objects; they are named in the warnings.
    lines = report["skipped"].get("polyline", 0)
    assert read.total() == labels.total() - lines
    assert lines or read == labels
    assert report["images"]["read"] == images
    totals = report["reconciliation_totals"]
    assert (totals["not_sampled"], totals["set_aside_with_image"]) == (0, 0)
    assert len(done.boxes) == totals["kept"] == labels.total() - totals["set_aside"] - lines
    assert totals["converted"] <= drawn <= totals["converted"] + totals["set_aside"] + lines
    rules = {
        rule["source"]: rule["to"]
        for rule in yaml.safe_load((CONF / f"{SETS[name][0]}.yaml").read_text())["labels"]
    }
    kept: Counter[str] = Counter()
    for label, count in labels.items():
        kept[rules[label]] += count
    kept.subtract(Counter(done.boxes["label"]))
    assert sum(kept.values()) == totals["set_aside"] + lines
    assert min(kept.values(), default=0) >= 0
    joined = done.boxes.merge(done.frames, on="frame_id")
    assert (joined[["x1", "y1"]] >= 0).all(axis=None)
    assert ((joined["x2"] <= joined["width"]) & (joined["y2"] <= joined["height"])).all()


def test_two_tools_are_two_annotators(tmp_path: Path) -> None:
    source = REAL / "dual_annotation_cvat_labelstudio"
    for name in ("cvat", "label_studio"):
        shutil.copytree(source / name, tmp_path / name)
    done = import_annotations(tmp_path, world.photos_in(source / "images"), shipped("cats"))
    agrees(done.report)
    assert done.report["format"] == "cvat (cvat), label_studio (label_studio)"
    read = {(row["annotator"], row["label"]): row["read"] for row in done.report["reconciliation"]}
    assert read == {
        ("cvat", "Cat"): 11, ("cvat", "Cats"): 3, ("label_studio", "Cat"): 11, ("label_studio", "Cats"): 3,
    }  # fmt: skip
    (pair,) = done.report["agreement"]["pairs"]
    assert (pair["annotators"], pair["images"]) == (["cvat", "label_studio"], 8)
    assert pair["objects"] == {"first": 11, "second": 11, "matched": 11}
    assert 0.83 <= pair["mean_matched_iou"]["value"] <= 0.99
    # Of two, the consensus is the mean; the group drawn on top of its members stays a label of its own.
    rule = {"kind": "consensus", "iou": 0.5, "votes": 2}
    merged = import_annotations(
        tmp_path, world.photos_in(source / "images"), shipped("cats", adjudication=rule)
    )
    assert merged.report["adjudication"]["objects"] == {
        "drawn": 28, "merged": 28, "outvoted": 0, "agreed": 14, "label_differs": 0,
    }  # fmt: skip
    ours = merged.boxes[merged.boxes["annotator"] == "consensus"]
    assert Counter(ours["label"]) == {"cat": 11, "cats": 3}
    both = merged.boxes[merged.boxes["annotator"] != "consensus"]
    means = 2 * ours[tables.BOX].to_numpy().sum(axis=0)
    assert means == pytest.approx(both[tables.BOX].to_numpy().sum(axis=0))


TRACKS = REAL / "cvat_video_tracks_xml_only"


def test_tracks_without_their_video_cannot_be_placed() -> None:
    frames = world.frames(*(world.frame("else/street.mp4", time, 1280, 720) for time in (0, 40)))
    with pytest.raises(InputError, match=r"frame 0 of a video that the export does not name|counted"):
        import_annotations(TRACKS, frames, shipped("tracks"))
    done = import_annotations(TRACKS, world.frames(world.frame("p.jpg")), shipped("tracks", tolerance=1.0))
    agrees(done.report)
    boxes = [
        box for box in ET.parse(TRACKS / "annotations.xml").getroot().iter("box") if box.get("outside") != "1"
    ]
    assert done.report["objects"]["set_aside_with_image"] == done.report["objects"]["read"] == len(boxes)
    reasons = {kind for row in done.report["reconciliation"] for kind in row["image_reasons"]}
    assert reasons == {"unknown_video"}
    assert "of a video that the export does not name" in done.report["set_aside"][0]["reason"]


def test_tracks_with_a_video_are_placed_by_their_numbers() -> None:
    class Street:
        def times_ms(self, media: str) -> list[int]:
            return [round(number * 1001 / 30) for number in range(221)]

        def pictures(self, media: str, times_ms: list[int]):
            raise AssertionError("there is nothing to compare")

    times = Street().times_ms("")
    rows = [world.frame("street.mp4", time, 1280, 720) for time in times[::10]]
    done = import_annotations(TRACKS, world.frames(*rows), shipped("tracks"), Street())
    agrees(done.report)
    root = ET.parse(TRACKS / "annotations.xml").getroot()
    seen = [
        (track.attrib["label"], int(box.attrib["frame"]), float(box.attrib["xtl"]))
        for track in root.iter("track")
        for box in track.iter("box")
        if box.get("outside") != "1" and int(box.attrib["frame"]) % 10 == 0
    ]
    by_id = done.frames.set_index("frame_id")["time_ms"]
    numbers = [times.index(int(time)) for time in by_id[done.boxes["frame_id"]]]
    ours = sorted(zip(done.boxes["label"], numbers, done.boxes["x1"], strict=True))
    assert np.allclose([x for *_, x in ours], [max(0.0, x) for *_, x in sorted(seen)])
    assert [one[:2] for one in ours] == [one[:2] for one in sorted(seen)]
    assert done.report["numbering"][0]["verdict"] == "unchecked"
    assert (done.report["numbering"][0]["tool_frames"], done.report["numbering"][0]["our_frames"]) == (
        221,
        221,
    )


def test_tags_are_counted_by_name_and_are_no_reason_to_worry() -> None:
    done, _ = brought_in("urban_scene_cvat")
    root = ET.parse(REAL / "urban_scene_cvat/annotations.xml").getroot()
    tags = Counter(f"tag {tag.get('label')}" for tag in root.iter("tag"))
    assert done.report["skipped"] == dict(tags)
    assert not any("left out" in text for text in done.report["warnings"])
