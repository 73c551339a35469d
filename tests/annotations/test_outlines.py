"""Outlines against the masks that they were made of, filled again by a method of their own."""

from __future__ import annotations

import json
import math

import numpy as np
import pandas as pd
import pytest

from provenline import tables
from provenline.annotations import masks
from provenline.annotations.outlines import joined, outlined, rings, warnings
from provenline.annotations.shapes import area
from tests.annotations import world
from tests.annotations.test_masks import some_masks


def filled(polygon: tuple[float, ...], shape: tuple[int, int]) -> np.ndarray:
    """Fill by the even-odd rule: a ray from a pixel inside meets an odd number of edges."""
    x, y = np.reshape(polygon, (-1, 2)).T
    x2, y2 = np.roll(x, -1), np.roll(y, -1)
    across, down = np.arange(shape[1]) + 0.5, np.arange(shape[0]) + 0.5
    inside = np.zeros(shape, bool)
    for row, at in enumerate(down):
        meets = (y > at) != (y2 > at)
        where = x[meets] + (at - y[meets]) / (y2[meets] - y[meets]) * (x2[meets] - x[meets])
        inside[row] = ((where[None, :] > across[:, None]).sum(axis=1) % 2).astype(bool)
    return inside


def signed(polygon: tuple[float, ...]) -> float:
    x, y = np.reshape(polygon, (-1, 2)).T
    return float((x * np.roll(y, -1) - np.roll(x, -1) * y).sum() / 2)


def test_a_mask_and_its_outline_are_the_same_pixels():
    seen = 0
    for mask in some_masks():
        if not mask.any():
            assert list(rings(mask)) == []
            continue
        found = list(rings(mask))
        assert sum(map(signed, found)) == mask.sum()
        polygon = joined(found)
        assert signed(polygon) == pytest.approx(mask.sum())
        assert (filled(polygon, mask.shape) == mask).all()
        x, y = np.reshape(polygon, (-1, 2)).T
        assert (x.min(), y.min(), x.max(), y.max()) == masks.enclosing(mask)
        seen += 1
    assert seen > 100


def test_a_hole_is_a_ring_of_its_own_the_other_way_round():
    mask = np.ones((5, 6), bool)
    mask[2, 2:4] = False
    outer, hole = sorted(rings(mask), key=signed, reverse=True)
    assert (signed(outer), signed(hole)) == (30, -2)
    assert len(outer) == 8  # corners alone, not every pixel on the way


def test_pixels_that_touch_at_a_corner_are_apart():
    assert len(list(rings(np.eye(3, dtype=bool)))) == 3


def table(*rows: dict):
    return tables.table([world_box(**row) for row in rows], tables.BOXES)


def world_box(polygon: list[float] | None = None, **attributes: str) -> dict:
    sides = {"x1": 10.0, "y1": 20.0, "x2": 40.0, "y2": 50.0}
    text = json.dumps(attributes)
    rest = {"polygon": polygon, "attributes": text, "label": "thing", "annotator": "ana"}
    return {"frame_id": FRAMES["frame_id"][0], **sides, **rest}


FRAMES = world.frames(world.frame("a.jpg", width=100, height=80))


def test_every_shape_gets_a_polygon_and_is_counted():
    mask = np.zeros((80, 100), bool)
    mask[20:50, 10:40] = True
    mask[30:35, 20:25] = False
    drawn = [10.0, 20.0, 40.0, 20.25, 33.3, 50.0]
    parts = [[10, 20, 20, 20, 20, 30, 10, 30], [30, 40, 140, 40, 140, 50, 30, 50]]
    given = table(
        {"polygon": drawn},
        {"mask": masks.encode(mask)},
        {"polygons": json.dumps(parts)},
        {"ellipse": "50 40 20 10 90"},
        {},
        {"mask": masks.encode(mask[:-1])},  # of another image
        {"mask": "worn", "ellipse": "yes"},  # an annotator's own words
    )
    done, shapes = outlined(given, FRAMES)
    assert shapes == {"polygon": 1, "mask": 1, "polygons": 1, "ellipse": 1, "box": 3}
    assert warnings(shapes) == ["3 of 7 objects have a box for an outline: nobody drew more"]
    assert warnings({**shapes, "box": 0}) == []
    pd.testing.assert_frame_equal(done.drop(columns="polygon"), given.drop(columns="polygon"))
    found = [tuple(polygon) for polygon in done["polygon"]]
    assert found[0] == tuple(drawn)
    assert (filled(found[1], mask.shape) == mask).all()
    both = np.zeros((80, 100), bool)
    both[20:30, 10:20] = both[40:50, 30:100] = True  # what lies outside of the image is cut off
    assert (filled(found[2], both.shape) == both).all()
    assert area(found[3]) == pytest.approx(math.pi * 20 * 10, rel=0.002)
    assert np.allclose([max(found[3][0::2]), max(found[3][1::2])], [60, 60])
    assert found[4] == found[5] == found[6] == (10, 20, 40, 20, 40, 50, 10, 50)
    tables.table(done, tables.BOXES)
