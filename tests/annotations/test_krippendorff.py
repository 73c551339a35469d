"""Krippendorff's alpha against the package of that name and his own published example."""

from __future__ import annotations

import krippendorff as package
import numpy as np
import pytest

from provenline.annotations import krippendorff
from provenline.annotations.ratings import Images, region_counts
from provenline.annotations.resampling import draw
from tests.annotations.erring import SIZE, Errors, annotate, truth
from tests.annotations.world import agreement_params

LEVELS = ("nominal", "ordinal", "interval", "ratio")
_ = np.nan
PUBLISHED = np.array(
    [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, _, _, _],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, _, 3],
        [_, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, _],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, _],
    ]
).T


def alpha_of(values: np.ndarray, level: str, weights: np.ndarray | None = None) -> float:
    resamples = draw([f"g{n:03d}" for n in range(len(values))], 100, 0.95, 0)
    domain, table = krippendorff.coincidences(values, resamples)
    weights = np.ones(len(values)) if weights is None else weights
    return float(krippendorff.alpha(np.tensordot(weights, table, 1), domain, level))


@pytest.mark.parametrize(("level", "value"), zip(LEVELS, (0.743, 0.815, 0.849, 0.797), strict=True))
def test_the_published_example(level, value):
    assert alpha_of(PUBLISHED, level) == pytest.approx(value, abs=5e-4)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("seed", range(8))
def test_agrees_with_the_package(level, seed):
    rng = np.random.default_rng(seed)
    units, raters = int(rng.integers(5, 60)), int(rng.integers(2, 7))
    true = rng.integers(0, 8, (units, 1))
    values = np.maximum(true + rng.integers(-1, 2, (units, raters)), 0).astype(float)
    values[rng.random(values.shape) < 0.3] = np.nan
    assert alpha_of(values, level) == pytest.approx(
        package.alpha(reliability_data=values.T, level_of_measurement=level), abs=1e-9
    )
    # A replicate is the data with groups copied and left out.
    weights = rng.multinomial(units, np.full(units, 1 / units)).astype(float)
    copied = np.repeat(values, weights.astype(int), axis=0)
    assert alpha_of(values, level, weights) == pytest.approx(
        package.alpha(reliability_data=copied.T, level_of_measurement=level), abs=1e-9
    )


def test_measured_per_image_and_per_region_over_all_annotators():
    rng = np.random.default_rng(4)
    true = truth(rng, groups=14, each=4)
    ratings = {name: annotate(rng, true, Errors(0.1, 0.05, 0.03)) for name in "abc"}
    for key in list(true)[:20]:
        del ratings["c"][key]
    images = Images({key: key[0] for key in true}, dict.fromkeys(true, SIZE))
    result = krippendorff.measure(ratings, images, agreement_params(regions=(2, 3)))
    grid = {
        key: np.array(
            [
                region_counts(one[key], SIZE, (2, 3)) if key in one else [np.nan] * 6
                for one in ratings.values()
            ]
        )
        for key in true
    }
    numbers = np.column_stack([rows.sum(axis=1) for rows in grid.values()])
    regions = np.hstack(list(grid.values()))
    for found, values in ((result, numbers), (result["regions"], regions)):
        present = np.where(np.isnan(values), np.nan, values > 0)
        presence = package.alpha(reliability_data=present, level_of_measurement="nominal")
        count = package.alpha(reliability_data=values, level_of_measurement="ratio")
        assert found["presence"]["value"] == pytest.approx(presence, abs=1e-9)
        assert found["count"]["value"] == pytest.approx(count, abs=1e-9)
        assert found["count"]["low"] < found["count"]["value"] < found["count"]["high"]
    assert (result["annotators"], result["images"]) == (3, len(true))
    assert result["regions"]["grid"] == [2, 3]


def test_two_annotators_without_sizes_and_constant_ratings():
    someone = np.array([[0.0, 0.0, 10.0, 10.0]])
    here = {(f"v{n}", 0): someone for n in range(12)}
    images = Images({key: key[0] for key in here})
    result = krippendorff.measure({"a": here, "b": here}, images, agreement_params())
    assert result["presence"]["value"] is None
    assert "alpha is not defined" in result["presence"]["reason"]
    assert result["regions"]["count"]["reason"] == "the sizes of the images are not known"
