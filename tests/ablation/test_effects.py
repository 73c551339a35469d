"""Effects against the pairs done by hand; what may be said, and when."""

from __future__ import annotations

import numpy as np
import pytest

from provenline.ablation.design import Contrast, expand
from provenline.ablation.effects import difference, effects, mean_of
from provenline.ablation.result import Measured, result
from provenline.ablation.sentences import sentence, settled_by
from provenline.evaluation.intervals import Statistic
from tests.ablation.world import RULES, draws, params, statistic, table

FLIP = Contrast("flip", "flip on", "flip off", (("flip-on", "reference"),))
MOSAIC = Contrast("mosaic", "mosaic off", "mosaic on", (("mosaic-off", "reference"),))


def trained(
    effect: dict[str, float], seeds: int = 3, groups: int = 21, noise: float = 0.01, rng: int = 0
) -> dict[tuple[str, int], Statistic]:
    """Cells whose settings differ by a known effect; videos differ much, but alike for all settings."""
    generator, weights = np.random.default_rng(rng), draws(groups)
    easy = generator.uniform(0.3, 0.9, groups)
    return {
        (name, seed): statistic(easy + by + table(generator, 1, groups, noise, 0, noise)[0], weights)
        for name, by in effect.items()
        for seed in range(seeds)
    }


def test_the_difference_is_paired_within_seed_and_draw() -> None:
    cells = trained({"reference": 0.0, "flip-on": 0.05})
    found = difference(cells, FLIP, (0, 1, 2))
    by_hand = [cells["flip-on", s].estimate - cells["reference", s].estimate for s in range(3)]
    assert found.values == pytest.approx(by_hand) and found.seeds == (0, 1, 2)
    # Videos scatter by 0.17, which both sides share: unpaired it could never be told.
    low, high = found.ends(0.95)
    assert high - low < 0.05 and low < 0.05 < high
    alone = mean_of(cells, "flip-on", (0, 1, 2)).ends(0.95)
    assert alone[1] - alone[0] > 0.15


def test_several_pairs_are_averaged() -> None:
    pairs = (("a1", "a0"), ("b1", "b0"))
    cells = trained({"a1": 0.1, "a0": 0.0, "b1": 0.3, "b0": 0.1})
    found = difference(cells, Contrast("x", "x 1", "x 0", pairs), (0, 1, 2))
    by_hand = [
        np.mean([cells[one, seed].estimate - cells[other, seed].estimate for one, other in pairs])
        for seed in range(3)
    ]
    assert found.values == pytest.approx(by_hand)


def test_a_seed_counts_only_with_both_sides() -> None:
    cells = trained({"reference": 0.0, "flip-on": 0.05})
    del cells["flip-on", 1]
    assert difference(cells, FLIP, (0, 1, 2)).seeds == (0, 2)
    assert mean_of(cells, "reference", (0, 1, 2)).seeds == (0, 1, 2)
    for seed in (0, 2):
        del cells["flip-on", seed]
    (one,) = effects(cells, [FLIP], (0, 1, 2), RULES)
    assert one.mean.estimate is None and one.reads == "no verdict"
    assert "no seed has results on both sides" in sentence(one, "map50", RULES)


@pytest.mark.parametrize(("by", "reads", "said"), [
    (0.08, "better", "flip on is better by 0.0"),
    (-0.08, "worse", "flip off is better by 0.0"),
    (0.0, "cannot be told apart", "flip on and flip off cannot be told apart with 3 seeds (+"),
])  # fmt: skip
def test_verdicts_and_their_words(by: float, reads: str, said: str) -> None:
    (one,) = effects(trained({"reference": 0.0, "flip-on": by}, rng=2), [FLIP], (0, 1, 2), RULES)
    assert one.reads == reads
    text = sentence(one, "map50", RULES)
    assert text.replace("(-", "(+").startswith(said) and text.endswith(("mAP50", "mAP50)"))
    low, high = one.mean.ends(0.95)
    assert (low > 0) == (reads == "better") and (high < 0) == (reads == "worse")


def test_a_whole_setting_names_both() -> None:
    whole = Contrast("all off", "all off", "reference", (("all-off", "reference"),))
    (one,) = effects(trained({"reference": 0.2, "all-off": 0.0}), [whole], (0, 1, 2), RULES)
    assert sentence(one, "map50", RULES).startswith("reference is better than all off by 0.")


def test_few_seeds_and_few_groups_have_no_verdict() -> None:
    (one,) = effects(trained({"reference": 0.0, "flip-on": 0.2}, seeds=1), [FLIP], (0,), RULES)
    assert (one.reads, one.p, one.mean.ends(0.95)) == ("no verdict", None, (None, None))
    assert sentence(one, "map50", RULES).endswith("no verdict with 1 seed")
    (one,) = effects(trained({"reference": 0.0, "flip-on": 0.2}, groups=9), [FLIP], (0, 1, 2), RULES)
    assert one.reads == "no verdict" and "9 groups" in sentence(one, "map50", RULES)
    (one,) = effects(trained({"reference": 0.0, "flip-on": 0.2}, groups=10), [FLIP], (0, 1, 2), RULES)
    assert one.reads == "better"


def test_looking_at_more_factors_asks_for_more() -> None:
    """An effect that stands alone at p 0.03 or so falls among five that are nothing."""
    names = [f"nothing-{k}" for k in range(5)]
    idle = [Contrast(name, f"{name} on", f"{name} off", ((name, "reference"),)) for name in names]
    for rng in range(40):
        cells = trained({"reference": 0.0, "flip-on": 0.025, **dict.fromkeys(names, 0.0)}, rng=rng)
        (alone,) = effects(cells, [FLIP], (0, 1, 2), RULES)
        if 0.02 < alone.p < 0.05:
            break
    among = effects(cells, [FLIP, *idle], (0, 1, 2), RULES)[0]
    assert alone.reads == "better" and alone.p_holm == alone.p
    assert among.reads == "cannot be told apart" and among.p == alone.p and among.p_holm > 0.05
    assert settled_by(among, RULES) == ""  # more seeds are not what is missing


def test_what_trained_alike_is_called_so() -> None:
    cells = trained({"reference": 0.0})
    cells |= {("flip-on", seed): cells["reference", seed] for seed in range(3)}
    (one,) = effects(cells, [FLIP], (0, 1, 2), RULES)
    assert one.reads == "cannot be told apart"
    assert sentence(one, "map50", RULES) == "flip on and flip off gave the same figures throughout"
    assert settled_by(one, RULES) == ""


def measured(missing: tuple[tuple[str, int], ...] = ()) -> Measured:
    """Flips help where it is judged, but not where it is chosen."""
    given = params(factors={"flip": {"off": "t.flip=0", "on": "t.flip=1"}})
    val = trained({"reference": 0.05, "flip-on": 0.0}, groups=6, rng=2)
    judged = trained({"reference": 0.0, "flip-on": 0.08}, rng=1)
    scores = {
        cell: {"val": {"map50": val[cell]}, "deployment": {"map50": judged[cell]}}
        for cell in judged
        if cell not in missing
    }
    return Measured(given, expand(given), scores, "deployment", RULES)


def test_the_whole_result() -> None:
    given = measured()
    found = result(given)
    effect = {one["set"]: one for one in found["effects"]}
    assert set(effect) == {"val", "deployment"} and found["cells"] == {"wanted": 6, "done": 6}
    assert effect["deployment"]["reads"] == "better" and effect["deployment"]["seeds"] == [0, 1, 2]
    assert effect["val"]["reads"] == "no verdict"  # six videos
    assert found["sentences"] == [effect["deployment"]["sentence"]]
    assert found["sentences"][0].startswith("flip on is better by 0.0")
    assert "3 seeds say little" in " ".join(found["warnings"])
    values = {one["name"]: one["sets"]["deployment"]["map50"] for one in found["settings"]}
    single = [given.scores["flip-on", s]["deployment"]["map50"].estimate for s in range(3)]
    assert values["flip-on"]["per_seed"] == pytest.approx(single, abs=1e-6)
    assert values["flip-on"]["seed_sd"] == pytest.approx(np.std(single, ddof=1), abs=1e-6)


def test_val_chooses_and_the_judged_set_only_reports() -> None:
    choice = result(measured())["choice"]
    assert (choice["setting"], choice["best_on_judged"]) == ("reference", "flip-on")
    assert "selection" in choice["sentence"] and "reference" in choice["sentence"]
    # The same call, had the judged set chosen, would have flattered.
    judged = {
        one["name"]: one["sets"]["deployment"]["map50"]["estimate"] for one in result(measured())["settings"]
    }
    assert choice["judged"] == judged["reference"] < judged["flip-on"]


def test_an_incomplete_setting_is_not_chosen() -> None:
    found = result(measured(missing=(("reference", 2),)))
    assert found["choice"]["setting"] == "flip-on" and found["choice"]["of"] == 1
    assert found["cells"] == {"wanted": 6, "done": 5}
    assert next(one for one in found["effects"] if one["set"] == "deployment")["seeds"] == [0, 1]
