"""What a shadow run gets done, film to both engines' boxes: `python -m benchmarks.shadow [--minutes 2]`.

A drawn film of 1080p25, cut into recordings, is looked at four times a second by two engines. The same
frames go through both as `shadow-ab` does it (`recordings`), and as a plain loop does it: OpenCV reads
every frame, each engine gets one picture after the other. The limit is both engines' `predict` alone, on
frames that are decoded already. Peers take turns in processes of their own; the clock runs without imports,
loading and one warm-up. Last comes the memory of a run of ours, at each quarter of it. Beside an input
that is no square (`--imgsz 384 640`, height and width) runs the square of its longer side.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from benchmarks.engine import add_imgsz, bundle, imgsz_of, square_around
from benchmarks.film import film, parts
from benchmarks.timing import Clock, in_own_process, in_turns, machine, show, version_of
from provenline.detectors.onnx_model import OnnxDetector
from provenline.footage.decode import frames_every
from provenline.footage.media import Media
from provenline.progress import out
from provenline.shadow.keeping import Kept
from provenline.shadow.params import ShadowParams
from provenline.shadow.run import Log, recordings

PERIOD, BATCH = 0.25, 16
OURS, LIMIT, LOOP = "provenline", "limit: both engines alone", "loop around OpenCV"
SQUARE, SQUARE_LIMIT = "provenline, the square", "limit of the square"
SURE = 0.25
Work = Callable[[], list[int]]


def main() -> None:
    """Make the film and the engines, run all peers and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--minutes", type=float, default=1.0, help="length of the film")
    parser.add_argument("--recordings", type=int, default=4, help="files that it is cut into")
    add_imgsz(parser)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--cache", type=Path, default=Path(".state/bench"), help="where the film is kept")
    parser.add_argument("--peer", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.peer:
        print(json.dumps(_run(given.peer, given.folder)))
        return
    with tempfile.TemporaryDirectory(prefix="bench-shadow-") as place:
        folder = Path(place)
        imgsz = imgsz_of(given)
        bundle(imgsz, folder / "engine")
        if not imgsz.square:
            bundle(square_around(imgsz), folder / "square")
        recordings = parts(film(given.minutes, given.cache), given.recordings)
        (folder / "recordings.json").write_text(json.dumps([str(path.resolve()) for path in recordings]))
        wanted = _ours(folder)()
        (folder / "wanted.json").write_text(json.dumps(wanted))
        out.print(f"{machine()}; onnxruntime {version_of('onnxruntime-gpu')}")

        def run(peer: str) -> dict[str, Any]:
            return in_own_process("benchmarks.shadow", ["--folder", str(folder), "--peer", peer], {})

        peers = [name for name in PEERS if name not in (SQUARE, SQUARE_LIMIT) or not imgsz.square]
        results = in_turns(peers, given.repeats, run, "shadow")
        show(results, OURS, len(wanted), "frames", "film to both engines' boxes")
        for name, limit in ((OURS, LIMIT), (SQUARE, SQUARE_LIMIT)):
            if name in results and not results[name].reason and not results[limit].reason:
                share = results[limit].median / results[name].median
                out.print(f"  {name}: {share:.2f} of the frames a second of both engines alone")
        memory = run("memory")
        out.print(f"  memory at each quarter of a run, MB: {memory.get('mb', memory.get('reason'))}")


def _media(folder: Path) -> list[Media]:
    paths = [Path(path) for path in json.loads((folder / "recordings.json").read_text())]
    return [
        Media(name=one.name, file=one, kind="video", category="film", camera="c", group=one.stem)
        for one in paths
    ]


def _engines(bundle: Path, *, many: bool) -> tuple[OnnxDetector, OnnxDetector]:
    pair = OnnxDetector(bundle, "cpu", many=many), OnnxDetector(bundle, "cpu", many=many)
    for one in pair:
        one.predict([np.zeros((1080, 1920, 3), np.uint8)] * 2)
    return pair


def _ours(folder: Path, engine: str = "engine") -> Work:
    # What a comparison of files and engines needs of the parameters, and no more.
    params = ShadowParams.model_construct(period_s=PERIOD, batch=BATCH, tolerance=0.0)
    media, pair = _media(folder), _engines(folder / engine, many=True)

    def work() -> list[int]:
        counts = list[int]()
        with tempfile.TemporaryDirectory(dir=folder) as place:
            for one in recordings(media, *pair, params, Log(), Kept(Path(place))):
                sure = one.production[one.production["score"] >= SURE].groupby("frame_id").size()
                counts += [int(sure.get(name, 0)) for name in one.frames["frame_id"]]
        return counts

    return work


def _limit(folder: Path, engine: str = "engine") -> Work:
    pair = _engines(folder / engine, many=True)
    images = [image for one in _media(folder) for _, image in frames_every(one.file, PERIOD)]

    def work() -> list[int]:
        counts = list[int]()
        for start in range(0, len(images), BATCH):
            found, _ = (engine.predict(images[start : start + BATCH]) for engine in pair)
            counts += [int((one.scores >= SURE).sum()) for one in found]
        return counts

    return work


def _loop(folder: Path) -> Work:
    pair, media = _engines(folder / "engine", many=False), _media(folder)

    def work() -> list[int]:
        counts = list[int]()
        for one in media:
            capture, asked = cv2.VideoCapture(str(one.file)), 0.0
            rate, number = capture.get(cv2.CAP_PROP_FPS), 0
            while True:
                there, image = capture.read()
                if not there:
                    break
                if number == int(asked * rate + 1e-9):  # the one that is on the screen at that time
                    found, _ = (engine.predict([np.asarray(image, np.uint8)])[0] for engine in pair)
                    counts.append(int((found.scores >= SURE).sum()))
                    asked += PERIOD
                number += 1
        return counts

    return work


PEERS: dict[str, Callable[[Path], Work]] = {
    OURS: _ours,
    LIMIT: _limit,
    LOOP: _loop,
    SQUARE: partial(_ours, engine="square"),
    SQUARE_LIMIT: partial(_limit, engine="square"),
}


def _run(peer: str, folder: Path) -> dict[str, Any]:
    if peer == "memory":
        return {"mb": _memory(_ours(folder))}
    work = PEERS[peer](folder)
    with Clock() as clock:
        numbers = work()
    wanted = json.loads((folder / "wanted.json").read_text())
    return {"seconds": clock.seconds, "cpu": clock.cpu, "numbers": numbers, "wanted": wanted}


def _memory(work: Work) -> list[int]:
    """Return the resident megabytes at the start and at the end of each quarter of the run."""
    seen, over = [_resident()], threading.Event()

    def watch() -> None:
        while not over.wait(0.1):
            seen.append(_resident())

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    work()
    over.set()
    watcher.join()
    return [round(seen[quarter * (len(seen) - 1) // 4] / 1e6) for quarter in range(5)]


def _resident() -> int:
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS:"))


if __name__ == "__main__":
    main()
