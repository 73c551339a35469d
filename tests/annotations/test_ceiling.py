"""The ceiling against known truth: what the truth itself scores by pycocotools against the labels."""

from __future__ import annotations

import numpy as np
import pytest

from provenline.annotations.ceiling import ceiling
from provenline.annotations.pairs import pair_up
from provenline.annotations.ratings import Images
from provenline.simline.annotators import View
from provenline.simline.annotators import annotate as simline_annotate
from provenline.simline.film import Truth
from provenline.simline.params import AnnotatorParams
from tests.annotations.erring import SIZE, Errors, annotate, coco_ap, objects, truth
from tests.annotations.world import agreement_params

MEASURES = ("ap50", "ap50_95")


def estimated(ratings: dict[str, dict], **changes: object) -> dict:
    names = sorted(ratings)
    pairs = [
        pair_up((a, b), (ratings[a], ratings[b]), 0.5) for n, a in enumerate(names) for b in names[n + 1 :]
    ]
    images = Images({key: key[0] for key in ratings[names[0]]})
    return ceiling(pairs, images, agreement_params(**changes))


def reached(true: dict, ratings: dict[str, dict]) -> np.ndarray:
    """AP50 and AP50-95 of the truth against the labels, averaged over the annotators."""
    return np.mean([coco_ap(labels, true) for labels in ratings.values()], axis=0)


def report(name: str, found: dict, true: np.ndarray) -> np.ndarray:
    values = np.array([found[measure]["value"] for measure in MEASURES])
    print(f"{name}: estimated {values.round(3)}, true {true.round(3)}, bias {(values - true).round(3)}")
    return values - true


@pytest.mark.parametrize(
    ("errors", "bias"),
    [
        (Errors(0.01, 0.01, 0.01), 0.01),
        (Errors(0.05, 0.05, 0.04), 0.015),
        (Errors(0.1, 0.05, 0.06), 0.02),
        (Errors(0.2, 0.1, 0.1), 0.04),
        (Errors(0.0, 0.0, 0.12), 0.03),  # shaken only
        (Errors(0.1, 0.1, 0.0), 0.02),  # missed and invented only
    ],
)
def test_is_what_the_truth_scores(errors, bias):
    rng = np.random.default_rng(11)
    true = truth(rng, groups=60, each=6)
    ratings = {name: annotate(rng, true, errors) for name in "ab"}
    found = estimated(ratings)
    assert np.abs(report(str(errors), found, reached(true, ratings))).max() < bias
    human = [coco_ap(ratings["a"], ratings["b"]), coco_ap(ratings["b"], ratings["a"])]
    for name, value in zip(("human_ap50", "human_ap50_95"), np.mean(human, axis=0), strict=True):
        assert found[name]["value"] == pytest.approx(value, abs=0.025)
    for human_name, name in (("human_ap50", "ap50"), ("human_ap50_95", "ap50_95")):
        assert found[human_name]["value"] <= found[name]["value"] <= 1
        assert found[name]["low"] <= found[name]["value"] <= found[name]["high"]


def test_of_unlike_annotators_it_lies_between():
    rng = np.random.default_rng(5)
    true = truth(rng, groups=60, each=6)
    ratings = {
        "a": annotate(rng, true, Errors(0.02, 0.02, 0.02)),
        "b": annotate(rng, true, Errors(0.2, 0.1, 0.06)),
    }
    found = estimated(ratings)
    bad, good = sorted(coco_ap(labels, true) for labels in ratings.values())
    for place, name in enumerate(MEASURES):
        assert bad[place] < found[name]["value"] < good[place]


def test_errors_that_both_make_are_not_seen():
    rng = np.random.default_rng(6)
    true = truth(rng, groups=60, each=6)
    visible = {key: boxes[rng.random(len(boxes)) >= 0.2] for key, boxes in true.items()}
    ratings = {name: annotate(rng, visible, Errors(0.02, 0.02, 0.02)) for name in "ab"}
    bias = report("both blind to a fifth", estimated(ratings), reached(true, ratings))
    assert (bias > 0.05).all()  # too high, as the docstring says


def test_several_pairs_are_pooled():
    rng = np.random.default_rng(7)
    true = truth(rng, groups=40, each=5)
    ratings = {name: annotate(rng, true, Errors(0.08, 0.05, 0.04)) for name in "abcd"}
    found = estimated(ratings)
    assert np.abs(report("four annotators", found, reached(true, ratings))).max() < 0.015
    renamed = {name: ratings[old] for name, old in zip("dcba", "abcd", strict=True)}
    assert estimated(renamed)["ap50"]["value"] == pytest.approx(found["ap50"]["value"])


def test_nothing_drawn_and_everything_alike():
    keys = [(f"v{n:02d}", 0) for n in range(12)]
    nobody = dict.fromkeys(keys, np.empty((0, 4)))
    found = estimated({"a": nobody, "b": nobody})
    assert found["ap50"]["value"] is None and found["human_ap50"]["reason"]
    someone = dict.fromkeys(keys, np.array([[10.0, 10.0, 60.0, 90.0]]))
    assert estimated({"a": someone, "b": someone})["ap50_95"]["value"] == 1
    assert estimated({"a": someone, "b": nobody})["human_ap50"]["value"] is None


def test_on_the_simulated_lines_own_annotators():
    """They err as the simulated line's do: unlike each other, one draws loosely, hands are often missed."""
    shared = {"miss_mannequin": 0.0, "mannequin_as_person": 0.0, "attribute_slip": 0.0}
    who = {
        "a": AnnotatorParams(
            jitter=0.02, tightness=0.0, miss_operator=0.01, miss_hands_only=0.04, miss_passer_by=0.05,
            invented=0.002, **shared,
        ),
        "b": AnnotatorParams(
            jitter=0.025, tightness=0.015, miss_operator=0.015, miss_hands_only=0.06, miss_passer_by=0.08,
            invented=0.003, **shared,
        ),
    }  # fmt: skip
    rng = np.random.default_rng(8)
    true = {(f"v{g:02d}", n): objects(rng, int(rng.integers(0, 5))) for g in range(40) for n in range(8)}
    ratings: dict[str, dict] = {"a": {}, "b": {}}
    for key, boxes in true.items():
        kinds = ["operator" if n == 0 else "passer_by" for n in range(len(boxes))]
        people = tuple(
            Truth(kind, tuple(box), 1.0, False, rng.random() < 0.3)
            for kind, box in zip(kinds, boxes.tolist(), strict=True)
        )
        for name, params in who.items():
            drawn = simline_annotate(View(key[0], key[1], *SIZE, False, people), params, rng)
            ratings[name][key] = np.array([one.box for one in drawn]).reshape(-1, 4)
    bias = report("simulated line", estimated(ratings), reached(true, ratings))
    assert np.abs(bias).max() < 0.03


@pytest.mark.slow
@pytest.mark.parametrize("errors", [Errors(0.05, 0.05, 0.04), Errors(0.1, 0.05, 0.06), Errors(0.2, 0.1, 0.1)])
def test_bias_over_many_worlds(errors):
    biases = []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        true = truth(rng, groups=60, each=6)
        ratings = {name: annotate(rng, true, errors) for name in "ab"}
        biases.append(report(f"{errors}, world {seed}", estimated(ratings), reached(true, ratings)))
    mean = np.mean(biases, axis=0)
    print(f"{errors}: mean bias {mean.round(4)} of {MEASURES}, spread {np.std(biases, axis=0).round(4)}")
    assert (np.abs(mean) < 0.025).all()


@pytest.mark.slow
@pytest.mark.parametrize("errors", [Errors(0.05, 0.05, 0.04), Errors(0.15, 0.1, 0.06)])
@pytest.mark.parametrize("groups", [10, 20, 30])
def test_coverage_of_the_interval(errors, groups):
    """The interval is for the estimate's long run; the bias to the truth's AP is measured above."""
    rng = np.random.default_rng(groups)

    def one(size: int, replicates: int) -> dict:
        true = truth(rng, groups=size, each=4)
        return estimated({name: annotate(rng, true, errors) for name in "ab"}, replicates=replicates)

    long_run = one(1500, 100)
    held = np.zeros(2)
    trials = 300
    for _ in range(trials):
        found = one(groups, 400)
        held += [found[m]["low"] <= long_run[m]["value"] <= found[m]["high"] for m in MEASURES]
    print(f"{errors}, {groups} groups: {held / trials} of the intervals of {MEASURES} hold the long run")
    assert (held / trials > 0.88).all()
