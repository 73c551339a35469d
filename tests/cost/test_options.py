"""The options of the plan: by hand, against a search, and as the command prints them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from rich.console import Console
from typer.testing import CliRunner

from provenline.cli import app
from provenline.cost.ledger import Ledger
from provenline.cost.options import compare, pays_off
from provenline.cost.params import CostParams, Machine
from provenline.errors import InputError
from tests.cost.test_meter import DONE

CONF = Path(__file__).parents[2] / "conf"


def shipped(machine: str = "g5_xlarge") -> dict:
    plan, one = (
        yaml.safe_load((CONF / name).read_text()) for name in ("cost/plan.yaml", f"machine/{machine}.yaml")
    )
    return {**plan, "machine": one}


def params(**more: object) -> CostParams:
    options = {
        "cloud": {
            "upfront_usd": 0,
            "usd_per_hour": 1.0,
            "watts": 0,
            "hours_per_run": 2.0,
            "machine": "g5.xlarge",
        },
        "box": {"upfront_usd": 1000, "usd_per_hour": 0, "watts": 500, "hours_per_run": 4.0, "machine": "box"},
    }
    named = {
        name: {**one, "title": name, "assumed": ["hours_per_run"], "source": "-"}
        for name, one in options.items()
    }
    machine = {"name": "g5.xlarge", "usd_per_hour": 1.0, "watts": 100}
    values = {
        "ceiling_usd": 200, "usd_per_kwh": 0.25, "machine": machine, "retrains": [1, 10],
        "reference": "cloud", "options": named,
    }  # fmt: skip
    return CostParams.model_validate(values | more)


def test_by_hand() -> None:
    assert params().usd_per_hour == pytest.approx(1.025)
    cloud, box = compare(params(), [], "lbzf_person")
    assert cloud.reference and cloud.per_run == 2.0 and cloud.after == (2.0, 20.0) and cloud.pays_off is None
    assert box.per_run == pytest.approx(0.5) and box.after == pytest.approx((1000.5, 1005.0))
    assert box.pays_off == 667  # 1000 / 1.5


def test_paying_off_is_what_a_search_finds() -> None:
    for upfront in (0, 10, 995):
        for per_run in (0.0, 0.5, 1.0, 3.0):
            found = pays_off(upfront, per_run, 10, 1.0)
            held = [upfront + n * per_run <= 10 + n * 1.0 + 1e-9 for n in range(3000)]
            wanted = next((n for n in range(3000) if all(held[n:])), None)
            assert found == wanted, (upfront, per_run)


def test_measured_hours_stand_for_those_assumed() -> None:
    killed = replace(DONE, id="b", finished=False, ended=False, seconds=3600.0)
    whole = replace(DONE, seconds=7200.0)
    other = replace(DONE, id="c", training="x", usecase="shelf", seconds=1.0)
    unfinished = replace(DONE, id="d", training="y", finished=False)
    cloud, box = compare(params(), [killed, whole, other, unfinished], "lbzf_person")
    assert (cloud.hours, cloud.measured, cloud.assumed) == (3.0, 1, ())
    assert (box.hours, box.measured, box.assumed) == (4.0, 0, ("hours_per_run",))


def test_an_unknown_reference_is_refused() -> None:
    with pytest.raises(InputError, match="gpu is none of cloud, box"):
        compare(params(reference="gpu"), [], "lbzf_person")


def test_what_is_shipped_is_valid_and_says_what_is_assumed() -> None:
    machines = {path.stem: yaml.safe_load(path.read_text()) for path in (CONF / "machine").glob("*.yaml")}
    assert set(machines) == {"local", "g5_xlarge", "g6_xlarge"}
    rates = {Machine.model_validate(one).name: one["usd_per_hour"] for one in machines.values()}
    assert rates == {"local": 0.0, "g5.xlarge": 1.006, "g6.xlarge": 0.8048}
    found = CostParams.model_validate(shipped())
    assert found.ceiling_usd == 200.0
    for name, one in found.options.items():
        assert "hours_per_run" in one.assumed and one.source, name
        assert one.usd_per_hour == rates.get(one.machine, one.usd_per_hour), name


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("provenline.commands.cost.out", Console(width=80))
    run = CliRunner().invoke
    assert "is no project's folder" in str(run(app, ["cost"]).exception)
    (tmp_path / "params.yaml").write_text("round: v0\n")
    assert "Run `make params`" in str(run(app, ["cost"]).exception)
    (tmp_path / "params.yaml").write_text(
        yaml.safe_dump({"usecase": {"name": "lbzf_person"}, "cost": shipped()})
    )
    assert "0.00 of 200.00 USD spent, 200.00 left" in run(app, ["cost"]).output
    ledger = Ledger.of(tmp_path)
    ledger.add(**vars(replace(DONE, seconds=7200.0)))
    ledger.add(**vars(replace(DONE, id="b", training="k", ended=False, finished=False, seconds=3600.0)))
    done = run(app, ["cost", "--export"])
    assert done.exit_code == 0, done.output
    text = " ".join(done.output.split())
    assert "lbzf_person g5.xlarge 1 1 3.00 3.00" in text and "3.00 of 200.00 USD spent, 197.00 left" in text
    assert "EC2 g5.xlarge 0 2.00 2.01 2 24 201 -" in text  # measured: no star
    assert "EC2 g6.xlarge 0 2.40* 1.93* 2* 23* 193* at once" in text
    assert "SageMaker 0 2.10* 2.96* 3* 35* 296* never" in text
    assert "2 rows" in text and (tmp_path / "data/cost_ledger.csv").is_file()
    (tmp_path / "params.yaml").write_text(
        yaml.safe_dump({"usecase": {"name": "x"}, "cost": {**shipped(), "ceiling_usd": -1}})
    )
    assert "cost.ceiling_usd" in str(run(app, ["cost"]).exception)
