"""How large a network's input is. Imports nothing: a device looks at manifests without the libraries."""

from __future__ import annotations

from typing import NamedTuple

MULTIPLE = 32  # the coarsest grid that the detectors look at
WANTED = f"a positive multiple of {MULTIPLE}, or [height, width] of two that differ"


class Size(NamedTuple):
    """Height and width of a network's input, in pixels.

    In conf and in manifests a square is one number and anything else `[height, width]`: each size is written
    in one way, so that what differs by its text differs by its size.

    >>> str(Size(640, 640)), Size(640, 640).plain
    ('640', 640)
    >>> str(Size(384, 640)), Size(384, 640).plain
    ('384x640', [384, 640])
    """

    height: int
    width: int

    def __str__(self) -> str:
        return f"{self.height}" if self.square else f"{self.height}x{self.width}"

    @property
    def square(self) -> bool:
        """Whether both sides are alike."""
        return self.height == self.width

    @property
    def area(self) -> int:
        """Pixels, which a network's work grows with."""
        return self.height * self.width

    @property
    def plain(self) -> int | list[int]:
        """What stands for it in a file."""
        return self.height if self.square else [self.height, self.width]


def parse(value: object) -> Size:
    """Return the size that a file writes as ``value``, which may be anything; a Size is returned as it is.

    Raises:
        ValueError: It is none.

    >>> parse(640), parse([384, 640])
    (Size(height=640, width=640), Size(height=384, width=640))
    """
    if isinstance(value, Size):
        return value
    sides = value if isinstance(value, list) and len(value) == 2 else [value, value]
    if not all(map(_is_side, sides)) or (isinstance(value, list) and sides[0] == sides[1]):
        raise ValueError(f"is {value!r}, not {WANTED}")
    return Size(*sides)


def _is_side(value: object) -> bool:
    # True is an int, but no side.
    return type(value) is int and value > 0 and value % MULTIPLE == 0
