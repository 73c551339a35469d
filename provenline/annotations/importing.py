"""Annotation exports become the Boxes table; nothing is dropped without being counted and named."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from provenline import tables
from provenline.annotations import agreement
from provenline.annotations.adjudicating import decide
from provenline.annotations.comparing import Footage
from provenline.annotations.findings import frame_counts, warnings
from provenline.annotations.fitting import Fitted, fit, known_labels, map_label
from provenline.annotations.model import ImageLabels, ObjectLabel
from provenline.annotations.numbering import Place, locate
from provenline.annotations.params import Adjudicated, AnnotateParams
from provenline.annotations.ratings import Key
from provenline.annotations.reading import open_exports
from provenline.annotations.reconciling import converted
from provenline.annotations.resolving import Problem, Resolved, Resolver
from provenline.annotations.tally import Tally, bad_item
from provenline.errors import InputError
from provenline.progress import track

# Formats that keep a file per image: their objects are reconciled per folder.
_FILE_PER_IMAGE = frozenset({"yolo", "voc"})


class Imported(NamedTuple):
    """What an import delivers.

    Attributes:
        frames: Frames table with ``annotated`` and ``annotator`` set.
        boxes: Boxes table: of all annotators, on sampled frames, and what a consensus made of them.
        report: JSON-able; every image and every object read is in exactly one of its counts.
    """

    frames: pd.DataFrame
    boxes: pd.DataFrame
    report: dict[str, Any]


class Exports(NamedTuple):
    """What was read: annotator to images, to images without a label file, to format; what was passed over."""

    images: dict[str, list[ImageLabels]]
    without: dict[str, list[str]]
    formats: dict[str, str]
    passed: list[str]


def import_annotations(
    folder: str | Path, frames: pd.DataFrame, params: AnnotateParams, footage: Footage | None = None
) -> Imported:
    """Read the exports of all annotators and attach them to the frames.

    Args:
        folder: Holds the exports, one per annotator and named after them; see `reading`. Not looked
            at for format ``none``.
        frames: Frames table.
        params: Format, label map, who wins, tolerance, agreement.
        footage: That the frames come from; see `numbering.locate`.

    Raises:
        InputError: An export cannot be read, a label has no rule, a name is ambiguous, frame numbers
            cannot be trusted, or more than ``tolerance`` of the images or of the objects would have to
            be set aside.
    """
    with _open(Path(folder), params) as exports:
        resolvers = _resolvers(frames, exports.formats)
        located = locate(exports.images, resolvers, footage, params.offset)
        tally = _tally(exports, located.places, params)
    tally.check(params.tolerance)
    tally.objects.check(len(tally.boxes))
    names = sorted(exports.images)
    decided = decide(tally.annotators, tally.boxes, params.adjudication, params.primary, names)
    whose = [decided.reference.get(frame_id, "") for frame_id in frames["frame_id"]]
    marked = frames.assign(annotated=[bool(name) for name in whose], annotator=whose)
    boxes = tables.table([*tally.boxes, *decided.boxes], tables.BOXES)
    result, reason = _agreement(tally, frames, params)
    report = {
        "format": _format_text(params.format),
        **tally.counts(),
        "without_label_file": {name: len(images) for name, images in exports.without.items()},
        "passed_over": exports.passed,
        "numbering": located.numbering,
        "pictures_of_photos": located.photos,
        "frames": frame_counts(marked, boxes, tally.annotators),
        "adjudication": decided.report,
        "agreement": result,
        "agreement_reason": reason,
    }
    report["warnings"] = located.warnings + warnings(report, params)
    return Imported(tables.table(marked, tables.FRAMES), boxes, report)


@contextmanager
def _open(folder: Path, params: AnnotateParams) -> Iterator[Exports]:
    """Open all exports; their pictures are there until the block ends."""
    formats, origin = params.format, params.voc_origin
    if isinstance(formats, str):
        passed: list[str] = []
        with open_exports(folder, formats, origin, passed=passed) as (images, without):
            yield Exports(images, without, dict.fromkeys(images, formats), passed)
        return
    exports = Exports({}, {}, dict(formats), [])
    with ExitStack() as stack:
        for annotator, kind in sorted(formats.items()):
            images, without = stack.enter_context(open_exports(folder, kind, origin, annotator))
            if annotator not in images:
                found = ", ".join(images) or "none"
                mend = "Give each annotator a folder, or name the exports after them"
                raise InputError(
                    f"no {kind} export of '{annotator}' (found: {found})", file=folder, mend=mend
                )
            exports.images[annotator] = images[annotator]
            exports.without[annotator] = without.get(annotator, [])
        yield exports


def _format_text(formats: str | Mapping[str, str]) -> str:
    if isinstance(formats, str):
        return formats
    return ", ".join(f"{kind} ({annotator})" for annotator, kind in sorted(formats.items()))


def _resolvers(frames: pd.DataFrame, formats: Mapping[str, str]) -> dict[str, Resolver]:
    by_kind = {
        endings: Resolver(frames, endings=endings) for endings in {k != "yolo" for k in formats.values()}
    }
    return {annotator: by_kind[kind != "yolo"] for annotator, kind in formats.items()}


def without_place(report: Any, folder: Path) -> Any:
    """Return a report that names files from the exports' folder on, and no place of this machine.

    Args:
        report: JSON-able.
        folder: Of the exports; where it is relative, nothing is to be done.
    """
    if not folder.is_absolute():
        return report
    if isinstance(report, dict):
        return {key: without_place(one, folder) for key, one in report.items()}
    if isinstance(report, list):
        return [without_place(one, folder) for one in report]
    return report.replace(folder.as_posix(), folder.name) if isinstance(report, str) else report


def _tally(exports: Exports, places: Mapping[str, Sequence[Place]], params: AnnotateParams) -> Tally:
    tally = Tally()
    for annotator, images in exports.images.items():
        tally.ratings[annotator] = {}
        per_image = exports.formats[annotator] in _FILE_PER_IMAGE
        pairs = list(zip(images, places[annotator], strict=True))
        for image, place in track(pairs, f"Importing {annotator}"):
            source = image.file.parent if per_image else image.file
            _add_image(tally, annotator, image, place, params, source)
    return tally


def _add_image(
    tally: Tally, annotator: str, image: ImageLabels, place: Place, params: AnnotateParams, source: Path
) -> None:
    targets = [_target(label, image, params) for label in image.objects]
    names = [one.label for one in image.objects] + [one.label for one in image.bad]
    rows = [tally.objects.row(source, annotator, name) for name in names]
    problem = place if isinstance(place, Problem) else _problem(image, place, tally.ratings[annotator])
    tally.images[annotator]["read"] += 1
    for row in rows:
        row.read += 1
    tally.skipped.update(image.skipped)
    if isinstance(place, Problem) or problem is not None:
        assert problem is not None
        tally.images[annotator]["set_aside"] += 1
        where = ", ".join(filter(None, [image.place, f"image '{image.name}'"]))
        tally.bad_images.append(bad_item(image.file, where, problem.reason))
        for row in rows:
            row.with_image[problem.kind] += 1
        return
    tally.images[annotator]["not_sampled" if place.frame_id is None else "sampled"] += 1
    _add_objects(tally, annotator, image, place, targets, params.agreement.label, source)


def _add_objects(
    tally: Tally,
    annotator: str,
    image: ImageLabels,
    resolved: Resolved,
    targets: list[str],
    rated: str,
    source: Path,
) -> None:
    kept: list[tuple[ObjectLabel, str, Fitted]] = []
    bad = [(shape.label, shape.place, Problem("unreadable", shape.reason)) for shape in image.bad]
    for label, target in zip(image.objects, targets, strict=True):
        fitted = fit(label, resolved.width, resolved.height, relative=image.width is None)
        if isinstance(fitted, Problem):
            bad.append((label.label, label.place, fitted))
        else:
            kept.append((label, target, fitted))
    for name, place, problem in bad:
        tally.bad_objects.append(bad_item(image.file, place, problem.reason))
        tally.objects.row(source, annotator, name).set_aside[problem.kind] += 1
    rows = [fitted.box for _, target, fitted in kept if target == rated]
    tally.ratings[annotator][resolved.key] = np.array(rows, dtype=np.float64).reshape(-1, 4)
    tally.groups[resolved.key] = resolved.group
    if resolved.frame_id is not None:
        tally.annotators[resolved.frame_id].add(annotator)
    for label, target, fitted in kept:
        row = tally.objects.row(source, annotator, label.label)
        if resolved.frame_id is None:
            row.not_sampled += 1
            continue
        row.to[target] += 1
        row.clipped += fitted.clipped
        row.converted += converted(label)
        tally.boxes.append(_row(resolved.frame_id, annotator, target, label, fitted))


def _row(frame_id: str, annotator: str, target: str, label: ObjectLabel, fitted: Fitted) -> dict[str, Any]:
    return {
        "frame_id": frame_id,
        "annotator": annotator,
        "label": target,
        **dict(zip(tables.BOX, fitted.box, strict=True)),
        "polygon": None if fitted.polygon is None else list(fitted.polygon),
        "attributes": json.dumps(dict(label.attributes), ensure_ascii=False, sort_keys=True),
    }


def _target(label: ObjectLabel, image: ImageLabels, params: AnnotateParams) -> str:
    target = map_label(label, params.labels)
    if target is None:
        known = known_labels(params.labels)
        mend = f"Known: {known}. Add a rule to annotate_import.labels"
        raise InputError(f"no rule for label '{label.label}'", file=image.file, place=label.place, mend=mend)
    return target


def _problem(image: ImageLabels, resolved: Resolved, before: Mapping[Key, Any]) -> Problem | None:
    """Return why an image of known media cannot be used."""
    if resolved.key in before:
        return Problem("twice", "the same image stands in the export twice")
    ours = (resolved.width, resolved.height)
    if image.width is not None and (image.width, image.height) != ours:
        said = f"annotated at {image.width} x {image.height}"
        return Problem("other_size", f"{said}, our frame has {ours[0]} x {ours[1]}")
    return None


def _agreement(
    tally: Tally, frames: pd.DataFrame, params: AnnotateParams
) -> tuple[dict[str, Any] | None, str]:
    rule = params.adjudication
    # Who saw the others' labels agrees with them.
    blind = {
        name: seen
        for name, seen in tally.ratings.items()
        if not (isinstance(rule, Adjudicated) and name == rule.annotator)
    }
    sizes, categories = _of_images(frames, list(tally.groups))
    return agreement.measure(blind, tally.groups, params.agreement, sizes=sizes, categories=categories)


def _of_images(
    frames: pd.DataFrame, keys: Sequence[Key]
) -> tuple[dict[Key, tuple[int, int]], dict[Key, str]]:
    """Return sizes and categories of images, also of those not sampled: they are their media's."""
    columns = frames[["media", "width", "height", "category"]].drop_duplicates("media")
    media = {name: (int(w), int(h), of) for name, w, h, of in columns.itertuples(index=False)}
    sizes = {key: media[key[0]][:2] for key in keys}
    return sizes, {key: media[key[0]][2] for key in keys if media[key[0]][2]}
