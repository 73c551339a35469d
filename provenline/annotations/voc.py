"""Pascal VOC: a folder with one XML file per image.

Two conventions share the format. The original counts pixels from 1 and includes the last one; what
annotation tools write today (LabelImg, CVAT, Label Studio, most converters) are edges counted from 0.
Nothing in a file says which, so the caller does; a coordinate 0 disproves the first.
Format: "The PASCAL VOC 2012 Development Kit", section 4.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Literal
from xml.etree.ElementTree import Element

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import ParseError, parse

from provenline.annotations.model import BadShape, Box, ImageLabels, ObjectLabel
from provenline.errors import InputError

Origin = Literal[0, 1]
_EXPORT = "Export the labels as Pascal VOC"
_LABELS = ("Annotations", "labels")
_PICTURES = ("JPEGImages", "images")
_ENDINGS = {".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"}
_SIDES = ("xmin", "ymin", "xmax", "ymax")
_FLAGS = ("truncated", "difficult", "occluded")


def is_export(folder: Path) -> bool:
    """Return whether a folder holds label files where `read` looks for them."""
    return bool(_files(folder)[1])


def read(folder: str | Path, origin: Origin = 0) -> list[ImageLabels]:
    """Read all label files of a VOC folder.

    ``pose``, ``truncated``, ``difficult``, ``occluded`` and CVAT's ``attributes`` become attributes; 0
    and 1 become ``false`` and ``true``.

    Args:
        folder: The one that holds ``Annotations/`` or ``labels/`` with the files, or the files themselves.
        origin: 0 where coordinates are edges counted from 0, 1 where they are pixels counted from 1 and
            the last one is included.

    Returns:
        One entry per file, sorted by path; coordinates in pixels. ``name`` is the file's ``filename``,
        with the sub-folder of the label file.

    Raises:
        InputError: No files, a malformed one, one that declares entities, or a coordinate 0 where
            pixels are counted from 1.
    """
    root, files = _files(Path(folder))
    if not files:
        raise InputError("no label files", file=folder, mend=_EXPORT)
    return [_read_file(file, root, origin) for file in files]


def without_label_file(folder: str | Path) -> list[str]:
    """Return the images that no label file speaks about, sorted, without endings."""
    root, files = _files(Path(folder))
    labels = {file.relative_to(root).with_suffix("").as_posix() for file in files}
    images = {
        file.relative_to(Path(folder) / pictures).with_suffix("").as_posix()
        for pictures in _PICTURES
        for file in (Path(folder) / pictures).rglob("*")
        if file.suffix.lower() in _ENDINGS
    }
    return sorted(images - labels)


def _files(folder: Path) -> tuple[Path, list[Path]]:
    for root in (folder / name for name in _LABELS):
        if files := sorted(filter(_is_export, root.rglob("*"))):
            return root, files
    return folder, sorted(filter(_is_export, folder.glob("*")))


def _is_export(file: Path) -> bool:
    # What begins with ._ is macOS's own, in archives that it packs.
    return file.suffix.lower() == ".xml" and not file.name.startswith("._")


def _read_file(file: Path, root: Path, origin: Origin) -> ImageLabels:
    tree, size = _parsed(file)
    objects: list[ObjectLabel] = []
    bad: list[BadShape] = []
    for index, one in enumerate(tree.findall("object"), start=1):
        place = f"object {index}"
        label = (one.findtext("name") or "").strip()
        if origin == 1 and any(_is_zero(one.findtext(f"bndbox/{side}")) for side in _SIDES):
            mend = "The coordinates are counted from 0: set voc_origin to 0"
            raise InputError("a coordinate 0", file=file, place=place, mend=mend)
        try:
            if size is None:
                raise ValueError("the file does not say the size of its image")
            objects.append(ObjectLabel(label, _box(one, origin), None, _attributes(one), place))
        except ValueError as error:
            bad.append(BadShape(label, place, f"unreadable box ({error})"))
    width, height = size or (None, None)
    return ImageLabels(_name(tree, file, root), width, height, tuple(objects), file, bad=tuple(bad))


def _parsed(file: Path) -> tuple[Element, tuple[int, int] | None]:
    try:
        tree = parse(file, forbid_dtd=True).getroot()
    except ParseError as error:
        place = f"line {error.position[0]}"
        raise InputError(f"malformed XML ({error})", file=file, place=place, mend=_EXPORT) from None
    except DefusedXmlException as error:
        what = f"the XML declares a document type or entities ({type(error).__name__})"
        raise InputError(what, file=file, mend=_EXPORT) from None
    except (LookupError, ValueError) as error:
        what = f"an encoding that cannot be read ({error})"
        raise InputError(what, file=file, mend=_EXPORT) from None
    if tree is None or tree.tag != "annotation":
        raise InputError("not a VOC file", file=file, mend=_EXPORT)
    return tree, _size(tree)


def _name(tree: Element, file: Path, root: Path) -> str:
    said = (tree.findtext("filename") or "").strip().replace("\\", "/") or file.stem
    folder = file.relative_to(root).parent
    return said if "/" in said else (folder / said).as_posix()


def _size(tree: Element) -> tuple[int, int] | None:
    try:
        width, height = (int(tree.findtext(f"size/{side}", "")) for side in ("width", "height"))
    except ValueError:
        return None
    return (width, height) if min(width, height) > 0 else None


def _box(one: Element, origin: Origin) -> Box:
    values = [one.findtext(f"bndbox/{side}") for side in _SIDES]
    if None in values:
        raise ValueError(f"no {_SIDES[values.index(None)]}")
    x1, y1, x2, y2 = (float(str(value)) for value in values)
    if not all(map(math.isfinite, (x1, y1, x2, y2))):
        raise ValueError("a coordinate is no number")
    box = (x1 - origin, y1 - origin, x2, y2)
    if box[0] >= box[2] or box[1] >= box[3]:
        raise ValueError(f"xmin {x1:g}, ymin {y1:g}, xmax {x2:g}, ymax {y2:g} are out of order")
    return box


def _is_zero(text: str | None) -> bool:
    return text is not None and text.strip().rstrip("0") in ("", "0.", ".")


def _attributes(one: Element) -> dict[str, str]:
    said = {flag: one.findtext(flag) for flag in _FLAGS}
    found = {flag: "true" if text.strip() == "1" else "false" for flag, text in said.items() if text}
    if pose := (one.findtext("pose") or "").strip():
        found["pose"] = pose
    for attribute in one.findall("attributes/attribute"):
        found[attribute.findtext("name") or ""] = (attribute.findtext("value") or "").strip()
    return found
