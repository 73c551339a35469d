"""A run of the line under a folder: the stages' files, written by the rooms' own functions.

Only decoding, detecting and training are played: frames are drawn, detections are thrown by chance.
What the report reads is what the evaluation, the splits and the shadow comparison returned.
"""

from __future__ import annotations

import csv
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
import yaml

from provenline import tables
from provenline.annotations.importing import import_annotations
from provenline.annotations.params import AgreementParams, AnnotateParams, LabelRule, Named
from provenline.detectors.size import Size
from provenline.engines.manifest import FORMAT, Manifest, preprocessing
from provenline.engines.parity import Parity
from provenline.evaluation import label_errors
from provenline.evaluation.assess import assess
from provenline.evaluation.params import (
    EvalParams,
    Gate,
    IntervalParams,
    NonInferiority,
    Rule,
    StageAParams,
)
from provenline.evaluation.stage_a import measure, select
from provenline.evaluation.stage_a_seen import ROWS, frame_rows
from provenline.files import sha256_file, write_json
from provenline.footage.media import Media
from provenline.footage.params import EveryPlan, ExtractParams
from provenline.footage.report import Outcome
from provenline.footage.report import report as extract_report
from provenline.shadow import compare as shadow_compare
from provenline.shadow import following, mine
from provenline.shadow.decide import decide
from provenline.shadow.params import (
    FollowParams,
    ImprovementParams,
    LabelPlan,
    Margins,
    ProductionParams,
    SampleParams,
    ShadowParams,
)
from provenline.shadow.params import IntervalParams as ShadowIntervals
from provenline.splits.audit import audit
from provenline.splits.certificate import certificate
from provenline.splits.copies import search
from provenline.splits.dataset import write_assignment
from provenline.splits.decide import decide as decide_split
from provenline.splits.ledger import facts
from provenline.splits.params import CopyParams, Shares, SplitParams
from provenline.splits.placing import place
from tests.evaluation.world import PEOPLE, WHY

CATEGORIES = (
    "Assembly",
    "Back/yoke",
    "Buttonholes & buttons",
    "Collar",
    "Cuffs",
    "Front",
    "Inspection & pack",
)
INTERVAL = IntervalParams(
    method="bca", confidence=0.95, replicates=100, seed=0, warn_groups=20, min_groups=10
)
GATE = {"end": "low", "better": "higher"}
STAGE_A = StageAParams(
    frames=250,
    groups_per_category=3,
    near_iou=0.1,
    power=0.8,
    **PEOPLE,
    seed=0,
    iou=0.5,
    score=0.25,
    confidence_bins=20,
    interval=INTERVAL,
    gates=(
        Gate(metric="recall", bound=0.95, **GATE),
        Gate(metric="median_confidence", bound=0.55, **GATE),
    ),
)
EVAL = EvalParams(
    iou=0.5,
    score=0.25,
    interval=INTERVAL,
    gates=(
        Gate(metric="map50", bound=0.6, **GATE),
        Gate(metric="precision", bound=0.7, **GATE),
        Gate(metric="recall", bound=0.8, **GATE),
    ),
    improvement=Gate(metric="map50", bound=0.0, **GATE),
    non_inferiority=NonInferiority(metric="recall", margin=0.02),
    rule=Rule(metric="map50", deploy=0.2, more_data=0.1),
    holm_level=0.05,
    power=0.8,
    why=WHY,
)
SHADOW = ShadowParams(
    period_s=1.0,
    batch=16,
    thresholds="own",
    score_production=0.25,
    score_candidate=0.25,
    iou=0.5,
    shift_iou=0.3,
    follow=FollowParams(iou=0.3, gap=2),
    gallery=24,
    tolerance=0.1,
    interval=ShadowIntervals(
        method="bca", confidence=0.95, replicates=100, seed=0, min_groups=10, warn_groups=20
    ),
    plan=LabelPlan(gain=0.05, confidence=0.95, power=0.8),
    labels="data/none",
    labels_format="cvat",
    round="v0",
    sample=SampleParams(agree=0.2, empty=0.1, grow=1.0, missing=0.02, seed=0),
    improvement=ImprovementParams(
        deploy=0.2,
        later_round=0.05,
        more_data=0.1,
        margins=Margins(recall=0.02, precision=0.02, presence_error=0.02),
    ),
    production=ProductionParams(checkpoint_sha256="", bundle="models/engines/{target}/base"),
)
ANNOTATE = AnnotateParams(
    voc_origin=0,
    format="cvat",
    labels=(
        LabelRule(source="person", to="mannequin", attribute="mannequin", value="true"),
        LabelRule(source="person", to="person", attribute=None, value=None),
    ),
    primary=("annotator_a", "annotator_b"),
    adjudication=Named(kind="named"),
    offset="apply",
    tolerance=0.01,
    agreement=AgreementParams(
        label="person",
        iou=0.5,
        regions=(3, 3),
        count_level="ratio",
        min_kappa=0.85,
        min_groups=10,
        warn_groups=20,
        gallery=24,
        gallery_per_group=2,
        confidence=0.95,
        replicates=100,
        seed=0,
    ),
)
SPLIT = SplitParams(
    unit="group",
    by=("group",),
    class_floor=10,
    copies=CopyParams(correlation=0.9, action="report"),
    shares=Shares(train=0.7, val=0.15, test=0.15),
    stratify="category",
    seed=0,
    near_duplicate_bits=4,
    task="detect",
)
TARGET = "onnxruntime-cpu"
SIZE = (320, 180)


@dataclass(frozen=True)
class Skill:
    """How a played detector does: chance to find a person, to fall for a mannequin, its confidence."""

    find: float
    fall: float
    confidence: float


BASE = Skill(find=0.55, fall=0.6, confidence=0.45)
CANDIDATE = Skill(find=0.92, fall=0.08, confidence=0.8)


def build(
    root: Path,
    *,
    clips: int = 41,
    deployment_clips: int = 21,
    base: Skill = BASE,
    candidate: Skill = CANDIDATE,
    categories: tuple[str, ...] = CATEGORIES,
    seed: int = 0,
) -> Path:
    """Write what a whole run leaves under ``root``; return it."""
    rng = np.random.default_rng(seed)
    development = _footage(root, "development", clips, 12, categories, rng)
    deployment = _footage(root, "deployment", deployment_clips, 8, categories, rng)
    predictions = {
        name: _predictions(name, skill, [development, deployment], rng)
        for name, skill in (("base", base), ("candidate", candidate))
    }
    split = _split(root, *development)
    _evaluate(root, split, development, deployment, predictions)
    _train(root)
    _engines(root)
    _shadow(root, deployment[0], predictions)
    (root / "params.yaml").write_text(yaml.safe_dump(parameters()), encoding="utf-8")
    return root


def parameters() -> dict[str, Any]:
    """Return composed parameters, as far as the report reads them."""
    source = {
        side: {
            "root": f"data/simline/{side}/footage",
            "media_list": f"data/simline/{side}/media.csv",
            "annotations": f"data/simline/{side}/annotations",
        }
        for side in ("development", "deployment")
    }
    return {
        "round": "v0",
        "seed": 0,
        "target": TARGET,
        "interval": INTERVAL.model_dump(),
        "usecase": {"name": "lbzf_person", "classes": ["person"], "score": 0.25},
        "model": {"name": "yolov8n_simline", "imgsz": 320},
        "source": {"simulate": ["development", "deployment"], **source},
        "eval": EVAL.model_dump(mode="json"),
        "trt_build": {"onnxruntime-cpu": {}},
        "shadow_ab": {"production": SHADOW.production.model_dump()},
    }


Side = tuple[pd.DataFrame, pd.DataFrame]


def _footage(
    root: Path, side: str, clips: int, frames_each: int, categories: tuple[str, ...], rng: np.random.Generator
) -> Side:
    data = root / ("data" if side == "development" else "data/deployment")
    frames, people, outcomes, media = [], {}, [], []
    for number in range(clips):
        category = categories[number % len(categories)]
        name = f"{category.split(' ')[0].replace('/', '-').lower()}/video_{number:02d}.mp4"
        sha = f"{number + (500 if side == 'deployment' else 0):064x}"[::-1]
        one = Media(
            name,
            root / name,
            "video",
            category,
            f"{side[:3]}-{number % 4}",
            f"2026-0{1 + number % 3}-11",
            name,
            provenance="staged",
            consent="" if number == 3 else "simulated: nobody to ask",
            licence="AGPL-3.0-or-later",
        )
        media.append(one)
        rows = []
        for step in range(frames_each):
            row = _frame(one, sha, step * 5000, data.relative_to(root), rng)
            people[row["frame_id"]] = _draw(root / row["path"], number, step, rng)
            rows.append(row)
        frames += rows
        outcomes.append(Outcome(one, "", tuple(rows), 90_000, frames_each))
    bad = Media(
        "cuffs/half_a_file.mp4",
        root / "x",
        "video",
        "Cuffs",
        "dev-0",
        "2026-01-11",
        "half",
        consent="on file",
    )
    if side == "development":
        outcomes.append(Outcome(bad, "the container ends early"))
    plan = ExtractParams(
        sampling=EveryPlan(kind="every", period_s=5.0, grid_s=0.5),
        jpeg_quality=95,
        folder_limit=1000,
        tolerance=0.1,
    )
    suffix = "" if side == "development" else "_deployment"
    listed = {"media_list": {"path": f"data/simline/{side}/media.csv", "sha256": "a" * 64}}
    write_json(root / f"metrics/extract{suffix}.json", listed | extract_report(outcomes, plan))
    table = tables.table(frames, tables.FRAMES)
    exports = root / f"data/simline/{side}/annotations"
    _cvat(exports / "annotator_a.xml", table, people, rng, 0.0)
    overlap = table[table["time_ms"] == 10_000] if side == "development" else table.head(0)
    if len(overlap):
        _cvat(exports / "annotator_b.xml", overlap, people, rng, 0.25)
    done = import_annotations(exports, table, ANNOTATE)
    write_json(root / f"metrics/annotate_import{suffix}.json", done.report)
    tables.write(done.frames, data / "annotated.parquet", tables.FRAMES)
    tables.write(done.boxes, data / "boxes.parquet", tables.BOXES)
    return done.frames, done.boxes


def _frame(media: Media, sha: str, time_ms: int, data: Path, rng: np.random.Generator) -> dict[str, Any]:
    frame_id = f"{sha[:12]}_{time_ms:09d}"
    return {
        "frame_id": frame_id,
        "path": (data / "frames" / sha[:12] / f"{frame_id}.jpg").as_posix(),
        "plan": "every",
        "media": media.name,
        "media_sha256": sha,
        "time_ms": time_ms,
        "width": SIZE[0],
        "height": SIZE[1],
        "camera": media.camera,
        "day": media.day,
        "category": media.category,
        "group": media.group,
        "workplace": None,
        "dhash": f"{rng.integers(0, 2**63):016x}",
        "annotated": False,
        "annotator": "",
    }


def _draw(path: Path, number: int, step: int, rng: np.random.Generator) -> list[tuple[bool, list[float]]]:
    """Draw a room with people and perhaps a mannequin; return (is a mannequin, box) of each."""
    image = np.full((SIZE[1], SIZE[0], 3), (150, 160, 165), np.uint8)
    image[120:] = (120, 125, 128)
    cv2.rectangle(image, (0, 128), (SIZE[0], 146), (96, 110, 130), -1)
    things = []
    places = rng.permutation(4)[: 1 + (number + step) % 3] if (number + step) % 9 else []
    for index, spot in enumerate(places):
        mannequin = index == 2 or (index == 1 and number % 5 == 0)
        x, w, h = 14 + 74 * int(spot) + int(rng.integers(0, 12)), 44, int(rng.integers(84, 112))
        y = 142 - h
        skin, cloth = ((205, 210, 214), (190, 196, 200)) if mannequin else ((120, 150, 205), (120, 70, 50))
        cv2.ellipse(image, (x + w // 2, y + 15), (11, 14), 0, 0, 360, skin, -1)
        cv2.rectangle(image, (x + 4, y + 30), (x + w - 4, y + h), cloth, -1)
        _pattern(image[y : y + h, x + 4 : x + w - 4], 1000 * number + 10 * step + index)
        things.append((mannequin, [float(x), float(y), float(x + w), float(y + h)]))
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), image)
    return things


def _pattern(body: np.ndarray, seed: int) -> None:
    """Give somebody a look of their own: squares of 4 pixels, lighter or darker."""
    rng = np.random.default_rng(seed)
    squares = rng.integers(-40, 41, (body.shape[0] // 4 + 1, body.shape[1] // 4 + 1))
    fine = np.kron(squares, np.ones((4, 4), dtype=np.int64))[: body.shape[0], : body.shape[1], None]
    body[:] = np.clip(body + fine, 0, 255).astype(np.uint8)


def _cvat(
    path: Path, frames: pd.DataFrame, people: dict[str, Any], rng: np.random.Generator, miss: float
) -> None:
    lines = ['<?xml version="1.0" encoding="utf-8"?>', "<annotations><version>1.1</version>"]
    for number, row in enumerate(frames.itertuples()):
        name = f"{row.frame_id}.jpg"
        lines.append(f'<image id="{number}" name="{name}" width="{SIZE[0]}" height="{SIZE[1]}">')
        for index, (mannequin, box) in enumerate(people[row.frame_id]):
            if rng.random() < miss:
                continue
            x1, y1, x2, y2 = np.clip(np.array(box) + rng.normal(0, 1, 4), 0, [*SIZE, *SIZE])
            lines.append(
                f'<box label="person" occluded="{int(number % 5 == index)}" '
                f'xtl="{x1:.2f}" ytl="{y1:.2f}" xbr="{x2:.2f}" ybr="{y2:.2f}">'
                f'<attribute name="mannequin">{str(mannequin).lower()}</attribute>'
                f'<attribute name="hands_only">{str(number % 7 == index).lower()}</attribute>'
                f'<attribute name="role">{"passer_by" if index else "operator"}</attribute></box>'
            )
        lines.append("</image>")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([*lines, "</annotations>"]), encoding="utf-8")


def _predictions(
    name: str, skill: Skill, sides: list[Side], rng: np.random.Generator
) -> dict[str, pd.DataFrame]:
    found: dict[str, pd.DataFrame] = {}
    for side, (frames, boxes) in zip(("development", "deployment"), sides, strict=True):
        luck = {group: rng.normal(0, 0.12) for group in sorted(set(frames["group"]))}
        groups = dict(zip(frames["frame_id"], frames["group"], strict=True))
        rows = []
        for box in tables.truth(frames, boxes, ["person", "mannequin"]).itertuples():
            chance = skill.find if box.label == "person" else skill.fall
            score = float(np.clip(rng.normal(skill.confidence, 0.18), 0.02, 0.99))
            if rng.random() > chance + luck[groups[box.frame_id]]:
                score *= 0.2
            x1, y1, x2, y2 = np.array([box.x1, box.y1, box.x2, box.y2]) + rng.normal(0, 2.0, 4)
            rows.append(
                {"frame_id": box.frame_id, "model": name, "label": "person", "score": score, "mask": None}
                | {"x1": x1, "y1": y1, "x2": x2, "y2": y2}
            )
        found[side] = tables.table(rows, tables.PREDICTIONS)
    return found


def _split(root: Path, frames: pd.DataFrame, boxes: pd.DataFrame) -> pd.DataFrame:
    ledger = pd.DataFrame(columns=["group", "category", "split"])
    found = search(frames, SPLIT.copies)
    assignment, described = decide_split(frames, boxes, ledger, ["person"], found.copies, SPLIT)
    written = write_assignment(frames, assignment, root / "data/dataset_split_v0.csv")
    placed = place(frames, assignment)
    audited = audit(placed, SPLIT)
    splits = {}
    for name in ("train", "val", "test"):
        here = placed[placed["split"] == name]
        splits[name] = {
            "groups": int(here["group"].nunique()),
            "frames": len(here),
            "frames_without_objects": 7,
            "objects": {"person": 2 * len(here)},
            "categories": {},
            "not_annotated": 0,
        }
    report = {
        "assignment": written,
        **described,
        "dataset": {"yaml": "data/dataset/lbzf_person_v0.yaml", "classes": ["person"], "splits": splits},
        "audit": audited,
        "certificate": certificate(placed, found, audited, SPLIT),
        "ledger": facts(ledger),
    }
    write_json(root / "metrics/split.json", report)
    return placed


def _evaluate(
    root: Path,
    split: pd.DataFrame,
    development: Side,
    deployment: Side,
    predictions: dict[str, dict[str, pd.DataFrame]],
) -> None:
    chosen = select(development[0], STAGE_A)
    result = measure(chosen, development[1], predictions["base"]["development"], ["person"], STAGE_A)
    model = {"name": "base", "sha256": "b" * 64}
    write_json(root / "metrics/stage_a_eval.json", {"model": model, **result})
    rows = frame_rows(chosen, development[1], predictions["base"]["development"], ["person"], STAGE_A)
    pd.DataFrame(rows, columns=ROWS).to_csv(root / "data/stage_a_sample.csv", index=False)
    frames = pd.concat([split, deployment[0].assign(split="deployment")], ignore_index=True)
    boxes = pd.concat([development[1], deployment[1]], ignore_index=True)
    both = {name: pd.concat(list(sides.values()), ignore_index=True) for name, sides in predictions.items()}
    done = assess(frames, boxes, both, ["person"], EVAL)
    review = "data/review/label_errors.csv"
    label_errors.write(done.suspicions, root / review)
    done.result["label_errors"]["file"] = review
    cut_by = {"split_sha256": sha256_file(root / "data/dataset_split_v0.csv")}
    write_json(root / "metrics/eval_v0.json", cut_by | done.result)
    points = done.curves["precision_recall"]
    path = root / "plots/eval/precision_recall.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, ["model", "split", "category", "recall", "precision"])
        writer.writeheader()
        writer.writerows(points)
    folder = root / "data/predictions"
    for side, name in (("development", "base"), ("deployment", "base_deployment")):
        tables.write(predictions["base"][side], folder / f"{name}.parquet", tables.PREDICTIONS)
    tables.write(both["candidate"], folder / "candidate.parquet", tables.PREDICTIONS)


def _train(root: Path) -> None:
    history = [
        {
            "epoch": epoch,
            "train_box_loss": 1.4 / epoch,
            "precision": 0.5 + 0.04 * epoch,
            "recall": 0.4 + 0.06 * epoch,
            "mAP50": round(0.9 - 0.5 / epoch, 6),
            "mAP50_95": round(0.6 - 0.4 / epoch, 6),
            "fitness": 0.5,
            "lr": 0.01 / epoch,
        }
        for epoch in range(1, 9)
    ]
    report = {
        "stage_a": "fine_tune",
        "warning": None,
        "epochs": 8,
        "best_epoch": 7,
        "history": history,
        "arguments": {
            "asked": {},
            "in_effect": {},
            "differences": {"warmup_epochs": {"asked": 3.0, "in_effect": 2.0}},
        },
        "images": {"train": 300, "val": 72},
        "boxes": {"train": 520, "val": 120},
        "classes": ["person"],
        "seed": 0,
        "device": "cpu",
        "base_sha256": "b" * 64,
        "sha256": "c" * 64,
        "split_sha256": sha256_file(root / "data/dataset_split_v0.csv"),
        "input": 640,
    }
    write_json(root / "metrics/train.json", report)


def _engines(root: Path) -> None:
    split = sha256_file(root / "data/dataset_split_v0.csv")
    identity, measured = {}, {}
    for role, checkpoint in (("base", "b" * 64), ("candidate", "c" * 64)):
        manifest = Manifest(
            format=FORMAT,
            onnx_sha256=("d" if role == "base" else "e") * 64,
            checkpoint_sha256=checkpoint,
            dataset_sha256=None if role == "base" else "f" * 64,
            split_sha256=None if role == "base" else split,
            names=["person"],
            labels={"person": "person"},
            imgsz=Size(320, 320),
            layout="raw",
            score_floor=0.01,
            nms_iou=0.7,
            max_detections=300,
            thresholds={"person": 0.31},
            precision="fp32",
            target={"kind": "onnxruntime", "name": TARGET, "device": "cpu"},
            calibration=None,
            builder={"onnx": "1.17"},
            opset=17,
            preprocessing=preprocessing("raw", Size(320, 320)),
            golden={"inputs": "synthetic"},
            hardware=None,
        )
        parity = Parity("pass", [], 64, 0.25, 101, 101, 1.0, 1.0, 0.9999, 0.998, 1e-5, 2.1e-4, 0.7, 0.7, 0.0)
        identity[role] = {"manifest": manifest.to_dict(), "parity": parity.to_dict()}
        measured[role] = {
            "onnx_sha256": manifest.onnx_sha256,
            "p50_ms": 21.4,
            "p95_ms": 24.9,
            "p99_ms": 30.1,
            "images_per_s": 46.1,
            "device": "cpu",
            "machine": {"cpu": "Some Processor 3000", "cores": 2, "gpu": None},
        }
    write_json(root / f"metrics/trt_build/{TARGET}.json", identity)
    write_json(root / f"models/engines/{TARGET}/measurements.json", measured)


def _shadow(root: Path, frames: pd.DataFrame, predictions: dict[str, dict[str, pd.DataFrame]]) -> None:
    base, candidate = (predictions[name]["deployment"] for name in ("base", "candidate"))
    table = shadow_compare.compare_frames(frames, base, candidate, SHADOW)
    for more in (following.follow, following.at_work):
        table = table.merge(more(frames, base, candidate, SHADOW), on="frame_id")
    metrics = {
        **decide(table, SHADOW).to_dict(),
        "engines": {
            role: {"name": role, "fingerprint": digit * 64, "score": 0.25, "thresholds": {}}
            for role, digit in (("production", "b"), ("candidate", "c"))
        },
        "footage": {
            "media": 21,
            "set_aside": 1,
            "set_aside_media": [{"media": "front/dark.mp4", "why": "no frame could be decoded"}],
            "frames": len(frames),
            "groups": int(frames["group"].nunique()),
            "period_s": 1.0,
        },
        "comparison": shadow_compare.summarise(table, SHADOW),
        "following": following.summarise(table, SHADOW),
        "gallery": 24,
    }
    write_json(root / "metrics/shadow_ab.json", metrics)
    folder = root / "data/shadow"
    (folder / mine.FOLDER).mkdir(parents=True)
    table.to_csv(folder / "comparison.csv", index=False)
    chosen = mine.choose(table, SHADOW.gallery)
    paths = dict(zip(frames["frame_id"], frames["path"], strict=True))
    for frame_id in chosen["frame_id"]:
        shutil.copyfile(root / paths[frame_id], folder / mine.FOLDER / f"{frame_id}.jpg")
    chosen["image"] = [f"{mine.FOLDER}/{frame_id}.jpg" for frame_id in chosen["frame_id"]]
    chosen[list(mine.COLUMNS)].to_csv(folder / mine.INDEX, index=False)
    tables.write(base, folder / "production.parquet", tables.PREDICTIONS)
    tables.write(candidate, folder / "candidate.parquet", tables.PREDICTIONS)
