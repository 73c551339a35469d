"""CVAT for video 1.1: one XML file per annotator and video, with tracks.

The frame numbers in the file are those of the source video, counted from 0: CVAT turns the frames of a
task that starts later or takes every n-th frame back into them (``start_frame + n * step``), and the
head's ``start_frame`` and ``stop_frame`` (inclusive) are in the same numbers, for a job too.
Formats: https://docs.cvat.ai/docs/dataset_management/formats/format-cvat/ and, for ``frame_filter``,
https://docs.cvat.ai/docs/workspace/tasks-page/ ("frame step").
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from provenline.annotations.cvat_xml import Element, Target, attributes, parse, stream
from provenline.annotations.model import BadShape, ImageLabels, ObjectLabel
from provenline.errors import InputError

_EXPORT = "Export the task or the job as 'CVAT for video 1.1'"
_STEP = re.compile(r"\s*step\s*=\s*([1-9]\d{0,8})\s*")
_MOST_SHAPES = 5_000_000  # what a few kilobytes of keyframes may claim
_MOST_FRAMES = 1_000_000  # eleven hours at 25 frames a second; more is a broken head
_SIDES = ("xtl", "ytl", "xbr", "ybr")


class _Row(NamedTuple):
    """What a track says about one frame."""

    frame: int
    outside: bool
    element: Element


class _Head(NamedTuple):
    """What the export says about its video and the part of it that was annotated."""

    video: str
    frames: range
    size: tuple[int, int]


def read(path: str | Path) -> list[ImageLabels]:
    """Read an export.

    CVAT writes a row for every frame on which an object is, its own linear interpolation included.
    Where rows between two keyframes are missing, a box is interpolated as CVAT does it: corners
    linearly, the rotation along the shorter arc, ``occluded`` and attributes as on the keyframe before.
    Another shape without its row is set aside. ``outside`` ends a track until its next row; after its
    last row nothing is assumed.

    Args:
        path: The XML file.

    Returns:
        One entry per frame of the annotated part, in order, also where nothing is on it: ``name`` is
        the file name of the video ("" where the export does not know it), ``number`` the frame's.
        Coordinates in pixels.

    Raises:
        InputError: The file is missing, empty, malformed, declares entities, is no CVAT export for
            video, or one of several tasks, or does not say which frames of a video of which size were
            annotated; with the line.
    """
    path = Path(path)
    target = _Tracks(path, _EXPORT)
    stream(path, target)
    if target.tasks > 1:
        what = f"a project of {target.tasks} tasks, each of which counts its frames from 0"
        raise InputError(what, file=path, place="meta", mend="Export every task by itself")
    head = _head(target)
    found = _Found(defaultdict(list), defaultdict(list), defaultdict(Counter))
    shapes = 0
    for label, rows in target.tracks:
        for row in _filled(rows, head.frames):
            _add(found, label, row, head)
            shapes += 1
            if shapes > _MOST_SHAPES:
                what = f"the tracks make more than {_MOST_SHAPES:,} boxes"
                raise InputError(what, file=path, place="meta", mend=_EXPORT)
    return [
        ImageLabels(
            head.video,
            *head.size,
            objects=tuple(found.objects[number]),
            file=path,
            place=f"frame {number}",
            skipped=found.skipped[number],
            bad=tuple(found.bad[number]),
            number=number,
        )
        for number in head.frames
    ]


class _Found(NamedTuple):
    """Frame to what is on it."""

    objects: dict[int, list[ObjectLabel]]
    bad: dict[int, list[BadShape]]
    skipped: dict[int, Counter[str]]


class _Tracks(Target):
    def __init__(self, file: Path, mend: str) -> None:
        super().__init__(file, mend)
        self.tracks: list[tuple[str, list[_Row]]] = []
        self.tasks = 0
        self._track: dict[str, str] | None = None

    def start(self, tag: str, xml: dict[str, str]) -> None:
        """Take a start tag, as the parser gives it."""
        super().start(tag, xml)
        self.tasks += self._path[1:] == ["meta", "project", "tasks", "task"]

    def container(self, tag: str, xml: Mapping[str, str]) -> None:
        if tag == "image":
            raise self.error("this is 'CVAT for images'")
        self._track = dict(xml) if tag == "track" else None
        if self._track is not None:
            self.tracks.append((xml.get("label", ""), []))

    def shape(self, element: Element) -> None:
        if self._track is None:
            return
        try:
            frame = int(element.xml["frame"])
        except (KeyError, ValueError):
            what = f"a {element.kind} of track {self._track.get('id', '')} without a frame number"
            raise InputError(what, file=self.file, place=element.place, mend=self.mend) from None
        place = f"{element.place}, track {self._track.get('id', '')}"
        outside = element.xml.get("outside") == "1"
        self.tracks[-1][1].append(_Row(frame, outside, element._replace(place=place)))


def _head(target: _Tracks) -> _Head:
    meta = target.meta
    scope = next(
        (name for name in ("task", "job", "project/tasks/task") if f"{name}/start_frame" in meta), ""
    )
    step = _STEP.fullmatch(meta.get(f"{scope}/frame_filter") or "step=1")
    try:
        first, last = (int(meta[f"{scope}/{name}"]) for name in ("start_frame", "stop_frame"))
        prefix = "" if "original_size/width" in meta else f"{scope}/"
        width, height = (int(meta[f"{prefix}original_size/{side}"]) for side in ("width", "height"))
    except (KeyError, ValueError):
        what = "the export does not say which frames of a video of which size were annotated"
        raise InputError(what, file=target.file, place="meta", mend=_EXPORT) from None
    if step is None:
        what = f"the frame filter '{meta[f'{scope}/frame_filter']}' is not of the form step=N"
        raise InputError(what, file=target.file, place="meta", mend=_EXPORT)
    frames = range(first, last + 1, int(step[1]))
    if first < 0 or not 0 <= last - first < _MOST_FRAMES:
        what = f"the export claims frames {first} to {last}"
        raise InputError(what, file=target.file, place="meta", mend=_EXPORT)
    source = meta.get("source") or meta.get(f"{scope}/source") or ""
    video = PurePosixPath(source.replace("\\", "/")).name
    return _Head(video, frames, (width, height))


def _filled(rows: list[_Row], frames: range) -> Iterator[_Row]:
    """Yield the rows of a track, and between two of them what is missing."""
    rows = sorted(rows, key=lambda row: row.frame)
    said: dict[str, str] = {}
    for index, raw in enumerate(rows):
        said = {**said, **raw.element.attributes}
        row = raw._replace(element=raw.element._replace(attributes=said))
        if row.outside:
            continue
        yield row
        if index + 1 < len(rows):
            # Frames of the task after this row and before the next one.
            after = frames[bisect_right(frames, row.frame) :]
            for frame in after[: max(0, bisect_right(after, rows[index + 1].frame - 1))]:
                yield _between(row, rows[index + 1], frame)


def _between(before: _Row, after: _Row, frame: int) -> _Row:
    share = (frame - before.frame) / (after.frame - before.frame)
    a, b = before.element.xml, after.element.xml
    xml = {**a, "frame": str(frame), "missing": "1"}
    try:
        if before.element.kind == after.element.kind == "box":
            xml |= {side: str(float(a[side]) + share * (float(b[side]) - float(a[side]))) for side in _SIDES}
            turn = (float(b.get("rotation", 0)) - float(a.get("rotation", 0)) + 180) % 360 - 180
            xml |= {"rotation": str((float(a.get("rotation", 0)) + share * turn) % 360), "missing": "0"}
    except (KeyError, ValueError):
        pass  # the rows themselves are reported
    return _Row(frame, False, before.element._replace(xml=xml))


def _add(found: _Found, label: str, row: _Row, head: _Head) -> None:
    element = row.element
    if row.frame not in head.frames:
        frames = f"{head.frames[0]} to {head.frames[-1]}, every {head.frames.step}"
        reason = f"frame {row.frame} is none of those that were annotated ({frames})"
        found.bad[head.frames.start].append(BadShape(label, element.place, reason))
        return
    place = f"{element.place}, frame {row.frame}"
    try:
        shape = parse(element, head.size)
        if shape is not None and element.xml.get("missing") == "1":
            raise ValueError(f"it has no row between two keyframes, at frame {row.frame}")
    except ValueError as error:
        found.bad[row.frame].append(BadShape(label, place, f"unreadable {element.kind} ({error})"))
        return
    if shape is None:
        found.skipped[row.frame][element.kind] += 1
        return
    said = attributes(element, shape)
    found.objects[row.frame].append(ObjectLabel(label, shape.box, shape.polygon, said, place))
