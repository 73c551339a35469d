"""Two annotators on the images that both looked at: kappa, object F1, matched IoU, curves, categories."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from provenline.annotations import kappa
from provenline.annotations.matching import COCO_IOUS, match, matches_at
from provenline.annotations.params import AgreementParams
from provenline.annotations.ratings import (
    Floats,
    Images,
    Ints,
    Key,
    numbers_of_objects,
    numbers_per_region,
)
from provenline.annotations.resampling import Resamples, draw, estimate, missing

_NOTHING_DRAWN = "neither annotator drew an object"
_NOTHING_MATCHED = "no matched object"


@dataclass(frozen=True)
class Pair:
    """What two annotators drew on their common images.

    Attributes:
        names: The two, sorted.
        drawn: What each drew, image to (n, 4) boxes.
        keys: The (n) common images, sorted.
        numbers: (n, 2) objects of each.
        ious: Per image the IoUs of the matched objects, at the gate of the parameters.
        curve: (n, t) matched objects at each of COCO's thresholds.
    """

    names: tuple[str, str]
    drawn: tuple[Mapping[Key, Floats], Mapping[Key, Floats]]
    keys: tuple[Key, ...]
    numbers: Floats
    ious: tuple[Floats, ...]
    curve: Floats

    def part(self, of: Sequence[int]) -> Pair:
        """Return the pair on some of its images, given by position."""
        keys, ious = tuple(self.keys[n] for n in of), tuple(self.ious[n] for n in of)
        return Pair(self.names, self.drawn, keys, self.numbers[list(of)], ious, self.curve[list(of)])

    def boxes(self, key: Key) -> tuple[Floats, Floats]:
        """Return what each drew on an image."""
        return self.drawn[0][key], self.drawn[1][key]


def pair_up(
    names: tuple[str, str], drawn: tuple[Mapping[Key, Floats], Mapping[Key, Floats]], gate: float
) -> Pair | None:
    """Match what two annotators drew; None where they have no image in common."""
    keys = sorted(drawn[0].keys() & drawn[1].keys())
    if not keys:
        return None
    both = [(drawn[0][key], drawn[1][key]) for key in keys]
    return Pair(
        names=names,
        drawn=drawn,
        keys=tuple(keys),
        numbers=numbers_of_objects(drawn, keys),
        ious=tuple(match(a, b, gate) for a, b in both),
        curve=np.array([matches_at(a, b, COCO_IOUS) for a, b in both], dtype=np.float64),
    )


def resample(pair: Pair, images: Images, params: AgreementParams) -> Resamples:
    """Draw the replicates over the groups of a pair's images."""
    groups = [images.groups[key] for key in pair.keys]
    return draw(groups, params.replicates, params.confidence, params.seed)


def compare(pair: Pair, images: Images, params: AgreementParams) -> dict[str, Any]:
    """Return all measures of a pair, with intervals over the groups of its images."""
    resamples = resample(pair, images, params)
    first, second = (pair.numbers > 0).T
    drawn_first, drawn_second = pair.numbers.sum(axis=0).astype(int).tolist()
    return {
        "annotators": list(pair.names),
        "images": len(pair.keys),
        "groups": resamples.size,
        **kappa.kappas(pair.numbers, resamples, "image"),
        "object_f1": _f1(pair, resamples),
        "mean_matched_iou": _mean_iou(pair, resamples),
        "median_matched_iou": _median_iou(pair, resamples),
        "presence": {
            "both": int((first & second).sum()),
            "first_only": int((first & ~second).sum()),
            "second_only": int((~first & second).sum()),
            "neither": int((~first & ~second).sum()),
        },
        "objects": {"first": drawn_first, "second": drawn_second, "matched": sum(map(len, pair.ious))},
        "regions": _regions(pair, images, params.regions, resamples),
        "curve": _curve(pair, resamples),
        "categories": _categories(pair, images, params),
    }


def _regions(pair: Pair, images: Images, grid: tuple[int, int], resamples: Resamples) -> dict[str, Any]:
    if not all(key in images.sizes for key in pair.keys):
        unknown = missing("the sizes of the images are not known")
        return {"grid": list(grid), "kappa_presence": unknown, "kappa_count": unknown}
    numbers = numbers_per_region(pair.drawn, pair.keys, images, grid)
    return {"grid": list(grid), **kappa.kappas(numbers, resamples, "region", grid[0] * grid[1])}


def _curve(pair: Pair, resamples: Resamples) -> list[dict[str, Any]]:
    return [
        {"iou": round(float(iou), 2), "object_f1": _f1_of(pair.curve[:, place], pair.numbers, resamples)}
        for place, iou in enumerate(COCO_IOUS)
    ]


def _categories(pair: Pair, images: Images, params: AgreementParams) -> list[dict[str, Any]]:
    """Return a row per category, sorted; images without one are left out."""
    members: dict[str, list[int]] = {}
    for place, key in enumerate(pair.keys):
        if key in images.categories:
            members.setdefault(images.categories[key], []).append(place)
    rows = []
    for category in sorted(members):
        part = pair.part(members[category])
        resamples = resample(part, images, params)
        rows.append(
            {
                "category": category,
                "images": len(part.keys),
                "groups": resamples.size,
                "kappa_presence": kappa.kappas(part.numbers, resamples, "image")["kappa_presence"],
                "object_f1": _f1(part, resamples),
                "mean_matched_iou": _mean_iou(part, resamples),
            }
        )
    return rows


def _matched(pair: Pair) -> Floats:
    return np.array([len(ious) for ious in pair.ious], dtype=np.float64)


def _f1(pair: Pair, resamples: Resamples) -> dict[str, Any]:
    return _f1_of(_matched(pair), pair.numbers, resamples)


def _f1_of(matched: Floats, numbers: Floats, resamples: Resamples) -> dict[str, Any]:
    table = resamples.sums(np.column_stack([2 * matched, numbers.sum(axis=1)]))
    return estimate(lambda weights: _ratio(weights @ table), resamples, _NOTHING_DRAWN)


def _mean_iou(pair: Pair, resamples: Resamples) -> dict[str, Any]:
    totals = np.array([ious.sum() for ious in pair.ious])
    table = resamples.sums(np.column_stack([totals, _matched(pair)]))
    return estimate(lambda weights: _ratio(weights @ table), resamples, _NOTHING_MATCHED)


def _ratio(sums: Floats) -> Floats:
    with np.errstate(invalid="ignore"):
        return np.asarray(sums[:, 0] / sums[:, 1])


def _median_iou(pair: Pair, resamples: Resamples) -> dict[str, Any]:
    ious = np.concatenate(pair.ious)
    group = np.repeat(resamples.group, [len(one) for one in pair.ious])
    order = np.argsort(ious, kind="stable")
    return estimate(lambda weights: _medians(weights, ious[order], group[order]), resamples, _NOTHING_MATCHED)


def _medians(weights: Floats, values: Floats, group: Ints) -> Floats:
    """Return the median of ascending values per row; of an even number the mean of the middle two."""
    medians = np.full(len(weights), np.nan)
    for number, row in enumerate(weights):
        ends = np.cumsum(row[group])
        if len(ends) and ends[-1]:
            middle = [(ends[-1] - 1) // 2, ends[-1] // 2]
            medians[number] = values[np.searchsorted(ends, middle, side="right")].mean()
    return medians
