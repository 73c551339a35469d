"""The sample goes out blind and comes back through the readers of `annotate-import`."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from xml.etree import ElementTree as ET

import pandas as pd
import pytest

from provenline.errors import InputError
from provenline.footage.media import Media
from provenline.shadow.ab import ShadowResult, shadow_ab
from tests.shadow import world
from tests.shadow.world import GREEN, RED, ColourDetector, scene

# No false detection in forty frames of eight groups leaves open whether there are 15%: wide margins.
CHANGES = {
    "plan": {"gain": 0.2, "confidence": 0.95, "power": 0.5},
    "improvement": {
        "deploy": 0.2,
        "later_round": 0.05,
        "more_data": 0.1,
        "margins": {"recall": 0.2, "precision": 0.2, "presence_error": 0.2},
    },
}


@pytest.fixture(scope="module")
def footage(tmp_path_factory: pytest.TempPathFactory) -> list[Media]:
    """Eight videos in which a green square comes and goes; only the candidate sees green."""
    root = tmp_path_factory.mktemp("footage")
    found = []
    for number in range(8):
        drawn = [scene(4 + number if i % 3 else None, 60 if (i + number) % 2 else None) for i in range(6)]
        path = world.video(root / f"clip{number}.mp4", drawn)
        found.append(world.media(path, f"g{number}"))
    return found


def run(footage: list[Media], out: Path, labels: Path | None = None, mode: str = "none") -> ShadowResult:
    engines = ColourDetector({RED: 0.91}), ColourDetector({RED: 0.92, GREEN: 0.83}, fingerprint="b" * 64)
    params = world.params(**CHANGES)
    return shadow_ab(footage, *engines, params, world.privacy(mode), world.reading(labels), out)


def labelled(package: Path, folder: Path, *, green: bool = True, drop: int = 0) -> Path:
    """Label the package as somebody would who looks at the pictures."""
    folder.mkdir()
    eye = ColourDetector({RED: 1.0, GREEN: 1.0} if green else {RED: 1.0})
    import cv2

    tree = ET.parse(package / "annotations.xml")
    images = tree.getroot().findall("image")
    for image in images[: len(images) - drop]:
        seen = eye.predict([cv2.imread(str(package / "images" / image.attrib["name"]))])[0]
        for x1, y1, x2, y2 in seen.boxes:
            where = {"xtl": x1, "ytl": y1, "xbr": x2, "ybr": y2}
            said = {name: str(value) for name, value in where.items()}
            ET.SubElement(image, "box", {"label": "person", "occluded": "0", "z_order": "0", **said})
    for image in images[len(images) - drop :]:
        tree.getroot().remove(image)
    tree.write(folder / "somebody.xml")
    return folder


def test_nothing_in_the_package_tells_what_either_said(footage: list[Media], tmp_path: Path) -> None:
    out = tmp_path / "shadow"
    result = run(footage, out)
    drawn = pd.read_csv(out / "sample.csv")
    package = out / "labelling"
    assert result.metrics["decision"] == "label"
    assert result.metrics["label_more"] == len(drawn) == result.metrics["sample"]["pictures"]
    assert f"{len(drawn)} are as good" in result.metrics["reason"]
    files = sorted(path.relative_to(package).as_posix() for path in package.rglob("*") if path.is_file())
    names = {f"images/{frame_id}.jpg" for frame_id in drawn["frame_id"]}
    assert set(files) == names | {"annotations.xml", "images.csv"}
    said = (
        "production",
        "candidate",
        "differ",
        "agree",
        "colours",
        "stratum",
        "weight",
        "score",
        "0.91",
        "0.83",
    )
    for path in package.rglob("*"):
        if path.is_file():
            assert not any(word.encode() in path.read_bytes() for word in said), path
    xml = ET.parse(package / "annotations.xml").getroot()
    assert xml.findall(".//box") == [] and len(xml.findall("image")) == len(drawn)
    assert [one.attrib["name"] for one in xml.findall("image")] == [f"{f}.jpg" for f in drawn["frame_id"]]
    assert list(pd.read_csv(package / "images.csv").columns) == ["image", "media", "time_ms"]


def test_the_package_does_not_depend_on_which_of_the_two_is_production(
    footage: list[Media], tmp_path: Path
) -> None:
    from provenline.files import sha256_tree

    one, two = ColourDetector({RED: 0.9}), ColourDetector({RED: 0.9, GREEN: 0.8}, fingerprint="b" * 64)
    for name, engines in (("a", (one, two)), ("b", (two, one))):
        shadow_ab(
            footage, *engines, world.params(**CHANGES), world.privacy(), world.reading(), tmp_path / name
        )
    assert sha256_tree(tmp_path / "a/labelling") == sha256_tree(tmp_path / "b/labelling")


def test_people_who_may_not_be_seen_stay_at_home(footage: list[Media], tmp_path: Path) -> None:
    result = run(footage, tmp_path / "shadow", mode="persons")
    package = tmp_path / "shadow" / "labelling"
    assert result.metrics["sample"]["pictures"] == 0 and result.metrics["sample"]["frames"] > 0
    assert sorted(path.name for path in package.iterdir()) == ["annotations.xml", "images.csv"]


def test_labels_that_side_with_the_candidate_promote_it(footage: list[Media], tmp_path: Path) -> None:
    run(footage, tmp_path / "before")
    labels = labelled(tmp_path / "before/labelling", tmp_path / "labels")
    result = run(footage, tmp_path / "after", labels)
    metrics = result.metrics
    assert metrics["decision"] == "promote", metrics["reason"]
    assert metrics["sample"]["labelled"] == metrics["sample"]["frames"] and not metrics["sample"]["missing"]
    assert metrics["gain"]["error_reduction"]["estimate"] == 1.0 and metrics["gain"]["recall"]["low"] > 0
    # Truth is known: production sees the red squares alone.
    reds = sum(i % 3 > 0 for i in range(6)) * 8
    greens = 6 * 8 / 2
    assert metrics["gain"]["recall_production"]["estimate"] == pytest.approx(reds / (reds + greens), abs=0.1)
    assert len(pd.read_csv(tmp_path / "after/outcomes.csv")) == metrics["sample"]["labelled"]
    json.dumps(metrics, allow_nan=False)


def test_labels_of_an_earlier_sample_are_said_to_be_that(footage: list[Media], tmp_path: Path) -> None:
    run(footage[:5], tmp_path / "month 1")
    labels = labelled(tmp_path / "month 1/labelling", tmp_path / "labels")
    with pytest.raises(InputError, match=r"unknown image.*set shadow_labels to data/none"):
        run(footage[3:], tmp_path / "month 2", labels)
    assert not (tmp_path / "month 2").exists()


def test_labels_that_side_with_production_reject_it(footage: list[Media], tmp_path: Path) -> None:
    run(footage, tmp_path / "before")
    labels = labelled(tmp_path / "before/labelling", tmp_path / "labels", green=False)
    metrics = run(footage, tmp_path / "after", labels).metrics
    # Production makes no error at all there: no share of them is defined, and yet it is better.
    assert metrics["gain"]["error_reduction"] is None and metrics["gain"]["net_gain"]["high"] < 0
    assert metrics["decision"] == "reject", metrics["reason"]


def test_frames_without_labels_are_counted_and_named(footage: list[Media], tmp_path: Path) -> None:
    run(footage, tmp_path / "before")
    drawn = pd.read_csv(tmp_path / "before/sample.csv")
    labels = labelled(tmp_path / "before/labelling", tmp_path / "labels", drop=2)
    metrics = run(footage, tmp_path / "after", labels).metrics
    assert metrics["decision"] == "label" and metrics["label_more"] == metrics["sample"]["missing"] == 2
    assert metrics["sample"]["missing_frames"] == drawn["frame_id"].tolist()[-2:]


def test_labels_of_frames_that_were_not_drawn_are_set_aside(footage: list[Media], tmp_path: Path) -> None:
    run(footage, tmp_path / "before")
    labels = labelled(tmp_path / "before/labelling", tmp_path / "labels")
    drawn = set(pd.read_csv(tmp_path / "before/sample.csv")["frame_id"])
    every = pd.read_csv(tmp_path / "before/comparison.csv")["frame_id"]
    beyond = next(one for one in every if one not in drawn)
    tree = ET.parse(labels / "somebody.xml")
    ET.SubElement(
        tree.getroot(),
        "image",
        {"id": "999", "name": f"{beyond}.jpg", "width": str(world.WIDTH), "height": str(world.HEIGHT)},
    )
    tree.write(labels / "somebody.xml")
    metrics = run(footage, tmp_path / "after", labels).metrics
    assert metrics["sample"]["beyond_sample"] == 1 and metrics["sample"]["labelled"] == len(drawn)


def _gone(folder: Path) -> None:
    shutil.rmtree(folder)


def _other_label(folder: Path) -> None:
    path = folder / "somebody.xml"
    path.write_text(path.read_text().replace('label="person"', 'label="forklift"'))


def _cut(folder: Path) -> None:
    path = folder / "somebody.xml"
    path.write_text(path.read_text()[:400])


def _nobody_knows(folder: Path) -> None:
    path = folder / "somebody.xml"
    path.write_text(path.read_text().replace('.jpg"', '_copy.jpg"'))


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (_gone, "folder is missing"),
        (_other_label, "no rule for label 'forklift'"),
        (_cut, "somebody.xml"),
        (_nobody_knows, "unknown image"),
    ],
)
def test_wrong_labels_are_one_line(footage: list[Media], tmp_path: Path, spoil, says: str) -> None:
    run(footage, tmp_path / "before")
    labels = labelled(tmp_path / "before/labelling", tmp_path / "labels")
    spoil(labels)
    with pytest.raises(InputError, match=says) as error:
        run(footage, tmp_path / "after", labels)
    assert "\n" not in str(error.value) and not (tmp_path / "after").exists()


def test_one_file_under_two_names_is_refused(footage: list[Media], tmp_path: Path) -> None:
    copy = tmp_path / "copy.mp4"
    shutil.copy(footage[0].file, copy)
    with pytest.raises(InputError, match=r"clip0.mp4: the same bytes as 'copy.mp4'"):
        run([*footage, world.media(copy, "other")], tmp_path / "out")
