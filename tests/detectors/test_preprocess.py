from __future__ import annotations

import cv2
import numpy as np
import pytest

from provenline.detectors.preprocess import GREY, letterbox, placement, prepare, stretch, tightest
from provenline.detectors.size import Size

INPUTS = [Size(320, 320), Size(192, 320), Size(320, 192)]
SIZES = [(640, 360), (360, 640), (64, 64), (1279, 721), (50, 37), (1000, 3), (33, 500)]


@pytest.mark.parametrize("width, height", SIZES)
@pytest.mark.parametrize("imgsz", [Size(64, 64), *INPUTS, Size(640, 640)], ids=str)
def test_boxes_come_back_to_where_they_were(width, height, imgsz):
    rng = np.random.default_rng(width)
    corners = np.sort(rng.uniform(0, 1, (50, 2, 2)), axis=1).reshape(50, 4) * ([width, height] * 2)
    place = placement(width, height, imgsz)
    inside = place.to_input(corners)
    assert np.abs(place.to_image(inside) - corners).max() < 1e-6
    assert inside.min() >= 0
    assert inside[:, 0::2].max() <= imgsz.width
    assert inside[:, 1::2].max() <= imgsz.height


@pytest.mark.parametrize("width, height", [(640, 360), (360, 640), (500, 333), (40, 30)])
@pytest.mark.parametrize("imgsz", INPUTS, ids=str)
def test_a_drawn_box_is_found_where_the_transform_says(width, height, imgsz):
    image = np.zeros((height, width, 3), np.uint8)
    box = np.array([[width // 4, height // 4, width // 2, height * 3 // 4]])
    cv2.rectangle(image, box[0, :2].tolist(), (box[0, 2:] - 1).tolist(), (255, 255, 255), -1)
    fitted, place = letterbox(image, imgsz)
    inner = fitted[place.top : place.top + place.inner_height, place.left : place.left + place.inner_width, 0]
    # Mean brightness along an axis is the box's length, whatever interpolation does to its edges.
    along_x = inner[inner.shape[0] // 2].astype(float).sum() / 255
    along_y = inner[:, int(inner.shape[1] * 0.375)].astype(float).sum() / 255
    x1, y1, x2, y2 = place.to_input(box)[0]
    assert along_x == pytest.approx(x2 - x1, abs=0.5)
    assert along_y == pytest.approx(y2 - y1, abs=0.5)


@pytest.mark.parametrize("width, height", [*SIZES, (1920, 1080), (640, 480)])
@pytest.mark.parametrize("imgsz", INPUTS, ids=str)
def test_letterbox_agrees_with_ultralytics_own(width, height, imgsz):
    from provenline.detectors.quiet import quiet_ultralytics

    quiet_ultralytics()
    from ultralytics.data.augment import LetterBox

    image = np.random.default_rng(0).integers(0, 255, (height, width, 3), dtype=np.uint8)
    fitted, _ = letterbox(image, imgsz)
    assert np.array_equal(fitted, LetterBox(imgsz, auto=False)(image=image))


@pytest.mark.parametrize("width, height", [(640, 360), (1920, 1080), (1280, 960), (600, 800)])
@pytest.mark.parametrize("imgsz", INPUTS, ids=str)
def test_boxes_come_back_to_where_ultralytics_puts_them(width, height, imgsz):
    from provenline.detectors.quiet import quiet_ultralytics

    quiet_ultralytics()
    from ultralytics.utils.ops import scale_boxes

    place = placement(width, height, imgsz)
    generator = np.random.default_rng(1)
    low, high = generator.uniform(0, 0.4, (20, 2)), generator.uniform(0.6, 1, (20, 2))
    boxes = place.to_input(np.concatenate([low, high], axis=1) * ([width, height] * 2))
    theirs = scale_boxes(imgsz, boxes.copy(), (height, width))
    # They take one scale for both axes, though the inner sides are rounded.
    assert np.abs(place.to_image(boxes) - theirs).max() < 0.5 * width / place.inner_width


def test_a_picture_of_16_to_9_lies_in_a_rectangle_as_large_as_in_the_square():
    image = np.random.default_rng(2).integers(0, 255, (1080, 1920, 3), dtype=np.uint8)
    square, high = letterbox(image, Size(640, 640))
    flat, low = letterbox(image, Size(384, 640))
    assert (high.top, low.top) == (140, 12) and (high.inner_width, high.inner_height) == (640, 360)
    assert np.array_equal(flat[12:372], square[140:500])
    assert (flat[:12] == GREY).all() and (flat[372:] == GREY).all()


@pytest.mark.parametrize(
    ("width", "height", "imgsz", "wanted"),
    [
        (1920, 1080, Size(640, 640), (384, 640)),
        (1080, 1920, Size(640, 640), (640, 384)),
        (640, 480, Size(640, 640), (480, 640)),
        (640, 360, Size(384, 640), (384, 640)),
        (100, 100, Size(640, 640), (640, 640)),
    ],
)
def test_the_tightest_input_shows_a_picture_as_large(width, height, imgsz, wanted):
    found = tightest(width, height, imgsz)
    one, other = placement(width, height, imgsz), placement(width, height, found)
    assert found == wanted
    assert (one.inner_width, one.inner_height) == (other.inner_width, other.inner_height)


@pytest.mark.parametrize("width, height", SIZES)
@pytest.mark.parametrize("imgsz", INPUTS, ids=str)
def test_a_stretched_image_agrees_with_ultralytics_own_and_comes_back(width, height, imgsz):
    from provenline.detectors.quiet import quiet_ultralytics

    quiet_ultralytics()
    from ultralytics.data.augment import LetterBox

    image = np.random.default_rng(0).integers(0, 255, (height, width, 3), dtype=np.uint8)
    stretched, place = stretch(image, imgsz)
    assert np.array_equal(stretched, LetterBox(imgsz, auto=False, scale_fill=True)(image=image))
    whole = np.array([[0, 0, imgsz.width, imgsz.height]])
    assert place.to_image(whole) == pytest.approx(np.array([[0, 0, width, height]]))


def test_input_is_rgb_in_zero_to_one_on_grey():
    image = np.zeros((10, 20, 3), np.uint8)
    image[...] = (255, 51, 0)  # blue, green, red
    batch, places = prepare([image, image], Size(64, 64), "letterbox")
    assert batch.shape == (2, 3, 64, 64)
    assert batch.dtype == np.float32
    assert batch[1, :, 32, 32] == pytest.approx([0, 0.2, 1])
    assert batch[0, :, 0, 0] == pytest.approx([GREY / 255] * 3)
    assert places[0].top == 16
