from __future__ import annotations

from collections import Counter
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from provenline.annotations.importing import import_annotations
from provenline.annotations.reconciling import Reconciliation
from tests.annotations import world

A, B = "Collar/a.mp4", "Collar/b.mp4"
PARTS = ("kept", "not_sampled", "set_aside_with_image")


@pytest.fixture
def frames():
    return world.frames(*(world.frame(media, time) for media in (A, B) for time in (1000, 1500)))


def agrees(report: dict) -> None:
    """Rows against the totals, the totals against the older counts: each sum made here anew."""
    rows = report["reconciliation"]
    for row in rows:
        aside = sum(row["set_aside"].values())
        assert row["read"] == sum(row[part] for part in PARTS) + aside
        assert sum(row["to"].values()) == row["kept"] >= max(row["clipped"], row["converted"])
        assert sum(row["image_reasons"].values()) == row["set_aside_with_image"]
    for part in ("read", "converted", "clipped", *PARTS):
        assert (
            sum(row[part] for row in rows) == report["reconciliation_totals"][part] == report["objects"][part]
        )
    aside = sum(sum(row["set_aside"].values()) for row in rows)
    assert aside == report["reconciliation_totals"]["set_aside"] == report["objects"]["set_aside"]
    for label in report["labels"]:
        mine = [row for row in rows if row["label"] == label["source"]]
        assert sum((Counter(row["to"]) for row in mine), Counter()) == Counter(label["to"])
        assert label["read"] == sum(row["read"] for row in mine)


POLYGON = '<polygon label="hand" points="1,1;9,1;9,9"></polygon>'


def test_every_object_has_its_place(tmp_path, frames):
    dummy = world.attribute("mannequin", "true")
    first = world.cvat(
        tmp_path / "ana.xml",
        world.image(f"{A}/1000.jpg", world.box(-9, 1, 20, 20), world.box(5, 1, 20, 20, inner=dummy), POLYGON),
        world.image(f"{A}/1250.jpg", world.box(1, 1, 20, 20)),
        world.image(
            f"{A}/1500.jpg", world.box(300, 1, 320, 20), world.box(5, 5, 5, 9), '<box label="hand"></box>'
        ),
        world.image("nobody.jpg", world.box(1, 1, 20, 20), POLYGON),
        world.image(f"{A}/01000.jpg", world.box(1, 1, 20, 20)),
        world.image(f"{B}/1000.jpg", world.box(1, 1, 20, 20), width=50),
    )
    second = world.cvat(tmp_path / "bea.xml", world.image(f"{B}/1000.jpg", POLYGON))
    rules = (world.rule("person", "mannequin", "mannequin", "true"), world.rule("person"), world.rule("hand"))
    report = import_annotations(tmp_path, frames, world.params(*rules, tolerance=1.0)).report
    agrees(report)
    nothing = {
        "to": {}, "read": 0, "kept": 0, "converted": 0, "clipped": 0, "not_sampled": 0, "set_aside": {},
        "set_aside_with_image": 0, "image_reasons": {},
    }  # fmt: skip
    one = {"file": first.as_posix(), "annotator": "ana"}
    assert report["reconciliation"] == [
        {
            **nothing, **one, "label": "hand", "read": 3, "to": {"hand": 1}, "kept": 1, "converted": 1,
            "set_aside": {"unreadable": 1}, "set_aside_with_image": 1, "image_reasons": {"unknown_image": 1},
        },
        {
            **nothing, **one, "label": "person", "read": 8, "to": {"mannequin": 1, "person": 1}, "kept": 2,
            "clipped": 1, "not_sampled": 1, "set_aside": {"degenerate": 1, "outside": 1},
            "set_aside_with_image": 3, "image_reasons": {"other_size": 1, "twice": 1, "unknown_image": 1},
        },
        {
            **nothing, "file": second.as_posix(), "annotator": "bea", "label": "hand", "read": 1,
            "to": {"hand": 1}, "kept": 1, "converted": 1,
        },
    ]  # fmt: skip
    text = "".join(file.read_text() for file in (first, second))
    assert report["objects"]["read"] == text.count("<box") + text.count("<polygon") == 12


@pytest.mark.parametrize("seed", range(5))
def test_sums_agree_with_a_count_of_the_files(tmp_path, frames, seed):
    rng = np.random.default_rng(seed)
    names = [f"{A}/1000", f"{A}/1500", f"{A}/1700", f"{B}/1000", f"{B}/1500", "nobody", "other"]
    for annotator in ("ana", "bea"):
        images = []
        for name in rng.permutation(names)[: rng.integers(1, 8)]:
            boxes = rng.uniform(-40, 140, (rng.integers(0, 6), 4)).round(1)
            labels = rng.choice(["person", "hand"], len(boxes))
            shapes = [world.box(*box, label=str(label)) for box, label in zip(boxes, labels, strict=True)]
            images.append(world.image(f"{name}.jpg", *shapes, width=int(rng.choice([100, 100, 90]))))
        world.cvat(tmp_path / f"{annotator}.xml", *images)
    rules = (world.rule("person"), world.rule("hand", "person"))
    done = import_annotations(tmp_path, frames, world.params(*rules, tolerance=1.0))
    agrees(done.report)
    counted = Counter(
        (file.as_posix(), box.get("label"))
        for file in tmp_path.glob("*.xml")
        for box in ET.parse(file).iter("box")
    )
    assert {(row["file"], row["label"]): row["read"] for row in done.report["reconciliation"]} == dict(
        counted
    )
    assert len(done.boxes) == done.report["reconciliation_totals"]["kept"]


def test_a_file_per_image_is_counted_per_folder(tmp_path):
    frames = world.frames(world.frame("p.jpg"), world.frame("q.jpg"))
    folder = world.yolo(
        tmp_path / "set", {"p": "0 0.5 0.5 0.2 0.4\n1 0.9 0.5 0.4 0.4", "q": "0 0.5 0.5 0.2 0.4"}
    )
    rules = (world.rule("person"), world.rule("fall", "person"))
    report = import_annotations(folder, frames, world.params(*rules, format="yolo")).report
    agrees(report)
    rows = [(row["file"], row["label"], row["read"], row["clipped"]) for row in report["reconciliation"]]
    labels = (folder / "labels").as_posix()
    assert rows == [(labels, "fall", 1, 1), (labels, "person", 2, 0)]


def test_what_does_not_agree_is_an_internal_error():
    found = Reconciliation()
    row = found.row(Path("ana.xml"), "ana", "person")
    row.read, row.not_sampled = 2, 1
    with pytest.raises(AssertionError, match=r"internal error: the counts of \('ana.xml', 'ana', 'person'\)"):
        found.check(0)
    row.to["person"] += 1
    found.check(1)
    with pytest.raises(AssertionError, match="1 objects were kept, and there are 0 boxes"):
        found.check(0)
