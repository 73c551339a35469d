from __future__ import annotations

import json

import numpy as np
import pytest
from pycocotools import mask as coco_mask

from provenline.annotations import masks


def some_masks():
    rng = np.random.default_rng(0)
    for n in range(120):
        height, width = rng.integers(1, 60, 2)
        yield rng.random((height, width)) < (0.001, 0.1, 0.5, 0.9, 1.1)[n % 5]
    for _ in range(20):
        mask = np.zeros((400, 500), bool)
        top, left = rng.integers(0, 300, 2)
        mask[top : top + rng.integers(1, 100), left : left + rng.integers(1, 200)] = True
        yield mask


def test_encoding_is_that_of_pycocotools():
    for mask in some_masks():
        truth = coco_mask.encode(np.asfortranarray(mask.astype(np.uint8)))
        text = masks.encode(mask)
        assert json.loads(text) == {"counts": truth["counts"].decode(), "size": list(mask.shape)}
        assert (masks.decode(text) == mask).all()


def test_every_writing_of_a_mask_is_the_same_mask():
    for mask in some_masks():
        height, width = mask.shape
        truth = coco_mask.encode(np.asfortranarray(mask.astype(np.uint8)))
        flat = mask.ravel(order="F").astype(int)
        edges = np.flatnonzero(np.diff(flat)) + 1
        runs = np.diff([0, *edges, flat.size]).tolist()
        uncompressed = {"counts": runs if not flat[0] else [0, *runs], "size": [height, width]}
        assert coco_mask.frPyObjects(uncompressed, height, width)["counts"] == truth["counts"]
        assert (masks.from_coco(uncompressed) == mask).all()
        if mask.any():
            x, y, w, h = coco_mask.toBbox(truth)
            assert masks.enclosing(mask) == (x, y, x + w, y + h)
            assert (masks.from_cvat(*masks.to_cvat(mask), (width, height)) == mask).all()


@pytest.mark.parametrize(
    "given",
    [
        {"counts": [1, 2], "size": [2, 2]},
        {"counts": [1, 2, 2], "size": [2, 2]},
        {"counts": [5, -1], "size": [2, 2]},
        {"counts": "2", "size": [2, 2]},
        {"counts": "P" * 20, "size": [2, 2]},
        {"counts": "\x00", "size": [2, 2]},
        {"counts": "2é", "size": [2, 2]},
        {"counts": "22", "size": [2]},
        {"counts": "22", "size": [1 << 20, 1 << 20]},
        {"counts": "22", "size": [-2, -2]},
        {"counts": None, "size": [2, 2]},
        {"counts": ["x"], "size": [2, 2]},
        {"counts": [float("inf")], "size": [2, 2]},
        {},
    ],
)
def test_what_is_no_mask_is_refused(given):
    with pytest.raises(ValueError, match="run"):
        try:
            masks.from_coco(given)
        except ValueError as error:
            raise ValueError(f"run: {error}") from None


def brush(alpha: np.ndarray, rng: np.random.Generator) -> list[int]:
    """Write a mask as Label Studio does: its picture in red, green, blue and alpha."""
    picture = np.repeat(alpha[:, :, None].astype(int) * 255, 4, axis=2).ravel()
    sizes = (3, 8, 12, 16)
    bits = f"{picture.size:032b}{7:05b}" + "".join(f"{size - 1:04b}" for size in sizes)
    at = 0
    while at < picture.size:
        which = int(rng.integers(0, 4))
        most = min(1 << sizes[which], picture.size - at)
        same = int(np.argmax(np.append(picture[at : at + most] != picture[at], True)))
        length = min(same, most)
        if length > 1:
            bits += f"1{which:02b}{length - 1:0{sizes[which]}b}{picture[at]:08b}"
        else:
            length = min(3, most)
            bits += f"0{which:02b}{length - 1:0{sizes[which]}b}"
            bits += "".join(f"{value:08b}" for value in picture[at : at + length])
        at += length
    bits += "0" * (-len(bits) % 8)
    return [int(bits[n : n + 8], 2) for n in range(0, len(bits), 8)]


def test_brushes():
    rng = np.random.default_rng(1)
    for share in (0.0, 0.05, 0.5, 1.0):
        mask = rng.random((13, 21)) < share
        assert (masks.from_label_studio(brush(mask, rng), (21, 13)) == mask).all()


@pytest.mark.parametrize("spoil", [lambda b: b[:-9], lambda b: b[:3], lambda _: [300], lambda _: "x"])
def test_broken_brushes(spoil):
    data = brush(np.eye(9, dtype=bool), np.random.default_rng(1))
    with pytest.raises(ValueError, match="brush"):
        masks.from_label_studio(spoil(data), (9, 9))
    with pytest.raises(ValueError, match="pixels"):
        masks.from_label_studio(data, (9, 8))
