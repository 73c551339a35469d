"""Label Studio JSON (full, and JSON-MIN): one file with the tasks of a project, of one or several people.

Coordinates there are percent of the image. A video's frames are counted from 1, here from 0.
Format: https://labelstud.io/guide/export and https://labelstud.io/guide/task_format
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from provenline.annotations import json_text, label_studio_video
from provenline.annotations.label_studio_shapes import Found, Region
from provenline.annotations.model import ImageLabels
from provenline.errors import InputError

_EXPORT = "Export the project from Label Studio as JSON"
_UPLOAD = re.compile(r"[0-9a-f]{8}-(?P<name>.+)")
_GEOMETRY = frozenset({"x", "points", "rle", "sequence", "vertices"})


def read(path: str | Path) -> dict[str, list[ImageLabels]]:
    """Read an export.

    Rectangles (a rotated one as its enclosing box and the turned polygon), polygons, ellipses, brushes
    (as the box of their mask, the mask itself in the attribute ``mask``) and the boxes of videos become
    objects; what else is drawn is counted in ``skipped``, and so are predictions (``prediction``) and
    statements about the whole image. A region's further statements (choices, text) are its attributes.
    Cancelled (skipped) annotations and drafts say nothing; an annotation without regions says that
    nothing is there.

    Args:
        path: The JSON file.

    Returns:
        Per annotator (``annotator_<user number>``; never the e-mail address, since the name goes into
        reports) one entry per image and per frame of a video, in the order of the file. Coordinates in
        pixels; fractions, with ``width`` None, where the export does not know the size of the image.

    Raises:
        InputError: The file is missing, is no JSON of Label Studio, or holds no annotation.
    """
    path = Path(path)
    found: dict[str, list[ImageLabels]] = defaultdict(list)
    for number, task in enumerate(_tasks(path), start=1):
        place = f"task {task.get('id', number)}" if isinstance(task, dict) else f"task {number}"
        try:
            _add_task(found, _full(task), path, place)
        except (AttributeError, KeyError, OverflowError, TypeError, ValueError) as error:
            what = f"not a task of Label Studio ({type(error).__name__}: {error})"
            raise InputError(what, file=path, place=place, mend=_EXPORT) from None
    if not found:
        raise InputError("the export holds no annotations", file=path, mend=_EXPORT)
    return dict(found)


def file_name(source: str) -> str:
    """Return the name of the file behind a task's URL, POSIX separators.

    The prefix of eight hexadecimal digits that an upload gets is taken off.

    >>> file_name("/data/upload/1/bd8f1cf8-my%20photo.jpg")
    'my photo.jpg'
    >>> file_name("/data/local-files/?d=footage/a%2Fb.jpg")
    'footage/a/b.jpg'
    >>> file_name("s3://bucket/day%201/a.jpg")
    'day 1/a.jpg'
    """
    parts = urlsplit(source.replace("\\", "/"))
    if parts.path.rstrip("/").endswith("/data/local-files"):
        match = re.search(r"(?:^|&)d=([^&]*)", parts.query)
        return unquote(match[1]).lstrip("/") if match else ""
    name = unquote(parts.path if parts.scheme else source.replace("\\", "/"))
    if "/data/upload/" in name:
        name = name.partition("/data/upload/")[2]
        name = name.rpartition("/")[2]
        match = _UPLOAD.fullmatch(name)
        return match["name"] if match else name
    return name.lstrip("/")


def _tasks(path: Path) -> list[Any]:
    tasks = json_text.load(path, _EXPORT)
    if not isinstance(tasks, list):
        raise InputError("not a list of tasks", file=path, mend=_EXPORT)
    return tasks


def _full(task: dict[str, Any]) -> dict[str, Any]:
    """Return a task of JSON-MIN as the full JSON writes it."""
    if "annotations" in task or "completions" in task or "annotation_id" not in task:
        return task
    results: list[dict[str, Any]] = []
    for name, values in task.items():
        for value in values if isinstance(values, list) else ():
            if isinstance(value, dict) and _GEOMETRY & set(value):
                sizes = {key: value[key] for key in ("original_width", "original_height") if key in value}
                results.append({"from_name": name, "value": value, **sizes})
    data = {name: value for name, value in task.items() if isinstance(value, str) and "/" in value}
    annotation = {"completed_by": task.get("annotator"), "result": results}
    return {"id": task.get("id"), "data": data, "annotations": [annotation]}


def _add_task(found: dict[str, list[ImageLabels]], task: dict[str, Any], path: Path, place: str) -> None:
    annotations = task.get("annotations", task.get("completions"))
    if annotations is None:
        raise ValueError("no annotations")
    skipped = Counter({"prediction": len(task.get("predictions") or ())})
    for annotation in annotations:
        if not isinstance(annotation, dict):
            raise ValueError("the export gives numbers of annotations, not annotations")
        if annotation.get("was_cancelled"):
            continue
        results = annotation.get("result") or []
        name, moving = _source(task["data"], results)
        make = label_studio_video.read if moving else _image
        images = make(file_name(name), _regions(results), path, place)
        images[0] = replace(images[0], skipped=Counter(images[0].skipped) + skipped)
        found[_annotator(annotation.get("completed_by"))].extend(images)
        skipped = Counter()


def _annotator(said: Any) -> str:
    number = said.get("id") if isinstance(said, dict) else said
    return f"annotator_{number if isinstance(number, int) else 'unknown'}"


def _source(data: Mapping[str, Any], results: list[dict[str, Any]]) -> tuple[str, bool]:
    """Return the URL of what was annotated, and whether it is a video."""
    keys = [str(result["to_name"]) for result in results if "to_name" in result]
    kinds = [key for key in ("video", "video_url") if key in data]
    moving = any("sequence" in result.get("value", {}) for result in results) or bool(kinds)
    texts = {key: value for key, value in data.items() if isinstance(value, str)}
    wanted = [*keys, "video", "video_url"] if moving else [*keys, "image", "img", "image_url"]
    name = next((texts[key] for key in wanted if key in texts), None)
    name = name or next((value for value in texts.values() if "/" in value or "." in value), None)
    if not name:
        raise ValueError("no file")
    return name, moving


def _regions(results: list[dict[str, Any]]) -> list[Region]:
    """Return the regions of an annotation: results of one id belong together."""
    grouped: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for index, result in enumerate(results):
        grouped[str(result.get("id", f"result {index + 1}"))].append(result)
    return [
        Region(name, next((r for r in group if _GEOMETRY & set(r.get("value", {}))), None), group)
        for name, group in grouped.items()
    ]


def _image(name: str, regions: list[Region], path: Path, place: str) -> list[ImageLabels]:
    found = Found()
    sizes = {region.size for region in regions if region.size is not None}
    size = next(iter(sizes)) if len(sizes) == 1 else None
    if len(sizes) > 1:
        raise ValueError(f"regions of several sizes of '{PurePosixPath(name).name}'")
    for region in regions:
        found.add(region, region.value, size, f"{place}, region {region.name}")
    return [found.image(name, size, path, place)]
