"""The shipped profiles ask for what they say they ask for."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from glue import compose
from provenline import sections

STAGE_A = {"recall": 0.95, "median_confidence": 0.55}
PROFILES = {
    "stage_a": (STAGE_A, {"recall": 0.95}),
    "person": (STAGE_A, {"map50": 0.6, "precision": 0.7, "recall": 0.8}),
    "pilot": (STAGE_A, {"map": 0.6, "precision": 0.7, "recall": 0.8}),
    "production": (STAGE_A, {"map": 0.75, "precision": 0.85, "recall": 0.9}),
    "shelf": ({"recall": 0.98}, {"recall": 0.98, "map50": 0.95, "count_mae": 0.3}),
}


def composed(override: str, tmp_path: Path) -> dict:
    compose.compose([override] if override else [], tmp_path / "params.yaml")
    value = yaml.safe_load((tmp_path / "params.yaml").read_text())
    sections.check(value)
    return value


@pytest.mark.parametrize("name", PROFILES)
def test_a_profile_switches_whole(name: str, tmp_path: Path) -> None:
    value = composed(f"gates={name}", tmp_path)
    for section, wanted in zip(("stage_a_eval", "eval"), PROFILES[name], strict=True):
        gates = value[section]["gates"]
        assert {gate["metric"]: gate["bound"] for gate in gates} == wanted
        # The end that is farther from the goal must clear the bound: proof, not hope.
        assert all((gate["end"] == "low") == (gate["better"] == "higher") for gate in gates)
        assert {gate["metric"] for gate in gates if gate["better"] == "lower"} == set(wanted) & {"count_mae"}


def test_every_profile_is_looked_at() -> None:
    shipped = {path.stem for path in (compose.CONF / "gates").glob("*.yaml")}
    assert shipped == set(PROFILES)


def test_the_default_is_person_and_only_gates_differ(tmp_path: Path) -> None:
    usual, other = composed("", tmp_path), composed("gates=production", tmp_path)
    assert usual == composed("gates=person", tmp_path)
    for section in ("stage_a_eval", "eval"):
        del usual[section]["gates"], other[section]["gates"]
    assert usual == other
