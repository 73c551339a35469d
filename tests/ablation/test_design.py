from __future__ import annotations

from itertools import product

import pytest
from pydantic import ValidationError

from provenline.ablation.design import REFERENCE, cells, expand
from provenline.ablation.params import AblationParams
from provenline.errors import InputError
from tests.ablation.world import FACTORS, params


def test_one_at_a_time_moves_one_factor_and_nothing_else() -> None:
    design = expand(params(wholes={"all off": "augment=none"}, common=["profile=tiny"]))
    by_name = {one.name: one.overrides for one in design.settings}
    assert list(by_name) == [REFERENCE, "mosaic-off", "flip-on", "flip-half", "all-off"]
    assert by_name[REFERENCE] == ("profile=tiny", "t.mosaic=1", "t.flip=0")
    assert by_name["flip-half"] == ("profile=tiny", "t.mosaic=1", "t.flip=0.5")
    # To Hydra a value given by name stands above a whole group: it must not be given here.
    assert by_name["all-off"] == ("profile=tiny", "augment=none")
    assert [(one.level, one.against, one.pairs) for one in design.contrasts] == [
        ("mosaic off", "mosaic on", (("mosaic-off", REFERENCE),)),
        ("flip on", "flip off", (("flip-on", REFERENCE),)),
        ("flip half", "flip off", (("flip-half", REFERENCE),)),
        ("all off", REFERENCE, (("all-off", REFERENCE),)),
    ]


def test_the_full_design_pairs_settings_that_differ_in_one_level() -> None:
    design = expand(params(design="full"))
    levels = {one.name: set(one.overrides) for one in design.settings}
    wanted = [
        {m, f} for m, f in product(("t.mosaic=1", "t.mosaic=0"), ("t.flip=0", "t.flip=1", "t.flip=0.5"))
    ]
    assert sorted(map(sorted, levels.values())) == sorted(map(sorted, wanted))
    sizes = {}
    for contrast in design.contrasts:
        sizes[contrast.level] = len(contrast.pairs)
        for one, other in contrast.pairs:
            gone, come = levels[other] - levels[one], levels[one] - levels[other]
            assert len(gone) == len(come) == 1
            assert gone.pop().split("=")[0] == come.pop().split("=")[0] == f"t.{contrast.factor}"
    assert sizes == {"mosaic off": 3, "flip on": 2, "flip half": 2}


def test_cells_go_seed_by_seed_and_the_seed_has_the_last_word() -> None:
    given = params(seeds=[3, 1])
    found = cells(given, expand(given), "aug", ("profile=cpu",))
    assert [seed for _, seed in found] == [3] * 4 + [1] * 4
    assert found["flip-on", 1] == (
        "aug-flip-on-s1",
        ("t.mosaic=1", "t.flip=1", "profile=cpu", "train.recipe.seed=1"),
    )
    assert len({name for name, _ in found.values()}) == len(found)


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ({"factors": {}, "wholes": {}, "seeds": [0]}, "nothing to compare"),
        ({"seeds": [0, 0]}, "twice"),
        ({"seeds": []}, "at least 1"),
        ({"common": ["seed=3"]}, "seeds are named"),
        ({"wholes": {"lucky": "train.recipe.seed=7"}}, "seeds are named"),
        ({"wholes": {"odd": "augment none"}}, "pattern"),
        ({"factors": {"flip": {True: "t.flip=1", False: "t.flip=0"}}}, "quote the levels"),
        ({"factors": {"flip": {"off": []}}}, "at least 2"),
        ({"metrics": ["accuracy"]}, "map50"),
        ({"repeats": 3}, "Extra inputs"),
    ],
)
def test_what_is_wrong_is_said(fault: dict, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        params(**fault)


def test_two_settings_of_one_name_are_refused() -> None:
    with pytest.raises(InputError, match="flip-on"):
        expand(params(wholes={"flip on": "augment=flip"}))


def test_parameters_have_no_defaults() -> None:
    assert all(field.is_required() for field in AblationParams.model_fields.values())
    assert FACTORS  # the world names all of them
