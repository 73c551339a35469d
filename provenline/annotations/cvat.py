"""CVAT for images 1.1: one XML file per annotator.

Format: https://docs.cvat.ai/docs/dataset_management/formats/format-cvat/
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from provenline.annotations.cvat_xml import Element, Target, attributes, parse, stream
from provenline.annotations.model import BadShape, ImageLabels, ObjectLabel
from provenline.errors import InputError

_EXPORT = "Export the task as 'CVAT for images 1.1', or import it in the format that it has"


def read(path: str | Path) -> list[ImageLabels]:
    """Read an export.

    What becomes an object is said in `cvat_xml.parse`; everything else is counted in ``skipped``, tags
    as ``tag <label>``. CVAT's own ``occluded`` becomes an attribute ``true`` or ``false``, unless the
    annotators have one of that name.

    Args:
        path: The XML file.

    Returns:
        One entry per image of the file, in its order; coordinates in pixels.

    Raises:
        InputError: The file is missing, empty, malformed, declares entities, is no CVAT export for
            images, or an image in it has no name or size; with the line.
    """
    path = Path(path)
    target = _Images(path, _EXPORT)
    stream(path, target)
    if not target.images:
        raise InputError("the export holds no images", file=path, mend=_EXPORT)
    return target.images


class _Images(Target):
    def __init__(self, file: Path, mend: str) -> None:
        super().__init__(file, mend)
        self.images: list[ImageLabels] = []
        self._image: dict[str, Any] | None = None

    def container(self, tag: str, xml: Mapping[str, str]) -> None:
        if tag == "track":
            raise self.error("this is 'CVAT for video' (tracks)")
        if tag != "image":
            return
        try:
            name, width, height = xml["name"], int(xml["width"]), int(xml["height"])
        except (KeyError, ValueError):
            raise self.error("an image without a name, or without a width and a height") from None
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

    def shape(self, element: Element) -> None:
        if self._image is None:
            return
        label = element.xml.get("label", "")
        place = f"{element.place}, image '{self._image['name']}'"
        try:
            shape = parse(element, (self._image["width"], self._image["height"]))
        except ValueError as error:
            self._image["bad"].append(BadShape(label, place, f"unreadable {element.kind} ({error})"))
            return
        if shape is None:
            self._image["skipped"][f"tag {label}" if element.kind == "tag" else element.kind] += 1
            return
        said = attributes(element, shape)
        self._image["objects"].append(ObjectLabel(label, shape.box, shape.polygon, said, place))

    def end_container(self) -> None:
        if self._image is None:
            return
        image, self._image = self._image, None
        image.update(objects=tuple(image["objects"]), bad=tuple(image["bad"]))
        self.images.append(ImageLabels(**image))
