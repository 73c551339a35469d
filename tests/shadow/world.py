"""A small world for the shadow tests: videos with coloured squares, and detectors that see colours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from provenline import tables
from provenline.annotations.params import AnnotateParams
from provenline.detectors.base import Detections, Detector
from provenline.footage.media import Media
from provenline.footage.params import PrivacyParams
from provenline.shadow.keeping import Kept
from provenline.shadow.labels import Reading
from provenline.shadow.params import ShadowParams
from provenline.shadow.run import SCHEMAS, Log, recordings

WIDTH, HEIGHT, SIDE = 96, 64, 24
RED, GREEN = (0, 0, 255), (0, 255, 0)
NOBODY = Detections(np.empty((0, 4)), np.empty(0), [])


def params(**changes: object) -> ShadowParams:
    values = {
        "period_s": 1.0,
        "batch": 2,
        "thresholds": "own",
        "score_production": 0.25,
        "score_candidate": 0.5,
        "iou": 0.5,
        "shift_iou": 0.2,
        "follow": {"iou": 0.3, "gap": 1},
        "gallery": 5,
        "tolerance": 1.0,
        "interval": {
            "method": "bca",
            "confidence": 0.95,
            "replicates": 200,
            "seed": 0,
            "warn_groups": 20,
            "min_groups": 3,
        },
        "plan": {"gain": 0.1, "confidence": 0.95, "power": 0.5},
        "labels": "data/none",
        "labels_format": "cvat",
        "round": "v0",
        "sample": {"agree": 0.5, "empty": 0.5, "grow": 1.0, "missing": 0.02, "seed": 0},
        "improvement": {
            "deploy": 0.2,
            "later_round": 0.05,
            "more_data": 0.1,
            "margins": {"recall": 0.02, "precision": 0.02, "presence_error": 0.02},
        },
        "production": {"checkpoint_sha256": "", "bundle": "models/engines/{target}/base"},
    }
    return ShadowParams.model_validate(values | changes)


def privacy(mode: str = "none") -> PrivacyParams:
    residency = {"remotes": (), "regions": ()}
    return PrivacyParams.model_validate(
        {"anonymise": mode, "people": ("person",), "golden": "synthetic", "share": (), "residency": residency}
    )


def reading(folder: Path | None = None) -> Reading:
    """Read CVAT with one label and no rules."""
    annotate = {
        "format": "none",
        "labels": (),
        "primary": (),
        "adjudication": {"kind": "named"},
        "voc_origin": 0,
        "offset": "stop",
        "tolerance": 0.0,
        "agreement": {
            "label": "person",
            "iou": 0.5,
            "regions": (2, 2),
            "count_level": "ratio",
            "min_kappa": 0.8,
            "min_groups": 2,
            "warn_groups": 2,
            "gallery": 0,
            "gallery_per_group": 1,
            "confidence": 0.95,
            "replicates": 100,
            "seed": 0,
        },
    }
    return Reading(folder, "cvat", AnnotateParams.model_validate(annotate), ("person",))


def scene(red: int | None, green: int | None) -> NDArray[np.uint8]:
    """Draw a grey scene with a red and a green square, each at that x or absent."""
    image = np.full((HEIGHT, WIDTH, 3), 90, dtype=np.uint8)
    for x, colour in ((red, RED), (green, GREEN)):
        if x is not None:
            cv2.rectangle(image, (x, 16), (x + SIDE - 1, 16 + SIDE - 1), colour, -1)
    return image


def video(path: Path, scenes: Sequence[NDArray[np.uint8]]) -> Path:
    """Write one second per scene at 4 frames a second."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=4, options={"crf": "10", "preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for one in scenes:
            for _ in range(4):
                container.mux(stream.encode(av.VideoFrame.from_ndarray(one, format="bgr24")))
        container.mux(stream.encode())
    return path


def media(file: Path, group: str, category: str = "Collar", camera: str = "c1") -> Media:
    kind = "photo" if file.suffix == ".png" else "video"
    return Media(name=file.name, file=file, kind=kind, category=category, camera=camera, group=group)


class ColourDetector:
    """Finds squares of the colours that it knows, with a fixed score, moved by so many pixels."""

    def __init__(
        self, colours: dict[tuple[int, int, int], float], shift: int = 0, fingerprint: str = "a" * 64
    ) -> None:
        self.name, self.names, self.imgsz = "colours", ("square",), WIDTH
        self.colours, self.shift, self.fingerprint = colours, shift, fingerprint
        self.batches: list[int] = []

    def predict(self, images: Sequence[NDArray[np.uint8]]) -> list[Detections]:
        self.batches.append(len(images))
        return [self._one(image) for image in images]

    def _one(self, image: NDArray[np.uint8]) -> Detections:
        boxes, scores = [], []
        for colour, score in self.colours.items():
            near = np.abs(image.astype(int) - np.array(colour)).max(axis=2) < 70
            if near.sum() > 50:
                ys, xs = np.nonzero(near)
                boxes.append([xs.min() + self.shift, ys.min(), xs.max() + 1 + self.shift, ys.max() + 1])
                scores.append(score)
        if not boxes:
            return NOBODY
        return Detections(np.array(boxes, dtype=float), np.array(scores), ["person"] * len(boxes))


class UntouchedDetector:
    """Fails the test when it is run."""

    name, names, imgsz = "untouched", ("person",), 64

    def __init__(self, fingerprint: str) -> None:
        self.fingerprint = fingerprint

    def predict(self, images: Sequence[NDArray[np.uint8]]) -> list[Detections]:
        raise AssertionError("nothing may be run")


def comparison(differ: dict[str, list[int]]) -> pd.DataFrame:
    """Build a comparison's table from group -> per frame whether the two differ."""
    rows = [
        {
            "frame_id": f"{group}_{index:09d}",
            "media": f"{group}.mp4",
            "time_ms": index * 1000,
            "camera": "c1",
            "day": "",
            "category": "Collar",
            "group": group,
            "production": 1,
            "candidate": 1 + value,
            "both": 1,
            "shifted": 0,
            "only_production": 0,
            "only_candidate": value,
            "presence": False,
            "count_difference": value,
            "disagrees": bool(value),
            "kind": "only_candidate" if value else "",
        }
        for group, values in differ.items()
        for index, value in enumerate(values)
    ]
    columns = ["frame_id", "media", "time_ms", "group", "disagrees"]
    return pd.DataFrame(rows) if rows else pd.DataFrame(columns=columns)


@dataclass(frozen=True)
class SideBySide:
    """What both said about all footage that could be decoded, as one table each; see `recordings`."""

    frames: pd.DataFrame
    production: pd.DataFrame
    candidate: pd.DataFrame
    set_aside: list[dict[str, str]]
    timing: dict[str, Any]


def side_by_side(
    footage: Sequence[Media],
    production: Detector,
    candidate: Detector,
    params: ShadowParams,
    kept: Kept | None = None,
) -> SideBySide:
    log = Log()
    parts = list(recordings(footage, production, candidate, params, log, kept))
    whole = {
        name: pd.concat([tables.table([], schema), *(getattr(one, name) for one in parts)], ignore_index=True)
        for name, schema in SCHEMAS.items()
    }
    return SideBySide(**whole, set_aside=log.set_aside, timing=log.timing)
