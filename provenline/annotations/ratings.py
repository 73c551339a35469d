"""What annotators said, in the form in which agreement is measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Key = tuple[str, int]  # media and presentation time in milliseconds: one image
Ratings = Mapping[str, Mapping[Key, Floats]]


@dataclass(frozen=True)
class Images:
    """What is known of the images apart from the ratings.

    Attributes:
        groups: Image to the group that it belongs to (the unit of resampling).
        sizes: Image to width and height in pixels; images may be missing.
        categories: Image to category (operation); images may be missing.
    """

    groups: Mapping[Key, str]
    sizes: Mapping[Key, tuple[int, int]] = field(default_factory=dict)
    categories: Mapping[Key, str] = field(default_factory=dict)


def region_counts(boxes: Floats, size: tuple[int, int], grid: tuple[int, int]) -> Ints:
    """Count the objects per region of a fixed grid; an object is where its centre is.

    Args:
        boxes: (n, 4) half-open boxes in pixels. A centre on an edge of the image counts inside.
        size: Width and height of the image in pixels.
        grid: Rows and columns.

    Returns:
        (rows * columns) counts, row by row.

    >>> region_counts(np.array([[0.0, 0.0, 10.0, 10.0]]), (100, 50), (1, 2))
    array([1, 0])
    """
    rows, columns = grid
    centre = (boxes[:, :2] + boxes[:, 2:]) / 2 / np.asarray(size, dtype=np.float64)
    column, row = np.clip(centre * (columns, rows), 0, (columns - 1, rows - 1)).astype(np.int64).T
    return np.bincount(row * columns + column, minlength=rows * columns)


def numbers_of_objects(drawn: Sequence[Mapping[Key, Floats]], keys: Sequence[Key]) -> Floats:
    """Return the (n, a) numbers of objects per image and annotator; NaN where one did not look."""
    return np.array(
        [[len(one[key]) if key in one else np.nan for one in drawn] for key in keys], dtype=np.float64
    ).reshape(len(keys), len(drawn))


def numbers_per_region(
    drawn: Sequence[Mapping[Key, Floats]], keys: Sequence[Key], images: Images, grid: tuple[int, int]
) -> Floats:
    """Return the (n * regions, a) numbers of objects, image by image; NaN where one did not look."""
    regions = grid[0] * grid[1]
    numbers = np.full((len(keys), regions, len(drawn)), np.nan)
    for row, key in enumerate(keys):
        for column, one in enumerate(drawn):
            if key in one:
                numbers[row, :, column] = region_counts(one[key], images.sizes[key], grid)
    return numbers.reshape(-1, len(drawn))
