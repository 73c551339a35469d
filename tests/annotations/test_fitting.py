from __future__ import annotations

import cv2
import numpy as np
import pytest

from provenline.annotations.fitting import Fitted, fit, map_label
from provenline.annotations.model import ObjectLabel
from provenline.annotations.shapes import clip_polygon
from tests.annotations import world


def test_the_first_rule_that_fits_wins():
    rules = (
        world.rule("person", "mannequin", "mannequin", "true"),
        world.rule("person"),
        world.rule("person", "late"),
    )
    assert (
        map_label(ObjectLabel("person", (0, 0, 1, 1), attributes={"mannequin": "true"}), rules) == "mannequin"
    )
    assert (
        map_label(ObjectLabel("person", (0, 0, 1, 1), attributes={"mannequin": "false"}), rules) == "person"
    )
    assert map_label(ObjectLabel("person", (0, 0, 1, 1)), rules) == "person"
    assert map_label(ObjectLabel("Person", (0, 0, 1, 1)), rules) is None


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        ((1, 2, 30, 40), Fitted((1, 2, 30, 40), None, False)),
        ((-5, 2, 30, 90), Fitted((0, 2, 30, 80), None, True)),
        ((-0.004, 0, 100.004, 80), Fitted((0, 0, 100, 80), None, False)),
        ((-5, 2, 0.5, 40), "outside"),
        ((120, 2, 130, 40), "outside"),
        ((10, 10, 10.5, 40), "degenerate"),
        ((30, 10, 10, 40), "degenerate"),
    ],
)
def test_boxes_are_clipped_or_refused(box, expected):
    fitted = fit(ObjectLabel("person", box), 100, 80, relative=False)
    if isinstance(expected, str):
        assert fitted.kind == expected
        assert expected in fitted.reason
    else:
        assert fitted == expected


def test_fractions_become_pixels():
    fitted = fit(
        ObjectLabel("p", (0.1, 0.5, 0.3, 1.0), (0.1, 0.5, 0.3, 0.5, 0.3, 1.0)), 100, 80, relative=True
    )
    assert fitted.box == pytest.approx((10, 40, 30, 80))
    assert fitted.polygon == pytest.approx((10, 40, 30, 40, 30, 80))


def test_a_clipped_polygon_tightens_its_box():
    fitted = fit(ObjectLabel("p", (-20, 10, 20, 50), (-20, 10, 20, 30, -20, 50)), 100, 80, relative=False)
    assert fitted.box == pytest.approx((0, 20, 20, 40))
    assert fitted.clipped


@pytest.mark.parametrize("seed", range(20))
def test_clipped_area_agrees_with_opencv(seed):
    points = np.random.default_rng(seed).uniform(-40, 140, (7, 2)).astype(np.float32)
    hull = cv2.convexHull(points).reshape(-1, 2)
    window = np.array([[0, 0], [100, 0], [100, 80], [0, 80]], dtype=np.float32)
    area, _ = cv2.intersectConvexConvex(hull, window)
    ours = np.array(clip_polygon(hull.ravel().tolist(), 100, 80), dtype=np.float32).reshape(-1, 1, 2)
    assert cv2.contourArea(ours) == pytest.approx(area, rel=1e-3, abs=1e-2)
