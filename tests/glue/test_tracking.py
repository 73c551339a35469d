from __future__ import annotations

from pathlib import Path

import pytest

from glue import compose as _compose
from glue.tracking import sender
from glue.tracking import track as _tracking
from glue.tracking.spool import spools
from provenline.files import sha256_file

ROOT = Path(__file__).parents[2]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("conf", "provenline", "glue", "stages"):
        (tmp_path / name).symlink_to(ROOT / name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PROVENLINE_HOME", str(tmp_path))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    monkeypatch.setattr(sender._SENDER, "registered", True)  # nothing of this is to be sent at pytest's exit
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


def records(project: Path) -> list[dict]:
    (spool,) = spools(project / ".state" / "tracking")
    return [record for record, _ in spool.records()]


def test_logging_writes_to_the_own_disk_and_asks_nobody(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("something was started")

    monkeypatch.setattr("subprocess.Popen", refuse)
    monkeypatch.setattr(_tracking, "_revision", lambda: "r")
    monkeypatch.setattr("socket.socket.connect", refuse)
    _tracking.log("train", {"seconds": 2.5}, tags={"seal": "s"})
    _tracking.curve("train.epoch", [{"epoch": 1, "mAP50": 0.1 + 0.2, "lr": float("nan")}])
    figures, tags, status, curve = records(project)
    assert figures["values"] == {"train.seconds": 2.5} and tags["tags"] == {"seal": "s"}
    assert status["status"] == "FINISHED"
    assert curve["step"] == 1 and curve["values"] == {"train.epoch.mAP50": 0.1 + 0.2}


def test_a_disk_that_cannot_be_written_stops_nothing(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROVENLINE_HOME", "/proc/no/such/place")
    for _ in range(2):
        _tracking.log("eval", {"map50": 0.5})
    with _tracking.live():
        pass
    assert capsys.readouterr().err.count("MLflow: not logged") == 1


def test_frames_are_refused_and_said(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    frame = project / "data" / "frame.jpg"
    frame.parent.mkdir()
    frame.write_bytes(b"\xff\xd8")
    _tracking.log("eval", {}, [Path("data/frame.jpg")])
    assert "data/frame.jpg is not sent: it may show footage" in capsys.readouterr().err
    assert all(record["kind"] != "file" for record in records(project))
    assert not list((project / ".state").rglob("*.jpg"))
    _compose.compose(["tracking.footage=[data/*.jpg]"], project / "params.yaml")
    _tracking.log("eval", {}, [Path("data/frame.jpg")])
    assert len(list((project / ".state").rglob("frame.jpg"))) == 1


def test_a_run_is_fixed_when_its_process_begins(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Code that is edited while a training runs must not split its curve."""
    before = _tracking.pipeline()
    monkeypatch.setattr(_tracking, "code", lambda: ["edited"])
    assert _tracking.fingerprint() != before.mark and _tracking.pipeline() is before


def test_no_place_of_this_machine_is_named(project: Path) -> None:
    _compose.compose(["source.development.root=/home/someone/footage"], project / "params.yaml")
    params = _tracking.pipeline().made_of["params"]
    assert params["source.development.root"] == ".../footage"
    assert not any(text.startswith("/") for text in params.values())


def test_data_are_hashes_and_counts(project: Path) -> None:
    split = Path("data/dataset_split_v0.csv")
    for name in ("train/a", "train/b", "val/c"):
        path = Path("data/dataset/images") / f"{name}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    split.write_text("frame_id,split\na,train\nb,train\nc,val\nd,test\n")
    _tracking.data(split, Path("data/dataset"), "5" * 64)
    rows = [(row["path"], row["sha256"], row["counts"], row["context"]) for row in records(project)]
    assert rows == [
        (str(split), sha256_file(split), {"frames": {"train": 2, "val": 1, "test": 1}}, "split"),
        ("data/dataset", "5" * 64, {"images": {"train": 2, "val": 1}}, "training"),
    ]
