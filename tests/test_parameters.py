"""Dotted keys against walking the mapping, key by key."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from provenline.errors import InputError
from provenline.parameters import at, changes, flat, missing, moved, unknown_option

ROOT = Path(__file__).parents[1]


@pytest.fixture
def given() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "params.yaml").read_text())


def walked(value: dict[str, Any], dotted: str) -> Any:
    for key in dotted.split("."):
        value = value[key]
    return value


def test_every_leaf_is_where_its_dotted_key_says(given: dict[str, Any]) -> None:
    leaves = flat(given)
    assert len(leaves) > 100 and not any(isinstance(leaf, dict) and leaf for leaf in leaves.values())
    for key in leaves:
        if all(part.isidentifier() for part in key.split(".")):
            assert at(given, key) == walked(given, key) == leaves[key]
    with pytest.raises(InputError, match=r"train\.nothing: parameter is missing"):
        at(given, "train.nothing")


def test_what_differs_is_named_and_nothing_else(given: dict[str, Any]) -> None:
    other = copy.deepcopy(given)
    assert changes(given, other) == [] and moved(given, other, list(given)) == []
    other["train"]["recipe"]["seed"] = 7
    del other["seed"]
    other["golden"]["more"] = "x" * 99
    assert changes(given, other) == [
        f"golden.more: absent -> {'x' * 39}…",
        f"seed: {given['seed']} -> absent",
        f"train.recipe.seed: {given['train']['recipe']['seed']} -> 7",
    ]
    assert moved(given, other, ["train", "train.recipe.seed", "model", "seed", "no.such"]) == [
        "train", "train.recipe.seed", "seed",
    ]  # fmt: skip


def test_what_must_be_given_is_found_at_any_depth(given: dict[str, Any]) -> None:
    assert missing(given) == []
    given["model"]["weights"] = given["train"]["recipe"]["lr0"] = "???"
    assert sorted(missing(given)) == ["model.weights", "train.recipe.lr0"]


def test_a_group_that_is_not_there_has_no_options_to_name() -> None:
    assert str(unknown_option("nowhere/x", (), Path("conf"))).startswith(
        "conf/nowhere: has no option 'x'. Mend"
    )
