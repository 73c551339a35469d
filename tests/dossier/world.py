"""A run of the line under a folder, small but whole: every file that belongs to a run, and its report.

What decodes, trains and judges is played by chance bytes; tables, splits, datasets, manifests and the lists
of what stages read are written by the rooms' own functions.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from glue import runtime
from provenline import line, tables
from provenline.detectors.size import Size
from provenline.dossier import sealing
from provenline.dossier.collecting import collect
from provenline.dossier.plan import run_of
from provenline.dossier.record import Dossier
from provenline.engines import manifest
from provenline.engines.manifest import Manifest, preprocessing
from provenline.files import sha256_file, sha256_tree, write_json
from provenline.splits.dataset import write_assignment, write_dataset

TARGET, SIZE = "onnxruntime-cpu", Size(320, 320)
SIDES = ("development", "deployment")
CODE = {
    "provenline/files.py": "ONE = 1\n",
    "provenline/evaluation/compare.py": "TWO = 2\n",
    "glue/runtime.py": "THREE = 3\n",
    "glue/pin.py": "FOUR = 4\n",
    "stages/eval.py": "from provenline import files\n",
    "stages/train.py": "pass\n",
    "requirements.lock": "numpy==2.0\n",
    "data/split_ledger.csv": "group,category,split\n",
    "data/sample_ledger.csv": "media,sha256\n",
}
PIPELINE = {
    "stages": {
        "train": {
            "cmd": "stages/run train",
            "deps": ["stages/train.py", "provenline/files.py", "data/dataset"],
        },
        "eval": {"cmd": "stages/run eval", "deps": ["stages/eval.py", "provenline/evaluation"]},
        "trt-build": {
            "foreach": "${trt_build}",
            "do": {"cmd": "stages/run trt_build ${key}", "deps": ["provenline/evaluation"]},
        },
    }
}


def build(root: Path, *, archived: bool = False, rounds: bool = False, seed: int = 0) -> Path:
    """Write what a whole run leaves under ``root``, its report included; return it.

    With ``rounds`` the split holds what a round has brought, too.
    """
    rng = np.random.default_rng(seed)
    for name, text in CODE.items():
        _text(root / name, text)
    _text(root / "dvc.yaml", yaml.safe_dump(PIPELINE))
    _bytes(root / "models/base/base.pt", rng)
    given = parameters(root) | ({"rounds": "data/rounds"} if rounds else {})
    _text(root / "params.yaml", yaml.safe_dump(given))
    sides = {side: _footage(root, side, rng, archived=archived) for side in SIDES}
    with inside(root):
        frames, boxes = sides["development"]
        if rounds:
            more = _round(rng)
            frames, boxes = pd.concat([frames, more[0]]), pd.concat([boxes, more[1]])
        _split(frames, boxes)
        _weights(rng)
        _judged(sides, rng)
        _engines(rng)
        _shadow(sides["deployment"][0], rng)
        read(sides)
    report(root)
    return root


def parameters(root: Path) -> dict[str, Any]:
    """Return composed parameters, as far as they say what belongs to a run."""
    source = {
        side: {
            "root": f"data/simline/{side}/footage",
            "media_list": f"data/simline/{side}/media.csv",
            "annotations": f"data/simline/{side}/annotations",
        }
        for side in SIDES
    }
    return {
        "round": "v0",
        "usecase": {"name": "lbzf_person"},
        "target": TARGET,
        "model": {"weights": "models/base/base.pt", "sha256": sha256_file(root / "models/base/base.pt")},
        "source": source,
        "interval": {"min_groups": 10},
        "eval": {"rule": {"deploy": 0.2, "more_data": 0.1}},
        "shadow_ab": {"production": {"bundle": "models/engines/{target}/base", "checkpoint_sha256": ""}},
    }


def report(root: Path) -> Dossier:
    """Write a report that shows its evidence's hash, and its dossier."""
    folder = root / "reports"
    collected = collect(root, run_of(yaml.safe_load((root / "params.yaml").read_text())))
    assert collected.faults == (), collected.faults
    collected.write(folder)
    shown = sealing.evidence_seal(collected.evidence)
    _text(folder / "index.html", f"<p>{shown}</p>\n")
    _text(folder / "tables/table_1.csv", "a,b\n1,2\n")
    return sealing.write(collected.evidence, sealing.pages(folder), folder / sealing.FILE)


@contextmanager
def inside(root: Path) -> Iterator[None]:
    """Work in the project's folder, as stages do."""
    before = Path.cwd()
    os.chdir(root)
    try:
        yield
    finally:
        os.chdir(before)


def _text(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def _bytes(path: Path, rng: np.random.Generator, most: int = 900) -> str:
    data = rng.bytes(int(rng.integers(300, most)))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return hashlib.sha256(data).hexdigest()


Side = tuple[pd.DataFrame, pd.DataFrame]


def _footage(root: Path, side: str, rng: np.random.Generator, *, archived: bool) -> Side:
    data = root / ("data" if side == "development" else f"data/{side}")
    place = root / f"data/simline/{side}"
    rows: list[dict[str, Any]] = []
    for number in range(3):
        name = f"collar/video_{number}.mp4"
        rows += _clip(data, name, _bytes(place / "footage" / name, rng), rng, archived=archived)
    for row in rows:
        row["path"] = (data / "frames" / row["path"]).relative_to(root).as_posix()
    frames = tables.table(rows, tables.FRAMES)
    tables.write(frames, data / "frames.parquet", tables.FRAMES)
    annotated = frames.assign(annotated=True, annotator="a")
    tables.write(annotated, data / "annotated.parquet", tables.FRAMES)
    boxes = tables.table(_boxes(rows), tables.BOXES)
    tables.write(boxes, data / "boxes.parquet", tables.BOXES)
    _text(place / "media.csv", "path\n" + "".join(f"collar/video_{n}.mp4\n" for n in range(3)))
    _text(place / "annotations/a.xml", f"<annotations>{side}</annotations>\n")
    suffix = "" if side == "development" else f"_{side}"
    listed = f"data/simline/{side}/media.csv"
    named = {"path": listed, "sha256": sha256_file(root / listed)}
    write_json(root / f"metrics/extract{suffix}.json", {"media_list": named, "frames": len(rows)})
    agreement = {"agreement": {"verdict": "inconclusive"}}
    write_json(root / f"metrics/annotate_import{suffix}.json", agreement | {"objects": {"kept": len(boxes)}})
    return annotated, boxes


def _round(rng: np.random.Generator) -> Side:
    """Write what a round has brought: two pictures of a recording that is gone."""
    sha256, folder = hashlib.sha256(rng.bytes(8)).hexdigest(), Path("data/rounds/v0")
    rows = []
    for time_ms in (0, 5000):
        frame_id = f"{sha256[:12]}_{time_ms:09d}"
        path = folder / "images" / f"{frame_id}.jpg"
        _bytes(path, rng)
        rows.append(_row(frame_id, path.as_posix(), "v0/night.mp4", sha256, time_ms))
    frames = tables.table(rows, tables.FRAMES).assign(annotated=True, annotator="a")
    boxes = tables.table(_boxes(rows), tables.BOXES)
    tables.write(frames, folder / "frames.parquet", tables.FRAMES)
    tables.write(boxes, folder / "boxes.parquet", tables.BOXES)
    return frames, boxes


def _clip(
    data: Path, media: str, sha256: str, rng: np.random.Generator, *, archived: bool
) -> list[dict[str, Any]]:
    """Store three pictures of a clip; their paths are within the folder of frames."""
    from provenline.footage.storing import clip_store

    (data / "frames").mkdir(parents=True, exist_ok=True)
    rows = []
    with clip_store(data / "frames", sha256[:12], archived=archived) as store:
        for time_ms in (0, 5000, 10_000):
            frame_id = f"{sha256[:12]}_{time_ms:09d}"
            path = store(f"{frame_id}.jpg", rng.bytes(400))
            rows.append(_row(frame_id, path, media, sha256, time_ms))
    return rows


def _row(frame_id: str, path: str, media: str, sha256: str, time_ms: int) -> dict[str, Any]:
    return {
        "frame_id": frame_id, "path": path, "plan": "every", "media": media, "media_sha256": sha256,
        "time_ms": time_ms, "width": 64, "height": 48, "camera": "c", "day": "d", "category": "Collar",
        "group": media, "workplace": None, "dhash": "0" * 16, "annotated": False, "annotator": "",
    }  # fmt: skip


def _boxes(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    box = {
        "label": "person",
        "x1": 3.0,
        "y1": 4.0,
        "x2": 30.0,
        "y2": 40.0,
        "polygon": None,
        "attributes": "{}",
    }
    return [{"frame_id": row["frame_id"], "annotator": "a", **box} for row in rows]


def _split(frames: pd.DataFrame, boxes: pd.DataFrame) -> None:
    groups = sorted(set(frames["group"]))
    splits = ["train", "val", "test", "train"][: len(groups)]
    sides = {"category": "Collar", "split": splits}
    assignment = pd.DataFrame({"group": groups, "unit": groups, **sides})
    written = write_assignment(frames, assignment, "data/dataset_split_v0.csv")
    write_dataset(frames, boxes, assignment, ["person"], Path("data/dataset"), "lbzf_person_v0", Path())
    write_json("metrics/split.json", {"assignment": written, "certificate": {"verdict": "clean"}})


def _weights(rng: np.random.Generator) -> None:
    sha256 = _bytes(Path("models/lbzf_person_v0.pt"), rng)
    named = {"base_sha256": sha256_file("models/base/base.pt"), "sha256": sha256}
    split = sha256_file("data/dataset_split_v0.csv")
    write_json("metrics/train.json", {"stage_a": "fine_tune", "split_sha256": split, **named})
    write_json("data/stage_a_decision.json", {"decision": "fine_tune"})
    _text(Path("plots/train/epochs.csv"), "epoch,mAP50\n1,0.5\n")


def interval(estimate: float, low: float, high: float) -> dict[str, Any]:
    return {"estimate": estimate, "low": low, "high": high, "groups": 21}


def gate(metric: str, bound: float, value: str) -> dict[str, Any]:
    return {"metric": metric, "bound": bound, "end": "low", "better": "higher", "value": value, "reason": ""}


def _judged(sides: dict[str, Side], rng: np.random.Generator) -> None:
    frames = {side: list(found[0]["frame_id"]) for side, found in sides.items()}
    for role, ids in (
        ("base", frames["development"]),
        ("candidate", [*frames["development"], *frames["deployment"]]),
    ):
        rows = [
            {"frame_id": one, "model": role, "label": "person", "score": float(rng.random()), "mask": None}
            | {"x1": 1.0, "y1": 2.0, "x2": 9.0, "y2": 9.0}
            for one in ids
        ]
        table = tables.table(rows, tables.PREDICTIONS)
        tables.write(table, f"data/predictions/{role}.parquet", tables.PREDICTIONS)
    stage_a = {
        "model": {"name": "base", "sha256": sha256_file("models/base/base.pt")},
        "decision": "fine_tune",
        "metrics": {"recall": interval(0.47, 0.30, 0.65)},
        "gates": [gate("recall", 0.95, "fail")],
    }
    write_json("metrics/stage_a_eval.json", stage_a)
    judged = {
        "candidate": {"map50": interval(0.72, 0.65, 0.79), "recall": interval(0.8, 0.7, 0.9)},
        "difference": {"map50": interval(0.27, 0.11, 0.43)},
    }
    evaluation = {
        "split_sha256": sha256_file("data/dataset_split_v0.csv"),
        "judged_on": "deployment",
        "better": True,
        "splits": {"deployment": judged},
        "targets": [gate("map50", 0.6, "pass"), gate("recall", 0.8, "inconclusive")],
        "improvement": gate("map50", 0.0, "pass"),
    }
    write_json("metrics/eval_v0.json", evaluation)
    _text(Path("plots/eval/precision_recall.csv"), "model,recall,precision\nbase,0.5,0.5\n")
    _text(Path("plots/stage_a_eval/confidence.csv"), "score,frames\n0.1,3\n")


def _engines(rng: np.random.Generator) -> None:
    identity, measured = {}, {}
    for role, weights in (("base", "models/base/base.pt"), ("candidate", "models/lbzf_person_v0.pt")):
        folder = Path("models/engines") / TARGET / role
        onnx, trained = _bytes(folder / "model.onnx", rng), role == "candidate"
        made = Manifest(
            format=manifest.FORMAT, onnx_sha256=onnx, checkpoint_sha256=sha256_file(weights),
            dataset_sha256=sha256_tree("data/dataset") if trained else None,
            split_sha256=sha256_file("data/dataset_split_v0.csv") if trained else None,
            names=["person"], labels={"person": "person"}, imgsz=SIZE, layout="raw",
            score_floor=0.01, nms_iou=0.7, max_detections=300, thresholds={}, precision="fp32",
            target={"kind": "onnxruntime", "name": TARGET, "device": "cpu"}, calibration=None,
            builder={"onnx": "1.17"}, opset=17, preprocessing=preprocessing("raw", SIZE), golden={},
            hardware=None,
        )  # fmt: skip
        manifest.write(made, folder)
        identity[role] = {"manifest": made.to_dict(), "parity": {"verdict": "pass"}}
        measured[role] = {"onnx_sha256": onnx, "p50_ms": 21.4}
    write_json(f"metrics/trt_build/{TARGET}.json", identity)
    write_json(f"models/engines/{TARGET}/measurements.json", measured)


def _shadow(frames: pd.DataFrame, rng: np.random.Generator) -> None:
    tables.write(frames.assign(path=""), "data/shadow/frames.parquet", tables.FRAMES)
    _bytes(Path("data/shadow/frames/a.jpg"), rng)
    _text(Path("data/shadow/comparison.csv"), "frame_id,disagrees\n")
    folder = Path("models/engines") / TARGET
    roles = {"production": "base", "candidate": "candidate"}
    engines = {one: {"fingerprint": sha256_file(folder / role / "model.onnx")} for one, role in roles.items()}
    write_json("metrics/shadow_ab.json", {"decision": "label", "reason": "", "engines": engines})


def read(sides: dict[str, Side]) -> None:
    """Write what each stage read, as the stages do."""
    for side, (frames, _) in sides.items():
        data, place = line.data(side), Path("data/simline") / side
        exports = [data / "frames.parquet", place / "media.csv", place / "annotations"]
        footage = line.footage_of(frames, place / "footage")
        runtime.inputs("annotate_import", exports, "" if side == "development" else side, footage)
    names = ("annotated.parquet", "boxes.parquet", "frames")
    both = {side: [line.data(side) / name for name in names] for side in sides}
    split, base, candidate = "data/dataset_split_v0.csv", "models/base/base.pt", "models/lbzf_person_v0.pt"
    found = [f"data/predictions/{role}.parquet" for role in ("base", "candidate")]
    runtime.inputs("stage_a_eval", [*both["development"], base, found[0]])
    runtime.inputs("eval", [*both["development"], *both["deployment"], split, base, candidate, *found])
    runtime.inputs("trt_build", [*both["development"], split, "data/dataset", base, candidate], TARGET)
    bundles = [Path("models/engines") / TARGET / role for role in ("base", "candidate")]
    media = line.footage_of(sides["deployment"][0], Path("data/simline/deployment/footage"))
    runtime.inputs("shadow_ab", ["data/simline/deployment/media.csv", *bundles], media=media)
