"""YOLO folders: ``data.yaml`` with the names, ``labels/`` with one text file per image, ``images/``.

Roboflow's layout too (``train/labels/`` and ``train/images/``), and the older one: ``classes.txt`` or
``obj.names`` with the names, ``obj_train_data/`` with text files and images beside each other.

A line is ``class cx cy w h`` (a box) or ``class x y x y x y ...`` (a polygon; four corners are what OBB
writes), in fractions of the image. An empty label file says that nothing is there; a missing one says
nothing at all.
Format: https://docs.ultralytics.com/datasets/
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import yaml

from provenline.annotations.model import BadShape, ImageLabels, ObjectLabel
from provenline.annotations.shapes import enclosing_box
from provenline.errors import InputError

_NO_LABELS = {"classes", "labels"}  # annotation tools leave a list of the names among the labels
_NAMES = ("data.yaml", "classes.txt", "obj.names")
_IMAGES = {".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"}


class _Loader(yaml.SafeLoader):
    """Refuses aliases: those of aliases make gigabytes of a few lines."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """Return the next node; named as PyYAML calls it."""
        if self.check_event(yaml.AliasEvent):
            raise yaml.composer.ComposerError(None, None, "it uses aliases", None)
        return super().compose_node(parent, index)


def is_export(folder: Path) -> bool:
    """Return whether a folder holds the list of names that `read` needs."""
    return any((folder / name).is_file() for name in _NAMES)


def read(folder: str | Path) -> list[ImageLabels]:
    """Read all label files of a YOLO folder.

    Args:
        folder: The one that holds ``data.yaml`` and ``labels/``.

    Returns:
        One entry per label file, sorted by path. ``name`` is the path under ``labels/`` without the
        ending (``train/a`` for ``train/labels/a.txt``), ``width`` and ``height`` are None: coordinates
        are fractions.

    Raises:
        InputError: The names or the labels are missing, or a line names a class that the names do not.
    """
    folder = Path(folder)
    lists = [folder / name for name in _NAMES]
    names = read_names(next((path for path in lists if path.is_file()), lists[0]))
    files = {file: name for file, name in _found(folder, "labels", {".txt"}) if file.stem not in _NO_LABELS}
    if not files:
        raise InputError("no label files", file=folder / "labels", mend="Put one .txt file per image there")
    return [_read_file(file, name, names) for file, name in sorted(files.items())]


def without_label_file(folder: str | Path) -> list[str]:
    """Return the images under ``images/`` that no label file speaks about, sorted, without endings."""
    labels = {name for _, name in _found(Path(folder), "labels", {".txt"})}
    return sorted({name for _, name in _found(Path(folder), "images", _IMAGES)} - labels)


def _found(folder: Path, kind: str, endings: set[str]) -> Iterator[tuple[Path, str]]:
    """Yield the label files or images of a folder, with the name that both share."""
    roots = [folder / kind, folder / "obj_train_data", *folder.glob(f"*/{kind}")]
    for root in roots:
        part = root.parent.relative_to(folder)
        for file in root.rglob("*"):
            # What begins with ._ is macOS's own, in archives that it packs.
            if file.suffix.lower() in endings and file.is_file() and not file.name.startswith("._"):
                yield file, (part / file.relative_to(root).with_name(file.stem)).as_posix()


def read_names(path: str | Path) -> dict[int, str]:
    """Return the class names of a ``data.yaml``, which may hold them as a list or by number, or of a list.

    Raises:
        InputError: The file is missing, is not YAML, uses aliases, or has no usable ``names``.
    """
    path = Path(path)
    try:
        if path.suffix != ".yaml" and path.is_file():
            lines = path.read_text(encoding="utf-8-sig").splitlines()
            return {number: line.strip() for number, line in enumerate(lines) if line.strip()}
        return _listed(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError("file is missing", file=path, mend="A YOLO folder needs its data.yaml") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"line {mark.line + 1}" if mark else None
        raise InputError(f"not YAML ({getattr(error, 'problem', error)})", file=path, place=place) from None
    except (KeyError, OverflowError, RecursionError, TypeError, ValueError):
        raise InputError("no class names", file=path, place="names", mend="List them under names") from None


def _listed(text: str) -> dict[int, str]:
    names = yaml.load(text, _Loader)["names"]  # noqa: S506, a safe loader
    if not isinstance(names, (dict, list)):
        raise TypeError("no list")
    pairs = [(int(n), name) for n, name in (names.items() if isinstance(names, dict) else enumerate(names))]
    if any(isinstance(name, (dict, list, set)) for _, name in pairs):
        raise TypeError("a name is no text")
    found = {number: str(name) for number, name in pairs}
    "".join(found.values()).encode()  # escapes can make text that cannot be written: a ValueError
    return found


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
