"""The package of suspicious frames: what is in it, that it comes back, and that it is whole or absent."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from provenline import images, tables
from provenline.annotations import cvat
from provenline.annotations.importing import import_annotations
from provenline.cli import app
from provenline.errors import InputError
from provenline.evaluation import label_errors
from provenline.labelling.review import LISTED, SUSPECT, package
from tests.annotations import world as labels_world
from tests.evaluation import world

NAMES = [f"{n:012x}_{n * 1000:09d}" for n in range(1, 5)]
PERSON, MOVED, SEEN = (10, 20, 60, 120), (100.123456789, 20, 150, 120), (120, 22, 170, 121)


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project's folder with pictures, tables and a list, as the stages leave them."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data/frames").mkdir(parents=True)
    rows, boxes = [], []
    for name in NAMES:
        path = f"data/frames/{name}.jpg"
        cv2.imwrite(path, np.full((180, 320, 3), 90, np.uint8))
        rows.append(world.frame(name, "g", media=f"v{name[11]}.mp4", path=path, width=320, height=180))
        rows[-1] |= {"time_ms": int(name.split("_")[1]), "media_sha256": name[:12].ljust(64, "0")}
        boxes += [world.box(name, PERSON), world.box(name, (200, 10, 260, 150), "mannequin")]
        boxes.append(world.box(name, PERSON, annotator="bea"))  # the other's boxes do not count
    boxes[-3]["polygon"] = [10, 20, 60, 20, 60, 120, 10, 120]
    boxes.append(world.box(NAMES[1], MOVED) | {"attributes": json.dumps({"occluded": "true", "role": "x"})})
    tables.write(world.frames_table(rows), "data/annotated.parquet", tables.FRAMES)
    tables.write(world.boxes_table(boxes), "data/boxes.parquet", tables.BOXES)
    none = (np.nan,) * 4
    given = [
        ("missing", NAMES[2], "", "person", 0.93, none, SEEN, 0.97),
        ("location", NAMES[1], "person", "person", 0.81, MOVED, SEEN, 0.9),
        ("label", NAMES[1], "mannequin", "person", 0.7, (200, 10, 260, 150), (201, 10, 259, 150), 0.8),
        ("spurious", NAMES[0], "person", "", 0.5, PERSON, none, np.nan),
    ]
    listed = [
        {"rank": rank, "frame_id": name, "split": "train", "kind": kind, "label": label, "other": other}
        | {"score": score, "iou": 0.4, "found_score": sure, "witness": "both", "group": "g", "category": ""}
        | dict(zip(tables.BOX, drawn, strict=True)) | {"path": f"data/frames/{name}.jpg"}
        | dict(zip(label_errors.FOUND, seen, strict=True))
        for rank, (kind, name, label, other, score, drawn, seen, sure) in enumerate(given, 1)
    ]  # fmt: skip
    label_errors.write(pd.DataFrame(listed), "data/review/label_errors.csv")
    return tmp_path


def run(*words):
    return CliRunner().invoke(app, ["review", "export", *map(str, words)])


def objects_of(folder):
    """Return image -> objects as CVAT's reader finds them, in the order of the file."""
    return {one.name.split(".")[0]: one.objects for one in cvat.read(folder / "annotations.xml")}


def test_the_annotation_as_it_is_and_what_is_suspected_of_it(project):
    done = run("out")
    assert done.exit_code == 0, done.exception
    assert "3 images, 4 suspicions" in done.output and f"{SUSPECT} 1" in done.output
    found = objects_of(project / "out")
    assert list(found) == [NAMES[2], NAMES[1], NAMES[0]]  # the most suspicious first; the fourth has nothing
    assert [one.label for one in found[NAMES[1]]].count("person") == 2  # of one annotator only
    said = {(name, one.label, int(one.box[0])): one.attributes for name in found for one in found[name]}
    moved = said[NAMES[1], "person", 100]
    assert moved["suspicion"] == "location" and moved["suspicion_seen_at"] == "120 22 170 121"
    assert moved["occluded"] == "true" and moved["role"] == "x" and moved["suspicion_rank"] == "2"
    assert said[NAMES[1], "mannequin", 200]["suspicion_seen_as"] == "person"
    assert said[NAMES[0], "person", 10]["suspicion"] == "spurious"
    assert "suspicion" not in said[NAMES[1], "person", 10]
    (missing,) = (one for one in found[NAMES[2]] if one.label == SUSPECT)
    assert missing.box == SEEN and missing.attributes["suspicion_seen_as"] == "person"
    for name in found:
        assert (project / f"out/images/{name}.jpg").read_bytes() == images.read_bytes(
            f"data/frames/{name}.jpg"
        )
    table = pd.read_csv(project / "out" / LISTED)
    assert table["image"].tolist()[0] == f"{NAMES[2]}.jpg" and len(table) == 4


def imported(folder, frames, *more):
    """Import the package as the export of a reviewer."""
    (folder / "exports").mkdir()
    (folder / "annotations.xml").rename(folder / "exports/reviewer.xml")
    rules = [labels_world.rule(label) for label in ("person", "mannequin", *more)]
    asked = labels_world.params(*rules, primary=("reviewer",))
    return import_annotations(folder / "exports", frames, asked)


def test_what_goes_out_comes_back(project):
    frames = tables.read("data/annotated.parquet", tables.FRAMES)
    boxes = tables.read("data/boxes.parquet", tables.BOXES)
    assert run("out").exit_code == 0
    done = imported(project / "out", frames.assign(annotated=False, annotator=""), SUSPECT)
    back = done.boxes[done.boxes["label"] != SUSPECT]
    kept = tables.truth(frames, boxes, ["person", "mannequin"])
    kept = kept[kept["frame_id"].isin(back["frame_id"])]
    keys = ["frame_id", "label", "x1"]
    assert len(back) == len(kept) == 7
    one, other = (table.sort_values(keys)[["frame_id", "label", *tables.BOX]] for table in (back, kept))
    assert one.iloc[:, :2].to_numpy().tolist() == other.iloc[:, :2].to_numpy().tolist()
    assert np.abs(one[tables.BOX].to_numpy() - other[tables.BOX].to_numpy()).max() < 0.05
    assert set(done.frames.loc[done.frames["annotated"], "frame_id"]) == set(NAMES[:3])


def test_a_suspicion_that_nobody_decided_stops_the_import(project):
    frames = tables.read("data/annotated.parquet", tables.FRAMES).assign(annotated=False, annotator="")
    assert run("out").exit_code == 0
    with pytest.raises(InputError, match=SUSPECT):
        imported(project / "out", frames)


def test_the_most_suspicious_and_one_kind_only(project):
    assert run("one", "--top", "1").exit_code == 0
    assert list(objects_of(project / "one")) == [NAMES[2]]
    assert run("label", "--kind", "label").exit_code == 0
    assert list(objects_of(project / "label")) == [NAMES[1]]
    assert len(pd.read_csv(project / "label" / LISTED)) == 1
    assert "no kind is called 'wrong'" in str(run("x", "--kind", "wrong").exception)


def test_pictures_in_archives_are_packed_too(project):
    import zipfile

    frames = tables.read("data/annotated.parquet", tables.FRAMES)
    with zipfile.ZipFile("data/frames/clip.zip", "w") as archive:
        for path in frames["path"]:
            archive.write(path, path.rsplit("/", 1)[1])
    moved = frames.assign(path=[f"data/frames/clip.zip/{path.rsplit('/', 1)[1]}" for path in frames["path"]])
    tables.write(moved, "data/annotated.parquet", tables.FRAMES)
    assert run("out").exit_code == 0
    assert len(list((project / "out/images").glob("*.jpg"))) == 3


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        ("exists", "the folder exists"),
        ("picture", "image is missing"),
        ("empty", "no label looks wrong"),
        ("frame", "not among the annotated"),
        ("box", "but not annotated"),
        ("deployment", "only development frames"),
        ("named", "'suspect'"),
    ],
)
def test_whole_or_not_at_all(project, spoil, said):
    rows = label_errors.read("data/review/label_errors.csv")
    boxes = tables.read("data/boxes.parquet", tables.BOXES)
    frames = tables.read("data/annotated.parquet", tables.FRAMES)
    if spoil == "exists":
        (project / "out").mkdir()
    elif spoil == "picture":
        (project / f"data/frames/{NAMES[0]}.jpg").unlink()
    elif spoil == "empty":
        rows = rows.iloc[:0]
    elif spoil == "frame":
        frames.loc[frames["frame_id"] == NAMES[1], "annotated"] = False
    elif spoil == "box":
        boxes = boxes[boxes["label"] != "mannequin"]
    elif spoil == "deployment":
        rows.loc[1, "split"] = "deployment"
    else:
        boxes.loc[0, "label"] = SUSPECT
    before = sorted(project.iterdir())
    with pytest.raises(InputError, match=said):
        package(frames, boxes, rows, project / "out", 10, project)
    assert sorted(project.iterdir()) == before  # nothing is left behind
