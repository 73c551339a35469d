"""Annotation exports become the Boxes table; nothing is dropped without being counted and named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from provenline import tables
from provenline.annotations import agreement, cvat, yolo
from provenline.annotations.fitting import Fitted, fit, known_labels, map_label
from provenline.annotations.model import BadShape, ImageLabels, ObjectLabel
from provenline.annotations.params import AnnotateParams
from provenline.annotations.resolving import Resolved, Resolver
from provenline.annotations.tally import Tally, bad_item
from provenline.errors import InputError
from provenline.progress import track


class Imported(NamedTuple):
    """What an import delivers.

    Attributes:
        frames: Frames table with ``annotated`` and ``annotator`` set.
        boxes: Boxes table: of all annotators, on sampled frames.
        report: JSON-able; every image and every object read is in exactly one of its counts.
    """

    frames: pd.DataFrame
    boxes: pd.DataFrame
    report: dict[str, Any]


def import_annotations(folder: str | Path, frames: pd.DataFrame, params: AnnotateParams) -> Imported:
    """Read the exports of all annotators and attach them to the frames.

    Args:
        folder: CVAT: holds one XML file per annotator, named after them. YOLO: such a folder, or
            one that holds one such folder per annotator. Not looked at for format ``none``.
        frames: Frames table.
        params: Format, label map, order of the annotators, tolerance, agreement.

    Raises:
        InputError: An export cannot be read, a label has no rule, a name is ambiguous, or more
            than ``tolerance`` of the images or of the objects would have to be set aside.
    """
    exports, without = _read_exports(Path(folder), params.format)
    resolver = Resolver(frames, endings=params.format != "yolo")
    tally = Tally()
    for annotator, images in exports.items():
        tally.ratings[annotator] = {}
        for image in track(images, f"Importing {annotator}"):
            _add_image(tally, annotator, image, resolver, params)
    tally.check(params.tolerance)
    reference = _reference(tally.annotators, params.primary)
    whose = [reference.get(frame_id, "") for frame_id in frames["frame_id"]]
    marked = frames.assign(annotated=[bool(name) for name in whose], annotator=whose)
    boxes = tables.table(tally.boxes, tables.BOXES)
    result, reason = agreement.measure(tally.ratings, tally.groups, params.agreement)
    report = {
        "format": params.format,
        **tally.counts(),
        "without_label_file": {name: len(images) for name, images in without.items()},
        "frames": _frame_counts(marked, boxes, tally.annotators),
        "agreement": result,
        "agreement_reason": reason,
    }
    report["warnings"] = _warnings(report, params)
    return Imported(tables.table(marked, tables.FRAMES), boxes, report)


def _read_exports(folder: Path, kind: str) -> tuple[dict[str, list[ImageLabels]], dict[str, list[str]]]:
    """Return the labels per annotator, and per annotator the images without a label file."""
    if kind == "none":
        return {}, {}
    if kind == "cvat":
        found = {file.stem: file for file in sorted(folder.glob("*.xml"))}
        if not found:
            mend = "Unpack each annotator's CVAT export to <annotator>.xml there"
            raise InputError("no XML export", file=folder, mend=mend)
        return {name: cvat.read(file) for name, file in found.items()}, {}
    folders = {"yolo": folder}
    if not (folder / "data.yaml").exists():
        folders = {file.parent.name: file.parent for file in sorted(folder.glob("*/data.yaml"))}
    if not folders:
        mend = "Give a YOLO folder, or one that holds a YOLO folder per annotator"
        raise InputError("no data.yaml", file=folder, mend=mend)
    without = {name: yolo.without_label_file(path) for name, path in folders.items()}
    return {name: yolo.read(path) for name, path in folders.items()}, without


def _add_image(
    tally: Tally, annotator: str, image: ImageLabels, resolver: Resolver, params: AnnotateParams
) -> None:
    targets = [_target(label, image, params) for label in image.objects]
    names = [label.label for label in image.objects] + [label.label for label in image.bad]
    resolved = _resolve(image, resolver)
    reason = _problem(image, resolved, tally.ratings[annotator])
    tally.images[annotator]["read"] += 1
    for name in names:
        tally.labels[name]["read"] += 1
    tally.skipped.update(image.skipped)
    if reason or resolved is None:
        tally.images[annotator]["set_aside"] += 1
        place = ", ".join(filter(None, [image.place, f"image '{image.name}'"]))
        tally.bad_images.append(bad_item(image.file, place, reason))
        for name in names:
            tally.labels[name]["set_aside_with_image"] += 1
        return
    tally.images[annotator]["not_sampled" if resolved.frame_id is None else "sampled"] += 1
    _add_objects(tally, annotator, image, resolved, targets, params.agreement.label)


def _add_objects(
    tally: Tally, annotator: str, image: ImageLabels, resolved: Resolved, targets: list[str], rated: str
) -> None:
    kept: list[tuple[ObjectLabel, str, Fitted]] = []
    bad = list(image.bad)
    for label, target in zip(image.objects, targets, strict=True):
        fitted = fit(label, resolved.width, resolved.height, relative=image.width is None)
        if isinstance(fitted, str):
            bad.append(BadShape(label.label, label.place, fitted))
        else:
            kept.append((label, target, fitted))
    for shape in bad:
        tally.bad_objects.append(bad_item(image.file, shape.place, shape.reason))
        tally.labels[shape.label]["set_aside"] += 1
    rows = [fitted.box for _, target, fitted in kept if target == rated]
    tally.ratings[annotator][resolved.key] = np.array(rows, dtype=np.float64).reshape(-1, 4)
    tally.groups[resolved.key] = resolved.group
    if resolved.frame_id is None:
        for label, _, _ in kept:
            tally.labels[label.label]["not_sampled"] += 1
        return
    tally.annotators[resolved.frame_id].add(annotator)
    for label, target, fitted in kept:
        tally.clipped += fitted.clipped
        tally.mapped[label.label, target] += 1
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


def _resolve(image: ImageLabels, resolver: Resolver) -> Resolved | None:
    try:
        return resolver.find(image.name)
    except InputError as error:
        raise InputError(error.what, file=image.file, place=image.place or None, mend=error.mend) from None


def _problem(image: ImageLabels, resolved: Resolved | None, before: dict[agreement.Key, Any]) -> str:
    """Return why an image cannot be used, or ""."""
    if resolved is None:
        return "unknown image: no media of that name"
    if resolved.key in before:
        return "the same image stands in the export twice"
    ours = (resolved.width, resolved.height)
    if image.width is not None and (image.width, image.height) != ours:
        return f"annotated at {image.width} x {image.height}, our frame has {ours[0]} x {ours[1]}"
    return ""


def _reference(annotators: dict[str, set[str]], primary: tuple[str, ...]) -> dict[str, str]:
    """Return whose boxes count, by frame_id."""
    rank = {name: number for number, name in enumerate(primary)}
    return {
        frame_id: min(names, key=lambda name: (rank.get(name, len(primary)), name))
        for frame_id, names in annotators.items()
    }


def _frame_counts(
    marked: pd.DataFrame, boxes: pd.DataFrame, annotators: dict[str, set[str]]
) -> dict[str, Any]:
    annotated = marked[marked["annotated"]]
    counting = boxes.merge(annotated[["frame_id", "annotator"]], on=["frame_id", "annotator"])
    reference = annotated["annotator"].value_counts()
    return {
        "total": len(marked),
        "annotated": len(annotated),
        "not_annotated": len(marked) - len(annotated),
        "without_objects": int((~annotated["frame_id"].isin(counting["frame_id"])).sum()),
        "by_several": sum(len(names) > 1 for names in annotators.values()),
        "reference": {name: int(reference[name]) for name in sorted(reference.index)},
    }


def _warnings(report: dict[str, Any], params: AnnotateParams) -> list[str]:
    """Return what a person should know before trusting the boxes."""
    warnings: list[str] = []
    missing = sum(report["without_label_file"].values())
    if missing:
        warnings.append(f"{missing} images have no label file: they count as not annotated, not as empty")
    strangers = [name for name in params.primary if name not in report["annotators"]]
    if strangers and params.format != "none":
        warnings.append(f"no export of {', '.join(strangers)}, whom annotate_import.primary names")
    if params.format != "none" and not report["frames"]["annotated"]:
        warnings.append("no sampled frame is annotated: do the export and the sampling plan fit together?")
    skipped = {kind: count for kind, count in report["skipped"].items() if kind != "tag"}
    if skipped:
        kinds = ", ".join(f"{kind} {count}" for kind, count in skipped.items())
        warnings.append(f"shapes that are no box, polygon, quad or mask were left out: {kinds}")
    return warnings + _agreement_warnings(report["agreement"])


def _agreement_warnings(result: dict[str, Any] | None) -> list[str]:
    warnings: list[str] = []
    for pair in result["pairs"] if result else []:
        names = " and ".join(pair["annotators"])
        if pair["groups"] < agreement.WARNING_GROUPS:
            few = f"the agreement of {names} rests on {pair['groups']} groups, fewer than"
            warnings.append(f"{few} {agreement.WARNING_GROUPS}: its intervals are rough")
        kappa = pair["kappa_presence"]
        if kappa["low"] is not None and kappa["low"] == kappa["high"]:
            warnings.append(f"{names} never disagree on presence: the interval of kappa has no width")
    return warnings
