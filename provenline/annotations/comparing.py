"""The pictures that a tool exported with its labels, held against our own frames."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from provenline.annotations.aligning import WINDOW, Alignment, Floats, align, distance, small
from provenline.errors import InputError
from provenline.images import decoded

Item = TypeVar("Item")

MOST = 20  # pictures per video: enough to outvote a stranger, few enough to decode around
# Re-encoded copies lie below 0.05 of each other, other pictures of one scene mostly above this.
_COPY = 0.15


class Footage(Protocol):
    """The footage that the frames come from, asked by the names of its media."""

    def times_ms(self, media: str) -> Sequence[int]:
        """Return when each frame is presented, ascending; a photo is a film of one frame, at 0."""
        ...

    def pictures(self, media: str, times_ms: Sequence[int]) -> Iterator[tuple[int, NDArray[np.uint8]]]:
        """Yield the frames presented at the asked moments, ascending: the moment and a BGR picture."""
        ...


def compare(
    media: str, exported: Sequence[tuple[int, Path]], times_ms: Sequence[int], footage: Footage
) -> Alignment | None:
    """Compare exported pictures of one video with its frames around them.

    Args:
        media: The video.
        exported: Frame number and picture; at most 20 of them, spread evenly, are looked at.
        times_ms: Of all frames of the video.
        footage: Delivers the frames.

    Returns:
        How they lie against each other; None where no picture can be read.
    """
    chosen = spread(sorted(exported))
    read = [(number, _read(path)) for number, path in chosen]
    pictures = [(number, small(image)) for number, image in read if image is not None]
    if not pictures:
        return None
    distances = np.full((len(pictures), 2 * WINDOW + 1), np.inf)
    wanted = {
        times_ms[index]: index
        for number, _ in pictures
        for index in range(max(0, number - WINDOW), min(len(times_ms), number + WINDOW + 1))
    }
    for time_ms, frame in footage.pictures(media, sorted(wanted)):
        _enter(distances, pictures, wanted[time_ms], small(frame))
    return align(distances)


def _enter(distances: Floats, pictures: list[tuple[int, Floats]], index: int, frame: Floats) -> None:
    for row, (number, picture) in enumerate(pictures):
        if abs(index - number) <= WINDOW:
            distances[row, index - number + WINDOW] = distance(picture, frame)


def same_photo(media: str, picture: Path, footage: Footage) -> bool | None:
    """Return whether an exported picture shows a photo of ours; None where one of them cannot be read."""
    theirs = _read(picture)
    try:
        ours = next(footage.pictures(media, [0]), None)
    except InputError:
        return None
    if theirs is None or ours is None:
        return None
    return distance(small(theirs), small(ours[1])) < _COPY


def spread(items: Sequence[Item]) -> list[Item]:
    """Return at most 20 of the items, from the first to the last at equal steps."""
    if len(items) <= MOST:
        return list(items)
    return [items[index] for index in np.linspace(0, len(items) - 1, MOST).round().astype(int)]


def _read(path: Path) -> NDArray[np.uint8] | None:
    try:
        return decoded(path.read_bytes())
    except OSError:
        return None
