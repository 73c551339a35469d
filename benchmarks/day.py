"""The memory of a day-long shadow run: `python -m benchmarks.day [--hours 24] [--write]`.

Two cameras at four frames a second, a recording an hour, as `shadow-ab` takes them: decoded, the finds of
both kept, written, compared and followed, then summed up. Compressed in time: the engines cost nothing and
find what a seeded generator says, and the pictures are small. What is measured is the process's memory, once
a second. With --write, docs/images/shadow_day.svg becomes what was found.
"""

from __future__ import annotations

import argparse
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import av
import numpy as np
import psutil
import yaml

from provenline.annotations.params import AnnotateParams
from provenline.detectors.base import Detections
from provenline.detectors.size import Size
from provenline.footage.media import Media
from provenline.footage.params import PrivacyParams
from provenline.progress import out, track
from provenline.shadow.ab import shadow_ab
from provenline.shadow.keeping import Kept
from provenline.shadow.labels import Reading
from provenline.shadow.params import ShadowParams

PICTURE = Path("docs/images/shadow_day.svg")
RATE, CAMERAS, SIDE = 4, 2, 64
PEOPLE, NOISE = 2, 12  # finds above and below the operating threshold, per frame and engine, on the average


class Costless:
    """Finds people who stay where they are for a while, and noise, without looking."""

    name, names, imgsz = "costless", ("person",), Size(SIDE, SIDE)

    def __init__(self, seed: int) -> None:
        self.fingerprint, self.frames = f"{seed:064x}", 0
        self._rng = np.random.default_rng(seed)

    def predict(self, images: Sequence[np.ndarray]) -> list[Detections]:
        found = []
        for _ in images:
            sure, unsure = self._rng.poisson(PEOPLE), self._rng.poisson(NOISE)
            corner = self._rng.integers(0, 3, (sure + unsure, 2)) * 16.0
            boxes = np.hstack([corner, corner + 14.0])
            scores = np.concatenate([self._rng.uniform(0.3, 1, sure), self._rng.uniform(0.01, 0.2, unsure)])
            found.append(Detections(boxes, scores, ["person"] * len(boxes)))
        self.frames += len(images)
        return found


def recording(path: Path, seconds: int) -> None:
    """Write a recording of a moving square."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=RATE, options={"preset": "ultrafast", "g": "40"})
        stream.width = stream.height = SIDE
        stream.pix_fmt = "yuv420p"
        for number in range(seconds * RATE):
            image = np.full((SIDE, SIDE, 3), 90, np.uint8)
            image[:, number % SIDE] = 255
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="bgr24")))
        container.mux(stream.encode())


def footage(folder: Path, hours: int) -> list[Media]:
    """Write a day: the same pictures each hour, each file with bytes of its own behind them."""
    first = folder / "hour.mp4"
    recording(first, 3600)
    whole, media = first.read_bytes(), []
    for camera in range(CAMERAS):
        for hour in range(hours):
            name = f"cam{camera}_{hour:02d}.mp4"
            (folder / name).write_bytes(whole + f"{name:>64}".encode())
            one = Media(name=name, file=folder / name, kind="video", category="Collar", camera=f"cam{camera}")
            media.append(Media(**(vars(one) | {"day": "2025-01-01", "group": name})))
    return media


def measure(hours: int) -> list[tuple[float, int, float]]:
    """Run the day; return seconds, frames that both had seen, and MiB, once a second."""
    given = yaml.safe_load(Path("params.yaml").read_text(encoding="utf-8"))
    params = ShadowParams.model_validate(given["shadow_ab"] | {"period_s": 1 / RATE})
    annotate = AnnotateParams.model_validate(given["annotate_import"])
    reading = Reading(None, "cvat", annotate, ("person",))
    privacy = PrivacyParams.model_validate(given["footage"])
    process, rows, over = psutil.Process(), list[tuple[float, int, float]](), threading.Event()
    pair = Costless(1), Costless(2)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        media = footage(folder, hours)
        begun = time.monotonic()

        def watch() -> None:
            while not over.wait(1.0):
                seen = min(one.frames for one in pair)
                rows.append((time.monotonic() - begun, seen, process.memory_info().rss / 2**20))

        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            result = shadow_ab(media, *pair, params, privacy, reading, folder / "out", Kept(folder / "kept"))
        finally:
            over.set()
            watcher.join()
        frames = result.metrics["footage"]["frames"]
        sizes = {path.name: path.stat().st_size / 2**20 for path in (folder / "out").glob("*.parquet")}
    out.print(f"{frames} frames of {len(media)} recordings in {rows[-1][0]:.0f} s", highlight=False)
    out.print(", ".join(f"{one} {size:.0f} MiB" for one, size in sorted(sizes.items())), highlight=False)
    return rows


def draw(rows: list[tuple[float, int, float]], path: Path) -> None:
    """Draw memory over the footage's hours, and what came after the last frame."""
    import matplotlib as mpl

    mpl.use("Agg")
    mpl.rcParams["svg.hashsalt"] = "provenline"
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 3))
    most = max(seen for _, seen, _ in rows)
    hours = [seen / RATE / 3600 / CAMERAS for _, seen, _ in rows if seen < most]
    axes.plot(
        hours, [mib for _, seen, mib in rows if seen < most], color="#1f5fa8", label="both engines at work"
    )
    after = [mib for _, seen, mib in rows if seen == most]
    axes.plot([most / RATE / 3600 / CAMERAS] * len(after), after, "|", color="#b35806", label="summing up")
    axes.set(xlabel="hours of two cameras at four frames a second", ylabel="memory, MiB", ylim=(0, None))
    axes.grid(visible=True, alpha=0.25)
    axes.legend(frameon=False, loc="lower right")
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})


def main() -> None:
    """Run a day, and print its memory at each quarter."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hours", type=int, default=24)
    parser.add_argument("--write", action="store_true", help=f"write {PICTURE}")
    given = parser.parse_args()
    rows = measure(given.hours)
    most = max(seen for _, seen, _ in rows)
    for quarter in track(range(1, 5), "quarters"):
        mib = next(mib for _, seen, mib in rows if seen >= most * quarter / 4)
        out.print(f"after {quarter * given.hours / 4:g} hours: {mib:.0f} MiB", highlight=False)
    out.print(f"most, summing up included: {max(mib for *_, mib in rows):.0f} MiB", highlight=False)
    if given.write:
        draw(rows, PICTURE)


if __name__ == "__main__":
    main()
