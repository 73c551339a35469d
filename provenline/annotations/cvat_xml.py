"""What CVAT's two XML formats share: the stream of elements and the shapes.

Read as a stream, so that memory does not grow with the export's text, and with line numbers that are
exact. Document types and entities are refused (defusedxml).
Format: https://docs.cvat.ai/docs/dataset_management/formats/format-cvat/
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser, ParseError

from provenline.annotations.masks import enclosing, encode, from_cvat
from provenline.annotations.model import Box
from provenline.annotations.shapes import ellipse_box, enclosing_box, rotated
from provenline.errors import InputError

_DEEPEST = 50  # elements within each other; the exports have six


class Shape(NamedTuple):
    """Box, polygon and the attributes that follow from the shape itself."""

    box: Box
    polygon: tuple[float, ...] | None
    attributes: dict[str, str]


class Element(NamedTuple):
    """A shape as the export writes it: ``attributes`` are its <attribute> elements, ``xml`` its own."""

    kind: str
    xml: Mapping[str, str]
    attributes: Mapping[str, str]
    place: str


class Target:
    """Receives a parser's events: <annotations>, in it containers, in them shapes.

    Sub-classes say what a container and a shape are to them.

    Args:
        file: For messages.
        mend: What to export instead, for messages.
    """

    def __init__(self, file: Path, mend: str) -> None:
        self.file, self.mend = file, mend
        self.line: Callable[[], int] = lambda: 0
        self.meta: dict[str, str] = {}
        self._path: list[str] = []
        self._xml: tuple[str, dict[str, str], str] | None = None
        self._attributes: dict[str, str] = {}
        self._name = ""
        self._text: list[str] = []

    def container(self, tag: str, xml: Mapping[str, str]) -> None:
        """A container begins."""

    def shape(self, element: Element) -> None:
        """A shape of the current container has been read."""

    def end_container(self) -> None:
        """A container ends."""

    def error(self, what: str) -> InputError:
        """Return an error at the current line."""
        return InputError(what, file=self.file, place=f"line {self.line()}", mend=self.mend)

    def start(self, tag: str, xml: dict[str, str]) -> None:
        """Take a start tag, as the parser gives it."""
        self._path.append(tag)
        self._text = []
        if len(self._path) > _DEEPEST:
            raise self.error("it nests too deep")
        if len(self._path) == 1 and tag != "annotations":
            raise self.error(f"not a CVAT export (it starts with <{tag}>)")
        if len(self._path) == 2:
            self.container(tag, xml)
        elif len(self._path) == 3:
            self._xml, self._attributes = (tag, xml, f"line {self.line()}"), {}
        elif len(self._path) == 4 and tag == "attribute":
            self._name = xml.get("name", "")

    def data(self, text: str) -> None:
        """Take text."""
        self._text.append(text)

    def end(self, tag: str) -> None:
        """Take an end tag."""
        text, self._text = "".join(self._text).strip(), []
        depth = len(self._path)
        if self._path[1:2] == ["meta"]:
            self.meta.setdefault("/".join(self._path[2:]), text)
        elif depth == 4 and tag == "attribute":
            self._attributes[self._name] = text
        elif depth == 3 and self._xml is not None:
            kind, xml, place = self._xml
            self.shape(Element(kind, xml, self._attributes, place))
        elif depth == 2:
            self.end_container()
        self._path.pop()


def stream(path: Path, target: Target) -> None:
    """Give all elements of a file to ``target``.

    Raises:
        InputError: The file is missing, empty, malformed, in an unknown encoding, or declares entities;
            with the line.
    """
    parser = DefusedXMLParser(target=target, forbid_dtd=True)
    expat = parser.parser
    target.line = lambda: int(expat.CurrentLineNumber)
    try:
        with path.open("rb") as file:
            while chunk := file.read(1 << 16):
                parser.feed(chunk)
        parser.close()
    except FileNotFoundError:
        raise InputError("file is missing", file=path, mend=target.mend) from None
    except ParseError as error:
        place = f"line {error.position[0]}"
        raise InputError(f"malformed XML ({error})", file=path, place=place, mend=target.mend) from None
    except DefusedXmlException as error:
        raise target.error(f"the XML declares a document type or entities ({type(error).__name__})") from None
    except (LookupError, ValueError) as error:
        raise target.error(f"an encoding that cannot be read ({error})") from None


def attributes(element: Element, shape: Shape) -> dict[str, str]:
    """Return an object's attributes: the annotators' own win over ``occluded`` and ``rotation``."""
    occluded = {"occluded": "true" if element.xml.get("occluded") == "1" else "false"}
    mask = {name: text for name, text in shape.attributes.items() if name == "mask"}
    return {**occluded, **shape.attributes, **element.attributes, **mask}


def parse(element: Element, size: tuple[int, int]) -> Shape | None:
    """Return what an element draws; None where its kind is no object of ours.

    Boxes (a rotated one as its enclosing box and the turned polygon), polygons, closed polylines,
    polylines of four points (quads, closed or not), masks (the mask itself in the attribute ``mask``)
    and ellipses (the ellipse itself in the attribute ``ellipse``) are.

    Args:
        element: The shape.
        size: Width and height of the image.

    Raises:
        ValueError: It cannot be read, and says why.
    """
    parsers = {"box": _box, "ellipse": _ellipse, "polygon": _polygon, "polyline": _polyline}
    try:
        if element.kind == "mask":
            return _mask(element.xml, size)
        return parsers[element.kind](element.xml) if element.kind in parsers else None
    except KeyError as error:
        raise ValueError(f"no {error.args[0]}") from None


def _box(xml: Mapping[str, str]) -> Shape:
    x1, y1, x2, y2 = (_number(xml[name]) for name in ("xtl", "ytl", "xbr", "ybr"))
    angle = _number(xml.get("rotation", "0"))
    if not angle % 360:
        return Shape((x1, y1, x2, y2), None, {})
    polygon = rotated((x1, y1, x2, y2), angle)
    return Shape(enclosing_box(polygon), polygon, {"rotation": xml["rotation"]})


def _ellipse(xml: Mapping[str, str]) -> Shape:
    cx, cy, rx, ry = (_number(xml[name]) for name in ("cx", "cy", "rx", "ry"))
    angle = _number(xml.get("rotation", "0"))
    said = f"{cx:g} {cy:g} {rx:g} {ry:g} {angle:g}"
    return Shape(ellipse_box(cx, cy, rx, ry, angle), None, {"ellipse": said})


def _polygon(xml: Mapping[str, str]) -> Shape:
    polygon = _points(xml["points"])
    if len(polygon) < 6:
        raise ValueError(f"{len(polygon) // 2} points")
    return Shape(enclosing_box(polygon), polygon, {})


def _polyline(xml: Mapping[str, str]) -> Shape | None:
    points = _points(xml["points"])
    if len(points) >= 8 and points[:2] == points[-2:]:
        points = points[:-2]
    elif len(points) != 8:
        return None
    return Shape(enclosing_box(points), points, {})


def _mask(xml: Mapping[str, str], size: tuple[int, int]) -> Shape:
    left, top, width, height = (int(xml[name]) for name in ("left", "top", "width", "height"))
    runs = [int(run) for run in xml["rle"].split(",")]
    mask = from_cvat(runs, (left, top, width, height), size)
    return Shape(enclosing(mask), None, {"mask": encode(mask)})


def _points(text: str) -> tuple[float, ...]:
    return tuple(_number(value) for point in text.split(";") for value in _pair(point))


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
