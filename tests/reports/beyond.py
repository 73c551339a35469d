"""What newer stages write beyond the counts, played: laid over the metrics of a played run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from provenline import tables
from provenline.files import read_json, write_json


def est(value: float | None, half: float = 0.03) -> dict[str, Any]:
    """An estimate with an interval of so much on either side."""
    if value is None:
        return {"value": None, "low": None, "high": None, "reason": "both say the same for every image"}
    ends = {"low": round(value - half, 4), "high": round(min(1.0, value + half), 4)}
    return {"value": value, **ends, "reason": ""}


def enrich(root: Path) -> Path:
    """Write every optional part into the metrics under ``root``; return it."""
    for suffix in ("", "_deployment"):
        path = root / f"metrics/annotate_import{suffix}.json"
        report = read_json(path) | _labels(suffix)
        if report["agreement"]:
            report["agreement"] |= _agreement(root)
            for pair in report["agreement"]["pairs"]:
                pair.update(_pair())
        write_json(path, report)
    judged = read_json(root / "metrics/eval_v0.json") | {"why": why(), "label_errors": label_errors(root)}
    write_json(root / "metrics/eval_v0.json", judged)
    split = read_json(root / "metrics/split.json") | _split()
    write_json(root / "metrics/split.json", split)
    write_json(root / "metrics/leakage.json", leakage(split["assignment"]["sha256"]))
    return root


def leakage(split_sha256: str) -> dict[str, Any]:
    """What `make leakage` writes."""
    return {
        "split_sha256": split_sha256,
        "metric": "map50",
        "random": est(0.93),
        "grouped": est(0.81, 0.06),
        "difference": est(0.12, 0.07),
        "net": est(0.11, 0.08),
        "field_random": est(0.74, 0.05),
        "field_grouped": None,
        "grouped_groups": 6,
        "random_groups": 21,
        "reason": "the grouped test set holds 6 groups",
    }


def _labels(suffix: str) -> dict[str, Any]:
    row = {
        "file": "annotations/annotator_a.xml",
        "annotator": "annotator_a",
        "label": "person",
        "to": {"person": 300, "mannequin": 90},
        "read": 410,
        "kept": 390,
        "converted": 4,
        "clipped": 2,
        "not_sampled": 12,
        "set_aside": {"no area": 3, "outside the image": 1},
        "set_aside_with_image": 4,
    }
    phone = row | {"label": "mobile.phone", "to": {"mobile.phone": 7}, "read": 7, "kept": 7, "not_sampled": 0}
    phone |= {"set_aside": {}, "set_aside_with_image": 0, "converted": 0, "clipped": 0}
    odd = {"annotator": "annotator_a", "file": "annotations/annotator_a.xml", "pictures": 12}
    return {
        "reconciliation": [row, phone],
        "numbering": []
        if suffix
        else [
            odd
            | {
                "media": "cuffs/video_04.mp4",
                "offset": 0,
                "verdict": "confirmed",
                "tool_frames": 900,
                "our_frames": 900,
            },
            odd
            | {
                "media": "front/video_05.mp4",
                "offset": -2,
                "verdict": "shifted",
                "announced": 900,
                "frames": 898,
            },
        ],
        "adjudication": {
            "policy": "named",
            "by": ["annotator_a", "annotator_b"],
            "decided": {"annotator_a": 19},
        },
        "skipped": {"polyline": 2},
    }


def _agreement(root: Path) -> dict[str, Any]:
    return {
        "krippendorff": {"annotators": 3, "presence": est(0.88), "count": est(0.91)},
        "ceiling": {
            "human_ap50": est(0.92),
            "human_ap50_95": est(0.71),
            "ap50": est(0.96, 0.02),
            "ap50_95": est(0.84, 0.02),
            "method": "root of the human AP for misses, displacement divided by the root of 2",
        },
        "disagreements": disagreements(root),
        "disagreement_counts": {"missed": 4, "extra": 1, "shifted": 9, "count": 0},
    }


def _pair() -> dict[str, Any]:
    names = ("Assembly", "Back/yoke", "Collar")
    return {
        "regions": {"grid": [3, 3], "kappa_presence": est(0.86), "kappa_count": est(0.84)},
        "curve": [{"iou": iou / 100, "object_f1": est(1.02 - iou / 100 * 0.6)} for iou in range(50, 100, 5)],
        "categories": [
            {
                "category": name,
                "images": 40,
                "groups": 6,
                "kappa_presence": est(None if name == "Collar" else 0.9),
                "object_f1": est(0.93),
                "mean_matched_iou": est(0.87),
            }
            for name in names
        ],
    }


def disagreements(root: Path) -> list[dict[str, Any]]:
    """Frames that exist, with the boxes of both annotators; the last is of a frame that was not sampled."""
    frames = tables.read(root / "data/annotated.parquet", tables.FRAMES)
    boxes = tables.read(root / "data/boxes.parquet", tables.BOXES)
    both = boxes.groupby("frame_id")["annotator"].nunique()
    rows = frames[frames["frame_id"].isin(both.index[both == 2])].head(4)
    kinds = ("missed", "extra", "shifted", "count")
    found = [
        {
            "media": row["media"],
            "time_ms": int(row["time_ms"]),
            "annotators": ["annotator_a", "annotator_b"],
            "kind": kind,
            "boxes": {letter: _boxes(boxes, row["frame_id"], f"annotator_{letter}") for letter in "ab"},
            "iou": 0.41 if kind == "shifted" else None,
        }
        for kind, (_, row) in zip(kinds, rows.iterrows(), strict=False)
    ]
    return [*found, {**found[0], "time_ms": 999_999}] if found else []


def _boxes(boxes: pd.DataFrame, frame_id: str, annotator: str) -> list[list[float]]:
    mine = boxes[(boxes["frame_id"] == frame_id) & (boxes["annotator"] == annotator)]
    return mine[mine["label"] == "person"][tables.BOX].round(2).to_numpy().tolist()


def _split() -> dict[str, Any]:
    near = {
        "train-val": {
            "pairs": 31,
            "mirrored": {"pairs": 2, "group_pairs": 1},
            "group_pairs": 3,
            "static_share": 0.9,
            "unexplained_group_pairs": 1,
            "worst": [{"frames": ["a_1", "b_2"], "groups": ["a.mp4", "b.mp4"], "bits": 2}],
        },
        "train-test": {"pairs": 0, "mirrored": 0, "group_pairs": 0, "worst": []},
        "val-test": {"pairs": 1, "mirrored": 0, "group_pairs": 1, "worst": []},
    }
    copy = {"first": "collar/video_03.mp4", "second": "collar/again.mp4", "mirrored": False}
    return {
        "by": ["group"],
        "certificate": {
            "verdict": "unproven",
            "reasons": ["two media are too dark to be compared"],
            "unit": "group",
            "by": ["group"],
            "groups_disjoint": True,
            "media_disjoint": True,
            "copies": [
                copy | {"correlation": 0.99, "frames": 12, "splits": ["train", "train"], "same_side": True},
                copy
                | {"second": "m.mp4", "mirrored": True, "correlation": 0.97, "frames": 12}
                | {"splits": ["train", "test"], "same_side": False},
            ],
            "cannot_tell": ["front/dark.mp4", "front/x.mp4"],
            "near_duplicates": near,
            "components": {"count": 14, "largest": 5},
            "static_cameras": [{"camera": "dev-0", "media": 6, "frames": 72, "recurring": 0.83}],
            "gaps": [
                {"camera": "dev-0", "splits": ["train", "test"], "gap_days": 0, "media": ["a.mp4", "b.mp4"]},
                {"camera": "dev-1", "splits": ["train", "val"], "gap_days": None, "media": []},
            ],
            "checked": {"frames": 252, "media": 21, "pairs": 31626},
        },
        "class_floor": [
            {"class": "person", "split": "val", "objects": 60, "floor": 10, "met": True, "reason": None},
            {"class": "person", "split": "test", "objects": 3, "floor": 10, "met": False}
            | {"reason": "3 objects in 1 units are too few for train, val, test"},
        ],
        "warnings": ["6 test groups: no figure on them is a verdict"],
        "ledger": {"rows": 21, "sha256": "a" * 64, "sealed": True},
    }


CAUSES = ("missed", "duplicate", "localisation", "wrong_class", "confusion_both", "background")


def interval(value: float, half: float = 0.03) -> dict[str, Any]:
    """An interval of the evaluation."""
    ends = {"low": round(value - half, 4), "high": round(value + half, 4)}
    return {"estimate": value, **ends, "confidence": 0.95, "groups": 14, "method": "bca", "error": half / 2}


def why() -> dict[str, Any]:
    """Causes of errors and calibration of both models."""
    counts = {"base": (120, 4, 22, 0, 0, 38), "candidate": (14, 2, 9, 0, 0, 11)}
    return {
        "judged_on": "deployment",
        "iou": 0.5,
        "background": 0.1,
        "score": 0.25,
        "models": {
            model: {
                "errors": sum(numbers),
                "budget": [
                    _cause(name, number, sum(numbers)) for name, number in zip(CAUSES, numbers, strict=True)
                ],
                "calibration": _calibration(model == "base"),
            }
            for model, numbers in counts.items()
        },
    }


def _cause(name: str, count: int, errors: int) -> dict[str, Any]:
    misses = count if name == "missed" else 0
    half = count // 2
    return {
        "cause": name,
        "count": count,
        "misses": misses,
        "false_positives": count - misses,
        "share": count / errors,
        "ap_gain": interval(round(count / 400, 4), 0.02),
        "by_category": {"Collar": half, "Buttonholes & buttons": count - half},
        "by_size": {"small": 0, "medium": half, "large": count - half},
        "by_occlusion": {"hands_only": half, "clear": count - half, "none": 0},
        "on": {"mannequin": count - 3} if name == "background" else {},
    }


def _calibration(sure: bool) -> dict[str, Any]:
    bins = [
        {
            "low": step / 10,
            "high": (step + 1) / 10,
            "count": 0 if step == 0 else 40 - 3 * step,
            "confidence": None if step == 0 else step / 10 + 0.05,
            "accuracy": None if step == 0 else round(max(0.0, step / 10 - (0.2 if sure else -0.02)), 3),
            "accuracy_interval": None if step == 0 else interval(step / 10, 0.05),
        }
        for step in range(10)
    ]
    kept = {"bound_per_hour": 6, "bound_per_1000_frames": None, "score": 0.62, "reason": ""}
    kept |= {"per_hour": interval(5.5, 2.0), "per_1000_frames": interval(30.0, 9.0), "recall": interval(0.81)}
    none = {"bound_per_hour": 0.5, "bound_per_1000_frames": None, "score": None, "per_hour": None}
    none |= {"per_1000_frames": None, "recall": None, "reason": "no score on val is that strict"}
    return {
        "floor": 0.05,
        "detections": 300,
        "ece": interval(0.19 if sure else 0.04, 0.03),
        "bias": interval(0.17 if sure else -0.01, 0.03),
        "bins": bins,
        "exposure": {"hours": 1.4, "frames": 168, "frames_without_time": 0, "period_s": 5.0},
        "false_positives_per_hour": [
            {
                "score": score,
                "per_hour": interval(round(40 * (1 - score), 2), 4.0),
                "per_1000_frames": interval(round(55 * (1 - score), 2), 5.0),
                "recall": interval(round(1 - score / 2, 3)),
            }
            for score in (0.1, 0.25, 0.5)
        ],
        "thresholds": [kept, none],
    }


def label_errors(root: Path) -> dict[str, Any]:
    """Write a list of doubted labels, one of each kind, and return what `eval` says of it."""
    frames = tables.read(root / "data/annotated.parquet", tables.FRAMES)
    boxes = tables.truth(frames, tables.read(root / "data/boxes.parquet", tables.BOXES), ["person"])
    places = {row["frame_id"]: row for _, row in frames.iterrows()}
    rows = []
    kinds = ("missing", "spurious", "location", "label")
    for rank, (kind, (_, box)) in enumerate(zip(kinds, boxes.iloc[::7].iterrows(), strict=False), start=1):
        frame = places[box["frame_id"]]
        drawn = dict.fromkeys(tables.BOX) if kind == "missing" else {name: box[name] for name in tables.BOX}
        seen = {f"found_{name}": None if kind == "spurious" else box[name] + 6 for name in tables.BOX}
        rows.append(
            {"rank": rank, "frame_id": box["frame_id"], "split": "train", "kind": kind}
            | {
                "label": "" if kind == "missing" else "person",
                "other": "" if kind == "spurious" else "person",
            }
            | {"score": 0.9 - rank / 20, "iou": 0.4 if kind == "location" else None, **drawn, **seen}
            | {"found_score": None if kind == "spurious" else 0.91, "witness": "both"}
            | {"group": frame["group"], "category": frame["category"], "path": frame["path"]}
        )
    path = root / "data/review/label_errors.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    pd.DataFrame(rows).to_csv(path, index=False)
    return {
        "looked_at": {"train": 100, "val": 24, "test": 24},
        "count": len(rows),
        "by_kind": dict.fromkeys(kinds, 1),
        "by_split": {"train": len(rows), "val": 0, "test": 0},
        "least": 0.5,
        "file": "data/review/label_errors.csv",
    }
