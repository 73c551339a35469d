"""Measures of a pair: regions, curve over the IoU, categories, against independent ones."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
from sklearn.metrics import cohen_kappa_score

from provenline.annotations import agreement
from provenline.annotations.matching import match
from provenline.annotations.ratings import region_counts
from tests.annotations.erring import SIZE, Errors, annotate, truth
from tests.annotations.world import agreement_params


@pytest.fixture(scope="module")
def world():
    rng = np.random.default_rng(21)
    true = truth(rng, groups=24, each=5)
    ratings = {name: annotate(rng, true, Errors(0.1, 0.08, 0.06)) for name in ("ana", "bea")}
    return ratings, {key: key[0] for key in true}


def measured(world, **known):
    ratings, groups = world
    result, _ = agreement.measure(ratings, groups, agreement_params(), **known)
    (pair,) = result["pairs"]
    return pair


def test_an_object_is_in_the_region_of_its_centre():
    boxes = np.array([[0, 0, 10, 10], [50, 0, 100, 10], [90, 40, 110, 60], [98, 0, 100, 58]], dtype=float)
    assert region_counts(boxes, (100, 60), (2, 2)).tolist() == [1, 2, 0, 1]
    assert region_counts(boxes[:0], (100, 60), (3, 2)).tolist() == [0] * 6
    outside = np.array([[100.0, 60.0, 100.0, 60.0]])  # the far corner still counts inside
    assert region_counts(outside, (100, 60), (1, 3)).tolist() == [0, 0, 1]


def test_kappa_per_region(world):
    ratings, groups = world
    pair = measured(world, sizes=dict.fromkeys(groups, SIZE))

    def count(name: str) -> list[int]:
        numbers = []
        for key in sorted(groups):
            centres = (ratings[name][key][:, :2] + ratings[name][key][:, 2:]) / 2
            for row in range(2):
                for column in range(3):
                    low = np.array([column * SIZE[0] / 3, row * SIZE[1] / 2])
                    inside = (centres >= low) & (centres < low + np.array([SIZE[0] / 3, SIZE[1] / 2]))
                    numbers.append(int(inside.all(axis=1).sum()))
        return numbers

    ana, bea = count("ana"), count("bea")
    regions = pair["regions"]
    assert regions["grid"] == [2, 3]
    assert regions["kappa_count"]["value"] == pytest.approx(cohen_kappa_score(ana, bea))
    presence = cohen_kappa_score([n > 0 for n in ana], [n > 0 for n in bea])
    assert regions["kappa_presence"]["value"] == pytest.approx(presence)
    assert regions["kappa_presence"]["low"] < presence < regions["kappa_presence"]["high"]


def test_without_sizes_and_categories_regions_say_why(world):
    pair = measured(world)
    assert pair["regions"]["kappa_presence"]["reason"] == "the sizes of the images are not known"
    assert pair["categories"] == []


def test_curve_over_the_iou(world):
    ratings, groups = world
    pair = measured(world)
    drawn = sum(len(boxes) for images in ratings.values() for boxes in images.values())
    for point in pair["curve"]:
        matched = sum(len(match(ratings["ana"][key], ratings["bea"][key], point["iou"])) for key in groups)
        assert point["object_f1"]["value"] == pytest.approx(2 * matched / drawn)
        assert point["object_f1"]["low"] <= point["object_f1"]["value"] <= point["object_f1"]["high"]
    assert [point["iou"] for point in pair["curve"]] == [
        0.5,
        0.55,
        0.6,
        0.65,
        0.7,
        0.75,
        0.8,
        0.85,
        0.9,
        0.95,
    ]
    assert pair["curve"][0]["object_f1"] == pair["object_f1"]


def test_a_category_is_the_pair_on_its_images(world):
    ratings, groups = world
    of = {key: ("Front", "Collar", "alone")[min(int(key[0][1:]) % 12, 2)] for key in groups}
    of = {key: name for key, name in of.items() if name != "alone" or key[0] == "v005"}
    pair = measured(world, categories=of)
    assert [row["category"] for row in pair["categories"]] == ["Collar", "Front", "alone"]
    for row in pair["categories"]:
        part = {
            name: {k: b for k, b in images.items() if of.get(k) == row["category"]}
            for name, images in ratings.items()
        }
        (alone,) = agreement.measure(part, groups, agreement_params())[0]["pairs"]
        for name in ("images", "groups", "kappa_presence", "object_f1", "mean_matched_iou"):
            assert row[name] == alone[name]
    assert pair["categories"][-1]["object_f1"]["reason"] == "one group: no interval"


@pytest.mark.parametrize(("groups", "verdict"), [(10, "inconclusive"), (40, "inconclusive"), (60, "pass")])
def test_never_seen_to_disagree_proves_little_with_few_groups(groups: int, verdict: str) -> None:
    """Half of the images are empty; Clopper and Pearson's limit for 0 of G, by SciPy, is the reference."""
    box = np.array([[10.0, 10, 50, 50]])
    drawn = {("v", i): box if i % 2 else np.empty((0, 4)) for i in range(groups)}
    names = {key: f"g{key[1]}" for key in drawn}
    params = agreement_params()
    result, _ = agreement.measure({"ana": drawn, "bea": drawn}, names, params)
    kappa = result["pairs"][0]["kappa_presence"]
    limit = scipy.stats.binomtest(0, groups).proportion_ci(params.confidence, "exact").high
    assert kappa["value"] == kappa["high"] == 1
    assert kappa["low"] == pytest.approx(1 - 2 * limit)
    assert result["verdict"] == verdict
