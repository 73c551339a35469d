"""Writes CVAT for images 1.1: ``annotations.xml``. The opposite of `cvat`."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.sax.saxutils import XMLGenerator
from xml.sax.xmlreader import AttributesImpl

from provenline.annotations.masks import decode, kept, to_cvat
from provenline.annotations.model import ImageLabels, ObjectLabel
from provenline.errors import InputError
from provenline.files import atomic_path

_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write(
    folder: Path, images: Sequence[ImageLabels], labels: Sequence[str] | Mapping[str, Sequence[str]]
) -> Counter[str]:
    """Write the labels of images; polygons and masks as such.

    Args:
        folder: Gets ``annotations.xml``.
        images: With sizes; coordinates in pixels.
        labels: Named in the head, with the names of the attributes that their objects have, and of those that
            are given here.

    Returns:
        Kind of shape that CVAT cannot hold to how many were written as boxes.

    Raises:
        InputError: A text holds a character that XML cannot.
    """
    simplified = Counter(
        "polygons" for image in images for one in image.objects if "polygons" in one.attributes
    )
    with atomic_path(folder / "annotations.xml") as temporary, temporary.open("w", encoding="utf-8") as file:
        xml = XMLGenerator(file, "utf-8", short_empty_elements=True)
        xml.startDocument()
        _start(xml, "annotations")
        _text(xml, "version", "1.1")
        _meta(xml, images, labels)
        for number, image in enumerate(images):
            _image(xml, number, image)
        xml.endElement("annotations")
        xml.endDocument()
    return simplified


def _meta(
    xml: XMLGenerator, images: Sequence[ImageLabels], labels: Sequence[str] | Mapping[str, Sequence[str]]
) -> None:
    given = labels if isinstance(labels, Mapping) else dict.fromkeys(labels, ())
    names: dict[str, set[str]] = {label: set(attributes) for label, attributes in given.items()}
    for image in images:
        for one in image.objects:
            names[one.label] |= _said(one).keys()
    for tag in ("meta", "task"):
        _start(xml, tag)
    _text(xml, "size", str(len(images)))
    _text(xml, "mode", "annotation")
    _start(xml, "labels")
    for label, attributes in names.items():
        _start(xml, "label")
        _text(xml, "name", label)
        _start(xml, "attributes")
        for name in sorted(attributes):
            _start(xml, "attribute")
            for tag, text in (("name", name), ("mutable", "False"), ("input_type", "text")):
                _text(xml, tag, text)
            xml.endElement("attribute")
        xml.endElement("attributes")
        xml.endElement("label")
    for tag in ("labels", "task", "meta"):
        xml.endElement(tag)


def _image(xml: XMLGenerator, number: int, image: ImageLabels) -> None:
    _start(xml, "image", id=number, name=image.name, width=image.width, height=image.height)
    for one in image.objects:
        occluded = int(one.attributes.get("occluded") == "true")
        tag, geometry = _geometry(one)
        _start(xml, tag, label=one.label, source="manual", occluded=occluded, **geometry, z_order=0)
        for name, value in sorted(_said(one).items()):
            _text(xml, "attribute", value, name=name)
        xml.endElement(tag)
    xml.endElement("image")


def _geometry(one: ObjectLabel) -> tuple[str, dict[str, object]]:
    if text := kept(one.attributes):
        runs, window = to_cvat(decode(text))
        left, top, width, height = window
        rle = ", ".join(map(str, runs))
        return "mask", {"rle": rle, "left": left, "top": top, "width": width, "height": height}
    if one.polygon is not None:
        pairs = zip(one.polygon[0::2], one.polygon[1::2], strict=True)
        return "polygon", {"points": ";".join(f"{x:.4f},{y:.4f}" for x, y in pairs)}
    names = ("xtl", "ytl", "xbr", "ybr")
    return "box", {name: f"{value:.4f}" for name, value in zip(names, one.box, strict=True)}


def _said(one: ObjectLabel) -> dict[str, str]:
    """Return the attributes that neither the shape nor CVAT's own ``occluded`` says."""
    said = dict(one.attributes)
    if said.get("occluded") in ("true", "false"):
        del said["occluded"]
    if kept(said):
        del said["mask"]
    return said


def _start(xml: XMLGenerator, tag: str, **attributes: object) -> None:
    xml.startElement(tag, AttributesImpl({name: _legal(str(value)) for name, value in attributes.items()}))


def _text(xml: XMLGenerator, tag: str, text: str, **attributes: object) -> None:
    _start(xml, tag, **attributes)
    xml.characters(_legal(text))
    xml.endElement(tag)


def _legal(text: str) -> str:
    if wrong := _ILLEGAL.search(text):
        what = f"XML cannot hold the character {ord(wrong[0])} in {text!r}"
        raise InputError(what, mend="Write COCO instead")
    return text
