"""Two detectors side by side over deployment footage: decoded once, both on the same frames."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from provenline import tables
from provenline.detectors.base import Detections, Detector
from provenline.errors import InputError
from provenline.files import sha256_file
from provenline.footage.decode import frames_every
from provenline.footage.manifest import known_sha256
from provenline.footage.media import Media
from provenline.footage.photos import read_photo
from provenline.progress import track
from provenline.shadow.keeping import Kept, Part, Rows
from provenline.shadow.params import ROLES, ShadowParams

Image = NDArray[np.uint8]
Batch = list[tuple[int, Image]]
PLAN = "shadow"
SCHEMAS = {"frames": tables.FRAMES, **dict.fromkeys(ROLES, tables.PREDICTIONS)}


@dataclass(frozen=True)
class Recording:
    """What both said about one recording (or photo).

    Attributes:
        frames: FRAMES, one row per frame that both saw; ``path`` is empty, since nothing was stored.
        production: PREDICTIONS of the engine that runs today, model name ``production``.
        candidate: PREDICTIONS of the other one, model name ``candidate``.
    """

    frames: pd.DataFrame
    production: pd.DataFrame
    candidate: pd.DataFrame


@dataclass
class Log:
    """What a run notes down: what it set aside, and seconds.

    Attributes:
        set_aside: ``media`` and ``why`` of each medium that could not be decoded to its end; nothing of it
            is yielded.
        whole_s: All of it.
        decode_s: Of that, beside the models.
        frames: That the models looked at.
        model_ms: Milliseconds per image of each model.
        kept: Frames that a run before had looked at.
    """

    set_aside: list[dict[str, str]] = field(default_factory=list)
    whole_s: float = 0.0
    decode_s: float = 0.0
    frames: int = 0
    kept: int = 0
    model_ms: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in ROLES})

    @property
    def timing(self) -> dict[str, Any]:
        """Seconds and rates of this run on this machine; differs from run to run.

        What was kept of runs before does not count.
        """
        inference = {name: sum(times) / 1000 for name, times in self.model_ms.items()}
        return {
            "frames": self.frames + self.kept,
            "frames_kept": self.kept,
            "seconds": round(self.whole_s, 3),
            "decode_s": round(self.decode_s, 3),
            "inference_s": round(sum(inference.values()), 3),
            "frames_per_s": round(self.frames / self.whole_s, 2) if self.frames and self.whole_s else None,
            **{name: _per_image(times) for name, times in self.model_ms.items()},
        }


def recordings(
    media: Sequence[Media],
    production: Detector,
    candidate: Detector,
    params: ShadowParams,
    log: Log,
    kept: Kept | None = None,
) -> Iterator[Recording]:
    """Run both detectors over the same frames, decoding each medium once; yield medium by medium.

    Memory is bounded by twice ``params.batch`` images and by the detections of one medium.

    Args:
        media: Videos and photos of the deployment.
        production: The engine that runs today.
        candidate: The one that would replace it.
        params: Sampling period and batch.
        log: What is noted down on the way.
        kept: Where each batch's finds are kept, so that what was looked at once is not again.

    Raises:
        InputError: At the end, if more media than tolerated could not be used.
    """
    kept, models = kept or Kept(None), {"production": production, "candidate": candidate}
    begun = time.perf_counter()
    for one in track(media, "shadow"):
        before = log.frames
        try:
            part = _one_media(one, models, params, log, kept)
        except InputError as error:
            # What was decoded before the fault goes too: half a clip is another clip.
            log.set_aside.append({"media": one.name, "why": str(error)})
            continue
        log.kept += len(part.rows["frames"]) - (log.frames - before)
        yield Recording(*(part.rows[name].table() for name in SCHEMAS))
    log.whole_s = time.perf_counter() - begun
    if len(log.set_aside) > params.tolerance * len(media):
        first = log.set_aside[0]
        what = f"{len(log.set_aside)} of {len(media)} media cannot be used, first: {first['why']}"
        raise InputError(what, file=first["media"], mend="Mend or unlist them, or raise shadow_ab.tolerance")


def _one_media(media: Media, models: dict[str, Detector], params: ShadowParams, log: Log, kept: Kept) -> Part:
    if not media.file.is_file():
        raise InputError("file is missing", file=media.file)
    digest = known_sha256(media) or sha256_file(media.file)
    part = kept.part(media, digest, SCHEMAS)
    if part.complete:
        return part
    stream = islice(_images(media, params.period_s), len(part.rows["frames"]), None)
    for batch in _batches(stream, params.batch, log):
        frames = [_frame_row(media, digest, time_ms, image) for time_ms, image in batch]
        images = [image for _, image in batch]
        rows: dict[str, Rows] = {"frames": frames, **{name: [] for name in models}}
        for name, model in models.items():
            start = time.perf_counter()
            found = model.predict(images)
            spent = (time.perf_counter() - start) * 1000 / len(images)
            log.model_ms[name] += [spent] * len(images)
            for frame, detections in zip(frames, found, strict=True):
                rows[name] += _prediction_rows(frame["frame_id"], name, detections)
        part.add(rows)
        log.frames += len(batch)
    if not len(part.rows["frames"]):
        raise InputError("no frame could be decoded", file=media.file)
    part.end()
    return part


def _images(media: Media, period_s: float) -> Iterator[tuple[int, Image]]:
    """Yield time in milliseconds and image, BGR."""
    if media.kind == "photo":
        yield 0, read_photo(media.file)[0]
        return
    yield from frames_every(media.file, period_s, whole=True)


def _batches(stream: Iterator[tuple[int, Image]], size: int, log: Log) -> Iterator[Batch]:
    """Yield images in batches; the next one is decoded while the models look at this one."""

    def decode() -> Batch:
        start = time.perf_counter()
        batch = list(islice(stream, size))
        log.decode_s += time.perf_counter() - start
        return batch

    with ThreadPoolExecutor(1) as reader:
        waiting = reader.submit(decode)
        while batch := waiting.result():
            waiting = reader.submit(decode)
            yield batch


def _frame_row(media: Media, digest: str, time_ms: int, image: Image) -> dict[str, Any]:
    height, width = image.shape[:2]
    scale = (width, height, width, height)
    place = None if media.workplace is None else [f * s for f, s in zip(media.workplace, scale, strict=True)]
    return {
        "frame_id": f"{digest[:12]}_{time_ms:09d}",
        "path": "",
        "plan": PLAN,
        "media": media.name,
        "media_sha256": digest,
        "time_ms": time_ms,
        "width": width,
        "height": height,
        "camera": media.camera,
        "day": media.day,
        "category": media.category,
        "group": media.group,
        "workplace": place,
        "dhash": "",
        "annotated": False,
        "annotator": "",
    }


def _prediction_rows(frame_id: str, model: str, found: Detections) -> Rows:
    return [
        {"frame_id": frame_id, "model": model, "label": label, "score": float(score), "mask": None}
        | dict(zip(tables.BOX, map(float, box), strict=True))
        for box, score, label in zip(found.boxes, found.scores, found.labels, strict=True)
    ]


def _per_image(times: list[float]) -> dict[str, float | None]:
    if not times:
        return {"p50_ms": None, "p95_ms": None, "images_per_s": None}
    p50, p95 = (round(float(value), 3) for value in np.percentile(times, [50, 95]))
    return {"p50_ms": p50, "p95_ms": p95, "images_per_s": round(1000 / float(np.mean(times)), 2)}
