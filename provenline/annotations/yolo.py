"""YOLO folders: ``data.yaml`` with the names, ``labels/`` with one text file per image, ``images/``.

A line is ``class cx cy w h`` (a box) or ``class x y x y x y ...`` (a polygon), in fractions of the
image. An empty label file says that nothing is there; a missing one says nothing at all.
Format: https://docs.ultralytics.com/datasets/
"""

from __future__ import annotations

import math
from pathlib import Path

import yaml

from provenline.annotations.model import BadShape, ImageLabels, ObjectLabel
from provenline.annotations.shapes import enclosing_box
from provenline.errors import InputError

_NO_LABELS = {"classes"}  # annotation tools leave a list of the names among the labels
_IMAGES = {".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"}


def read(folder: str | Path) -> list[ImageLabels]:
    """Read all label files of a YOLO folder.

    Args:
        folder: The one that holds ``data.yaml`` and ``labels/``.

    Returns:
        One entry per label file, sorted by path. ``name`` is the path under ``labels/`` without the
        ending, ``width`` and ``height`` are None: coordinates are fractions.

    Raises:
        InputError: ``data.yaml`` or the labels are missing, or a line names a class that
            ``data.yaml`` does not.
    """
    folder = Path(folder)
    names = read_names(folder / "data.yaml")
    files = sorted(file for file in (folder / "labels").rglob("*.txt") if file.stem not in _NO_LABELS)
    if not files:
        raise InputError("no label files", file=folder / "labels", mend="Put one .txt file per image there")
    return [_read_file(file, _name(file, folder / "labels"), names) for file in files]


def without_label_file(folder: str | Path) -> list[str]:
    """Return the images under ``images/`` that no label file speaks about, sorted, without endings."""
    folder = Path(folder)
    labels = {_name(file, folder / "labels") for file in (folder / "labels").rglob("*.txt")}
    images = (file for file in (folder / "images").rglob("*") if file.suffix.lower() in _IMAGES)
    return sorted({_name(file, folder / "images") for file in images} - labels)


def read_names(path: str | Path) -> dict[int, str]:
    """Return the class names of a ``data.yaml``, which may hold them as a list or by number.

    Raises:
        InputError: The file is missing, is not YAML, or has no usable ``names``.
    """
    path = Path(path)
    try:
        names = yaml.safe_load(path.read_text(encoding="utf-8"))["names"]
        pairs = names.items() if isinstance(names, dict) else enumerate(names)
        return {int(number): str(name) for number, name in pairs}
    except FileNotFoundError:
        raise InputError("file is missing", file=path, mend="A YOLO folder needs its data.yaml") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"line {mark.line + 1}" if mark else None
        raise InputError(f"not YAML ({getattr(error, 'problem', error)})", file=path, place=place) from None
    except (KeyError, TypeError, ValueError):
        raise InputError("no class names", file=path, place="names", mend="List them under names") from None


def _name(file: Path, root: Path) -> str:
    return file.relative_to(root).with_name(file.stem).as_posix()


def _read_file(file: Path, name: str, names: dict[int, str]) -> ImageLabels:
    objects: list[ObjectLabel] = []
    bad: list[BadShape] = []
    lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        place = f"line {number}"
        try:
            class_id, values = _parse(line)
        except ValueError as error:
            bad.append(BadShape("", place, f"malformed line ({error})"))
            continue
        if class_id not in names:
            known = ", ".join(f"{key} {names[key]}" for key in sorted(names))
            raise InputError(f"unknown class {class_id}", file=file, place=place, mend=f"Known: {known}")
        objects.append(_object(names[class_id], values, place))
    return ImageLabels(name, None, None, tuple(objects), file, bad=tuple(bad))


def _parse(line: str) -> tuple[int, list[float]]:
    first, *rest = line.split()
    class_number, values = float(first), [float(value) for value in rest]
    if not class_number.is_integer() or class_number < 0:
        raise ValueError(f"'{first}' is no class number")
    if len(values) != 4 and (len(values) < 6 or len(values) % 2):
        raise ValueError(f"{len(values)} numbers after the class; a box has 4, a polygon 6 or more in pairs")
    if not all(math.isfinite(value) for value in values):
        raise ValueError("a coordinate is no number")
    return int(class_number), values


def _object(label: str, values: list[float], place: str) -> ObjectLabel:
    if len(values) == 4:
        cx, cy, w, h = values
        return ObjectLabel(label, (cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2), place=place)
    return ObjectLabel(label, enclosing_box(values), tuple(values), place=place)
