from __future__ import annotations

import cv2
import numpy as np
import pytest

from provenline.simline.canvas import fixed
from provenline.simline.film import Film, truths
from provenline.simline.people import Shape
from provenline.simline.plan import plans
from tests.simline.conftest import footage

LEAST = (0.01, 20)


@pytest.fixture(scope="module")
def film() -> Film:
    spec = footage(videos=(0, 0, 0, 0, 1), mannequin_share=1.0, passers_by=30.0)
    return Film(plans("development", spec, 3)[0], 3)


def test_a_box_is_the_extent_of_the_visible_pixels(film: Film) -> None:
    seen = 0
    for frame in film.frames(5):
        if frame.mask is None:
            continue
        found = truths(frame.mask, frame.cast, film.stage.scene, LEAST)
        people = [truth for truth in found if truth.kind != "mannequin"]
        numbers = [
            actor.number for actor, _ in frame.cast if (frame.mask // 4 == actor.number).sum() >= LEAST[1]
        ]
        assert len(people) <= len(numbers)
        for truth in people:
            extents = []
            for number in numbers:
                rows, columns = np.nonzero(frame.mask // 4 == number)
                extents.append((columns.min(), rows.min(), columns.max() + 1, rows.max() + 1))
            assert truth.box in [tuple(map(float, extent)) for extent in extents]
            assert 0 < truth.visible <= 1
            seen += 1
    assert seen > 10


def test_where_the_mask_says_person_the_image_differs_from_the_empty_room(film: Film) -> None:
    """The mask and the image are drawn by the same calls; the image must show it."""
    empty = None
    for frame in film.frames(1):
        grey = frame.image[:180].astype(float)
        if empty is None and frame.mask is not None and not (frame.mask // 4 == 1).any():
            empty = (frame.mask, grey)
        if frame.index == 45 and frame.mask is not None and empty is not None:
            person = (frame.mask // 4 == 1) & (empty[0] == 0)
            nobody = (frame.mask == 0) & (empty[0] == 0)
            change = np.abs(grey - empty[1])
            assert person.sum() > 200
            assert np.median(change[person]) > 3 * np.median(change[nobody])
            return
    pytest.fail("no frame with and no frame without the operator")


def test_what_stands_in_front_hides_a_person(film: Film) -> None:
    """Without the table and the machine, more of the operator is visible."""
    frame = next(f for f in film.frames(5) if f.index == 45)
    assert frame.mask is not None
    alone = np.zeros_like(frame.mask)
    actor, shapes = frame.cast[0]
    for shape in shapes:
        shape.stamp(alone)
    assert (frame.mask // 4 == actor.number).sum() < (alone > 0).sum()


def test_a_mannequin_is_no_person(film: Film) -> None:
    frame = next(film.frames(5))
    assert frame.mask is not None
    kinds = [truth.kind for truth in truths(frame.mask, frame.cast, film.stage.scene, LEAST)]
    assert kinds.count("mannequin") == 1
    assert "operator" not in kinds  # the lead-in is idle


def test_a_shape_covers_what_its_outline_says() -> None:
    corners = np.array([[10.0, 20.0], [30.0, 20.0], [30.0, 50.0], [10.0, 50.0]])
    mask = np.zeros((80, 80), np.uint8)
    Shape(1.0, (fixed(corners),), ((0.0, 0.0, 0.0),), 5).stamp(mask)
    x, y, width, height = cv2.boundingRect(mask)
    assert abs(x - 10) <= 1
    assert abs(y - 20) <= 1
    assert abs(width - 20) <= 2
    assert abs(height - 30) <= 2


def test_a_film_is_the_same_twice(film: Film) -> None:
    other = Film(film.plan, 3)
    first, second = next(other.frames(5)), next(Film(film.plan, 3).frames(5))
    assert np.array_equal(first.image, second.image)
