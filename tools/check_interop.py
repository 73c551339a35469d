"""Holds our readers and writers against datumaro's: `make interop`.

Files that our writers make (boxes, and polygons among them) and real exports where there are any are
read by both; every image must have the same objects, with boxes less than 0.05 px apart. datumaro lives
in `.venv-interop`, because it brings an OpenCV of its own.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from posixpath import splitext
from typing import NamedTuple

import cv2
import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table

from provenline import tables
from provenline.annotations.exporting import export
from provenline.annotations.reading import open_exports

TOLERANCE_PX = 0.05
LABELS = ["person", "rock toe", "a & <b>"]
DUMP = Path(__file__).with_name("interop_dump.py")
Labels = dict[str, dict[str, list[tuple[float, ...]]]]  # image to label to boxes in pixels


class Case(NamedTuple):
    """One export: as ours and as datumaro reads it, which wants its own folders around the same files."""

    name: str
    kind: str
    ours: Path
    peer_kind: str
    theirs: Path


class Verdict(NamedTuple):
    """What became of a case; ``problems`` in words, none where both read the same."""

    images: int
    objects: int
    largest: float
    problems: list[str]


def generated(folder: Path) -> Iterator[Case]:
    """Write random labels in each format."""
    for polygons in (False, True):
        frames, boxes = _world(folder, np.random.default_rng(7), polygons=polygons)
        for kind, peer in (("coco", "coco_instances"), ("cvat", "cvat"), ("yolo", "yolo")):
            if kind == "yolo" and polygons:
                continue  # datumaro reads boxes alone there; a test holds those against ultralytics
            name = f"written {kind}, {'polygons and boxes' if polygons else 'boxes'}"
            out = folder / f"{kind}-{polygons}"
            export(frames, boxes, out, kind, root=folder)  # type: ignore[arg-type]
            theirs = _coco(out / "annotations.json", folder / f"peer-{polygons}") if kind == "coco" else out
            yield Case(name, kind, out, peer, theirs)


def real(root: Path, folder: Path) -> Iterator[Case]:
    """Arrange real exports."""
    for name in ("construction_workers_cvat", "urban_scene_cvat"):
        yield Case(name, "cvat", root / name, "cvat", root / name / "annotations.xml")
    name = "wagon_defects_coco"
    theirs = _coco(root / name / "_annotations.coco.json", folder / name)
    yield Case(name, "coco", root / name, "coco_instances", theirs)
    for name in ("coco128_person", "cctv_events_yolo", "bottles_cans_yolo"):
        yield Case(name, "yolo", root / name, "yolo", root / name)
    for name in ("workers_ppe_voc", "insulators_voc"):
        yield Case(name, "voc", root / name, "voc_detection", _voc(root / name, folder / name))


def _world(folder: Path, rng: np.random.Generator, *, polygons: bool) -> tuple[pd.DataFrame, pd.DataFrame]:
    frames, boxes = [], []
    for n in range(30):
        width, height = (int(side) for side in rng.integers(60, 2000, 2))
        path, media = f"images/{polygons}/{n}.png", f"{n}.mp4"
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(folder / path), np.zeros((height, width), np.uint8))
        text = dict.fromkeys(("plan", "camera", "day", "category", "group"), "x")
        frame_id = f"{n:012x}_{n:09d}"
        frames.append({
            **text, "frame_id": frame_id, "path": path, "media": media, "media_sha256": "0" * 64,
            "time_ms": n, "width": width, "height": height, "workplace": None, "dhash": "0" * 16,
            "annotated": True, "annotator": "a",
        })  # fmt: skip
        for _ in range(int(rng.integers(0, 15))):
            points = rng.random((int(rng.integers(3, 9)), 2)) * (width, height)
            box = [*points.min(axis=0), *points.max(axis=0)]
            drawn = polygons and rng.random() < 0.6
            boxes.append({
                "frame_id": frame_id, "annotator": "a", "label": str(rng.choice(LABELS)),
                **dict(zip(tables.BOX, box, strict=True)),
                "polygon": points.ravel().tolist() if drawn else None, "attributes": '{"occluded": "false"}',
            })  # fmt: skip
    return tables.table(frames, tables.FRAMES), tables.table(boxes, tables.BOXES)


def _coco(file: Path, folder: Path) -> Path:
    (folder / "annotations").mkdir(parents=True)
    (folder / "images").mkdir()
    shutil.copyfile(file, folder / "annotations" / "instances_default.json")
    return folder


def _voc(source: Path, folder: Path) -> Path:
    (folder / "ImageSets" / "Main").mkdir(parents=True)
    shutil.copytree(source / "labels", folder / "Annotations")
    shutil.copytree(source / "images", folder / "JPEGImages")
    stems = sorted(path.stem for path in (source / "labels").glob("*.xml"))
    (folder / "ImageSets" / "Main" / "default.txt").write_text("\n".join(stems))
    with open_exports(source, "voc") as (exports, _):
        labels = sorted(
            {one.label for images in exports.values() for image in images for one in image.objects}
        )
    (folder / "labelmap.txt").write_text("".join(f"{label}:::\n" for label in ["background", *labels]))
    return folder


def ours(case: Case) -> Labels:
    """Read a case with our readers."""
    found: Labels = {}
    with open_exports(case.ours, case.kind) as (exports, _):
        for image in (image for images in exports.values() for image in images):
            if image.bad:
                raise SystemExit(f"{case.name}: {image.bad[0].reason}")
            by_label = found.setdefault(_key(image.name, endings=case.kind != "yolo"), defaultdict(list))
            scale = (1.0, 1.0)
            if image.width is None and image.objects:
                picture = cv2.imread(str(image.picture), cv2.IMREAD_UNCHANGED)
                assert picture is not None
                scale = (picture.shape[1], picture.shape[0])
            for one in image.objects:
                by_label[one.label].append(tuple(v * scale[n % 2] for n, v in enumerate(one.box)))
    return found


def theirs(case: Case, python: Path) -> Labels:
    """Read a case with datumaro."""
    command = [str(python), str(DUMP), case.peer_kind, str(case.theirs)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{case.name}: datumaro cannot read it\n{done.stderr.strip()[-2000:]}")
    found: Labels = {}
    for name, rows in json.loads(done.stdout).items():
        by_label = found.setdefault(_key(name, endings=False), defaultdict(list))
        for label, *box in rows:
            by_label[label].append(tuple(box))
    return found


def _key(name: str, *, endings: bool) -> str:
    return (splitext(name)[0] if endings else name).removeprefix("images/")


def compare(mine: Labels, other: Labels) -> Verdict:
    """Compare image by image and label by label."""
    problems = [
        f"only we read {name}" for name in sorted(mine.keys() - other.keys()) if any(mine[name].values())
    ]
    problems += [
        f"only they read {name}" for name in sorted(other.keys() - mine.keys()) if any(other[name].values())
    ]
    largest, objects = 0.0, 0
    for name in sorted(mine.keys() & other.keys()):
        for label in sorted(mine[name].keys() | other[name].keys()):
            a, b = mine[name].get(label, []), other[name].get(label, [])
            objects += len(a)
            if len(a) != len(b):
                problems.append(f"{name}: {label}: {len(a)} here, {len(b)} there")
                continue
            apart = _apart(a, b)
            largest = max(largest, apart)
            if apart >= TOLERANCE_PX:
                problems.append(f"{name}: {label}: {apart:.3f} px apart")
    if not objects:
        problems.append("no object was compared")
    return Verdict(len(mine), objects, largest, problems)


def _apart(a: Sequence[Sequence[float]], b: Sequence[Sequence[float]]) -> float:
    """Return the largest distance of a side between boxes that belong together, nearest first."""
    distances = np.abs(np.array(a)[:, None] - np.array(b)[None]).max(axis=2)
    largest = 0.0
    for _ in range(len(a)):
        row, column = np.unravel_index(distances.argmin(), distances.shape)
        largest = max(largest, float(distances[row, column]))
        distances[row, :] = distances[:, column] = np.inf
    return largest


def show(verdicts: Mapping[str, Verdict]) -> bool:
    """Print the table; return whether all agree."""
    table = Table("export", "images", "objects", "largest distance", "", box=None)
    for name, one in verdicts.items():
        says = "agrees" if not one.problems else f"{len(one.problems)} differ: {one.problems[0]}"
        table.add_row(name, str(one.images), str(one.objects), f"{one.largest:.4f} px", says)
    Console().print(table)
    return not any(one.problems for one in verdicts.values())


def main() -> None:
    """Compare; exit 1 where something differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peer", type=Path, default=Path(".venv-interop/bin/python"))
    parser.add_argument("--real", type=Path, help="folder with real exports")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        cases = [*generated(folder), *(real(options.real, folder) if options.real else ())]
        verdicts = {case.name: compare(ours(case), theirs(case, options.peer)) for case in cases}
    sys.exit(0 if show(verdicts) else 1)


if __name__ == "__main__":
    main()
