"""Videos in Label Studio: boxes with keyframes become one image per frame."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from provenline.annotations.label_studio_shapes import Found, Region
from provenline.annotations.model import ImageLabels

_MOST_FRAMES = 1_000_000  # eleven hours at 25 frames a second; more is a broken export
_KEYS = ("x", "y", "width", "height", "rotation")


def read(name: str, regions: Sequence[Region], file: Path, place: str) -> list[ImageLabels]:
    """Return one entry per frame of a video that somebody annotated.

    Between two keyframes all five numbers of a box change linearly. A keyframe whose ``enabled`` is off
    shows the box and ends it until the next one; after the last one a box that is on stays to the end.

    Args:
        name: Of the video.
        regions: What was drawn.
        file: The export.
        place: Where in it.

    Returns:
        At least one entry: frames 0 to the last that the export knows of (``framesCount``, else the
        last keyframe). Of an empty annotation that is frame 0 alone, with the rest counted as
        ``video of unknown length``.

    Raises:
        ValueError: A keyframe has no number, or one that no video has.
    """
    tracks = [(region, _keyframes(region)) for region in regions]
    counts = [int(region.value.get("framesCount") or 0) for region in regions]
    length = max([1, *counts, *(keys[-1]["frame"] for _, keys in tracks if keys)])
    if length > _MOST_FRAMES:
        raise ValueError(f"frame {length}")
    size = next((region.size for region in regions if region.size), None)
    frames = [Found() for _ in range(length)]
    for region, keys in tracks:
        where = f"{place}, region {region.name}"
        if not keys:
            frames[0].add(region, None, size, where)
        for number in _shown(keys, length):
            frames[number - 1].add(region, _at(keys, number), size, f"{where}, frame {number}")
    if not any(counts) and not any(keys for _, keys in tracks):
        frames[0].skipped["video of unknown length"] += 1
    return [found.image(name, size, file, place, number) for number, found in enumerate(frames)]


def _keyframes(region: Region) -> list[dict[str, Any]]:
    keys = [{**key, "frame": int(key["frame"])} for key in region.value.get("sequence", ())]
    if any(key["frame"] < 1 for key in keys):
        raise ValueError("a frame below 1")
    return sorted(keys, key=lambda key: key["frame"])


def _shown(keys: Sequence[Mapping[str, Any]], length: int) -> list[int]:
    """Return the frames on which a box is, counted from 1."""
    shown: list[int] = []
    ends = [*(key["frame"] for key in keys[1:]), length + 1]
    for key, end in zip(keys, ends, strict=False):
        shown += range(key["frame"], end) if key.get("enabled", True) else [key["frame"]]
    return shown


def _at(keys: Sequence[Mapping[str, Any]], number: int) -> dict[str, float]:
    index = bisect_right(keys, number, key=lambda key: key["frame"]) - 1
    here, there = keys[index], keys[min(index + 1, len(keys) - 1)]
    span = there["frame"] - here["frame"]
    share = (number - here["frame"]) / span if span else 0.0
    a, b = ({name: float(key.get(name) or 0) for name in _KEYS} for key in (here, there))
    return {name: a[name] + share * (b[name] - a[name]) for name in _KEYS}
