"""Krippendorff's alpha: any number of annotators, ratings may be missing.

Method: K. Krippendorff, "Computing Krippendorff's alpha-reliability", 2011 (coincidence matrices).
They are kept per group and add up, so that a bootstrap over groups is a matrix product.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from provenline.annotations.params import AgreementParams
from provenline.annotations.ratings import (
    Floats,
    Images,
    Ratings,
    numbers_of_objects,
    numbers_per_region,
)
from provenline.annotations.resampling import Resamples, draw, estimate, missing

Level = Literal["nominal", "ordinal", "interval", "ratio"]

_CONSTANT = "every rating is the same: alpha is not defined"


def coincidences(values: Floats, resamples: Resamples, repeat: int = 1) -> tuple[Floats, Floats]:
    """Tabulate how often two ratings of one unit say which values.

    Args:
        values: (n * repeat, a) ratings of a annotators, unit by unit, NaN where one did not rate.
            Rows with fewer than two ratings say nothing.
        resamples: Of the n units.
        repeat: Rows per unit.

    Returns:
        The (k) different values, ascending, and (G, k, k) coincidences; each row of ``values``
        adds as many as it has ratings.
    """
    domain = np.unique(values[~np.isnan(values)])
    tally = np.stack([(values == value).sum(axis=1) for value in domain], axis=1).astype(np.float64)
    rated = tally.sum(axis=1)
    pairs = tally[:, :, None] * tally[:, None, :] - tally[:, :, None] * np.eye(len(domain))
    pairs /= np.maximum(rated - 1, 1)[:, None, None]
    pairs[rated < 2] = 0
    return domain, resamples.sums(pairs, repeat)


def alpha(table: Floats, domain: Floats, level: Level) -> Floats:
    """Return Krippendorff's alpha of coincidence matrices.

    Args:
        table: (..., k, k) coincidences.
        domain: The (k) values, ascending.
        level: Of measurement: how far apart two values are.

    Returns:
        (...) values; NaN where all ratings are the same.
    """
    totals = table.sum(axis=-1)
    far = _distances(totals, domain, level)
    observed = (table * far).sum(axis=(-2, -1))
    expected = np.einsum("...c,...k,...ck->...", totals, totals, np.broadcast_to(far, table.shape))
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = observed * (totals.sum(axis=-1) - 1) / expected
    return np.asarray(np.where(expected > 0, 1 - ratio, np.nan))[()]


def _distances(totals: Floats, domain: Floats, level: Level) -> Floats:
    """Return the squared distances of the values, (k, k) or (..., k, k) where totals matter."""
    if level == "nominal":
        return 1 - np.eye(len(domain))
    if level == "ordinal":
        ranks = np.cumsum(totals, axis=-1) - totals / 2
        return np.asarray((ranks[..., :, None] - ranks[..., None, :]) ** 2)
    difference = domain[:, None] - domain[None, :]
    if level == "interval":
        return np.asarray(difference**2)
    both = domain[:, None] + domain[None, :]
    return np.asarray(np.divide(difference, both, out=np.zeros_like(both), where=both != 0) ** 2)


def measure(ratings: Ratings, images: Images, params: AgreementParams) -> dict[str, Any]:
    """Measure alpha over all annotators, on the images that at least two of them looked at.

    Args:
        ratings: Annotator to image to boxes.
        images: Groups and sizes.
        params: Level of the counts, grid, bootstrap.

    Returns:
        ``annotators``, ``images``, ``level`` of the counts, ``presence`` (nominal) and ``count``
        per image, ``regions`` with both per region of the grid.
    """
    names = sorted(ratings)
    drawn = [ratings[name] for name in names]
    every = sorted({key for one in drawn for key in one})
    keys = [key for key in every if sum(key in one for one in drawn) >= 2]
    resamples = draw([images.groups[key] for key in keys], params.replicates, params.confidence, params.seed)
    regions: dict[str, Any] = {"grid": list(params.regions)}
    if all(key in images.sizes for key in keys):
        numbers = numbers_per_region(drawn, keys, images, params.regions)
        regions |= _both(numbers, resamples, params, params.regions[0] * params.regions[1])
    else:
        regions |= dict.fromkeys(("presence", "count"), missing("the sizes of the images are not known"))
    return {
        "annotators": len(names),
        "images": len(keys),
        "level": params.count_level,
        **_both(numbers_of_objects(drawn, keys), resamples, params),
        "regions": regions,
    }


def _both(numbers: Floats, resamples: Resamples, params: AgreementParams, repeat: int = 1) -> dict[str, Any]:
    present = np.where(np.isnan(numbers), np.nan, numbers > 0)
    return {
        "presence": _estimate(present, resamples, "nominal", repeat),
        "count": _estimate(numbers, resamples, params.count_level, repeat),
    }


def _estimate(values: Floats, resamples: Resamples, level: Level, repeat: int) -> dict[str, Any]:
    if len(values) < 2:
        return missing("one image: alpha is not defined")
    domain, table = coincidences(values, resamples, repeat)
    return estimate(
        lambda weights: alpha(np.tensordot(weights, table, 1), domain, level), resamples, _CONSTANT
    )
