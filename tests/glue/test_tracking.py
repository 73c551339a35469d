from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from glue import compose
from glue.tracking import runs, sender, track
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
    compose.compose([], tmp_path / "params.yaml")
    return tmp_path


def test_another_parameter_is_another_fingerprint(project: Path) -> None:
    before = runs.fingerprint()
    assert before == runs.fingerprint()
    compose.compose(["seed=1"], project / "params.yaml")
    assert before != runs.fingerprint()


def records(project: Path) -> list[dict]:
    (spool,) = spools(project / ".state" / "tracking")
    return [record for record, _ in spool.records()]


def test_logging_writes_to_the_own_disk_and_asks_nobody(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("something was started")

    monkeypatch.setattr("subprocess.Popen", refuse)
    monkeypatch.setattr(runs, "_revision", lambda: "r")
    monkeypatch.setattr("socket.socket.connect", refuse)
    track.log("train", {"seconds": 2.5}, tags={"seal": "s"})
    track.curve("train.epoch", [{"epoch": 1, "mAP50": 0.1 + 0.2, "lr": float("nan")}])
    figures, tags, status, curve = records(project)
    assert figures["values"] == {"train.seconds": 2.5} and tags["tags"] == {"seal": "s"}
    assert status["status"] == "FINISHED"
    assert curve["step"] == 1 and curve["values"] == {"train.epoch.mAP50": 0.1 + 0.2}


def test_a_disk_that_cannot_be_written_stops_nothing(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROVENLINE_HOME", "/proc/no/such/place")
    for _ in range(2):
        track.log("eval", {"map50": 0.5})
    with track.live():
        pass
    assert capsys.readouterr().err.count("MLflow: not logged") == 1


def test_frames_are_refused_and_said(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    frame = project / "data" / "frame.jpg"
    frame.parent.mkdir()
    frame.write_bytes(b"\xff\xd8")
    track.log("eval", {}, [Path("data/frame.jpg")])
    assert "data/frame.jpg is not sent: it may show footage" in capsys.readouterr().err
    assert all(record["kind"] != "file" for record in records(project))
    assert not list((project / ".state").rglob("*.jpg"))
    compose.compose(["tracking.footage=[data/*.jpg]"], project / "params.yaml")
    track.log("eval", {}, [Path("data/frame.jpg")])
    assert len(list((project / ".state").rglob("frame.jpg"))) == 1


def test_a_run_is_fixed_when_its_process_begins(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Code or parameters that are edited while a training runs must not split its curve."""
    before = runs.pipeline()
    compose.compose(["seed=7"], project / "params.yaml")
    monkeypatch.setattr(runs, "code", lambda: ["edited"])
    assert runs.fingerprint() != before.mark and runs.pipeline() is before


def test_a_label_map_may_hold_what_a_tracker_takes_in_no_name(project: Path) -> None:
    given = yaml.safe_load((project / "params.yaml").read_text())
    given["model"]["labels"] = {"o'brien (left)": "person"}
    (project / "params.yaml").write_text(yaml.safe_dump(given))
    params = runs.pipeline().made_of["params"]
    assert params["model.labels.o_brien _left_"] == "person"


def test_no_place_of_this_machine_is_named(project: Path) -> None:
    compose.compose(["source.development.root=/home/someone/footage"], project / "params.yaml")
    params = runs.pipeline().made_of["params"]
    assert params["source.development.root"] == ".../footage"
    assert not any(text.startswith("/") for text in params.values())


def test_data_are_hashes_and_counts(project: Path) -> None:
    split = Path("data/dataset_split_v0.csv")
    for name in ("train/a", "train/b", "val/c"):
        path = Path("data/dataset/images") / f"{name}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    split.write_text("frame_id,split\na,train\nb,train\nc,val\nd,test\n")
    track.data(split, Path("data/dataset"), "5" * 64)
    rows = [(row["path"], row["sha256"], row["counts"], row["context"]) for row in records(project)]
    assert rows == [
        (str(split), sha256_file(split), {"frames": {"train": 2, "val": 1, "test": 1}}, "split"),
        ("data/dataset", "5" * 64, {"images": {"train": 2, "val": 1}}, "training"),
    ]
