from __future__ import annotations

import pytest

from provenline.errors import InputError
from provenline.training.flips import mixed_up, refuse_mixed_up
from provenline.training.params import TrainParams
from tests.training.conftest import params


@pytest.mark.parametrize(
    "one, other",
    [
        ("left_glove", "right_glove"),
        ("glove_left", "glove_right"),
        ("lefthand", "righthand"),
        ("LeftHand", "RightHand"),
        ("Left", "Right"),
        ("shoe-l", "shoe-r"),
        ("sleeveL", "sleeveR"),
        ("L", "R"),
        ("LH glove", "RH glove"),
        ("valve_l_open", "valve_r_open"),
        ("ventil_links", "ventil_rechts"),
        ("linker Schuh", "rechter Schuh"),
        ("left hand", "right_hand"),
    ],
)
def test_pairs_of_sides(one, other):
    pair = tuple(sorted((one, other)))
    assert mixed_up(["person", other, "drill", one], True, False) == [pair]
    assert mixed_up([one, other], False, True) == []


@pytest.mark.parametrize(
    "one, other",
    [("arrow_up", "arrow_down"), ("top", "bottom"), ("Upper lid", "Lower lid"), ("oben", "unten")],
)
def test_pairs_of_ends(one, other):
    assert mixed_up([one, other], False, True) == [tuple(sorted((one, other)))]
    assert mixed_up([one, other], True, False) == []


@pytest.mark.parametrize(
    "names",
    [
        ["bright", "drill"],
        ["bright", "dark", "left_glove"],  # a side without its partner
        ["bottle", "can", "glass", "unknown_container"],
        ["rock_toe", "slope_drain", "toe_drain", "vegetation"],
        ["cup", "top", "stop", "laptop"],
        ["car", "cal", "lorry", "rorry"],  # letters inside of words are no sides
        ["size_s", "size_m", "size_l"],
        ["left_glove", "right_shoe"],
    ],
)
def test_what_is_no_pair(names):
    assert mixed_up(names, True, True) == []


def flipping(
    may_flip: tuple[str, ...] = (), task: str = "detect", extra: dict | None = None, **augment: float
):
    value = params().model_dump()
    value["augment"] |= augment
    value["recipe"] |= {"task": task, "extra": extra or {}}
    return TrainParams.model_validate(value | {"may_flip": may_flip})


NAMES = ("left_glove", "right_glove", "lid_top", "lid_bottom", "shoe_l", "shoe_r")


def test_a_flip_that_swaps_classes_is_refused_in_one_line():
    refuse_mixed_up(NAMES, flipping())
    with pytest.raises(InputError) as caught:
        refuse_mixed_up(NAMES, flipping(fliplr=0.5))
    assert str(caught.value) == (
        "fliplr=0.5 would turn 'left_glove' into 'right_glove' and leave its label (and 1 more). "
        "Set train.augment.fliplr=0, or name both in train.may_flip."
    )
    with pytest.raises(InputError, match=r"flipud=0\.1 would turn 'lid_bottom' into 'lid_top'"):
        refuse_mixed_up(NAMES, flipping(flipud=0.1))


def test_pasted_copies_are_mirrored_too():
    refuse_mixed_up(NAMES, flipping(copy_paste=0.3))  # of no effect on boxes
    with pytest.raises(InputError, match=r"copy_paste=0\.3 would turn"):
        refuse_mixed_up(NAMES, flipping(copy_paste=0.3, task="segment"))
    refuse_mixed_up(NAMES, flipping(copy_paste=0.3, task="segment", extra={"copy_paste_mode": "mixup"}))


def test_what_is_allowed_by_name_may_be_flipped():
    with pytest.raises(InputError, match="'shoe_l'"):
        refuse_mixed_up(NAMES, flipping(("left_glove", "right_glove", "shoe_l"), fliplr=0.5))
    refuse_mixed_up(NAMES, flipping(("left_glove", "right_glove", "shoe_l", "shoe_r"), fliplr=0.5))
