from __future__ import annotations

import cv2
import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from pydantic import ValidationError

from provenline import tables
from provenline.errors import InputError
from provenline.footage.anonymise import CELLS, FLOOR, anonymise, blur_of, regions
from provenline.footage.params import PrivacyParams, Residency

BOX = np.array([[60.0, 40.0, 140.0, 200.0]])


def privacy(mode: str, *people: str) -> PrivacyParams:
    residency = Residency(remotes=(), regions=())
    return PrivacyParams.model_validate(
        {"anonymise": mode, "people": people, "golden": "synthetic", "share": (), "residency": residency}
    )


def texture(seed: int = 0, grain: int = 4) -> NDArray[np.uint8]:
    """A picture full of detail: random squares of ``grain`` pixels, over a slow change of light."""
    rng = np.random.default_rng(seed)
    squares = rng.integers(0, 256, (240 // grain, 320 // grain, 3)).astype(np.uint8)
    return np.asarray(cv2.resize(squares, (320, 240), interpolation=cv2.INTER_NEAREST), dtype=np.uint8)


def likeness(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Correlation of two pictures' detail, 1 for the same."""
    return float(np.corrcoef(a.ravel() - a.mean(), b.ravel() - b.mean())[0, 1])


def inverse(image: NDArray[np.float64], sigma: float, noise: float) -> NDArray[np.float64]:
    """Wiener's filter against a Gaussian blur: the textbook's way to undo one."""
    rows, columns = np.meshgrid(np.fft.fftfreq(image.shape[0]), np.fft.fftfreq(image.shape[1]), indexing="ij")
    transfer = np.exp(-2 * (np.pi * sigma) ** 2 * (rows**2 + columns**2))
    filtered = np.fft.fft2(image) * transfer / (transfer**2 + noise)
    return np.real(np.fft.ifft2(filtered))


def best_guess(blurred: NDArray[np.float64], original: NDArray[np.float64]) -> float:
    """The best that a Wiener filter of any width brings back."""
    guesses = [(s, n) for s in (1, 2, 4, 8, 12, 16, 24) for n in (1e-6, 1e-4, 1e-2)]
    return max(abs(likeness(inverse(blurred, s, n), original)) for s, n in guesses)


def test_people_change_strongly_and_nothing_else_changes() -> None:
    image = texture()
    done = anonymise(image, BOX, "persons")
    inside = np.zeros(image.shape[:2], dtype=bool)
    ((x1, y1, x2, y2),) = regions(BOX, 240, 320, "persons").tolist()
    inside[y1:y2, x1:x2] = True
    assert (x1, y1, x2, y2) == (48, 16, 152, 224)
    assert np.array_equal(done[~inside], image[~inside])
    assert np.abs(done[inside].astype(int) - image[inside]).mean() > 40
    assert done[inside].std(axis=0).max() < 0.35 * image[inside].std(axis=0).min()
    assert np.array_equal(image, texture()), "the caller's image stays"


def test_no_filter_brings_the_detail_back() -> None:
    image = texture(grain=8)
    ((x1, y1, x2, y2),) = regions(BOX, 240, 320, "persons").tolist()
    original = image[y1:y2, x1:x2, 1].astype(np.float64)
    light = cv2.GaussianBlur(image, (0, 0), 4)[y1:y2, x1:x2, 1].astype(np.float64)
    ours = anonymise(image, BOX, "persons")[y1:y2, x1:x2, 1].astype(np.float64)
    assert best_guess(light, original) > 0.7, "a light blur can be undone: the filter works"
    assert best_guess(ours, original) < 0.25


def test_pictures_with_the_same_few_means_become_the_same_picture() -> None:
    image = texture()
    box = np.array([[54.0, 54.0, 94.0, 94.0]])
    x1, y1, x2, y2 = 48, 48, 100, 100  # with the margin: cells of 13 x 13 pixels
    assert regions(box, 240, 320, "persons").tolist() == [[x1, y1, x2, y2]]
    other, rng, cell = image.copy(), np.random.default_rng(1), 52 // CELLS
    for top in range(y1, y2, cell):
        for left in range(x1, x2, cell):
            pixels = image[top : top + cell, left : left + cell].reshape(-1, 3)
            other[top : top + cell, left : left + cell] = rng.permutation(pixels).reshape(cell, cell, 3)
    assert np.abs(other.astype(int) - image).mean() > 2
    done, same = (anonymise(one, box, "persons") for one in (image, other))
    assert np.array_equal(done, same)


def test_faces_are_the_upper_part_of_who_stands_and_all_of_who_lies() -> None:
    lying = np.array([[100.0, 100.0, 200.0, 140.0]])
    assert regions(BOX, 240, 320, "faces").tolist() == [[48, 16, 152, 136]]
    assert regions(lying, 240, 320, "faces").tolist() == regions(lying, 240, 320, "persons").tolist()
    image = texture()
    done = anonymise(image, BOX, "faces")
    assert np.array_equal(done[136:], image[136:]) and not np.array_equal(done[:136], image[:136])


def test_who_stands_at_the_edge_or_outside_is_no_fault() -> None:
    boxes = np.array([[-30.0, -20.0, 12.0, 30.0], [400.0, 10.0, 420.0, 30.0], [310.0, 230.0, 340.0, 260.0]])
    assert regions(boxes, 240, 320, "persons").tolist() == [[0, 0, 19, 38], [305, 225, 320, 240]]
    assert anonymise(texture(), boxes, "persons").shape == (240, 320, 3)
    tiny = anonymise(texture(), np.array([[10.0, 10.0, 11.0, 11.0]]), "faces")
    assert not np.array_equal(tiny[6:15, 6:15], texture()[6:15, 6:15])


def test_none_leaves_the_picture_alone() -> None:
    image = texture()
    assert anonymise(image, BOX, "none") is image
    assert blur_of(privacy("none", "person"), [], []).apply(image, "f") is image


def rows(label: str, annotator: str, x: float) -> dict[str, object]:
    return {
        "frame_id": "f",
        "annotator": annotator,
        "label": label,
        "x1": x,
        "y1": 1.0,
        "x2": x + 9.0,
        "y2": 20.0,
        "polygon": None,
        "attributes": "{}",
    }


def finds(label: str, score: float, x: float) -> dict[str, object]:
    box = {"x1": x, "y1": 1.0, "x2": x + 9.0, "y2": 20.0, "mask": None}
    return {"frame_id": "f", "model": "base", "label": label, "score": score} | box


def test_people_are_whom_any_annotator_or_an_unsure_detector_saw() -> None:
    boxes = tables.table(
        [rows("person", "a", 0), rows("dummy", "b", 20), rows("chair", "a", 40)], tables.BOXES
    )
    predictions = tables.table(
        [finds("person", FLOOR, 60), finds("person", 0.049, 80), finds("chair", 0.9, 100)], tables.PREDICTIONS
    )
    blur = blur_of(privacy("persons", "person", "dummy"), [boxes], [predictions])
    assert sorted(blur.boxes["f"][:, 0].tolist()) == [0.0, 20.0, 60.0]
    assert list(blur.boxes) == ["f"]


def test_people_that_no_label_names_are_refused_and_not_forgotten() -> None:
    boxes = tables.table([rows("worker", "a", 0)], tables.BOXES)
    with pytest.raises(
        InputError, match=r"footage\.people \(person\) names none of the labels here \(worker\)"
    ):
        blur_of(privacy("faces", "person"), [boxes], [])
    with pytest.raises(InputError, match="empty"):
        blur_of(privacy("faces"), [boxes], [])
    nobody = pd.DataFrame(columns=boxes.columns)
    assert blur_of(privacy("faces", "person"), [nobody], []).boxes == {}
    assert blur_of(privacy("none"), [boxes], []).boxes == {}


def test_frames_that_would_travel_in_bundles_unblurred_are_refused() -> None:
    given = {
        "people": ["person"],
        "share": [],
        "residency": {"remotes": [], "regions": []},
        "golden": "frames",
    }
    assert PrivacyParams.model_validate({**given, "anonymise": "none"}).golden == "frames"
    with pytest.raises(ValidationError, match="without blurring"):
        PrivacyParams.model_validate({**given, "anonymise": "faces"})
