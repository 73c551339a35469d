"""What is kept of the training images between epochs, and that augmentation leaves it alone."""

from __future__ import annotations

import copy

import cv2
import numpy as np
import pytest

from provenline.detectors.quiet import quiet_ultralytics
from provenline.training.loading import cache_of
from provenline.training.train import arguments
from provenline.training.view import build_view
from tests.training.conftest import params

GB = 1 << 30


@pytest.mark.parametrize(
    ("wanted", "free", "kept"),
    [("none", 64 * GB, None), ("ram", 0, "ram"), ("auto", 3 * GB, "ram"), ("auto", 2 * GB, None)],
)
def test_images_are_kept_if_half_of_what_is_free_holds_them(wanted, free, kept):
    assert cache_of(wanted, images=1000, imgsz=640, free=free) == kept  # 1.14 GiB


@pytest.mark.parametrize("cache", ["none", "ram"])
def test_colours_are_not_changed_where_images_are_kept(dataset, base, tmp_path, cache):
    """Square images of the network's size, no mosaic and no warp: where a copy could be forgotten."""
    quiet_ultralytics()
    from ultralytics.models.yolo.detect import DetectionTrainer

    for image in (dataset.parent / "images").rglob("*.jpg"):
        cv2.imwrite(str(image), cv2.resize(cv2.imread(str(image)), (64, 64)))
    view = build_view(dataset, tmp_path / "view", 0)
    chosen = params()
    still = chosen.augment.model_copy(update={"mosaic": 0.0, "translate": 0.0, "hsv_h": 0.5, "hsv_v": 0.5})
    chosen = chosen.model_copy(update={"augment": still, "cache": cache})
    asked = arguments(chosen, view, tmp_path / "run", "cpu")
    trainer = DetectionTrainer(overrides={**asked, "model": str(base[0])})
    trainer.setup_model()
    images = trainer.build_dataset(str(tmp_path / "view" / "images" / "train"), mode="train", batch=4)
    assert images.load_image(0)[0].shape[:2] == (asked["imgsz"], asked["imgsz"])
    before = [copy.deepcopy(images.load_image(index)[0]) for index in range(len(images))]

    augmented = [images[index]["img"].numpy() for index in range(len(images))]

    after = [images.load_image(index)[0] for index in range(len(images))]
    assert all(np.array_equal(old, new) for old, new in zip(before, after, strict=True))
    plain = [image[..., ::-1].transpose(2, 0, 1) for image in before]
    assert not any(np.array_equal(old, new) for old, new in zip(plain, augmented, strict=True))
