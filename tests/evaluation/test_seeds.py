"""What other seeds would have given: the recipe's interval against known truths, and when it applies."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from provenline.ablation.measure import scores
from provenline.ablation.spread import Training, spreads
from provenline.errors import InputError
from provenline.evaluation.compare import evaluate
from provenline.evaluation.intervals import Interval, draw, ratio
from provenline.evaluation.params import Gate
from provenline.evaluation.rules import better
from provenline.evaluation.seeds import Trainings, ground_sha256, of_recipe, read_spreads
from provenline.files import write_json
from tests.ablation.world import table
from tests.evaluation import world

PERSON = ("person",)
OWN = Interval(0.10, 0.04, 0.18, 0.95, 20, "bca", 0.03)
RECIPE = {"lr0": 0.01, "mosaic": 1.0}


def report(seed: int, **more: object) -> dict:
    """Return what `train` writes of a training, as far as it is looked at."""
    return {
        "seed": seed,
        "arguments": {"asked": {**RECIPE, "seed": seed}},
        "images": {"train": 100, "val": 20},
        "classes": ["person"],
        "base_sha256": "b" * 64,
        "split_sha256": "s" * 64,
        "input": 640,
        **more,
    }


def field(recalls: list[float], base: float = 0.8, groups: int = 24):
    """Return deployment frames, boxes, the base's predictions and those of a training for each recall."""
    frames, boxes, found = world.line(1, groups, base, spread=0.02)
    frames["split"] = "deployment"
    return (
        frames,
        boxes,
        found,
        [world.line(10 + n, groups, r, spread=0.02)[2] for n, r in enumerate(recalls)],
    )


def swept(frames, boxes, predictions, params):
    """Return what a sweep of seeds over these predictions finds."""
    sets, metrics = ("deployment",), ("recall", "map50")
    trained = [
        Training(seed, report(seed), scores(frames, boxes, one, PERSON, sets, metrics, params))
        for seed, one in enumerate(predictions)
    ]
    return spreads(trained, "seeds", "deployment", ground_sha256(frames, boxes, PERSON, "deployment", params))


# The interval


def test_seeds_that_agree_add_nothing() -> None:
    found = of_recipe(OWN, 0.5, {0: 0.6, 1: 0.6, 2: 0.6})
    assert (found.estimate, found.low, found.high) == pytest.approx((0.1, 0.04, 0.18))
    assert found.error == pytest.approx(OWN.error) and found.groups == 20


def test_with_seeds_alone_it_is_students_interval() -> None:
    figures = [0.60, 0.66, 0.57, 0.63]
    sure = Interval(0.1, 0.1, 0.1, 0.95, 20, "bca", 0.0)
    found = of_recipe(sure, 0.5, dict(enumerate(figures)))
    wanted = stats.t.interval(0.95, 3, np.mean(figures) - 0.5, stats.sem(figures))
    assert (found.low, found.high) == pytest.approx(wanted)
    assert found.error == pytest.approx(stats.sem(figures))


def test_both_parts_add_in_squares_on_each_side() -> None:
    figures = [0.60, 0.66, 0.57]
    found = of_recipe(OWN, 0.5, dict(enumerate(figures)))
    reach = stats.t.ppf(0.975, 2) * stats.sem(figures)
    assert found.estimate == pytest.approx(0.11)
    assert found.low == pytest.approx(0.11 - math.hypot(0.06, reach))
    assert found.high == pytest.approx(0.11 + math.hypot(0.08, reach))


def test_without_an_interval_there_is_none_and_a_share_stays_one() -> None:
    none = of_recipe(Interval(0.1, None, None, 0.95, 1, "none"), 0.5, {0: 0.6, 1: 0.7})
    assert (none.low, none.high, none.method) == (None, None, "none")
    wide = of_recipe(OWN, 0.5, {0: 0.2, 1: 0.9})
    assert (wide.low, wide.high) == (-1.0, 1.0)


CASES = {  # standard deviations: between seeds, between groups, of both together
    "seeds": (0.03, 0.02, 0.02),
    "groups": (0.004, 0.08, 0.04),
    "even": (0.02, 0.06, 0.06),
}


def studies(case: str, seeds: int, groups: int, trials: int, *, lucky: bool):
    """Yield the intervals of a model and of its recipe, which has no effect; of the best seed if lucky."""
    rng = np.random.default_rng([seeds, groups, trials])
    params = world.INTERVAL.model_copy(update={"replicates": 300})
    resamples = draw([f"g{g:03d}" for g in range(groups)], params)
    for _ in range(trials):
        x = table(rng, seeds, groups, *CASES[case])
        one = int(x.mean(axis=1).argmax()) if lucky else 0
        own = ratio(x[one], np.ones(groups), resamples).interval(params)
        yield own, of_recipe(own, 0.0, dict(enumerate(x.mean(axis=1)))), params


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize(("seeds", "groups"), [(2, 21), (3, 21), (5, 21), (5, 40)])
def test_coverage_over_seeds_and_groups(case: str, seeds: int, groups: int) -> None:
    """Nominal 95% of the recipe's gain holds the truth in 0.94 or more."""
    held = [one.low <= 0 <= one.high for _, one, _ in studies(case, seeds, groups, 1000, lucky=False)]
    print(f"{seeds} seeds, {groups} groups, {case}: {np.mean(held):.3f}")
    assert np.mean(held) >= 0.94


@pytest.mark.parametrize(("case", "trials"), [("seeds", 400), ("even", 400)])
def test_a_lucky_seed_is_no_improvement(case: str, trials: int) -> None:
    """The luckiest of five seeds of a recipe without effect: its own interval is fooled, its recipe's not."""
    words = [
        (better(own, params), better(recipe, params))
        for own, recipe, params in studies(case, 5, 21, trials, lucky=True)
    ]
    fooled, called = np.mean(words, axis=0)
    print(f"{case}: the model's own interval says better in {fooled:.3f}, the recipe's in {called:.3f}")
    assert called <= 0.05
    assert fooled > (0.5 if case == "seeds" else 0.1)


def test_a_recipe_that_helps_is_seen() -> None:
    """The wider interval is not so wide that nothing could ever be said."""
    rng, params = np.random.default_rng(0), world.INTERVAL.model_copy(update={"replicates": 300})
    resamples, seen = draw([f"g{g}" for g in range(21)], params), 0
    for _ in range(100):
        x = 0.15 + table(rng, 5, 21, *CASES["even"])
        own = ratio(x[0], np.ones(21), resamples).interval(params)
        seen += better(of_recipe(own, 0.0, dict(enumerate(x.mean(axis=1)))), params)
    assert seen >= 90


# In the comparison


def test_one_training_is_said_to_be_one() -> None:
    frames, boxes, base, (one,) = field([0.95])
    params, models = world.eval_params(), {"base": base, "candidate": one}
    alone = evaluate(frames, boxes, models, PERSON, params)
    found = evaluate(frames, boxes, models, PERSON, params, trainings=Trainings(report(0), {}))
    assert alone["seeds"] is None and found["seeds"]["trainings"] == 1 and found["seeds"]["recipe"] is None
    assert "make ablate ARGS=seeds" in found["seeds"]["sentence"]
    # Nothing else moves: the verdict stands for this model.
    assert {**found, "seeds": None} == alone and found["better"]


def test_a_lucky_seed_is_better_and_its_recipe_is_not() -> None:
    frames, boxes, base, trained = field([0.97, 0.72, 0.78])
    params = world.eval_params()
    known = swept(frames, boxes, trained, params)
    models = {"base": base, "candidate": trained[0]}
    found = evaluate(frames, boxes, models, PERSON, params, trainings=Trainings(report(0), known))
    assert found["improvement"]["value"] == "pass" and not found["better"]
    assert found["seeds"]["recipe"]["value"] == "inconclusive" and found["seeds"]["trainings"] == 3
    assert "its seed's luck" in found["seeds"]["sentence"]
    # More groups would narrow one part of the interval alone: nothing is promised of them.
    assert "would settle" not in found["seeds"]["sentence"]
    assert found["seeds"]["recipe"]["groups_needed"] is None
    json.dumps(found, allow_nan=False)
    (spread,) = known.values()
    judged = found["splits"]["deployment"]
    assert spread.figures["recall"][0] == judged["candidate"]["recall"]["estimate"]
    gain = found["seeds"]["difference"]["recall"]
    mean = np.mean(list(spread.figures["recall"].values())) - judged["base"]["recall"]["estimate"]
    assert gain["estimate"] == pytest.approx(mean, abs=2e-6)
    assert spread.sd["recall"] == pytest.approx(
        np.std(list(spread.figures["recall"].values()), ddof=1), abs=2e-6
    )
    # One more training, with a seed of its own, counts beside those of the sweep.
    more = evaluate(frames, boxes, models, PERSON, params, trainings=Trainings(report(7), known))
    assert more["seeds"]["trainings"] == 4


def test_a_recipe_that_helps_whatever_the_seed() -> None:
    frames, boxes, base, trained = field([0.95, 0.96, 0.94, 0.97], base=0.5)
    params = world.eval_params()
    known = swept(frames, boxes, trained, params)
    models = {"base": base, "candidate": trained[1]}
    found = evaluate(frames, boxes, models, PERSON, params, trainings=Trainings(report(1), known))
    assert found["better"] and found["seeds"]["recipe"]["value"] == "pass"
    assert found["seeds"]["sentence"].startswith("the recipe helps")
    own = found["splits"]["deployment"]["difference"]["recall"]
    gain = found["seeds"]["difference"]["recall"]
    assert gain["high"] - gain["low"] > own["high"] - own["low"]


@pytest.mark.parametrize("moved", ["recipe", "base", "images", "input", "frames", "boxes", "score"])
def test_a_spread_is_used_where_it_was_measured_alone(moved: str) -> None:
    frames, boxes, base, trained = field([0.95, 0.9])
    params = world.eval_params()
    known = swept(frames, boxes, trained, params)
    told = report(0)
    if moved == "recipe":
        told["arguments"]["asked"]["lr0"] = 0.02
    elif moved == "base":
        told["base_sha256"] = "c" * 64
    elif moved == "images":
        told["images"] = {"train": 99, "val": 20}
    elif moved == "input":
        told["input"] = [384, 640]
    elif moved == "frames":
        frames = frames[frames["group"] != "g000"]
    elif moved == "boxes":
        boxes = boxes.assign(x2=boxes["x2"] + 1)
    else:
        params = params.model_copy(update={"score": 0.3})
    models = {"base": base, "candidate": trained[0]}
    found = evaluate(frames, boxes, models, PERSON, params, trainings=Trainings(told, known))
    assert found["seeds"]["recipe"] is None


def test_a_metric_that_the_sweep_did_not_look_at_is_named() -> None:
    frames, boxes, base, trained = field([0.95, 0.9])
    params = world.eval_params()
    known = {
        mark: one.model_copy(update={"figures": {"map50": one.figures["map50"]}, "sd": {"map50": 0.1}})
        for mark, one in swept(frames, boxes, trained, params).items()
    }
    gate = Gate(metric="recall", bound=0.0, **world.HIGHER)
    models, judged = {"base": base, "candidate": trained[0]}, params.model_copy(update={"improvement": gate})
    found = evaluate(frames, boxes, models, PERSON, judged, trainings=Trainings(report(0), known))
    assert (
        found["seeds"]["recipe"] is None
        and "between seeds in recall is unknown" in found["seeds"]["sentence"]
    )


# The sweep and its file


def test_recipes_are_told_apart_and_one_seed_is_no_spread() -> None:
    frames, boxes, _, trained = field([0.95, 0.9, 0.8, 0.7])
    params = world.eval_params()
    other = {**RECIPE, "mosaic": 0.0}
    reports = [report(0), report(1), *(report(s, arguments={"asked": {**other, "seed": s}}) for s in (0,))]
    trained = [
        Training(
            one["seed"], one, scores(frames, boxes, table_, PERSON, ("deployment",), ("recall",), params)
        )
        for one, table_ in zip(reports, trained, strict=False)
    ]
    (found,) = spreads(trained, "augment", "deployment", "ground").values()
    assert list(found.figures["recall"]) == [0, 1] and found.freedom == 1


def test_the_file_is_read_as_it_was_written_and_faults_are_named(tmp_path: Path) -> None:
    frames, boxes, _, trained = field([0.95, 0.9])
    known = swept(frames, boxes, trained, world.eval_params())
    path = tmp_path / "seed_spread.json"
    assert read_spreads(path) == {}
    write_json(path, {mark: one.model_dump(mode="json") for mark, one in known.items()})
    assert read_spreads(path) == known
    write_json(path, {"abc": {"name": "x"}})
    with pytest.raises(InputError, match=r"seed_spread\.json: abc\.judged_on"):
        read_spreads(path)
