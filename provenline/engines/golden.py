"""Golden inputs: pictures in the bundle with what the ONNX file says to them, before any decoding.

A device needs nothing but the bundle to hold its engine against them, preprocessing included. Pictures are
stored as PNG: every JPEG decoder gives slightly other pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from provenline.detectors.base import Engine
from provenline.detectors.bundle import Layout
from provenline.detectors.preprocess import Image, fit_of, prepare
from provenline.detectors.size import Size
from provenline.engines.manifest import Manifest
from provenline.engines.params import GoldenParams, Tolerance
from provenline.errors import InputError
from provenline.files import atomic_path, sha256_file
from provenline.images import read_image

FOLDER = "golden"
Inputs = Literal["synthetic", "frames"]
Floats = NDArray[np.float32]
_CANDIDATES = 4  # drawn for each that is kept: the network should have something to say
_STRONGEST = 100  # anchors whose boxes are compared; the others' are noise that no threshold lets through
_SURE = 0.05  # weaker rows of an end2end output may drop out of its list for any reason


@dataclass(frozen=True)
class Form:
    """What stands where in a network's output for one picture; see ``detectors.postprocess.Decoder``.

    Attributes:
        layout: Of the output.
        classes: Of the network.
        imgsz: Of its input, in pixels.
    """

    layout: Layout
    classes: int
    imgsz: Size

    def scores(self, output: Floats) -> Floats:
        """Return the class scores: (classes, anchors) of a raw output, else (detections,)."""
        return output[4 : 4 + self.classes] if self.layout == "raw" else output[:, 4]

    def surest(self, output: Floats) -> float:
        """Return the highest class score."""
        return float(self.scores(output).max(initial=0.0))


@dataclass(frozen=True)
class Agreement:
    """How far an engine is from the ONNX file of its bundle.

    Attributes:
        inputs: Pictures compared.
        strongest: The highest class score that was expected of any of them.
        score: Largest difference of a class score.
        box: Largest difference of a coordinate, in pixels of the network's input.
        score_tolerance: Allowed of ``score``.
        box_tolerance: Allowed of ``box``.
    """

    inputs: int
    strongest: float
    score: float
    box: float
    score_tolerance: float
    box_tolerance: float

    @property
    def holds(self) -> bool:
        """Whether it is within both tolerances; a NaN is not."""
        return self.score <= self.score_tolerance and self.box <= self.box_tolerance

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON object."""
        return asdict(self)


def form_of(made: Manifest) -> Form:
    """Return what stands where in an engine's output."""
    return Form(made.layout, len(made.names), made.imgsz)


def write(bundle: Path, network: Engine, form: Form, params: GoldenParams, frames: Sequence[Path]) -> Any:
    """Write golden inputs and the outputs of ``network`` into ``bundle``.

    Args:
        bundle: The folder; gets ``golden/00.png``, ``golden/00.npy``, …
        network: The bundle's ONNX file.
        form: Of its output.
        params: How many, and their tolerances.
        frames: Stored frames that may leave with the bundle; without any, pictures are drawn.

    Returns:
        The manifest's ``golden``.
    """
    folder = bundle / FOLDER
    folder.mkdir()
    pictures = [read_image(path) for path in frames] if frames else drawn(network, form, params)
    files = {}
    for number, picture in enumerate(pictures):
        for suffix, store in (("png", _png(picture)), ("npy", _npy(_answer(network, form, picture)))):
            path = folder / f"{number:02}.{suffix}"
            with atomic_path(path) as temporary:
                store(temporary)
            files[path.relative_to(bundle).as_posix()] = sha256_file(path)
    return {
        "inputs": "frames" if frames else "synthetic",
        "files": files,
        "tolerances": params.tolerances.model_dump(),
    }


def pictures_of(bundle: Path, manifest: Manifest) -> list[Path]:
    """Return where a bundle's golden pictures lie, in order."""
    return [bundle / name for name in sorted(manifest.golden["files"]) if name.endswith(".png")]


def compare(bundle: Path, manifest: Manifest, network: Engine) -> Agreement:
    """Run an engine on its bundle's golden inputs, whose hashes the caller has checked.

    Raises:
        InputError: A file is no picture or no array, or the output has another shape.
    """
    tolerance = Tolerance.model_validate(manifest.golden["tolerances"][manifest.runs_at])
    paths, form = pictures_of(bundle, manifest), form_of(manifest)
    strongest, score, box = 0.0, 0.0, 0.0
    for path in paths:
        expected, found = _read(path.with_suffix(".npy")), _answer(network, form, read_image(path))
        if expected.shape != found.shape:
            what = f"the engine's output is {found.shape}, {expected.shape} was expected"
            raise InputError(what, file=path, mend="Build the engine from this bundle")
        differences = difference(form, expected, found)
        strongest = max(strongest, form.surest(expected))
        score, box = max(score, differences[0]), max(box, differences[1])
    return Agreement(
        inputs=len(paths),
        strongest=round(strongest, 6),
        score=score,
        box=box,
        score_tolerance=tolerance.score,
        box_tolerance=tolerance.box,
    )


def difference(form: Form, expected: Floats, found: Floats) -> tuple[float, float]:
    """Return the largest difference of a score and of a coordinate between two outputs for one picture.

    Of a raw output (4 + classes, anchors) all scores are compared, and the boxes of the strongest anchors.
    The rows of the others (detections, 6) have no fixed order: each that is sure enough is held against the
    nearest row of its class, from either side; one without any differs by its whole score. Coefficients of
    outlines are left out.

    Returns:
        Both infinite where ``found`` holds anything that is no number.
    """
    if not np.isfinite(found).all():
        return float("inf"), float("inf")
    if form.layout == "raw":
        scores = form.scores(expected)
        score = float(np.abs(scores - form.scores(found)).max())
        rows = np.argsort(-scores.max(axis=0), kind="stable")[:_STRONGEST]
        return score, float(np.abs(expected[:4, rows] - found[:4, rows]).max())
    if form.layout == "queries":  # shares of the input
        sides = form.imgsz.width, form.imgsz.height
        pixels = np.array([*sides, *sides] + [1] * (expected.shape[1] - 4), dtype=np.float32)
        expected, found = expected * pixels, found * pixels
    there, back = _nearest(expected, found), _nearest(found, expected)
    return max(there[0], back[0]), max(there[1], back[1])


def drawn(network: Engine, form: Form, params: GoldenParams) -> list[Image]:
    """Return drawn pictures: of several candidates those in which the network is surest of something."""
    generator = np.random.default_rng(params.seed)
    candidates = [draw(params, generator) for _ in range(params.inputs * _CANDIDATES)]
    scores = [form.surest(_answer(network, form, picture)) for picture in candidates]
    kept = np.argsort(-np.asarray(scores), kind="stable")[: params.inputs]
    return [candidates[index] for index in sorted(kept)]


def _nearest(ours: Floats, theirs: Floats) -> tuple[float, float]:
    score, box = 0.0, 0.0
    for row in ours[ours[:, 4] >= _SURE]:
        same = theirs[theirs[:, 5] == row[5]]
        if not len(same):
            score = max(score, float(row[4]))
            continue
        away = np.abs(same[:, :4] - row[:4]).max(axis=1)
        nearest = int(away.argmin())
        score = max(score, abs(float(same[nearest, 4] - row[4])))
        box = max(box, float(away[nearest]))
    return score, box


def _answer(network: Engine, form: Form, picture: Image) -> Floats:
    batch, _ = prepare([picture], form.imgsz, fit_of(form.layout))
    output: Floats = network.run(batch)[0]
    return output


def _read(path: Path) -> Floats:
    try:
        return np.asarray(np.load(path, allow_pickle=False), dtype=np.float32)
    except (OSError, ValueError) as error:
        raise InputError(f"no array ({error})", file=path, mend="Run `dvc pull`") from None


def _png(picture: Image) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(cv2.imencode(".png", picture)[1].tobytes())


def _npy(output: Floats) -> Callable[[Path], object]:
    return lambda path: np.save(path, np.ascontiguousarray(output))


def draw(params: GoldenParams, generator: np.random.Generator) -> Image:
    """Return a drawn picture (h, w, 3), BGR: a shaded room, furniture, upright figures; nobody's footage."""
    width, height = params.width, params.height
    low, high = sorted(generator.integers(40, 220, 2).tolist())
    shade = np.linspace(low, high + 1, height)[:, None] + np.linspace(0, 30, width)[None]
    picture = np.repeat(np.clip(shade, 0, 255).astype(np.uint8)[..., None], 3, axis=2)
    for _ in range(6):
        left, top = (int(generator.integers(0, side)) for side in (width, height))
        size = (int(generator.integers(width // 16, width // 3)), int(generator.integers(8, height // 4)))
        cv2.rectangle(picture, (left, top), (left + size[0], top + size[1]), _colour(generator), -1)
    for _ in range(int(generator.integers(2, 5))):
        _figure(picture, params, generator)
    return cv2.GaussianBlur(picture, (5, 5), 0)  # type: ignore[return-value]


def _figure(picture: Image, params: GoldenParams, generator: np.random.Generator) -> None:
    tall = int(generator.integers(params.height // 4, params.height))
    x = int(generator.integers(0, params.width))
    top = int(generator.integers(0, max(params.height - tall, 1)))
    head = max(tall // 14, 2)
    clothes, skin = _colour(generator), (110, 150, 200)
    for side in (-1, 1):
        shoulder, hand = (x + side * head, top + 3 * head), (x + 2 * side * head, top + tall // 2)
        hip, foot = (x + side * head // 2, top + tall // 2), (x + side * head, top + tall)
        cv2.line(picture, hip, foot, _colour(generator), head)
        cv2.line(picture, shoulder, hand, skin, head)
    cv2.ellipse(picture, (x, top + tall // 3), (2 * head, tall // 4), 0, 0, 360, clothes, -1)
    cv2.circle(picture, (x, top + head), head, skin, -1)


def _colour(generator: np.random.Generator) -> tuple[int, int, int]:
    blue, green, red = generator.integers(20, 230, 3).tolist()
    return blue, green, red
