from __future__ import annotations

import io
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from provenline.footage.hashing import dhash, thumbnail

SHARED = Path(__file__).parents[2].parent / "shared"
PHOTOS = sorted((SHARED / "data/real/cctv_events_yolo/images").glob("*.jpg"))[::40]


def bits(text: str) -> np.ndarray:
    return np.array([int(bit) for bit in f"{int(text, 16):064b}"]).reshape(8, 8)


def difference(a: str, b: str) -> int:
    return int((bits(a) != bits(b)).sum())


@pytest.fixture(params=PHOTOS, ids=lambda path: path.stem[-8:])
def photo(request: pytest.FixtureRequest) -> np.ndarray:
    return cv2.imread(str(request.param))


def test_there_are_photos() -> None:
    assert len(PHOTOS) >= 5


def test_the_hash_is_the_published_method(photo: np.ndarray) -> None:
    """Against Pillow on the whole picture: reducing by area first changes next to nothing."""
    whole = Image.fromarray(photo[:, :, ::-1]).convert("L").resize((9, 8), Image.Resampling.LANCZOS)
    grey = np.asarray(whole).astype(int)
    assert (bits(dhash(photo)) != (grey[:, 1:] > grey[:, :-1])).sum() <= 2


def test_another_encoding_and_another_size_are_near_duplicates(photo: np.ndarray) -> None:
    buffer = io.BytesIO()
    Image.fromarray(photo[:, :, ::-1]).resize((426, 240)).save(buffer, "JPEG", quality=50)
    again = cv2.imdecode(np.frombuffer(buffer.getvalue(), np.uint8), cv2.IMREAD_COLOR)
    assert difference(dhash(photo), dhash(again)) <= 4
    a, b = (np.frombuffer(thumbnail(image), np.uint8).astype(float) for image in (photo, again))
    assert np.abs(a - b).mean() < 1.5


def test_a_mirrored_picture_has_the_mirrored_thumbnail_and_hash(photo: np.ndarray) -> None:
    mirrored = np.ascontiguousarray(photo[:, ::-1])
    here, there = (np.frombuffer(thumbnail(one), np.uint8).reshape(16, 16) for one in (photo, mirrored))
    assert np.abs(here[:, ::-1].astype(int) - there).max() <= 1
    # Brighter to the right becomes darker to the right; equal neighbours stay as they are.
    assert (1 - bits(dhash(photo))[:, ::-1] != bits(dhash(mirrored))).sum() <= 8


def test_a_thumbnail_is_the_mean_of_each_part() -> None:
    image = np.random.default_rng(0).integers(0, 256, (256, 288, 3), dtype=np.uint8)
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY).astype(float)
    parts = grey.reshape(16, 16, 16, 18).mean(axis=(1, 3))
    found = np.frombuffer(thumbnail(image), np.uint8).reshape(16, 16)
    assert np.abs(found - parts).max() <= 1.5


def test_a_small_picture_has_both_too() -> None:
    image = np.random.default_rng(0).integers(0, 256, (9, 12, 3), dtype=np.uint8)
    assert len(dhash(image)) == 16 and len(thumbnail(image)) == 256
