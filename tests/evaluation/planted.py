"""Annotations into which errors are planted, and detectors of known quality that saw the truth."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import yaml

from provenline import tables
from provenline.evaluation.matching import overlaps
from tests.evaluation import world

KINDS = ("missing", "spurious", "location", "label")


def yolo(folder: Path, groups: dict[str, str] | None = None, keep: tuple[str, ...] = ()):
    """Read a YOLO data set: the Frames table and the true boxes."""
    names = yaml.safe_load((folder / "data.yaml").read_text())["names"]
    names = names if isinstance(names, dict) else dict(enumerate(names))
    frames, boxes = [], []
    for image in sorted((folder / "images").iterdir()):
        height, width = cv2.imread(str(image)).shape[:2]
        group = (groups or {}).get(image.name, image.stem)
        frames.append(world.frame(image.stem, group, width=width, height=height, path=str(image)))
        listed = folder / "labels" / f"{image.stem}.txt"
        for line in listed.read_text().splitlines() if listed.is_file() else []:
            code, *values = line.split()
            x, y, w, h = np.array(values[:4], float) * [width, height, width, height]
            xyxy = (x - w / 2, y - h / 2, x + w / 2, y + h / 2)
            if not keep or names[int(code)] in keep:
                boxes.append(world.box(image.stem, xyxy, names[int(code)]))
    return world.frames_table(frames), world.boxes_table(boxes)


def spoiled(frames, boxes, labels, share: float, seed: int):
    """Plant errors of each kind into this share of the boxes.

    Returns:
        The annotation, and the planted errors: ``frame_id``, ``kind`` and the box that is wrong (for a
        missing one the box that was left out).
    """
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(boxes))
    count = max(1, round(share * len(boxes)))
    box = boxes[tables.BOX].to_numpy(float)
    size = frames.set_index("frame_id")[["width", "height"]].loc[boxes["frame_id"]].to_numpy(float)
    result, planted = boxes.copy(), []

    def note(kind, frame_id, xyxy):
        planted.append({"frame_id": frame_id, "kind": kind} | dict(zip(tables.BOX, xyxy, strict=True)))

    parts = iter(np.split(order[: 3 * count], [count, 2 * count]))
    dropped = next(parts)
    for place in dropped:
        note("missing", boxes["frame_id"].iloc[place], box[place])
    for place in next(parts):  # by about half a side, so that the overlap is moderate
        sides = np.tile(box[place, 2:] - box[place, :2], 2)
        shift = np.tile(rng.choice([-1, 1], 2) * rng.uniform(0.25, 0.5, 2), 2)
        moved = np.clip(box[place] + shift * sides, 0, np.tile(size[place], 2))
        result.loc[result.index[place], tables.BOX] = moved
        note("location", boxes["frame_id"].iloc[place], moved)
    relabelled = next(parts) if len(labels) > 1 else []
    for place in relabelled:
        others = [label for label in labels if label != boxes["label"].iloc[place]]
        result.loc[result.index[place], "label"] = str(rng.choice(others))
        note("label", boxes["frame_id"].iloc[place], box[place])
    result = result.drop(index=result.index[dropped])
    extra = []
    while len(extra) < count:
        row = frames.iloc[rng.integers(len(frames))]
        like = box[rng.integers(len(box))]
        there = box[(boxes["frame_id"] == row["frame_id"]).to_numpy()]
        corner = rng.uniform(0, 1, 2) * np.maximum(1, [row["width"], row["height"]] - (like[2:] - like[:2]))
        xyxy = np.concatenate([corner, corner + like[2:] - like[:2]])
        if len(there) and overlaps(there, np.tile(xyxy, (len(there), 1))).max() > 0.1:
            continue
        extra.append(world.box(row["frame_id"], xyxy, str(rng.choice(labels))))
        note("spurious", row["frame_id"], xyxy)
    return pd.concat([result, world.boxes_table(extra)], ignore_index=True), pd.DataFrame(planted)


def detector(frames, boxes, labels, seed: int, *, recall=0.85, confusion=0.04, false=0.6):
    """Detect the true boxes with noise: misses, doubles, confusions, false alarms, and junk at the floor."""
    rng = np.random.default_rng(seed)
    rows = []
    sizes = frames.set_index("frame_id")[["width", "height"]]
    for frame_id, label, *corners in boxes[["frame_id", "label", *tables.BOX]].itertuples(index=False):
        xyxy = np.array(corners, float)
        sides = np.tile(xyxy[2:] - xyxy[:2], 2)
        small = sides[0] * sides[1] < 32**2
        sure = rng.beta(7, 1.6) if rng.random() < recall * (0.6 if small else 1) else rng.beta(1, 8)
        name = label
        if len(labels) > 1 and rng.random() < confusion:
            name = str(rng.choice([other for other in labels if other != label]))
        rows.append(world.prediction(frame_id, xyxy + rng.normal(0, 0.05, 4) * sides, sure, name))
        if rng.random() < 0.1:
            rows.append(world.prediction(frame_id, xyxy + rng.normal(0, 0.15, 4) * sides, sure / 3, name))
    for frame_id, (width, height) in zip(sizes.index, sizes.to_numpy(float), strict=True):
        for _ in range(rng.poisson(false) + rng.poisson(6)):
            sides = rng.uniform(0.05, 0.4, 2) * [width, height]
            corner = rng.uniform(0, 1, 2) * ([width, height] - sides)
            sure = rng.beta(1.2, 4) if rng.random() < false / (false + 6) else rng.uniform(0.01, 0.06)
            rows.append(
                world.prediction(frame_id, [*corner, *(corner + sides)], sure, str(rng.choice(labels)))
            )
    return world.predictions_table(rows)


def is_planted(rows, planted, iou=0.5):
    """Return, for each suspicion, the planted error that it is about (position), or -1.

    About a planted missing box is what is seen there; about others the annotated box itself.
    """
    result = np.full(len(rows), -1)
    used = set()
    found = rows[[f"found_{name}" for name in tables.BOX]].to_numpy(float)
    drawn = rows[tables.BOX].to_numpy(float)
    wrong = planted[tables.BOX].to_numpy(float)
    kinds = planted["kind"].to_numpy()
    places = planted.groupby("frame_id").indices
    for place, (frame_id, kind) in enumerate(zip(rows["frame_id"], rows["kind"], strict=True)):
        box, least = (found[place], iou) if kind == "missing" else (drawn[place], 0.99)
        for index in places.get(frame_id, ()):
            alike = (kinds[index] == "missing") == (kind == "missing")
            if index not in used and alike and overlaps(box[None], wrong[index][None])[0] >= least:
                result[place] = index
                used.add(index)
                break
    return result


def average_precision(hits, total: int) -> float:
    """Return the mean precision at each planted error; one that is not in the ranking counts as 0."""
    hits = np.asarray(hits, float)
    return float(((np.cumsum(hits) / np.arange(1, len(hits) + 1)) * hits).sum() / total)
