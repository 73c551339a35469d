from __future__ import annotations

import csv
import json
import re
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from pydantic import ValidationError

from provenline import tables
from provenline.annotations.findings import annotated
from provenline.annotations.importing import import_annotations, without_place
from provenline.annotations.params import LabelRule
from provenline.errors import InputError
from tests.annotations import world

A, B, PHOTO = "Collar/a.mp4", "Collar/b.mp4", "photos/p.jpg"


@pytest.fixture
def frames():
    times = [world.frame(media, time_ms) for media in (A, B) for time_ms in (1000, 1500)]
    return world.frames(*times, world.frame(PHOTO))


def reconciles(report: dict) -> None:
    images, objects = report["images"], report["objects"]
    assert images["read"] == images["sampled"] + images["not_sampled"] + images["set_aside"]
    for row in (objects, *report["labels"]):
        lost = row["set_aside"] + row["set_aside_with_image"]
        assert row["read"] == row["kept"] + row["not_sampled"] + lost
    for row in report["labels"]:
        assert sum(row["to"].values()) == row["kept"]
    json.dumps(report, allow_nan=False)


def test_several_annotators(tmp_path, frames):
    dummy = world.attribute("mannequin", "true")
    world.cvat(
        tmp_path / "bea.xml",
        world.image(f"{A}/1000.jpg", world.box(1, 1, 20, 20), world.box(50, 1, 70, 20, inner=dummy)),
        world.image(f"{A}/1500.jpg"),
        world.image(f"{A}/1750.jpg", world.box(1, 1, 20, 20)),
    )
    world.cvat(
        tmp_path / "ana.xml",
        world.image(f"{A}/000001000.jpg", world.box(2, 2, 20, 20)),
        world.image("p.jpg", world.box(-5, 1, 20, 20)),
    )
    rules = (world.rule("person", "mannequin", "mannequin", "true"), world.rule("person"))
    done = import_annotations(tmp_path, frames, world.params(*rules, primary=("bea",)))
    by_id = done.frames.set_index(["media", "time_ms"])
    assert by_id["annotator"].to_dict() == {
        (A, 1000): "bea", (A, 1500): "bea", (B, 1000): "", (B, 1500): "", (PHOTO, 0): "ana",
    }  # fmt: skip
    assert (done.frames["annotated"] == (done.frames["annotator"] != "")).all()
    assert sorted(zip(done.boxes["annotator"], done.boxes["label"], done.boxes["x1"], strict=True)) == [
        ("ana", "person", 0.0), ("ana", "person", 2.0), ("bea", "mannequin", 50.0), ("bea", "person", 1.0),
    ]  # fmt: skip
    truth = tables.truth(done.frames, done.boxes, ["person"])
    assert sorted(truth["annotator"]) == ["ana", "bea"]
    report = done.report
    reconciles(report)
    assert report["images"] == {"read": 5, "sampled": 4, "not_sampled": 1, "set_aside": 0}
    assert report["frames"] == {
        "total": 5, "annotated": 3, "not_annotated": 2, "without_objects": 1, "by_several": 1,
        "reference": {"ana": 1, "bea": 2},
    }  # fmt: skip
    assert report["labels"][0]["to"] == {"mannequin": 1, "person": 3}
    assert report["clipped"] == 1
    assert report["agreement"]["pairs"][0]["images"] == 1
    assert json.loads(done.boxes["attributes"][2])["occluded"] == "false"
    # Names that no rule of precedence mentions come after, sorted.
    other = import_annotations(tmp_path, frames, world.params(*rules))
    assert Counter(other.frames["annotator"]) == {"ana": 2, "bea": 1, "": 2}


def test_images_that_were_not_sampled_count_for_agreement(tmp_path, frames):
    for name in ("ana", "bea"):
        world.cvat(tmp_path / f"{name}.xml", *(world.image(f"{A}/{time}.jpg") for time in (1000, 1250, 1375)))
    done = import_annotations(tmp_path, frames, world.params())
    assert done.report["agreement"]["pairs"][0]["images"] == 3
    assert done.report["agreement"]["pairs"][0]["groups"] == 1
    assert any("rests on 1 groups" in text for text in done.report["warnings"])


def test_nothing_annotated(tmp_path, frames):
    done = import_annotations(tmp_path / "nowhere", frames, world.params(format="none"))
    assert not done.frames["annotated"].any()
    assert done.boxes.empty
    assert done.report["agreement"] is None
    assert done.report["agreement_reason"] == "agreement needs two annotators, the exports are of 0"
    assert done.report["warnings"] == []
    reconciles(done.report)


def test_an_unknown_label_lists_the_known(tmp_path, frames):
    rules = (world.rule("person", "x", "seated", "true"), world.rule("hand"))
    world.cvat(tmp_path / "ana.xml", world.image(f"{A}/1000.jpg", world.box(1, 1, 20, 20, label="persn")))
    with pytest.raises(InputError) as error:
        import_annotations(tmp_path, frames, world.params(*rules, tolerance=1.0))
    assert f"ana.xml: line 5, image '{A}/1000.jpg': no rule for label 'persn'. Known: " in str(error.value)
    assert "Known: hand, person with seated=true." in str(error.value)


GOOD = (
    world.image(f"{A}/1000.jpg", world.box(1, 1, 20, 20)),
    world.image(f"{A}/1500.jpg", world.box(1, 1, 20, 20)),
)


@pytest.mark.parametrize(
    ("bad", "place", "reason"),
    [
        (world.image("nobody.jpg", world.box(1, 1, 20, 20)), "image 'nobody.jpg'", "unknown image"),
        (world.image(f"{A}/001000.jpg", world.box(1, 1, 20, 20)), "001000.jpg", "twice"),
        (world.image(f"{B}/1000.jpg", width=200, height=160), B, "at 200 x 160, our frame has 100 x 80"),
        (world.image(f"{B}/1000.jpg", world.box(200, 1, 220, 20)), "line 11", "lies outside the image"),
        (world.image(f"{B}/1000.jpg", world.box(20, 1, 20, 20)), "line 11", "degenerate"),
        (world.image(f"{B}/1000.jpg", '<box label="person"></box>'), "line 11", "unreadable box"),
    ],
)  # fmt: skip
def test_bad_items_are_set_aside_or_stop_the_import(tmp_path, frames, bad, place, reason):
    file = world.cvat(tmp_path / "ana.xml", *GOOD, bad)
    done = import_annotations(tmp_path, frames, world.params(tolerance=0.5))
    reconciles(done.report)
    (one,) = done.report["set_aside"]
    assert one["file"] == file.as_posix()
    assert place in one["place"]
    assert reason in one["reason"]
    assert len(done.boxes) == 2
    with pytest.raises(InputError, match=r"of 3 (images|objects) are bad|of 2 objects") as error:
        import_annotations(tmp_path, frames, world.params(tolerance=0.2))
    assert str(error.value).startswith(f"{file}: {one['place']}: {one['reason']}")


def test_folders_without_exports(tmp_path, frames):
    with pytest.raises(InputError, match="no XML export"):
        import_annotations(tmp_path, frames, world.params())
    with pytest.raises(InputError, match=r"no data\.yaml"):
        import_annotations(tmp_path, frames, world.params(format="yolo"))


def test_yolo(tmp_path, frames):
    world.yolo(tmp_path, {"p": "0 0.5 0.5 0.2 0.4\n1 0.95 0.5 0.2 0.4", f"{A}/1000": ""}, images=("p", "q"))
    rules = (world.rule("person"), world.rule("fall", "person"))
    done = import_annotations(tmp_path, frames, world.params(*rules, format="yolo"))
    reconciles(done.report)
    assert done.boxes[tables.BOX].to_numpy() == pytest.approx(np.array([[40, 24, 60, 56], [85, 24, 100, 56]]))
    assert set(done.boxes["annotator"]) == {"yolo"}
    assert done.report["without_label_file"] == {"yolo": 1}
    assert done.report["clipped"] == 1
    assert int(done.frames["annotated"].sum()) == 2
    assert any("1 images have no label file" in text for text in done.report["warnings"])
    left = "3 in no export: not looked at, not empty; images without a label file: 1"
    assert annotated(done.report) == f"2 of 5 frames annotated; {left}"
    assert annotated(done.report | {"format": "none", "without_label_file": {}}) == "2 of 5 frames annotated"


def test_yolo_with_a_folder_per_annotator(tmp_path, frames):
    for name in ("ana", "bea"):
        world.yolo(tmp_path / name, {"p": "0 0.5 0.5 0.2 0.4"})
    done = import_annotations(tmp_path, frames, world.params(format="yolo"))
    assert set(done.boxes["annotator"]) == {"ana", "bea"}
    assert done.report["agreement"]["pairs"][0]["objects"] == {"first": 1, "second": 1, "matched": 1}


def test_yolo_ambiguous_basenames_name_both(tmp_path):
    frames = world.frames(world.frame("a/x.jpg"), world.frame("b/x.jpg"))
    folder = world.yolo(tmp_path, {"x": ""})
    with pytest.raises(InputError, match=r"x\.txt: 'x' is 'a/x.jpg' or 'b/x.jpg'"):
        import_annotations(folder, frames, world.params(format="yolo"))


def test_a_condition_needs_both_halves():
    with pytest.raises(ValidationError, match="give both or neither"):
        LabelRule(source="a", to="b", attribute="c", value=None)


def groups_in(folder) -> dict[str, str]:
    with (folder / "groups.csv").open() as stream:
        return {row["file"]: row["group"] for row in csv.DictReader(stream)}


def test_real_cvat_export():
    folder = world.SHARED / "construction_workers_cvat"
    frames = world.photos_in(folder / "images", groups_in(folder))
    rules = [world.rule(name) for name in ("clothing", "hand", "face_keypoints")]
    masked = (world.rule("head", "masked", "mask", "yes"), world.rule("head"))
    done = import_annotations(folder, frames, world.params(*rules, *masked, tolerance=0.01))
    reconciles(done.report)
    text = (folder / "annotations.xml").read_text()
    expected = Counter(re.findall('<box label="([a-z]+)"', text))
    assert {row["source"]: row["read"] for row in done.report["labels"]} == dict(expected)
    assert done.report["images"] == {"read": 230, "sampled": 230, "not_sampled": 0, "set_aside": 0}
    assert done.report["skipped"] == {"points": 1}
    heads = [box for box in ET.fromstring(text).iter("box") if box.get("label") == "head"]
    yes = sum({a.get("name"): a.text for a in box}.get("mask") == "yes" for box in heads)
    assert (done.boxes["label"] == "masked").sum() == yes > 0
    assert done.report["frames"]["annotated"] == 230


def test_real_yolo_folder():
    folder = world.SHARED / "cctv_events_yolo"
    frames = world.photos_in(folder / "images", groups_in(folder))
    rules = [world.rule(name) for name in ("fire", "object", "person", "smoke", "violence")]
    done = import_annotations(
        folder, frames, world.params(*rules, world.rule("fall", "person"), format="yolo")
    )
    reconciles(done.report)
    lines = [
        line for file in (folder / "labels").glob("*.txt") for line in file.read_text().splitlines() if line
    ]
    classes = Counter(int(line.split()[0]) for line in lines)
    assert done.report["objects"]["kept"] == len(lines) == 410
    assert Counter(done.boxes["label"])["person"] == classes[0] + classes[3] == 251
    assert done.report["frames"]["annotated"] == 227
    assert done.report["without_label_file"] == {"yolo": 0}
    assert done.frames["group"].nunique() == 23
    assert done.report["set_aside"] == []


def test_exports_of_any_spelling_are_read_and_those_of_macos_are_not(tmp_path, frames):
    named = world.image(f"{A}/1000.jpg", world.box(1, 1, 20, 20))
    world.cvat(tmp_path / "ana.xml", named)
    world.cvat(tmp_path / "bea.XML", named)
    (tmp_path / "._ana.xml").write_bytes(b"\x00\x05\x16\x07")
    done = import_annotations(tmp_path, frames, world.params())
    assert sorted(done.report["annotators"]) == ["ana", "bea"]


def test_a_name_of_thousands_of_digits_is_set_aside(tmp_path, frames):
    names = [f"frame_{'9' * 5000}.png", f"{A}/{'9' * 5000}.jpg", f"{'a' * 12}_{'9' * 5000}.jpg"]
    world.cvat(tmp_path / "ana.xml", *(world.image(name, world.box(1, 1, 20, 20)) for name in names))
    done = import_annotations(tmp_path, frames, world.params(tolerance=1.0))
    assert len(done.report["set_aside"]) == len(names)


def test_a_report_that_is_shared_names_no_place(tmp_path):
    told = {"set_aside": [{"file": f"{tmp_path}/ana.xml", "n": 3}], "warnings": [f"{tmp_path}/bea.xml: x"]}
    found = without_place(told, tmp_path)
    assert found["set_aside"][0] == {"file": f"{tmp_path.name}/ana.xml", "n": 3}
    assert str(tmp_path) not in str(found) and without_place(told, Path("data/exports")) == told


def test_annotators_with_different_tools_may_lie_side_by_side_and_have_several_files(tmp_path):
    frames = world.frames(world.frame("p.jpg"), world.frame("q.jpg"))
    world.cvat(tmp_path / "anna.xml", world.image("p.jpg", world.box(1, 2, 30, 40)))
    for name in ("p", "q"):
        shape = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 2, 29, 38]}
        image = {"id": 1, "file_name": f"{name}.jpg", "width": 100, "height": 80}
        text = json.dumps(
            {"images": [image], "categories": [{"id": 1, "name": "person"}], "annotations": [shape]}
        )
        (tmp_path / "bea").mkdir(exist_ok=True)
        (tmp_path / "bea" / f"{name}.json").write_text(text)
    # Another CVAT export that is none of theirs, in a format that its reader refuses.
    (tmp_path / "cleo.xml").write_text("<annotations><track/></annotations>")
    formats = {"anna": "cvat", "bea": "coco"}
    done = import_annotations(tmp_path, frames, world.params(format=formats))
    assert {name: one["sampled"] for name, one in done.report["annotators"].items()} == {"anna": 1, "bea": 2}
    assert done.boxes["annotator"].tolist() == ["anna", "bea", "bea"]


def test_what_holds_none_of_the_format_is_named(tmp_path, frames):
    world.cvat(tmp_path / "ana.xml", world.image(f"{A}/1000.jpg", world.box(1, 1, 20, 20)))
    world.yolo(tmp_path / "ben", {"x": "0 0.5 0.5 0.2 0.4"})
    (tmp_path / "cleo.json").write_text("[]")
    (tmp_path / "notes.txt").write_text("no export, and none that anybody would miss")
    done = import_annotations(tmp_path, frames, world.params())
    assert done.report["passed_over"] == ["ben", "cleo.json"]
    assert any("passed over: 'ben', 'cleo.json'" in text for text in done.report["warnings"])


@pytest.mark.parametrize("kind", ["cvat", "yolo"])
def test_nothing_is_passed_over_where_all_is_read(tmp_path, frames, kind):
    if kind == "cvat":
        world.cvat(tmp_path / "ana" / "annotations.xml", world.image(f"{A}/1000.jpg"))
        (tmp_path / "images").mkdir()
    else:
        world.yolo(tmp_path, {"p": "0 0.5 0.5 0.2 0.4"}, images=("p",))
    done = import_annotations(tmp_path, frames, world.params(format=kind))
    assert done.report["passed_over"] == []
