from __future__ import annotations

from pathlib import Path

import defusedxml.ElementTree as ET
import numpy as np
import pytest

from provenline.simline.annotators import View, annotate, divide
from provenline.simline.cvat_xml import Drawn, Sheet, write_cvat
from provenline.simline.film import Truth
from tests.simline.conftest import annotator

BOX = (100.0, 50.0, 220.0, 250.0)


def view(*truths: Truth, media: str = "a/b.mp4", time_ms: int = 500, idle: bool = False) -> View:
    return View(media, time_ms, 640, 360, idle, truths)


def truth(kind: str = "operator", hands_only: bool = False) -> Truth:
    return Truth(kind, BOX, 0.8, False, hands_only)


@pytest.mark.parametrize(
    ("what", "field"),
    [
        (truth("operator"), "miss_operator"),
        (truth("operator", hands_only=True), "miss_hands_only"),
        (truth("passer_by"), "miss_passer_by"),
        (truth("mannequin"), "miss_mannequin"),
    ],
)
def test_the_share_of_missed_people_is_the_parameter(what: Truth, field: str) -> None:
    rng, share, n = np.random.default_rng(1), 0.2, 4000
    params = annotator(**{field: share, "invented": 0.0})
    missed = sum(not annotate(view(what), params, rng) for _ in range(n))
    assert missed / n == pytest.approx(share, abs=4 * (share * (1 - share) / n) ** 0.5)


def test_the_shares_of_confused_mannequins_and_invented_boxes_are_the_parameters() -> None:
    rng, n = np.random.default_rng(2), 4000
    params = annotator(mannequin_as_person=0.1, miss_mannequin=0.0, invented=0.0)
    boxes = [annotate(view(truth("mannequin")), params, rng)[0] for _ in range(n)]
    assert sum(not box.mannequin for box in boxes) / n == pytest.approx(0.1, abs=0.02)
    params = annotator(invented=0.1)
    assert sum(bool(annotate(view(), params, rng)) for _ in range(n)) / n == pytest.approx(0.1, abs=0.02)


def test_jitter_and_tightness_are_shares_of_the_box() -> None:
    rng = np.random.default_rng(3)
    params = annotator(jitter=0.03, tightness=0.02, miss_operator=0.0, invented=0.0)
    edges = np.array([annotate(view(truth()), params, rng)[0].box for _ in range(3000)]) - BOX
    sides = np.array([120, 200, 120, 200])
    assert edges.std(axis=0) / sides == pytest.approx([0.03] * 4, rel=0.1)
    assert edges.mean(axis=0) / sides == pytest.approx([-0.02, -0.02, 0.02, 0.02], abs=0.003)


def test_a_slip_flips_the_occluded_flag() -> None:
    rng = np.random.default_rng(4)
    params = annotator(attribute_slip=0.25, miss_operator=0.0, invented=0.0)
    flags = [annotate(view(truth()), params, rng)[0].occluded for _ in range(4000)]
    assert np.mean(flags) == pytest.approx(0.25, abs=0.03)


def test_every_image_goes_to_somebody_and_the_overlap_to_both() -> None:
    views = {
        f"v{k}.mp4": [view(*([truth()] if t > 4 else []), media=f"v{k}.mp4", time_ms=t * 500, idle=t <= 4)
                      for t in range(20)]
        for k in range(9)
    }  # fmt: skip
    views["photo.jpg"] = [View("photo.jpg", None, 1280, 720, False, (truth(),))]
    first, second = divide(views, 50, np.random.default_rng(5))
    ours, theirs = {v.name for v in first}, {v.name for v in second}
    assert len(ours & theirs) == 50
    assert len(ours | theirs) == 9 * 20 + 1
    shared = [v for v in first if v.name in theirs]
    assert len({v.media for v in shared}) == 9
    assert sum(v.idle and not v.truths for v in shared) >= 9
    assert "photo.jpg" in ours ^ theirs


def test_a_small_material_is_shared_whole() -> None:
    views = {"v.mp4": [view(media="v.mp4", time_ms=t) for t in range(3)]}
    first, second = divide(views, 50, np.random.default_rng(6))
    assert len(first) == len(second) == 3


def test_an_image_without_people_is_an_image_without_shapes(tmp_path: Path) -> None:
    drawn = Drawn((1.0, 2.0, 3.5, 4.25), True, False, True, "passer_by")
    sheets = [Sheet("a & b/x.mp4/000000500.jpg", 640, 360, (drawn,)), Sheet("empty.jpg", 64, 36, ())]
    write_cvat(tmp_path / "a.xml", "task", sheets)
    root = ET.parse(tmp_path / "a.xml").getroot()
    full, empty = root.findall("image")
    assert full.get("name") == "a & b/x.mp4/000000500.jpg"
    box = full.find("box")
    assert [box.get(edge) for edge in ("xtl", "ytl", "xbr", "ybr")] == ["1.00", "2.00", "3.50", "4.25"]
    assert box.get("occluded") == "1"
    assert {a.get("name"): a.text for a in box} == {
        "hands_only": "false",
        "mannequin": "true",
        "role": "passer_by",
    }
    assert list(empty) == []
    assert root.findtext("meta/task/size") == "2"
    assert root.findtext("meta/task/labels/label/name") == "person"
