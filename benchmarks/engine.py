"""How many pictures an engine gets done, file to boxes: `python -m benchmarks.engine [--pictures FOLDER]`.

The same stored JPEGs of 1920 x 1080 (drawn, unless a folder is given) go through the same network: as the
line runs an engine (`predict_frames`, fp32 and int8), one after the other as a camera would send them, by
ultralytics' own `predict` on the checkpoint and on the same ONNX file, and by a bare loop around ONNX Runtime
that decodes, resizes, runs and throws the output away. The limit is the network alone, on a resident batch.
Beside an input that is no square (`--imgsz 384 640`, height and width) runs the square of its longer side.
Peers take turns in processes of their own; the clock runs without imports, loading and one warm-up.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd

from benchmarks.timing import Clock, Result, cores, in_own_process, in_turns, machine, show, version_of
from provenline.detectors.base import predict_frames
from provenline.detectors.manifest import read_manifest
from provenline.detectors.open import open_engine
from provenline.detectors.preprocess import fit_of, letterbox
from provenline.detectors.size import Size, parse
from provenline.engines import golden, manifest
from provenline.engines.export import builder_versions, export_onnx
from provenline.engines.manifest import Manifest
from provenline.engines.params import CalibrationParams, GoldenParams
from provenline.engines.quantise import quantise
from provenline.files import sha256_file
from provenline.progress import out

ROOT = Path(__file__).parents[1]
BASE = ROOT / "models/base/yolov8n_simline.pt"
LIMIT, OURS, INT8 = "limit: the network alone", "provenline", "provenline, int8"
SINGLE = "provenline, one after the other"
SQUARE, SQUARE_LIMIT = "provenline, the square", "limit of the square"
TORCH, ONNX, BARE = "ultralytics, torch", "ultralytics, ONNX", "bare ONNX Runtime loop"
FLOOR, NMS, MOST, SURE = 0.01, 0.7, 300, 0.25


def main() -> None:
    """Export the engines, run all peers and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--pictures", type=Path, help="folder of JPEGs; left out: drawn ones")
    parser.add_argument("--count", type=int, default=64, help="pictures drawn")
    add_imgsz(parser)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--peer", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.peer:
        print(json.dumps(_run(given.peer, given.folder)))
        return
    with tempfile.TemporaryDirectory(prefix="bench-engine-") as place:
        folder = Path(place)
        _prepare(given, folder)
        out.print(
            f"{machine()}; "
            + ", ".join(f"{n} {version_of(n)}" for n in ("onnxruntime", "torch", "ultralytics"))
        )
        arguments = ["--folder", str(folder)]

        def run(peer: str) -> dict[str, Any]:
            return in_own_process("benchmarks.engine", [*arguments, "--peer", peer], {})

        peers = [name for name in PEERS if name not in SQUARES or not imgsz_of(given).square]
        _say(in_turns(peers, given.repeats, run, "engines"), len(_pictures(folder)))


def add_imgsz(parser: argparse.ArgumentParser) -> None:
    """Add ``--imgsz``, a side or height and width."""
    parser.add_argument("--imgsz", type=int, nargs="+", default=[640], help="a side, or height and width")


def imgsz_of(given: argparse.Namespace) -> Size:
    """Return the input that ``--imgsz`` asks for."""
    return parse(given.imgsz if len(given.imgsz) > 1 else given.imgsz[0])


def square_around(imgsz: Size) -> Size:
    """Return the square that shows a picture as large as ``imgsz`` does, or larger."""
    return Size(max(imgsz), max(imgsz))


def _prepare(given: argparse.Namespace, folder: Path) -> None:
    """Store the pictures and the engines, and what ours finds in them."""
    (folder / "pictures").mkdir()
    if given.pictures:
        for path in sorted([*given.pictures.glob("*.jpg"), *given.pictures.glob("*.jpeg")]):
            shutil.copyfile(path, folder / "pictures" / path.name)
    else:
        params = GoldenParams.model_construct(width=1920, height=1080)
        generator = np.random.default_rng(0)
        for number in range(given.count):
            picture = golden.draw(params, generator)
            noisy = np.clip(picture + generator.normal(0, 4, picture.shape), 0, 255).astype(np.uint8)
            cv2.imwrite(str(folder / f"pictures/{number:04}.jpg"), noisy, [cv2.IMWRITE_JPEG_QUALITY, 90])
    fp32 = bundle(imgsz_of(given), folder / "fp32")
    if not fp32.imgsz.square:
        bundle(square_around(fp32.imgsz), folder / "square")
    (folder / "int8").mkdir()
    calibration = CalibrationParams(frames=16, method="minmax", activation="uint8", reduce_range=True)
    paths = _pictures(folder)[:: max(1, len(_pictures(folder)) // 16)]
    onnx = folder / "int8/model.onnx"
    quantise(folder / "fp32/model.onnx", paths, fp32.imgsz, fit_of(fp32.layout), calibration, onnx)
    manifest.write(replace(fp32, onnx_sha256=sha256_file(onnx), precision="int8"), folder / "int8")
    (folder / "wanted.json").write_text(json.dumps(_ours("fp32")(folder)()))


def bundle(imgsz: Size, folder: Path) -> Manifest:
    """Export the base model into a bundle that ONNX Runtime runs on the processor."""
    exported = export_onnx(BASE, imgsz, opset=17, simplify=True, out=folder / "model.onnx")
    made = Manifest(
        format=manifest.FORMAT,
        onnx_sha256=sha256_file(folder / "model.onnx"),
        checkpoint_sha256=sha256_file(BASE),
        dataset_sha256=None,
        split_sha256=None,
        names=exported.names,
        labels={name: name for name in exported.names},
        imgsz=imgsz,
        layout=exported.layout,
        score_floor=FLOOR,
        nms_iou=NMS,
        max_detections=MOST,
        thresholds={},
        precision="fp32",
        target={"kind": "onnxruntime", "name": "onnxruntime-cpu", "device": "cpu"},
        calibration=None,
        builder=builder_versions(),
        opset=exported.opset,
        golden={},
        preprocessing=manifest.preprocessing(exported.layout, imgsz),
        hardware=None,
    )
    manifest.write(made, folder)
    return made


def _pictures(folder: Path) -> list[Path]:
    return sorted((folder / "pictures").iterdir())


def _imgsz(folder: Path) -> Size:
    return read_manifest(folder / "fp32").imgsz


def _run(peer: str, folder: Path) -> dict[str, Any]:
    work = PEERS[peer](folder)
    with Clock() as clock:
        numbers = work()
    wanted = json.loads((folder / "wanted.json").read_text())
    return {"seconds": clock.seconds, "cpu": clock.cpu, "numbers": numbers or wanted, "wanted": wanted}


Work = Callable[[], list[int]]


def _ours(engine: str) -> Callable[[Path], Work]:
    def prepare(folder: Path) -> Work:
        detector, paths = open_engine(folder / engine, "cpu", many=True), _pictures(folder)
        sizes = [cv2.imread(str(path)).shape for path in paths]
        frames = pd.DataFrame(
            {
                "frame_id": [path.name for path in paths],
                "path": [str(path) for path in paths],
                "width": [size[1] for size in sizes],
                "height": [size[0] for size in sizes],
            }
        )
        predict_frames(detector, frames.head(2), Path(), 2)

        def work() -> list[int]:
            found = predict_frames(detector, frames, Path(), 16)
            sure = found[found["score"] >= SURE].groupby("frame_id").size()
            return [int(sure.get(name, 0)) for name in frames["frame_id"]]

        return work

    return prepare


def _single(folder: Path) -> Work:
    detector, paths = open_engine(folder / "fp32", "cpu"), _pictures(folder)
    detector.predict([cv2.imread(str(paths[0]))])

    def work() -> list[int]:
        found = (detector.predict([cv2.imread(str(path))])[0] for path in paths)
        return [int((one.scores >= SURE).sum()) for one in found]

    return work


def _ultralytics(weights: str) -> Callable[[Path], Work]:
    def prepare(folder: Path) -> Work:
        from provenline.detectors.quiet import quiet_ultralytics

        quiet_ultralytics()
        from ultralytics import models

        path = BASE if weights == "torch" else folder / "fp32/model.onnx"
        load: Any = models.YOLO
        model, paths = load(str(path), task="detect"), [str(one) for one in _pictures(folder)]
        options = {
            "imgsz": list(_imgsz(folder)),
            "conf": FLOOR,
            "iou": NMS,
            "max_det": MOST,
            "device": "cpu",
            "verbose": False,
        }
        # A rectangle of its own choice would be less work than the input that all others take.
        model.predict(paths[0], rect=False, **options)

        def work() -> list[int]:
            found = model.predict(paths, rect=False, stream=True, **options)
            return [int((one.boxes.conf.numpy() >= SURE).sum()) for one in found]

        return work

    return prepare


def _session(folder: Path) -> Any:
    import onnxruntime

    return onnxruntime.InferenceSession(folder / "fp32/model.onnx", providers=["CPUExecutionProvider"])


def _bare(folder: Path) -> Work:
    session, paths, imgsz = _session(folder), _pictures(folder), _imgsz(folder)

    def one(path: Path) -> None:
        fitted, _ = letterbox(np.asarray(cv2.imread(str(path)), np.uint8), imgsz)
        blob = np.ascontiguousarray(fitted[..., ::-1].transpose(2, 0, 1)[None], dtype=np.float32) / 255
        session.run(None, {"images": blob})

    one(paths[0])

    def work() -> list[int]:
        for path in paths:
            one(path)
        return []

    return work


def _network(engine: str) -> Callable[[Path], Work]:
    from concurrent.futures import ThreadPoolExecutor

    def prepare(folder: Path) -> Work:
        detector, count = open_engine(folder / engine, "cpu", many=True), len(_pictures(folder))
        batch = np.random.default_rng(0).random((1, 3, *detector.imgsz), dtype=np.float32)
        detector.run(batch)

        def work() -> list[int]:
            with ThreadPoolExecutor(cores()) as pool:
                list(pool.map(lambda _: detector.run(batch).shape, range(count)))
            return []

        return work

    return prepare


PEERS: dict[str, Callable[[Path], Work]] = {
    LIMIT: _network("fp32"),
    OURS: _ours("fp32"),
    INT8: _ours("int8"),
    SINGLE: _single,
    TORCH: _ultralytics("torch"),
    ONNX: _ultralytics("onnx"),
    BARE: _bare,
    SQUARE_LIMIT: _network("square"),
    SQUARE: _ours("square"),
}
SQUARES = (SQUARE_LIMIT, SQUARE)  # only beside an input that is none
SILENT = (LIMIT, BARE, SQUARE_LIMIT)  # they look at no box


def _say(results: dict[str, Result], pictures: int) -> None:
    show(results, OURS, pictures, "pictures", "file to boxes", SILENT)
    good = {name: one for name, one in results.items() if not one.reason}
    for peer in (TORCH, ONNX, BARE, LIMIT, SQUARE):
        if peer in good and OURS in good:
            out.print(f"  {OURS}: {good[peer].median / good[OURS].median:.2f} times as quick as {peer}")


if __name__ == "__main__":
    main()
