"""Cohen's kappa on units that can be empty, from confusion tables per group."""

from __future__ import annotations

from typing import Any

import numpy as np

from provenline.annotations.ratings import Floats
from provenline.annotations.resampling import Resamples, estimate

_PRESENCE = "both annotators say the same for every {unit}: kappa is not defined"
_COUNT = "both annotators count the same number in every {unit}: kappa is not defined"


def cohen_kappa(confusion: Floats) -> Floats:
    """Return Cohen's kappa of confusion matrices.

    Method: J. Cohen, "A coefficient of agreement for nominal scales", 1960.

    Args:
        confusion: (..., k, k) counts.

    Returns:
        (...) values; NaN where chance alone would agree always (both raters constant).

    >>> cohen_kappa(np.array([[20.0, 5.0], [10.0, 15.0]])).round(3)
    np.float64(0.4)
    """
    total = confusion.sum(axis=(-2, -1))
    with np.errstate(invalid="ignore", divide="ignore"):
        observed = np.trace(confusion, axis1=-2, axis2=-1) / total
        chance = (confusion.sum(axis=-1) * confusion.sum(axis=-2)).sum(axis=-1) / total**2
        kappa = (observed - chance) / (1 - chance)
    return np.asarray(np.where(np.isclose(chance, 1), np.nan, kappa))[()]


def confusions(numbers: Floats, resamples: Resamples, repeat: int = 1) -> Floats:
    """Return the (G, k, k) confusion tables of two raters' numbers, k different ones.

    Args:
        numbers: (n * repeat, 2), unit by unit.
        resamples: Of the n units.
        repeat: Rows per unit (regions of an image).
    """
    kinds, coded = np.unique(numbers, return_inverse=True)
    coded = coded.reshape(numbers.shape)  # NumPy 1.26 returns it flat
    table = np.zeros((resamples.size, len(kinds), len(kinds)))
    np.add.at(table, (np.repeat(resamples.group, repeat), *coded.T), 1)
    return table


def _as_groups_allow(found: dict[str, Any], confusion: Floats, resamples: Resamples) -> dict[str, Any]:
    """Lower the end of annotators who were never seen to disagree to what so many groups can rule out.

    No replicate differs from another then. The share of groups in which they do disagree can still be
    as large as C. J. Clopper and E. S. Pearson's limit (1934) for none seen; the lower end is kappa
    with that share of all units disagreeing.
    """
    if found["low"] != 1:
        return found
    share = 1 - ((1 - resamples.confidence) / 2) ** (1 / resamples.size)
    chance = float(((confusion.sum(axis=0) / confusion.sum()) ** 2).sum())
    return {**found, "low": max(-1.0, 1 - share / (1 - chance))}


def kappas(numbers: Floats, resamples: Resamples, unit: str, repeat: int = 1) -> dict[str, Any]:
    """Return ``kappa_presence`` and ``kappa_count`` with intervals.

    Args:
        numbers: (n * repeat, 2) numbers of objects, unit by unit.
        resamples: Of the n units.
        unit: What a row is called in a reason: image or region.
        repeat: Rows per unit.
    """

    def kappa(values: Floats, reason: str) -> dict[str, Any]:
        table = confusions(values, resamples, repeat)
        found = estimate(lambda weights: cohen_kappa(np.tensordot(weights, table, 1)), resamples, reason)
        return _as_groups_allow(found, table.sum(axis=0), resamples)

    return {
        "kappa_presence": kappa((numbers > 0).astype(np.float64), _PRESENCE.format(unit=unit)),
        "kappa_count": kappa(numbers, _COUNT.format(unit=unit)),
    }
