from __future__ import annotations

from pathlib import Path

import pytest

from stages import _compose, _tracking

ROOT = Path(__file__).parents[2]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("conf", "provenline", "stages"):
        (tmp_path / name).symlink_to(ROOT / name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PROVENLINE_HOME", str(tmp_path))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    _compose.compose([], tmp_path / "params.yaml")
    return tmp_path


def test_only_numbers_are_logged_under_their_dotted_names() -> None:
    given = {"a": {"b": 1, "c": "text", "d": None, "e": [1, 2]}, "f": True}
    assert dict(_tracking.numbers(given, "eval")) == {"eval.a.b": 1.0, "eval.f": 1.0}


def test_what_describes_an_interval_is_left_to_the_files() -> None:
    recall = {"estimate": 0.9, "low": 0.8, "high": 1.0, "confidence": 0.95, "groups": 21, "error": 0.05}
    cuts = {f"by_{axis}": {"one": {"recall": recall}} for axis in ("camera", "day", "size", "class")}
    parts = {"recall": recall, "by_category": {"Collar": {"recall": recall}}, **cuts}
    parts |= {"own": {"base": {"recall": recall}}, "base": {"coco": {"per_class": {"person": {"map": 0.5}}}}}
    given = {"splits": {"train": parts, "test": parts}, "holm": {"recall": {"rows": {"Collar": {"p": 0.5}}}}}
    stage_a = {"by_category": {"Collar": {"frames": 4, "by_attribute": {"role": {"frames": 1}}}}}
    assert dict(_tracking.numbers(stage_a, "stage_a_eval")) == {"stage_a_eval.by_category.Collar.frames": 4.0}
    kept = set(dict(_tracking.numbers(given, "eval_v0")))
    ends = ("estimate", "low", "high")
    assert kept == {
        *(f"eval_v0.splits.{split}.recall.{end}" for split in ("train", "test") for end in ends),
        *(f"eval_v0.splits.test.by_category.Collar.recall.{end}" for end in ends),
        *(f"eval_v0.splits.test.own.base.recall.{end}" for end in ends),
        "eval_v0.splits.test.base.coco.per_class.person.map",
    }


def test_another_parameter_is_another_fingerprint(project: Path) -> None:
    before = _tracking.fingerprint()
    assert before == _tracking.fingerprint()
    _compose.compose(["seed=1"], project / "params.yaml")
    assert before != _tracking.fingerprint()


def test_a_tracker_that_fails_stops_nothing(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:////proc/no/such/place/mlflow.db")
    _tracking.log("eval", {"map50": 0.5})
    assert "not logged" in capsys.readouterr().err


@pytest.mark.slow
def test_stages_of_one_fingerprint_share_one_run(project: Path) -> None:
    from mlflow.tracking import MlflowClient

    _tracking.log("train", {"epoch": {"mAP50": 0.1}}, step=1)
    _tracking.log("train", {"epoch": {"mAP50": 0.4}}, step=2)
    _tracking.log("", {"eval_v0": {"recall": 0.9}})
    client = MlflowClient()
    experiment = client.get_experiment_by_name(_tracking.EXPERIMENT)
    runs = client.search_runs([experiment.experiment_id])
    assert len(runs) == 1 and runs[0].data.params["profile.device"] == "cpu"
    assert runs[0].data.metrics["eval_v0.recall"] == 0.9
    assert [one.value for one in client.get_metric_history(runs[0].info.run_id, "train.epoch.mAP50")] == [
        0.1,
        0.4,
    ]
