"""`provenline plan` in a project: what it prints, and what it says where there is nothing to plan from."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from provenline.cli import app
from provenline.errors import InputError
from provenline.evaluation.compare import evaluate
from provenline.evaluation.plan_rows import spread_of
from provenline.evaluation.planning import half_width
from provenline.files import write_json
from tests.evaluation import world

run = CliRunner().invoke


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    (tmp_path / "params.yaml").write_text("round: v0.1\n")
    return tmp_path


@pytest.fixture(scope="module")
def evaluated() -> dict:
    frames, boxes, base = world.line(1, 21, 0.86, per_group=12, spread=0.1)
    candidate = world.line(2, 21, 0.9, per_group=12, spread=0.08)[2]
    interval = world.INTERVAL.model_copy(update={"replicates": 100})
    gates = (world.Gate(metric="recall", bound=0.9, **world.HIGHER),)
    params = world.eval_params(gates=gates, interval=interval)
    models = {"base": base, "candidate": candidate}
    return evaluate(frames.assign(split="deployment"), boxes, models, ("person",), params)


def test_it_prints_what_settles_the_verdicts_and_what_reaches_a_precision(
    project: Path, evaluated: dict
) -> None:
    write_json(project / "metrics/eval_v0.1.json", evaluated)
    (recall,) = (row for row in evaluated["plan"]["rows"] if row["about"] == "recall of the candidate")
    done = run(app, ["plan"])
    assert done.exit_code == 0, done.output
    assert "recall of the candidate (eval on deployment)" in done.output
    assert f"recall of the candidate: {recall['reason']}." in done.output
    assert "0.87 from 0.90" in done.output and "c3 *" in done.output
    wish = run(app, ["plan", "--half-width", "0.02", "--metric", "recall", "--power", "0.9"])
    assert wish.exit_code == 0 and "for ±0.02" in wish.output and "chance of 90%" in wish.output
    expected = half_width(spread_of(recall), 0.95)
    assert f"21 videos with 252 frames give about ±{expected:.3f}" in wish.output
    far = run(app, ["plan", "--half-width", "0.0001", "--metric", "recall"])
    assert far.output.rstrip().endswith("Not even 10,000 videos give ±0.0001.")
    assert max(map(len, wish.output.splitlines()[:10])) <= 80


def test_stage_a_is_planned_too(project: Path, evaluated: dict) -> None:
    row = next(one for one in evaluated["plan"]["rows"] if one["about"] == "recall of the candidate")
    measured = {"plan": {"rows": [{**row, "of": "base", "about": "recall of the base"}], "sentences": []}}
    write_json(project / "metrics/stage_a_eval.json", measured)
    assert "recall of the base (Stage A)" in run(app, ["plan"]).output


def test_what_is_missing_is_one_line(project: Path, evaluated: dict) -> None:
    nothing = run(app, ["plan"]).exception
    assert isinstance(nothing, InputError) and "nothing was measured yet" in str(nothing)
    write_json(project / "metrics/eval_v0.1.json", {"judged_on": None})  # of an older version
    assert "nothing to plan from in metrics/eval_v0.1.json" in str(run(app, ["plan"]).exception)
    write_json(project / "metrics/eval_v0.1.json", evaluated)
    unknown = run(app, ["plan", "--metric", "map51"]).exception
    assert isinstance(unknown, InputError) and "Known are recall" in str(unknown)
    rows = [{**row, "category": "Cuffs [/left]"} for row in evaluated["plan"]["rows"]]
    write_json(project / "metrics/eval_v0.1.json", {**evaluated, "plan": {"rows": rows}})
    assert "Cuffs [/left]" in run(app, ["plan", "--half-width", "0.1"]).output
    for older in ([], {"plan": {"rows": [{}]}}, {"plan": 3}, {"plan": {"rows": [{"metric": "recall"}]}}):
        write_json(project / "metrics/eval_v0.1.json", older)
        refused = run(app, ["plan"]).exception
        assert isinstance(refused, InputError), older
    assert run(app, ["plan", "--half-width", "0"]).exit_code == 2
    assert run(app, ["plan", "--half-width", "1.5"]).exit_code == 2
