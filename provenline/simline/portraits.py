"""Training images of the base model: people elsewhere, standing, walking, sitting; no line in sight."""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from provenline.files import atomic_path, sha256_tree
from provenline.progress import track
from provenline.simline.actor import Actor, Drawn
from provenline.simline.camera import Camera, Floats
from provenline.simline.canvas import Colour, Image, shade
from provenline.simline.figure import Build, Posture, directions
from provenline.simline.motion import Rng
from provenline.simline.operations import gait
from provenline.simline.params import PortraitParams
from provenline.simline.people import look
from provenline.simline.room import grained
from provenline.simline.solids import Sheet, box, panel, rod

SHIRTS: tuple[Colour, ...] = (
    (60, 60, 210), (70, 190, 235), (70, 160, 70), (200, 90, 120), (235, 235, 240), (30, 120, 240),
    (170, 200, 235), (90, 40, 90), (200, 180, 60), (40, 40, 40),
)  # fmt: skip


def render_portraits(folder: Path, params: PortraitParams) -> dict[str, Any]:
    """Write a YOLO detection set (class 0: person) into ``folder``, whole or not at all, and report.

    Writes ``images/{train,val}``, ``labels/{train,val}`` and ``data.yaml`` with a relative path. Boxes are
    those of visible pixels. The bytes follow from ``params.seed``, whatever the number of processes.
    """
    jobs = [("train", i) for i in range(params.train)] + [("val", i) for i in range(params.val)]
    boxes: dict[str, int] = {"train": 0, "val": 0}
    with atomic_path(folder) as temporary:
        for kind, split in ((k, s) for k in ("images", "labels") for s in ("train", "val")):
            (temporary / kind / split).mkdir(parents=True)
        workers = params.workers or os.cpu_count() or 1
        draw = partial(_write, root=temporary, params=params)
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            counts = pool.map(draw, jobs, chunksize=16)
            for (split, _), count in zip(
                jobs, track(counts, "drawing portraits", total=len(jobs)), strict=True
            ):
                boxes[split] += count
        # Without a `path` key ultralytics takes the folder of this file: the set can be moved.
        (temporary / "data.yaml").write_text("train: images/train\nval: images/val\nnames:\n  0: person\n")
        tree = sha256_tree(temporary)
    return {"seed": params.seed, "train": params.train, "val": params.val, "boxes": boxes, "sha256": tree}


def _write(job: tuple[str, int], root: Path, params: PortraitParams) -> int:
    cv2.setNumThreads(1)
    split, index = job
    key = (3, int(split == "val"), index)
    image, boxes = portrait(params, np.random.default_rng(np.random.SeedSequence(params.seed, spawn_key=key)))
    name = f"{split}_{index:05d}"
    path = root / "images" / split / f"{name}.jpg"
    cv2.imwrite(str(path), image, [cv2.IMWRITE_JPEG_QUALITY, params.jpeg_quality])
    lines = []
    for x1, y1, x2, y2 in np.asarray(boxes, dtype=np.float64).reshape(-1, 4) / params.size:
        lines.append(f"0 {(x1 + x2) / 2:.6f} {(y1 + y2) / 2:.6f} {x2 - x1:.6f} {y2 - y1:.6f}\n")
    (root / "labels" / split / f"{name}.txt").write_text("".join(lines))
    return len(lines)


def portrait(params: PortraitParams, rng: Rng) -> tuple[Image, list[tuple[int, int, int, int]]]:
    """Draw one image (size, size, 3) and return it with its boxes x1 y1 x2 y2 in pixels, half-open."""
    camera = _camera(params.size, rng)
    count = 0 if rng.random() < params.empty_share else int(rng.integers(1, params.max_people + 1))
    poses = [_pose(camera, rng) for _ in range(count)]
    image = _backdrop(camera, [pose.pelvis[0] for pose in poses if pose.sitting[0]], rng)
    mask = np.zeros(image.shape[:2], np.uint8)
    shapes = []
    for number, pose in enumerate(poses, 1):
        actor = Actor(number, "passer_by", pose, Build.draw(rng), look(rng, SHIRTS, aprons=False), None)
        drawn = Drawn(actor, camera, slice(0, 1))
        drawn.cast(image, 0)
        shapes += drawn.shapes(0)
    for shape in sorted(shapes, key=lambda item: -item.key):
        shape.stamp(mask)
        shape.paint(image)
    boxes = []
    for number in range(1, count + 1):
        mine = (mask >> 2 == number).astype(np.uint8)
        x, y, width, height = cv2.boundingRect(mine)
        if cv2.countNonZero(mine) >= 0.001 * params.size**2 and min(width, height) >= 4:
            boxes.append((x, y, x + width, y + height))
    return _expose(image, rng), boxes


def _camera(size: int, rng: Rng) -> Camera:
    near = rng.uniform(1.4, 6.0)
    angle, height = rng.uniform(0, 2 * np.pi), rng.uniform(1.1, 2.3)
    position = (near * float(np.sin(angle)), near * float(np.cos(angle)), height)
    return Camera(
        position, (0.0, 0.0, float(rng.uniform(0.85, 1.4))), float(rng.uniform(0.85, 1.25)), size, size
    )


def _backdrop(camera: Camera, seats: list[Floats], rng: Rng) -> Image:
    """Draw somewhere: a floor, a wall or the open sky, posts, blocks, posters and seats."""
    sheet = Sheet(camera)
    tone, ground = _muted(rng, 90, 235), _muted(rng, 60, 190)
    sheet.image[:] = np.linspace(1.1, 0.8, sheet.image.shape[0])[:, None, None] * np.minimum(tone, 230)
    right, _, forward = camera.axes
    ahead = np.array([forward[0], forward[1], 0]) / np.hypot(forward[0], forward[1])
    far = ahead * rng.uniform(3.0, 9.0)
    up = np.array([0, 0, 1.0])
    sheet.solid(panel([(-60, -60, 0), (60, -60, 0), (60, 60, 0), (-60, 60, 0)], ground))
    if rng.random() < 0.6:
        sheet.solid(
            panel(
                [far - right * 30, far + right * 30, far + right * 30 + up * 6, far - right * 30 + up * 6],
                tone,
            )
        )
        for _ in range(int(rng.integers(0, 6))):
            at = far * 0.99 + right * rng.uniform(-4, 4) + up * rng.uniform(0.8, 2.2)
            wide, high = right * rng.uniform(0.2, 0.9), up * rng.uniform(0.2, 1.0)
            paint = _muted(rng, 40, 245)
            sheet.solid(panel([at, at + wide, at + wide + high, at + high], paint))
    for _ in range(int(rng.integers(1, 7))):
        x, y, _ = ahead * rng.uniform(2.0, 4.5) + right * rng.uniform(-3.5, 3.5)
        paint = _muted(rng, 30, 220)
        if rng.random() < 0.5:
            wide, deep, tall = rng.uniform(0.15, 0.7, 3)
            sheet.solid(
                box((x - wide, y - deep, 0), (x + wide, y + deep, tall * 2), paint, shade(paint, 1.2))
            )
        else:
            tall = rng.uniform(0.5, 2.4)
            sheet.solid(rod((x, y, 0.1), (x, y, tall), rng.uniform(0.04, 0.3), paint, rng.uniform(0.3, 1.6)))
    for x, y, _ in seats:
        sheet.solid(box((x - 0.2, y - 0.2, 0), (x + 0.2, y + 0.2, 0.45), _muted(rng, 40, 200)))
    return grained(sheet.image, camera, rng)


def _muted(rng: Rng, low: float, high: float) -> Colour:
    """Return a colour near grey: most things are."""
    b, g, r = rng.uniform(low, high) + rng.normal(0.0, 22.0, 3)
    return (float(np.clip(b, 5, 250)), float(np.clip(g, 5, 250)), float(np.clip(r, 5, 250)))


def _pose(camera: Camera, rng: Rng) -> Posture:
    """Return somebody who stands, walks or sits upright near the camera's target."""
    right, _, forward = camera.axes
    ahead = np.array([forward[0], forward[1], 0]) / np.hypot(forward[0], forward[1])
    spread = 0.42 * camera.distance / camera.focal
    at = ahead * rng.uniform(-0.35, 0.5) * camera.distance * 0.6 + right * rng.uniform(-spread, spread)
    kind = rng.choice(["stand", "walk", "sit"], p=[0.4, 0.35, 0.25])
    heading = np.full(2, rng.uniform(-np.pi, np.pi))
    to_front, to_right = directions(heading)
    speed = 0.12 if kind == "walk" else 0.0
    path = np.stack([at, at + to_front[0] * speed]) * (1, 1, 0) + (0, 0, 0.55 if kind == "sit" else 0.92)
    feet, hands = gait(path, heading, 0.62, rng.uniform(0, 6))
    if kind == "sit":
        for index, sign in enumerate((-1.0, 1.0)):
            feet[:, index] = path * (1, 1, 0) + to_front * 0.42 + to_right * sign * 0.13 + (0, 0, 0.08)
            hands[:, index] = path + to_front * 0.34 + to_right * sign * 0.13 + (0, 0, 0.13)
    for index, sign in enumerate((-1.0, 1.0)):
        if rng.random() < 0.35:  # a raised, pointing or folded arm
            reach = to_front * rng.uniform(0.0, 0.45) + to_right * sign * rng.uniform(-0.1, 0.5)
            hands[:, index] = path + reach + (0, 0, rng.uniform(0.1, 0.8))
    small = rng.normal(0, 1, 4)
    posture = Posture(
        pelvis=path, heading=heading, lean=np.full(2, 0.05 + 0.05 * small[0]),
        tilt=np.full(2, 0.05 * small[1]),
        nod=np.full(2, 0.1 * small[2]), turn=np.full(2, 0.4 * small[3]),
        hands=hands, feet=feet,
        sitting=np.full(2, float(kind == "sit")), present=np.ones(2, dtype=bool),
    )  # fmt: skip
    return Posture(**{name: value[1:] for name, value in vars(posture).items()})


def _expose(image: Image, rng: Rng) -> Image:
    gain = rng.uniform(0.75, 1.2) * rng.normal(1.0, 0.03, 3)
    soft = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.4, 1.1)).astype(np.float32)
    noise = rng.standard_normal(image.shape[:2], dtype=np.float32) * np.float32(rng.uniform(1.0, 4.0))
    return np.asarray(np.clip(soft * gain.astype(np.float32) + noise[..., None], 0, 255), dtype=np.uint8)
