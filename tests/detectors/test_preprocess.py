from __future__ import annotations

import cv2
import numpy as np
import pytest

from provenline.detectors.preprocess import GREY, letterbox, placement, prepare, stretch

SIZES = [(640, 360), (360, 640), (64, 64), (1279, 721), (50, 37), (1000, 3), (33, 500)]


@pytest.mark.parametrize("width, height", SIZES)
@pytest.mark.parametrize("imgsz", [64, 320, 640])
def test_boxes_come_back_to_where_they_were(width, height, imgsz):
    rng = np.random.default_rng(width)
    corners = np.sort(rng.uniform(0, 1, (50, 2, 2)), axis=1).reshape(50, 4) * ([width, height] * 2)
    place = placement(width, height, imgsz)
    inside = place.to_input(corners)
    assert np.abs(place.to_image(inside) - corners).max() < 1e-6
    assert inside.min() >= 0
    assert inside.max() <= imgsz


@pytest.mark.parametrize("width, height", [(640, 360), (360, 640), (500, 333), (40, 30)])
def test_a_drawn_square_is_found_where_the_transform_says(width, height):
    image = np.zeros((height, width, 3), np.uint8)
    box = np.array([[width // 4, height // 4, width // 2, height * 3 // 4]])
    cv2.rectangle(image, box[0, :2].tolist(), (box[0, 2:] - 1).tolist(), (255, 255, 255), -1)
    square, place = letterbox(image, 320)
    inner = square[place.top : place.top + place.inner_height, place.left : place.left + place.inner_width, 0]
    # Mean brightness along an axis is the square's length, whatever interpolation does to its edges.
    along_x = inner[inner.shape[0] // 2].astype(float).sum() / 255
    along_y = inner[:, int(inner.shape[1] * 0.375)].astype(float).sum() / 255
    x1, y1, x2, y2 = place.to_input(box)[0]
    assert along_x == pytest.approx(x2 - x1, abs=0.5)
    assert along_y == pytest.approx(y2 - y1, abs=0.5)


@pytest.mark.parametrize("width, height", SIZES)
def test_letterbox_agrees_with_ultralytics_own(width, height):
    from provenline.detectors.quiet import quiet_ultralytics

    quiet_ultralytics()
    from ultralytics.data.augment import LetterBox

    image = np.random.default_rng(0).integers(0, 255, (height, width, 3), dtype=np.uint8)
    square, _ = letterbox(image, 320)
    assert np.array_equal(square, LetterBox((320, 320), auto=False)(image=image))


@pytest.mark.parametrize("width, height", SIZES)
def test_a_stretched_image_agrees_with_ultralytics_own_and_comes_back(width, height):
    from provenline.detectors.quiet import quiet_ultralytics

    quiet_ultralytics()
    from ultralytics.data.augment import LetterBox

    image = np.random.default_rng(0).integers(0, 255, (height, width, 3), dtype=np.uint8)
    square, place = stretch(image, 320)
    assert np.array_equal(square, LetterBox((320, 320), auto=False, scale_fill=True)(image=image))
    assert place.to_image(np.array([[0, 0, 320, 320]])) == pytest.approx(np.array([[0, 0, width, height]]))


def test_input_is_rgb_in_zero_to_one_on_grey():
    image = np.zeros((10, 20, 3), np.uint8)
    image[...] = (255, 51, 0)  # blue, green, red
    batch, places = prepare([image, image], 64, "letterbox")
    assert batch.shape == (2, 3, 64, 64)
    assert batch.dtype == np.float32
    assert batch[1, :, 32, 32] == pytest.approx([0, 0.2, 1])
    assert batch[0, :, 0, 0] == pytest.approx([GREY / 255] * 3)
    assert places[0].top == 16
