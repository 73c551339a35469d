"""CVAT for images 1.1: one XML file per annotator.

Read as a stream, image by image, so that memory does not grow with the export's text, and with
line numbers that are exact. Document types and entities are refused (defusedxml).
Format: https://docs.cvat.ai/docs/dataset_management/formats/format-cvat/
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser, ParseError

from provenline.annotations.model import BadShape, Box, ImageLabels, ObjectLabel
from provenline.annotations.shapes import enclosing_box, mask_box, rotated
from provenline.errors import InputError

_EXPORT = "Export the task as 'CVAT for images 1.1'"


def read(path: str | Path) -> list[ImageLabels]:
    """Read an export.

    Boxes (a rotated one as its enclosing box and the turned polygon), polygons, polylines of four
    points (quads) and masks (as their box; the mask itself in the attribute ``mask_rle``) become
    objects. Everything else is counted in ``skipped``. CVAT's own ``occluded`` becomes an attribute
    ``true`` or ``false``, unless the annotators have one of that name.

    Args:
        path: The XML file.

    Returns:
        One entry per image of the file, in its order; coordinates in pixels.

    Raises:
        InputError: The file is missing, empty, malformed, declares entities, is no CVAT export for
            images, or an image in it has no name or size; with the line.
    """
    path = Path(path)
    target = _Target(path)
    parser = DefusedXMLParser(target=target, forbid_dtd=True)
    expat = parser.parser
    target.line = lambda: int(expat.CurrentLineNumber)
    try:
        with path.open("rb") as stream:
            while chunk := stream.read(1 << 16):
                parser.feed(chunk)
        parser.close()
    except FileNotFoundError:
        raise InputError("file is missing", file=path, mend=_EXPORT) from None
    except ParseError as error:
        place = f"line {error.position[0]}"
        raise InputError(f"malformed XML ({error})", file=path, place=place, mend=_EXPORT) from None
    except DefusedXmlException as error:
        what = f"the XML declares a document type or entities ({type(error).__name__})"
        raise InputError(what, file=path, place=f"line {target.line()}", mend=_EXPORT) from None
    if not target.images:
        raise InputError("the export holds no images", file=path, mend=_EXPORT)
    return target.images


class _Target:
    """Receives the parser's events; element depth 0 is <annotations>, 1 <image>, 2 its shapes."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.images: list[ImageLabels] = []
        self.line: Callable[[], int] = lambda: 0
        self._depth = 0
        self._image: dict[str, Any] | None = None
        self._shape: tuple[str, dict[str, str], str] | None = None
        self._attributes: dict[str, str] = {}
        self._name: str | None = None
        self._text: list[str] = []

    def start(self, tag: str, attrib: dict[str, str]) -> None:
        depth, self._depth = self._depth, self._depth + 1
        if depth == 0 and tag != "annotations":
            raise self._error(f"not a CVAT export (it starts with <{tag}>)", _EXPORT)
        if depth == 1 and tag == "track":
            raise self._error("this is 'CVAT for video' (tracks)", _EXPORT)
        if depth == 1 and tag == "image":
            self._start_image(attrib)
        elif depth == 2 and self._image is not None:
            self._shape, self._attributes = (tag, attrib, f"line {self.line()}"), {}
        elif depth == 3 and self._shape is not None and tag == "attribute":
            self._name, self._text = attrib.get("name", ""), []

    def data(self, text: str) -> None:
        if self._name is not None:
            self._text.append(text)

    def end(self, tag: str) -> None:
        self._depth -= 1
        if self._depth == 3 and self._name is not None:
            self._attributes[self._name], self._name = "".join(self._text).strip(), None
        elif self._depth == 2 and self._shape is not None:
            self._end_shape(*self._shape)
            self._shape = None
        elif self._depth == 1 and tag == "image" and self._image is not None:
            image, self._image = self._image, None
            image.update(objects=tuple(image["objects"]), bad=tuple(image["bad"]))
            self.images.append(ImageLabels(**image))

    def _start_image(self, attrib: dict[str, str]) -> None:
        try:
            name, width, height = attrib["name"], int(attrib["width"]), int(attrib["height"])
        except (KeyError, ValueError):
            raise self._error("an image without a name, or without a width and a height", _EXPORT) from None
        self._image = {
            "name": name.replace("\\", "/"),
            "width": width,
            "height": height,
            "file": self.file,
            "place": f"line {self.line()}",
            "objects": [],
            "bad": [],
            "skipped": Counter(),
        }

    def _end_shape(self, kind: str, attrib: dict[str, str], place: str) -> None:
        assert self._image is not None
        label = attrib.get("label", "")
        place = f"{place}, image '{self._image['name']}'"
        try:
            shape = _shape(kind, attrib)
        except (KeyError, ValueError) as error:
            reason = f"no {error.args[0]}" if isinstance(error, KeyError) else str(error)
            self._image["bad"].append(BadShape(label, place, f"unreadable {kind} ({reason})"))
            return
        if shape is None:
            self._image["skipped"][kind] += 1
            return
        box, polygon, extra = shape
        occluded = {"occluded": "true" if attrib.get("occluded") == "1" else "false"}
        attributes = {**occluded, **extra, **self._attributes}
        self._image["objects"].append(ObjectLabel(label, box, polygon, attributes, place))

    def _error(self, what: str, mend: str) -> InputError:
        return InputError(what, file=self.file, place=f"line {self.line()}", mend=mend)


_Shape = tuple[Box, tuple[float, ...] | None, dict[str, str]]


def _shape(kind: str, attrib: dict[str, str]) -> _Shape | None:
    """Return box, polygon and attributes of a shape; None where its kind is no object of ours."""
    if kind == "box":
        return _box(attrib)
    if kind == "mask":
        return _mask(attrib)
    if kind not in ("polygon", "polyline"):
        return None
    polygon = tuple(_number(value) for point in attrib["points"].split(";") for value in _pair(point))
    if kind == "polyline":
        if len(polygon) == 10 and polygon[:2] == polygon[-2:]:
            polygon = polygon[:-2]
        if len(polygon) != 8:
            return None
    if len(polygon) < 6:
        raise ValueError(f"{len(polygon) // 2} points")
    return enclosing_box(polygon), polygon, {}


def _box(attrib: dict[str, str]) -> _Shape:
    x1, y1, x2, y2 = (_number(attrib[name]) for name in ("xtl", "ytl", "xbr", "ybr"))
    angle = _number(attrib.get("rotation", "0"))
    if not angle % 360:
        return (x1, y1, x2, y2), None, {}
    polygon = rotated((x1, y1, x2, y2), angle)
    return enclosing_box(polygon), polygon, {"rotation": attrib["rotation"]}


def _mask(attrib: dict[str, str]) -> _Shape:
    left, top, width, height = (int(attrib[name]) for name in ("left", "top", "width", "height"))
    runs = [int(run) for run in attrib["rle"].split(",")]
    rle = f"{left} {top} {width} {height}: {' '.join(map(str, runs))}"
    return mask_box(runs, left, top, width, height), None, {"mask_rle": rle}


def _pair(point: str) -> list[str]:
    pair = point.split(",")
    if len(pair) != 2:
        raise ValueError(f"'{point}' is no point")
    return pair


def _number(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"'{text}' is no coordinate")
    return value
