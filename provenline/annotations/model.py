"""What every annotation format is read into."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class ObjectLabel:
    """One object that an annotator drew.

    Attributes:
        label: As the export says it, before mapping.
        box: x1, y1, x2, y2, half-open; pixels of the image, or fractions of it (see ``ImageLabels``).
        polygon: x y x y ... in the units of ``box``, or None where only a box was drawn.
        attributes: Name to value, all text.
        place: Where in the file, for messages.
    """

    label: str
    box: Box
    polygon: tuple[float, ...] | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)
    place: str = ""


@dataclass(frozen=True)
class BadShape:
    """A shape that cannot be read; ``label`` is what the export calls it, "" where not even that is known."""

    label: str
    place: str
    reason: str


@dataclass(frozen=True)
class ImageLabels:
    """Everything that one annotator said about one image, possibly that nothing is there.

    Attributes:
        name: As the export says it, POSIX separators. Where ``number`` is given, the video's name.
        width: Of the image that was annotated, in pixels; None where the export does not know it,
            and then all coordinates of ``objects`` are fractions of the width and the height.
        height: Likewise.
        objects: In the order of the export.
        file: The file that says so.
        place: Where in the file, for messages.
        skipped: Shapes that are no objects (points, tags, ...): kind to count.
        bad: Shapes that cannot be read.
        number: Of the frame, 0 for the first that a decoder presents, where the tool counts frames of
            the video ``name``; None where ``name`` says which image it is.
        picture: The image that the tool exported with its labels, where it did: what it really showed.
    """

    name: str
    width: int | None
    height: int | None
    objects: tuple[ObjectLabel, ...] = ()
    file: Path = Path()
    place: str = ""
    skipped: Mapping[str, int] = field(default_factory=dict)
    bad: tuple[BadShape, ...] = ()
    number: int | None = None
    picture: Path | None = None
