"""What an ablation says, against the object that it says it of."""

from __future__ import annotations

from provenline.ablation.analyse import effects_of, note, said, scores_of
from provenline.ablation.result import result
from provenline.ablation.spread import Training
from provenline.ablation.stand import Cell
from tests.ablation.test_effects import measured


def test_every_end_that_is_defined_is_a_figure() -> None:
    found = result(measured())
    figures = effects_of(found)
    for one in found["effects"]:
        name = f"{one['set']}/{one['metric']} {one['level']} - {one['against']}"
        for end in ("estimate", "low", "high", "p_holm"):
            assert figures.pop(f"{name}.{end}", None) == one[end]
    assert figures == {}


def test_scores_are_named_by_set_and_metric() -> None:
    given = measured()
    for (_, seed), scores in given.scores.items():
        found = scores_of(Cell(Training(seed, {}, scores), "mark", "rev"))
        assert found == {f"{part}/map50": scores[part]["map50"].estimate for part in ("val", "deployment")}


def test_what_is_concluded_is_whole_sentences_and_the_note_is_cut() -> None:
    found = result(measured())
    sentences = said(found)
    texts = [*found["sentences"], found["choice"]["sentence"], *found["warnings"]]
    assert [one.removesuffix(".").lower() for one in sentences] == [one.lower() for one in texts]
    assert all(one[0] == one[0].upper() and one.endswith(".") for one in sentences)
    whole = note({**found, "about": "Does flipping help?"}, 8000)
    assert whole.splitlines() == ["**Does flipping help?**", "", *(f"- {one}" for one in sentences)]
    assert note({**found, "about": "Does flipping help?"}, 30) == whole[:30]
