"""A small world of frames and exports."""

from __future__ import annotations

import hashlib
from pathlib import Path
from xml.sax.saxutils import quoteattr

import cv2
import pandas as pd

from provenline import tables
from provenline.annotations.params import AgreementParams, AnnotateParams, LabelRule

SHARED = Path(__file__).parents[3] / "shared" / "data" / "real"


def sha(media: str) -> str:
    return hashlib.sha256(media.encode()).hexdigest()


def frame(media: str, time_ms: int = 0, width: int = 100, height: int = 80, group: str | None = None) -> dict:
    digest = sha(media)
    return {
        "frame_id": f"{digest[:12]}_{time_ms:09d}",
        "path": f"frames/{digest[:12]}/{time_ms}.jpg",
        "plan": "window",
        "media": media,
        "media_sha256": digest,
        "time_ms": time_ms,
        "width": width,
        "height": height,
        "camera": "c1",
        "day": "2025-01-01",
        "category": "Collar",
        "group": media if group is None else group,
        "workplace": None,
        "dhash": digest[:16],
        "annotated": False,
        "annotator": "",
    }


def frames(*rows: dict) -> pd.DataFrame:
    return tables.table(list(rows), tables.FRAMES)


def photos_in(folder: Path, groups: dict[str, str] | None = None) -> pd.DataFrame:
    """The frames of a folder of pictures, each a photo named by its path there; groups by file name."""
    rows = []
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        height, width = cv2.imread(str(file)).shape[:2]
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        group = groups[file.name] if groups else None
        row = frame(file.relative_to(folder).as_posix(), 0, width, height, group)
        rows.append({**row, "media_sha256": digest, "frame_id": f"{digest[:12]}_000000000"})
    return frames(*rows)


def rule(
    source: str, to: str | None = None, attribute: str | None = None, value: str | None = None
) -> LabelRule:
    return LabelRule(source=source, to=to or source, attribute=attribute, value=value)


def agreement_params(**changes: object) -> AgreementParams:
    values = {
        "label": "person",
        "iou": 0.5,
        "regions": (2, 3),
        "count_level": "ratio",
        "min_kappa": 0.85,
        "min_groups": 10,
        "warn_groups": 20,
        "gallery": 12,
        "gallery_per_group": 2,
        "confidence": 0.95,
        "replicates": 500,
        "seed": 1,
    }
    return AgreementParams(**{**values, **changes})


def params(*rules: LabelRule, **changes: object) -> AnnotateParams:
    values = {
        "format": "cvat",
        "labels": rules or (rule("person"),),
        "primary": (),
        "adjudication": {"kind": "named"},
        "voc_origin": 0,
        "offset": "apply",
        "tolerance": 0.0,
        "agreement": agreement_params(),
    }
    return AnnotateParams(**{**values, **changes})


def box(
    x1: float, y1: float, x2: float, y2: float, label: str = "person", inner: str = "", **extra: str
) -> str:
    more = "".join(f" {name}={quoteattr(value)}" for name, value in extra.items())
    return f'<box label="{label}" xtl="{x1}" ytl="{y1}" xbr="{x2}" ybr="{y2}"{more}>{inner}</box>'


def attribute(name: str, value: str) -> str:
    return f'<attribute name="{name}">{value}</attribute>'


def image(name: str, *shapes: str, width: int = 100, height: int = 80) -> str:
    inner = "\n".join(shapes)
    return f'<image id="0" name={quoteattr(name)} width="{width}" height="{height}">\n{inner}\n</image>'


def cvat(path: Path, *images: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    body = "\n".join(images)
    head = '<?xml version="1.0" encoding="utf-8"?>\n<annotations>\n<version>1.1</version>'
    path.write_text(f"{head}\n{body}\n</annotations>\n", encoding="utf-8")
    return path


def yolo(
    folder: Path, labels: dict[str, str], images: tuple[str, ...] = (), names: str = "[person, fall]"
) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "data.yaml").write_text(f"train: images\nnames: {names}\n", encoding="utf-8")
    for kind, ending, contents in (("labels", ".txt", labels), ("images", ".jpg", dict.fromkeys(images, ""))):
        for name, text in contents.items():
            file = folder / kind / f"{name}{ending}"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
    return folder
