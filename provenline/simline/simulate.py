"""Renders a footage of the simulated line, has it labelled, and writes it like real material."""

from __future__ import annotations

import csv
import os
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from provenline.files import atomic_path, sha256_tree
from provenline.progress import track
from provenline.simline.annotators import View, annotate, divide
from provenline.simline.camera import Camera
from provenline.simline.canvas import Image
from provenline.simline.cvat_xml import Sheet, write_cvat
from provenline.simline.encode import write_video
from provenline.simline.film import Film, truths
from provenline.simline.params import SimlineParams
from provenline.simline.plan import Footage, Plan, plans

COLUMNS = (
    "path", "category", "camera", "day", "group", "work_start_s", "work_end_s", "workplace", "provenance",
    "consent", "licence",
)  # fmt: skip
LICENCE, CONSENT = "AGPL-3.0-or-later", "simulated, nobody filmed"


def simulate(footage: Footage, params: SimlineParams, folder: Path) -> dict[str, Any]:
    """Render a footage into ``folder`` (whole or not at all) and return a report.

    Writes ``footage/**.mp4``, ``footage/photos/*.jpg``, ``media.csv``, ``annotations/annotator_a.xml``
    and ``annotations/annotator_b.xml``. The bytes follow from ``params.seed`` and do not depend on the
    number of processes. A folder that already stands there is replaced.
    """
    chosen = params.development if footage == "development" else params.deployment
    todo = plans(footage, chosen, params.seed)
    with atomic_path(folder) as temporary:
        temporary.mkdir(parents=True)
        done = dict(_render_all(todo, params, temporary / "footage"))
        rows = [_row(plan, done[plan.name][1]) for plan in sorted(todo, key=lambda plan: plan.name)]
        _write_media_list(temporary / "media.csv", rows)
        views = {name: seen for name, (seen, _) in done.items()}
        exports = _annotate_all(footage, params, views, temporary / "annotations")
        tree = sha256_tree(temporary)
    return {
        "footage": footage,
        "seed": params.seed,
        "sha256": tree,
        **_counts(todo, views),
        "annotators": exports,
    }


def render(plan: Plan, params: SimlineParams, root: Path) -> tuple[list[View], str]:
    """Draw and write one video or photo.

    Returns:
        The images to be labelled with the truth about each, and the work place as the media list has it.
    """
    film = Film(plan, params.seed)
    path = root / plan.name
    path.parent.mkdir(parents=True, exist_ok=True)
    views: list[View] = []
    if plan.still:
        (image,) = _watch(film, params, views)
        with atomic_path(path) as temporary:
            colour = cv2.cvtColor(image, cv2.COLOR_YUV2BGR_I420)
            cv2.imwrite(str(temporary), colour, [cv2.IMWRITE_JPEG_QUALITY, 90])
        return views, ""
    crf = (params.development if plan.footage == "development" else params.deployment).crf
    write_video(path, _watch(film, params, views), plan.size, plan.fps, crf)
    return views, workplace(film.stage.camera)


def _watch(film: Film, params: SimlineParams, views: list[View]) -> Iterator[Image]:
    """Yield a film's images and note the truth on the way."""
    plan = film.plan
    every = max(1, round(params.label_period_s * plan.fps))
    least = (params.min_visible, round(params.min_pixels * plan.size[0] * plan.size[1] / (640 * 360)))
    for frame in film.frames(every):
        if frame.mask is not None:
            found = tuple(truths(frame.mask, frame.cast, film.stage.scene, least))
            time_ms = None if plan.still else round(frame.index * 1000 / plan.fps)
            idle = frame.index / plan.fps < plan.shift.starts and not plan.still
            views.append(View(plan.name, time_ms, *plan.size, idle, found))
        yield frame.image


def workplace(camera: Camera) -> str:
    """Return where the operator's trunk and hands are in the image, as fractions ``x1 y1 x2 y2``."""
    corners = np.array([(x, y, z) for x in (-0.4, 0.4) for y in (-0.75, 0.25) for z in (0.6, 1.45)])
    pixels, _ = camera.project(corners)
    shares = np.clip(pixels / (camera.width, camera.height), 0.0, 1.0)
    return " ".join(f"{value:.3f}" for value in (*shares.min(axis=0), *shares.max(axis=0)))


def _quiet() -> None:
    cv2.setNumThreads(1)  # the processes share the cores already


def _render_all(
    todo: list[Plan], params: SimlineParams, root: Path
) -> Iterator[tuple[str, tuple[list[View], str]]]:
    """Render in processes; yields media names in the order in which they finish."""
    workers = min(params.workers or os.cpu_count() or 1, max(1, len(todo)))
    if workers == 1:
        for plan in track(todo, "rendering videos"):
            yield plan.name, render(plan, params, root)
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_quiet) as pool:
        jobs = {pool.submit(render, plan, params, root): plan.name for plan in todo}
        for job in track(as_completed(jobs), "rendering videos", total=len(jobs)):
            yield jobs[job], job.result()


def _row(plan: Plan, place: str) -> dict[str, str]:
    work = ("", "") if plan.still else (f"{plan.shift.starts:.1f}", f"{plan.shift.ends:.1f}")
    values = (
        plan.name,
        plan.category,
        plan.spot.name,
        plan.day,
        "",
        *work,
        place,
        "staged",
        CONSENT,
        LICENCE,
    )
    return dict(zip(COLUMNS, values, strict=True))


def _write_media_list(path: Path, rows: list[dict[str, str]]) -> None:
    with atomic_path(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _annotate_all(
    footage: Footage, params: SimlineParams, views: dict[str, list[View]], folder: Path
) -> dict[str, Any]:
    """Divide the images, let both annotators label theirs, write the exports."""
    root = np.random.SeedSequence(params.seed, spawn_key=(int(footage == "deployment"), 2))
    order, *hands = (np.random.default_rng(child) for child in root.spawn(3))
    shares = divide(views, params.overlap_frames, order)
    folder.mkdir()
    report: dict[str, Any] = {}
    people = (("annotator_a", params.annotator_a), ("annotator_b", params.annotator_b))
    for (name, errors), share, rng in zip(people, shares, hands, strict=True):
        sheets = [Sheet(view.name, view.width, view.height, annotate(view, errors, rng)) for view in share]
        write_cvat(folder / f"{name}.xml", f"{footage} {name}", sheets)
        report[name] = {"images": len(sheets), "boxes": sum(len(sheet.boxes) for sheet in sheets)}
    both = {view.name for view in shares[0]} & {view.name for view in shares[1]}
    return {**report, "overlap": len(both)}


def _counts(todo: list[Plan], views: dict[str, list[View]]) -> dict[str, Any]:
    seen = [view for found in views.values() for view in found]
    kinds = Counter(truth.kind for view in seen for truth in view.truths)
    return {
        "videos": sum(not plan.still for plan in todo),
        "photos": sum(plan.still for plan in todo),
        "frames": sum(plan.frames for plan in todo if not plan.still),
        "cameras": sorted({plan.spot.name for plan in todo}),
        "days": sorted({plan.day for plan in todo}),
        "labelled_images": len(seen),
        "truth": {kind: kinds[kind] for kind in ("operator", "passer_by", "mannequin")},
        "hands_only": sum(truth.hands_only for view in seen for truth in view.truths),
        "images_without_people": sum(all(t.kind == "mannequin" for t in view.truths) for view in seen),
    }
