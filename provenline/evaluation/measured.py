"""One split of a comparison: all of it, each model at its own thresholds, and whatever it can be cut by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from provenline.evaluation.average_precision import coco_metrics
from provenline.evaluation.case import MODELS, ByModel, Case
from provenline.evaluation.matching import AREAS, BoolArray, FloatArray, match
from provenline.evaluation.params import EvalParams
from provenline.evaluation.parts import BY_SIZE, RATIOS, SLICED, WHOLE, Part, measure
from provenline.evaluation.slices import categories

COLUMNS = {"by_category": "category", "by_camera": "camera", "by_day": "day"}
SIZES = ("small", "medium", "large")


@dataclass(frozen=True)
class Measured:
    """A split, measured.

    Attributes:
        whole: At the common threshold, on all metrics.
        own: Each model at its own thresholds.
        cuts: ``by_category``, ``by_camera``, ``by_day``, ``by_size`` and ``by_class``: by name.
        coco: The library's metrics by model.
    """

    whole: Part
    own: Part
    cuts: Mapping[str, Mapping[str, Part]]
    coco: Mapping[str, dict[str, Any]]

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON object."""
        result = self.whole.to_dict()
        for model in MODELS:
            # The candidate that is the base has the base's predictions.
            result[model] = {**result[model], "coco": self.coco.get(model, self.coco["base"])}
        result["own"] = self.own.figures()
        for name, parts in self.cuts.items():
            result[name] = {value: part.to_dict() for value, part in parts.items()}
        return result


@dataclass(frozen=True)
class Views:
    """The same frames with objects of one size, or of one class, alone; by its name, of all splits."""

    sizes: Mapping[str, ByModel]
    classes: Mapping[str, ByModel]


def views(case: Case, iou: float) -> Views:
    """Match again what a cut through the objects, and not through the frames, needs.

    Sizes are COCO's: small under 32 x 32 pixels, large from 96 x 96 on. Objects of other sizes are
    ignored, and so are detections of other sizes that find nothing.
    """
    ids, ious = case.frames["frame_id"].tolist(), sorted({0.5, iou})

    def matched(labels: Sequence[str], area: tuple[float, float]) -> ByModel:
        found = case.predictions.items()
        return {model: match(ids, case.truth, table, labels, ious, area) for model, table in found}

    alone = len(case.labels) == 1
    return Views(
        {size: matched(case.labels, AREAS[size]) for size in SIZES},
        {label: case.matches if alone else matched([label], AREAS["all"]) for label in case.labels},
    )


def measure_split(
    case: Case, split: str, seen: Views, own: Mapping[str, FloatArray], params: EvalParams
) -> Measured:
    """Measure both models on a split.

    Args:
        case: What is compared.
        split: One of ``case.splits()``.
        seen: ``views`` of the case.
        own: Each model's own threshold of each label, (L,).
        params: See there.
    """
    keep = case.where(split)

    def part(where: BoolArray, matches: ByModel, metrics: Sequence[str]) -> Part:
        inside = {model: one.within(where) for model, one in matches.items()}
        common = {model: np.full(len(one.labels), params.score) for model, one in inside.items()}
        return measure(case.frames[where], inside, common, metrics, params)

    whole = part(keep, case.matches, WHOLE)
    cuts = {
        name: {value: part(case.having(split, column, value), case.matches, SLICED) for value in values}
        for name, column in COLUMNS.items()
        if (values := _values(case, keep, column))
    }
    cuts["by_size"] = {size: part(keep, matches, BY_SIZE) for size, matches in seen.sizes.items()}
    cuts["by_class"] = {
        label: whole.only(SLICED) if matches is case.matches else part(keep, matches, SLICED)
        for label, matches in seen.classes.items()
    }
    coco = {
        model: coco_metrics(case.frames[keep], case.truth, table, case.labels)
        for model, table in case.predictions.items()
    }
    return Measured(whole, measure(case.frames[keep], whole.matches, own, RATIOS, params), cuts, coco)


def _values(case: Case, keep: BoolArray, column: str) -> list[str]:
    """Return what a column holds, sorted; nothing for cameras and days that nobody named."""
    part = case.frames[keep]
    if column == "category":
        return categories(part)
    found = sorted(part[column].unique().tolist())
    return found if any(found) else []
