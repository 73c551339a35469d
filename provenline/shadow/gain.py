"""The candidate's net gain over production on all compared frames, estimated from the labelled sample.

Totals are those of Horvitz and Thompson (A generalization of sampling without replacement from a finite
universe, JASA 47, 1952): each frame counts as often as it stands for others. Rates are ratios of such
totals, and the gain is the difference of two rates on the same frames, so that objects both find or both
miss cancel. Intervals resample whole groups with their sampled frames (ultimate clusters), which holds
what varies between the groups and what the draw within them adds.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from provenline.evaluation.intervals import Interval, Resamples, Statistic, draw, ratio
from provenline.evaluation.matching import match, per_frame
from provenline.evaluation.params import IntervalParams
from provenline.shadow.params import ROLES, ShadowParams

Floats = NDArray[np.float64]
METRICS = ("recall", "precision", "presence_error")
_PARTS = ("found", "detections", "errors", "presence")


def outcomes(
    frames: pd.DataFrame,
    truth: pd.DataFrame,
    predictions: dict[str, pd.DataFrame],
    classes: tuple[str, ...],
    params: ShadowParams,
) -> pd.DataFrame:
    """Hold both against the labels, each at its own operating threshold.

    Args:
        frames: Labelled frames: ``frame_id`` and ``group``.
        truth: Boxes that count on them.
        predictions: Role -> PREDICTIONS.
        classes: Labels that are judged.
        params: Overlap and thresholds.

    Returns:
        Per frame ``frame_id``, ``group``, ``objects``, and for each role ``found_*`` (objects),
        ``detections_*``, ``errors_*`` (missed objects and false detections) and ``presence_*`` (1 where
        it is wrong on whether anybody is there).
    """
    result = frames[["frame_id", "group"]].reset_index(drop=True)
    ids = result["frame_id"].tolist()
    for role in ROLES:
        matches = match(ids, truth, predictions[role], classes, [params.iou])
        seen = per_frame(matches, params.iou, getattr(params, f"score_{role}").least(classes))
        result["objects"] = seen.objects
        result[f"found_{role}"] = seen.found
        result[f"detections_{role}"] = seen.detections
        result[f"errors_{role}"] = seen.objects + seen.detections - 2 * seen.found
        result[f"presence_{role}"] = ((seen.objects > 0) != (seen.detections > 0)).astype(float)
    return result


def weigh(found: pd.DataFrame, sample: pd.DataFrame) -> Floats:
    """Return each labelled frame's weight, raised by what of its stratum came back without labels.

    Args:
        found: Labelled frames, ``frame_id``.
        sample: What ``sample.draw`` returned.
    """
    drawn = sample.set_index("frame_id").loc[found["frame_id"].tolist()]
    planned = sample.groupby("stratum")["weight"].sum()
    back = drawn.groupby("stratum")["weight"].sum()
    return np.asarray(drawn["weight"] * drawn["stratum"].map(planned / back), dtype=np.float64)


def estimate(
    found: pd.DataFrame, weight: Floats, groups: list[str], params: IntervalParams
) -> dict[str, Interval | None]:
    """Estimate rates of both and what the candidate gains.

    Args:
        found: What ``outcomes`` returned.
        weight: Of each of its frames (``weigh``).
        groups: All groups that were compared, also those without a sampled frame.
        params: Of the intervals.

    Returns:
        ``METRICS`` per role (``recall_production`` ...), their differences candidate minus production
        (``recall`` ...; of ``presence_error`` less is better), ``net_gain``: by how many errors per frame
        (missed objects and false detections) the candidate makes fewer, and ``error_reduction``: which
        share of production's that is. Both are negative where it makes more. None where not defined.
    """
    resamples = draw(groups, params)
    place = {name: index for index, name in enumerate(resamples.groups)}
    at = found["group"].map(place).to_numpy(dtype=np.intp)

    def total(values: Floats | pd.Series[float]) -> Floats:
        summed = np.bincount(at, np.asarray(values, dtype=np.float64) * weight, minlength=len(place))
        return np.asarray(summed, dtype=np.float64)

    objects, frames = total(found["objects"]), total(np.ones(len(found)))
    sums = {role: {part: total(found[f"{part}_{role}"]) for part in _PARTS} for role in ROLES}
    levels = {role: _levels(sums[role], objects, frames, resamples) for role in ROLES}
    result = {f"{name}_{role}": levels[role][name].interval(params) for name in METRICS for role in ROLES}
    for name in METRICS:
        moved = levels["candidate"][name] - levels["production"][name]
        # Where no sampled frame tells a difference, the frames say how small it may still be.
        result[name] = replace(moved, trials=float(len(found))).interval(params)
    made = sums["production"]["errors"]
    fewer = made - sums["candidate"]["errors"]
    net = replace(ratio(fewer, frames, resamples), paired=True)
    alike = net.estimate is not None and abs(net.estimate) <= 1
    result["net_gain"] = replace(net, trials=float(len(found)) if alike else None).interval(params)
    result["error_reduction"] = ratio(fewer, made, resamples).interval(params)
    return result


def _levels(
    sums: dict[str, Floats], objects: Floats, frames: Floats, resamples: Resamples
) -> dict[str, Statistic]:
    return {
        "recall": ratio(sums["found"], objects, resamples),
        "precision": ratio(sums["found"], sums["detections"], resamples),
        "presence_error": ratio(sums["presence"], frames, resamples),
    }
