"""Writes CVAT for images 1.1, with the standard library only.

It shares no code with the reader in ``annotations``, so that the two check each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

from provenline.files import atomic_path

ATTRIBUTES = (
    ("hands_only", "checkbox", "false", "true\nfalse"),
    ("mannequin", "checkbox", "false", "true\nfalse"),
    ("role", "select", "operator", "operator\npasser_by"),
)


@dataclass(frozen=True)
class Drawn:
    """One box that an annotator drew.

    Attributes:
        box: x1 y1 x2 y2 in pixels.
        occluded: CVAT's own flag.
        hands_only: No head to be seen.
        mannequin: The annotator says that it is a dummy.
        role: operator or passer_by.
    """

    box: tuple[float, float, float, float]
    occluded: bool
    hands_only: bool
    mannequin: bool
    role: str


@dataclass(frozen=True)
class Sheet:
    """One image of an export: its name, width, height and boxes (none: somebody looked, nobody was there)."""

    name: str
    width: int
    height: int
    boxes: tuple[Drawn, ...]


def write_cvat(path: Path, task: str, sheets: Sequence[Sheet]) -> None:
    """Write an export; the file appears whole or not at all."""
    root = ET.Element("annotations")
    ET.SubElement(root, "version").text = "1.1"
    root.append(_meta(task, len(sheets)))
    for number, sheet in enumerate(sheets):
        image = ET.SubElement(
            root, "image", id=str(number), name=sheet.name, width=str(sheet.width), height=str(sheet.height)
        )
        for drawn in sheet.boxes:
            _box(image, drawn)
    ET.indent(root)
    with atomic_path(path) as temporary:
        ET.ElementTree(root).write(temporary, encoding="utf-8", xml_declaration=True)


def _box(image: ET.Element, drawn: Drawn) -> None:
    edges = zip(("xtl", "ytl", "xbr", "ybr"), (f"{value:.2f}" for value in drawn.box), strict=True)
    fields = {
        "label": "person",
        "source": "manual",
        "occluded": str(int(drawn.occluded)),
        **dict(edges),
        "z_order": "0",
    }
    box = ET.SubElement(image, "box", fields)
    values = {
        "hands_only": str(drawn.hands_only).lower(),
        "mannequin": str(drawn.mannequin).lower(),
        "role": drawn.role,
    }
    for name, value in values.items():
        ET.SubElement(box, "attribute", name=name).text = value


def _meta(task: str, size: int) -> ET.Element:
    meta = ET.Element("meta")
    job = ET.SubElement(meta, "task")
    for name, value in (("name", task), ("size", str(size)), ("mode", "annotation"), ("overlap", "0")):
        ET.SubElement(job, name).text = value
    label = ET.SubElement(ET.SubElement(job, "labels"), "label")
    ET.SubElement(label, "name").text = "person"
    ET.SubElement(label, "color").text = "#33ddff"
    attributes = ET.SubElement(label, "attributes")
    for name, kind, default, values in ATTRIBUTES:
        attribute = ET.SubElement(attributes, "attribute")
        fields = (
            ("name", name),
            ("mutable", "False"),
            ("input_type", kind),
            ("default_value", default),
            ("values", values),
        )
        for field, value in fields:
            ET.SubElement(attribute, field).text = value
    return meta
