"""What the luck of a seed leaves of a gain: this model's, and that of the recipe that made it.

Two claims rest on one comparison. *This model is better than the base* on footage of this kind: it is one
model, whatever its seed, so only the videos are at random. *Training by this recipe helps*: another seed
would have given another model, so how far trainings scatter belongs into the interval, and a training
that was lucky is no proof.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from provenline import bootstrap, tables
from provenline.errors import InputError
from provenline.evaluation.gates import describe, judge
from provenline.evaluation.intervals import Interval
from provenline.evaluation.params import EvalParams
from provenline.evaluation.parts import DIFFERENCE, Part
from provenline.evaluation.slices import annotated
from provenline.files import read_json

MEASURE = "run make ablate ARGS=seeds"


class Spread(BaseModel):
    """Trainings that differ by seed alone, judged on the same frames.

    Attributes:
        name: Which sweep they are of.
        judged_on: The set of frames.
        figures: Metric -> seed -> figure on that set; two seeds or more.
        sd: Metric -> standard deviation between trainings, with ``freedom`` degrees of freedom.
        freedom: One less than there are seeds.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    judged_on: str
    figures: dict[str, Annotated[dict[int, float], Field(min_length=2)]]
    sd: dict[str, float]
    freedom: int = Field(ge=1)

    @model_validator(mode="after")
    def _whole(self) -> Spread:
        if set(self.sd) != set(self.figures):
            raise ValueError("sd and figures name different metrics")
        return self


@dataclass(frozen=True)
class Trainings:
    """The training behind the candidate, and what is known of its like.

    Attributes:
        report: What `train` wrote of it (metrics/train.json).
        spreads: Fingerprint -> what was measured; see ``fingerprint``.
    """

    report: Mapping[str, Any]
    spreads: Mapping[str, Spread]


def read_spreads(path: Path) -> dict[str, Spread]:
    """Read what seed sweeps have measured; nothing where the file is missing.

    Raises:
        InputError: It is malformed.
    """
    if not path.is_file():
        return {}
    try:
        return TypeAdapter(dict[str, Spread]).validate_python(read_json(path))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise InputError(first["msg"], file=path, place=place, mend=MEASURE.capitalize()) from None


def fingerprint(report: Mapping[str, Any], ground: str) -> str:
    """Return 16 hexadecimal digits that trainings share which differ by their seed alone.

    Args:
        report: Of a training, as metrics/train.json has it: recipe, augmentation, number of images, base,
            split and the input that is judged count; the seed does not.
        ground: What they are judged on; see ``ground_sha256``.
    """
    asked = {name: value for name, value in report["arguments"]["asked"].items() if name != "seed"}
    named = [report[name] for name in ("images", "classes", "base_sha256", "split_sha256")]
    named.append(report.get("input"))  # reports of before have none: they were judged nobody knows how
    text = json.dumps([asked, *named, ground], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def ground_sha256(
    frames: pd.DataFrame, boxes: pd.DataFrame, labels: Sequence[str], split: str, params: EvalParams
) -> str:
    """Return the hash of what figures are taken on: frames, their objects, overlap and threshold.

    Args:
        frames: Frames with a column ``split``.
        boxes: Boxes of all of them.
        labels: Labels that are looked at.
        split: The set.
        params: Overlap and operating threshold.
    """
    kept = annotated(frames[frames["split"] == split])
    columns = ["frame_id", "label", *tables.BOX, "attributes"]
    truth = tables.truth(kept, boxes, tuple(labels))[columns].sort_values(columns)
    parts = [kept[["frame_id", "group"]].to_csv(index=False), truth.to_csv(index=False)]
    text = "\n".join([*parts, *labels, split, repr(params.iou), repr(params.score)])
    return hashlib.sha256(text.encode()).hexdigest()


def of_recipe(own: Interval, base: float, values: Mapping[int, float]) -> Interval:
    """Return what trainings by the recipe gain on average, with its interval over seeds and groups.

    The variance has two parts: that of the mean over n trainings by their seeds, estimated with n - 1
    degrees of freedom, and that by the groups. Each arm of the interval is the root of the two parts' arms
    in squares: Student's for the seeds, and for the groups that of this model's own interval (W. G. Howe,
    "Approximate confidence limits on the mean of X + Y", JASA 69, 1974). Pooling both into one variance
    with Satterthwaite's degrees of freedom is too narrow with two or three seeds
    (``provenline.ablation.crossed``).

    The mean is over all trainings that are known, so picking the luckiest of them changes nothing.

    Args:
        own: Of this model's gain over the base, over groups.
        base: The base's figure, a share.
        values: Seed -> figure of a training, this model's among them.
    """
    figures = np.array(list(values.values()))
    estimate = float(figures.mean()) - base
    error = float(figures.std(ddof=1)) / math.sqrt(len(figures))
    reach = bootstrap.student(own.confidence, len(figures) - 1) * error
    low, high = (
        None if end is None else math.hypot(end - own.estimate, reach) for end in (own.low, own.high)
    )
    return Interval(
        estimate=estimate,
        low=None if low is None else max(-1.0, estimate - low),
        high=None if high is None else min(1.0, estimate + high),
        confidence=own.confidence,
        groups=own.groups,
        method="none" if low is None else "seeds",
        error=None if own.error is None else math.hypot(own.error, error),
    )


def judge_recipe(
    whole: Part, trainings: Trainings, ground: str, params: EvalParams
) -> tuple[dict[str, Any], Interval | None]:
    """Judge the recipe by the gate that judges this model's improvement.

    Args:
        whole: Both models on the judged set.
        trainings: See there.
        ground: Hash of the judged set.
        params: See there.

    Returns:
        A JSON object: ``trainings`` (how many are known), ``spread`` (``sd`` between them by metric,
        ``degrees_of_freedom``, the sweep), ``difference`` by metric, ``recipe`` (the gate, judged) and
        ``sentence``. And the interval that the gate was judged by; None where no spread is known, and then
        the same are None in the object.
    """
    metric = params.improvement.metric
    spread = trainings.spreads.get(fingerprint(trainings.report, ground))
    found = {} if spread is None else _differences(whole, spread, int(trainings.report["seed"]))
    if spread is None or metric not in found:
        nothing = {"trainings": 1, "spread": None, "difference": None, "recipe": None}
        return {**nothing, "sentence": _unknown(metric if spread else None)}, None
    count = len(_known(spread, metric, int(trainings.report["seed"]), 0.0))
    judged = _judged(params, found[metric])
    said = {
        "trainings": count,
        "spread": {"of": spread.name, "degrees_of_freedom": spread.freedom, "sd": spread.sd},
        "difference": {name: one.to_dict() for name, one in found.items()},
        "recipe": judged,
    }
    return {**said, "sentence": _said(judged, count, spread.sd[metric])}, found[metric]


def _judged(params: EvalParams, gain: Interval) -> dict[str, Any]:
    name = f"gain of the recipe in {params.improvement.metric}"
    judged = judge(params.improvement, gain, params.interval, name)
    if gain.low is None or gain.groups < params.interval.min_groups:
        return judged
    # How many groups more would settle it counts on an interval that groups alone make narrow.
    reason = f"{describe(name, gain)} over {gain.groups} groups"
    return {**judged, "groups_needed": None, "reason": reason}


def _differences(whole: Part, spread: Spread, seed: int) -> dict[str, Interval]:
    found = {}
    for metric in spread.figures:
        own = whole.intervals[DIFFERENCE].get(metric)
        base, mine = (whole.statistics[model][metric].estimate for model in ("base", "candidate"))
        if own is not None and base is not None and mine is not None:
            found[metric] = of_recipe(own, base, _known(spread, metric, seed, mine))
    return found


def _known(spread: Spread, metric: str, seed: int, mine: float) -> dict[int, float]:
    # Trained again with a seed of the sweep, this model stands in for that training.
    return {**spread.figures[metric], seed: mine}


def _unknown(metric: str | None) -> str:
    of = f" in {metric}" if metric else ""
    return (
        f"one training; the spread between seeds{of} is unknown, so what is said holds for this model, and "
        f"not for its recipe: {MEASURE}"
    )


def _said(judged: Mapping[str, Any], count: int, sd: float) -> str:
    verdict = {
        "pass": "the recipe helps, whatever the seed",
        "fail": "the recipe does not help",
        "inconclusive": "that the recipe helps is not proven: a gain of this model may be its seed's luck",
    }[judged["value"]]
    of = f"{count} trainings that differ by seed alone (standard deviation {sd:.3f})"
    return f"{verdict}; over {of}, {judged['reason']}"
