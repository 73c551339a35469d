"""A private copy of a data set to train on.

Ultralytics writes `labels/*.cache` beside the labels and repairs damaged JPEGs in place. Links would
lead it into the folder of another stage, so files are copied.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from provenline.errors import InputError
from provenline.files import atomic_path

IMAGES = {".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"}
_MEND = "Run `dvc repro split` or `dvc pull`"


@dataclass(frozen=True)
class View:
    """A data set to train on.

    Attributes:
        yaml: The file that ultralytics reads.
        names: Class names, in the order of their numbers.
        train: Names of the training images.
        val: Names of the validation images.
        boxes: Labelled objects in the training images.
    """

    yaml: Path
    names: tuple[str, ...]
    train: tuple[str, ...]
    val: tuple[str, ...]
    boxes: int


def build_view(dataset_yaml: Path, folder: Path, limit: int, task: str = "detect") -> View:
    """Copy a YOLO data set's training and validation parts to ``folder``, whole or not at all.

    Args:
        dataset_yaml: Names `train`, `val`, `names`, and `path` relative to itself.
        folder: Replaced if it is there.
        limit: Most training images, evenly spaced over their sorted names (which begin with the
            medium, so all media stay in); 0 takes all of them.
        task: `detect`: labels are boxes; `segment`: they are polygons.

    Raises:
        InputError: The data set is missing or incomplete, an image has no label file, or there is
            nothing to train on or to validate on.
    """
    settings = _settings(dataset_yaml)
    parts = {part: _images(dataset_yaml, settings, part) for part in ("train", "val")}
    parts["train"] = evenly(parts["train"], limit)
    names = _names(dataset_yaml, settings)
    boxes = sum(_objects(image, len(names), task) for image in parts["train"])
    if not boxes:
        raise InputError("no labelled object in the training frames", file=dataset_yaml, mend=_MEND)
    with atomic_path(folder) as temporary:
        for part, images in parts.items():
            _copy(images, temporary, part)
        content = {"path": str(folder.resolve()), "train": "images/train", "val": "images/val"}
        text = yaml.safe_dump({**content, "names": dict(enumerate(names))}, sort_keys=False)
        (temporary / "view.yaml").write_text(text, encoding="utf-8")
    train, val = (tuple(image.name for image in parts[part]) for part in ("train", "val"))
    return View(folder / "view.yaml", names, train, val, boxes)


def training_images(dataset_yaml: Path, limit: int) -> int:
    """Return how many training images a view of the data set would have.

    Raises:
        InputError: The data set is missing or has none.
    """
    return len(evenly(_images(dataset_yaml, _settings(dataset_yaml), "train"), limit))


def evenly(items: list[Path], limit: int) -> list[Path]:
    """Return at most ``limit`` of the items, evenly spaced; 0 returns all of them.

    >>> [path.name for path in evenly([Path(c) for c in "abcdef"], 3)]
    ['a', 'c', 'e']
    """
    if not 0 < limit < len(items):
        return items
    return [items[index * len(items) // limit] for index in range(limit)]


def label_of(image: Path) -> Path:
    """Return where the labels of ``.../images/part/name.jpg`` lie: ``.../labels/part/name.txt``."""
    parts = list(image.with_suffix(".txt").parts)
    last = len(parts) - 1 - parts[::-1].index("images")
    return Path(*parts[:last], "labels", *parts[last + 1 :])


def _settings(dataset_yaml: Path) -> dict[str, Any]:
    try:
        settings = yaml.safe_load(dataset_yaml.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError("file is missing", file=dataset_yaml, mend=_MEND) from None
    except yaml.YAMLError as error:
        raise InputError(f"not YAML ({error})", file=dataset_yaml) from None
    missing = [key for key in ("train", "val", "names") if key not in (settings or {})]
    if missing or not isinstance(settings, dict):
        raise InputError(f"keys missing: {missing}", file=dataset_yaml, mend=_MEND)
    return settings


def _names(dataset_yaml: Path, settings: dict[str, Any]) -> tuple[str, ...]:
    names = settings["names"]
    pairs = names.items() if isinstance(names, dict) else enumerate(names)
    ordered = sorted((int(number), str(name)) for number, name in pairs)
    if [number for number, _ in ordered] != list(range(len(ordered))) or not ordered:
        raise InputError("class numbers do not run from 0 without a gap", file=dataset_yaml, place="names")
    return tuple(name for _, name in ordered)


def _images(dataset_yaml: Path, settings: dict[str, Any], part: str) -> list[Path]:
    folder = dataset_yaml.parent / str(settings.get("path") or ".") / str(settings[part])
    if "images" not in folder.parts:
        raise InputError(f"{part}: no folder named images in {folder}", file=dataset_yaml, mend=_MEND)
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in IMAGES)
    if not found:
        raise InputError(f"no images for {part} in {folder}", file=dataset_yaml, mend=_MEND)
    twins = len(found) - len({path.stem for path in found})
    if twins:
        raise InputError(f"{twins} images of {part} share a name", file=dataset_yaml, mend=_MEND)
    return found


def _objects(image: Path, classes: int, task: str) -> int:
    label = label_of(image)
    if not label.is_file():
        mend = "An image without objects has an empty label file; run `dvc repro split`"
        raise InputError("image has no label file", file=image, mend=mend)
    lines = [line.split() for line in label.read_text(encoding="utf-8").splitlines() if line.strip()]
    for number, words in enumerate(lines, start=1):
        polygon = len(words) >= 7 and len(words) % 2 == 1
        shaped = polygon if task == "segment" else len(words) == 5
        if not words[0].isdigit() or int(words[0]) >= classes or not shaped:
            what = f"not a YOLO {'polygon' if task == 'segment' else 'box'} of a known class"
            raise InputError(what, file=label, place=f"line {number}", mend=_MEND)
    return len(lines)


def _copy(images: list[Path], folder: Path, part: str) -> None:
    for kind in ("images", "labels"):
        (folder / kind / part).mkdir(parents=True)
    for image in images:
        label = label_of(image)
        if not label.is_file():
            raise InputError("image has no label file", file=image, mend=_MEND)
        shutil.copyfile(image, folder / "images" / part / image.name)
        shutil.copyfile(label, folder / "labels" / part / label.name)
