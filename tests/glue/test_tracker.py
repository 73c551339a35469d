"""What reaches MLflow, and what happens to a training whose tracker is down, silent, or killed."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from glue import compose
from glue.tracking import records, runs, sender, sending, track
from glue.tracking.spool import Spool, spools
from provenline.files import sha256_file

pytestmark = [pytest.mark.slow, pytest.mark.timeout(2400)]
ROOT = Path(__file__).parents[2]
CURVE = "train.epoch.mAP50"
PATIENT = {"MLFLOW_HTTP_REQUEST_TIMEOUT": "120"}  # where a busy machine is not what is tested

STAGE = """
import sys
from glue.tracking import track
with track.live():
    for epoch in range(1, int(sys.argv[1]) + 1):
        track.curve("train.epoch", [{"epoch": epoch, "mAP50": epoch / 7, "lr": 0.1 ** epoch}])
        print(epoch, flush=True)
        sys.stdin.readline()
track.log("train", {"seconds": 1.5})
"""


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with MLflow's tables, which take it a while to make."""
    from mlflow.tracking import MlflowClient

    file = tmp_path_factory.mktemp("empty") / "mlflow.db"
    MlflowClient(f"sqlite:///{file}").search_experiments()
    return file


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, empty: Path) -> Path:
    shutil.copy2(empty, tmp_path / "mlflow.db")
    shutil.copy2(empty, tmp_path / "server.db")
    for name in ("conf", "provenline", "glue", "stages"):
        (tmp_path / name).symlink_to(ROOT / name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PROVENLINE_HOME", str(tmp_path))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    monkeypatch.setattr(sender._SENDER, "registered", True)  # nothing of this is to be sent at pytest's exit
    compose.compose([], tmp_path / "params.yaml")
    return tmp_path


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextmanager
def server(folder: Path, port: int) -> Iterator[str]:
    """A real MLflow server on loopback, which lasts as long as the block."""
    words = ["server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    words += [
        "--backend-store-uri",
        f"sqlite:///{folder}/server.db",
        "--artifacts-destination",
        f"{folder}/store",
    ]
    with (folder / "server.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "mlflow", *words], stdout=log, stderr=log, start_new_session=True
        )
    try:
        until(lambda: answers(port))
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def answers(port: int) -> bool:
    import urllib.request

    with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=2) as found:
        return bool(found.status == 200)
    return False


def until(true: Callable[[], Any], seconds: float = 900) -> Any:
    end = time.monotonic() + seconds
    while not (found := true()):
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.2)
    return found


@contextmanager
def stage(epochs: int, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """A training that goes on by one epoch for each line that it is given."""
    process = subprocess.Popen(
        [sys.executable, "-c", STAGE, str(epochs)],
        env=os.environ | environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def the_run(uri: str) -> Any:
    from mlflow.tracking import MlflowClient

    client = MlflowClient(uri)
    found = client.get_experiment_by_name(runs.EXPERIMENT)
    there = client.search_runs([found.experiment_id]) if found else []
    assert len(there) <= 1
    return there[0] if there else None


def points(uri: str, run: Any, key: str = CURVE) -> list[tuple[int, float]]:
    from mlflow.tracking import MlflowClient

    return sorted((one.step, one.value) for one in MlflowClient(uri).get_metric_history(run.info.run_id, key))


def expected(epochs: int) -> list[tuple[int, float]]:
    return [(epoch, epoch / 7) for epoch in range(1, epochs + 1)]


def waiting(project: Path) -> list[dict[str, Any]]:
    found = spools(project / ".state" / "tracking")
    return [record for spool in found for record, _ in spool.records()]


def make_track(**environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "glue.tracking.track"]
    return subprocess.run(
        command, env=os.environ | environment, capture_output=True, text=True, check=False, timeout=300
    )


def test_another_process_sees_an_epoch_while_the_next_one_trains(project: Path) -> None:
    split, data = project / "data" / "split.csv", project / "data" / "dataset"
    (data / "images" / "train").mkdir(parents=True)
    (data / "images" / "train" / "secret_frame.jpg").write_bytes(b"x")
    split.write_text("frame_id,split\na,train\nb,test\n")
    track.data(Path("data/split.csv"), Path("data/dataset"), "5" * 64)
    with server(project, free_port()) as uri:
        often = {"MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL": "1"}
        with stage(3, MLFLOW_TRACKING_URI=uri, **often, **PATIENT) as process:
            for epoch in (1, 2, 3):
                assert process.stdout.readline() == f"{epoch}\n"
                # The stage is in this epoch until it is given a line.
                run = until(lambda: the_run(uri))
                until(lambda epoch=epoch, run=run: points(uri, run) == expected(epoch))
                assert the_run(uri).info.status == "RUNNING" and process.poll() is None
                if epoch == 1:
                    until(lambda: "system/cpu_utilization_percentage" in the_run(uri).data.metrics)
                process.stdin.write("\n")
                process.stdin.flush()
            process.communicate(timeout=300)
        assert process.returncode == 0 and make_track(MLFLOW_TRACKING_URI=uri, **PATIENT).returncode == 0
        run = the_run(uri)
        assert run.info.status == "FINISHED" and run.data.metrics["train.seconds"] == 1.5
        assert points(uri, run) == expected(3)
        memory = points(uri, run, "system/system_memory_usage_megabytes")
        assert memory and all(0 <= step < 600 and value > 10 for step, value in memory)
        inputs = {one.dataset.name: one.dataset for one in run.inputs.dataset_inputs}
        assert inputs["dataset"].digest == "5" * 32 and '"sha256": "' + "5" * 64 in inputs["dataset"].profile
        assert inputs["split.csv"].digest == sha256_file(split)[:32]
        assert '"frames": {"train": 1, "test": 1}' in inputs["split.csv"].profile
        assert inputs["dataset"].source == '{"path": "data/dataset"}'
    assert waiting(project) == [] and not list((project / ".state" / "tracking").glob("*/run.json"))
    left = b"".join(path.read_bytes() for path in (project / "server.db", *project.glob("store/**/*.*")))
    assert b"secret_frame" not in left and str(project).encode() not in left


def test_a_server_that_is_down_is_caught_up_with(project: Path) -> None:
    port = free_port()
    uri = f"http://127.0.0.1:{port}"
    with stage(3, MLFLOW_TRACKING_URI=uri) as process:
        out, said = process.communicate("\n\n\n", timeout=300)
    assert (process.returncode, out.split()) == (0, ["1", "2", "3"])
    assert "records wait in .state/tracking" in said and "`make track` sends them" in said
    assert [one["step"] for one in waiting(project) if one["kind"] == "curve"] == [1, 2, 3]
    failed = make_track(MLFLOW_TRACKING_URI=uri)
    assert failed.returncode == 1 and "records wait" in failed.stderr
    with server(project, port):
        done = make_track(MLFLOW_TRACKING_URI=uri, **PATIENT)
        assert done.returncode == 0, done.stderr
        run = the_run(uri)
        assert points(uri, run) == expected(3) and run.info.status == "FINISHED"
        assert run.data.metrics["train.seconds"] == 1.5
        assert run.data.params["profile.device"] == "cpu"
        again = make_track(MLFLOW_TRACKING_URI=uri, **PATIENT)
        assert again.returncode == 0 and points(uri, the_run(uri)) == expected(3)
    assert waiting(project) == []


def test_a_silent_server_holds_up_no_epoch(project: Path) -> None:
    """It takes connections and never answers; MLflow's own client would try for many minutes."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        uri = f"http://127.0.0.1:{silent.getsockname()[1]}"
        silent.settimeout(300)
        with stage(4, MLFLOW_TRACKING_URI=uri) as process:
            assert process.stdout.readline() == "1\n"
            connection, _ = silent.accept()  # somebody asks, and will have no answer
            out, said = process.communicate("\n\n\n\n", timeout=300)
        connection.close()
    assert (process.returncode, out.split()) == (0, ["2", "3", "4"])
    assert "records wait in .state/tracking" in said
    assert [one["step"] for one in waiting(project) if one["kind"] == "curve"] == [1, 2, 3, 4]


def test_a_sender_that_is_killed_while_it_sends_is_no_matter(project: Path) -> None:
    for epoch in range(1, 3001):
        track.curve("train.epoch", [{"epoch": epoch, "mAP50": epoch / 7}])
    (spool,) = spools(project / ".state" / "tracking")
    with server(project, free_port()) as uri:
        environment = os.environ | PATIENT | {"MLFLOW_TRACKING_URI": uri}
        for delay in (0.0, 0.05, 0.3):
            before = spool.waiting()
            one = subprocess.Popen(
                [sys.executable, "-m", "glue.tracking.sending", str(spool.root)],
                env=environment,
                stdin=subprocess.PIPE,
            )
            until(lambda before=before: spool.waiting() < before or not before)
            time.sleep(delay)
            one.kill()
            one.communicate()
        assert make_track(MLFLOW_TRACKING_URI=uri, **PATIENT).returncode == 0
        assert points(uri, the_run(uri)) == expected(3000)


def test_a_stage_that_is_killed_leaves_what_it_logged(project: Path) -> None:
    uri = os.environ["MLFLOW_TRACKING_URI"]
    with stage(3) as process:
        assert process.stdout.readline() == "1\n"
        process.kill()
        process.wait()
        run = until(lambda: (found := the_run(uri)) and found.info.status == "KILLED" and found)
    assert points(uri, run) == expected(1)
    until(lambda: not waiting(project))


def send(project: Path) -> str:
    return sending.attempt(project / ".state" / "tracking", [])


def test_an_answer_that_is_lost_doubles_nothing(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server has the points, and the sender dies before it can note so."""
    uri = os.environ["MLFLOW_TRACKING_URI"]
    track.log("train", {"seconds": 1.5})
    track.data(*inputs(project))
    track.curve("train.epoch", [{"epoch": epoch, "mAP50": epoch / 7} for epoch in (1, 2)])
    sender.add(runs.pipeline(), [records.load({"system/x": 3.0})])

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Spool, "drop", die)
        with pytest.raises(KeyboardInterrupt):
            send(project)
    assert points(uri, the_run(uri)) == expected(2) and len(waiting(project)) == 7
    assert send(project) == "" and waiting(project) == []
    run = the_run(uri)
    assert points(uri, run) == expected(2) and points(uri, run, "train.seconds") == [(0, 1.5)]
    assert len(points(uri, run, "system/x")) == 1 and len(run.inputs.dataset_inputs) == 2


def inputs(project: Path) -> tuple[Path, Path, str]:
    (project / "data").mkdir(exist_ok=True)
    (project / "data" / "split.csv").write_text("frame_id,split\na,train\n")
    return Path("data/split.csv"), Path("data/dataset"), "5" * 64


def test_a_stage_that_logs_again_adds_only_what_is_new(project: Path) -> None:
    uri = os.environ["MLFLOW_TRACKING_URI"]
    for seconds, epochs in ((1.5, 2), (1.5, 3), (2.5, 3), (1.5, 3)):
        track.log("train", {"seconds": seconds})
        track.curve("train.epoch", [{"epoch": e, "mAP50": e / 7} for e in range(1, epochs + 1)])
        assert send(project) == ""
    run = the_run(uri)
    assert points(uri, run) == expected(3)
    assert run.data.metrics["train.seconds"] == 1.5  # what was said last, not what is greatest
    assert len(points(uri, run, "train.seconds")) == 3


def test_what_mlflow_refuses_holds_up_nothing_else(project: Path) -> None:
    track.log("", {"n" * 300: 1.0, "fine": 2.0})
    track.log("", {"also": 3.0})
    assert send(project) == "" and waiting(project) == []
    metrics = the_run(os.environ["MLFLOW_TRACKING_URI"]).data.metrics
    assert metrics == {"fine": 2.0, "also": 3.0}


def test_a_run_that_mlflow_refuses_holds_up_no_other(project: Path) -> None:
    """Its experiment was deleted; the others are sent, and it waits and says why."""
    from mlflow.tracking import MlflowClient

    client = MlflowClient()
    client.delete_experiment(client.create_experiment("gone"))
    marks = ["0" * 16, "f" * 16]  # before and after the one that goes through
    for mark in marks:
        sender.add(runs.run(mark, mark, {}, {}, experiment="gone"), [records.load({"system/x": 3.0})])
    track.log("train", {"seconds": 1.5})
    assert "deleted" in send(project)
    assert the_run(os.environ["MLFLOW_TRACKING_URI"]).data.metrics == {"train.seconds": 1.5}
    assert [one.mark for one in spools(project / ".state" / "tracking")] == marks


def test_a_tracker_that_is_down_is_asked_once(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def refuse(_: object, spool: Spool) -> None:
        asked.append(spool.mark)
        raise ConnectionError("nobody answers")

    monkeypatch.setattr(sending.Tracker, "send", refuse)
    for mark in ("0" * 16, "f" * 16):
        sender.add(runs.run(mark, mark, {}, {}), [records.load({"system/x": 3.0})])
    assert send(project) == "nobody answers" and asked == ["0" * 16]


def test_a_store_of_files_that_fails_holds_up_no_number(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlflow.tracking import MlflowClient

    uri, file = os.environ["MLFLOW_TRACKING_URI"], project / "metrics" / "train.json"
    file.parent.mkdir()
    file.write_text('{"a": 1}')
    track.log("train", {}, [Path("metrics/train.json")])
    track.log("train", {"seconds": 1.5})

    def full(*_: object, **__: object) -> None:
        raise OSError("no space left")

    with monkeypatch.context() as patch:
        patch.setattr(MlflowClient, "log_artifact", full)
        assert send(project) == "no space left"
    assert the_run(uri).data.metrics == {"train.seconds": 1.5}
    assert [one["kind"] for one in waiting(project)] == ["file"]
    assert send(project) == "" and waiting(project) == []
    stored = list((project / "mlartifacts").rglob("train.json"))
    assert [path.read_text() for path in stored] == ['{"a": 1}'] and stored[0].parent.name == "metrics"


def test_an_ablation_is_one_run_with_one_below_it_for_each_cell(project: Path) -> None:
    from mlflow.tracking import MlflowClient

    from glue.tracking.ablation import log_ablation
    from provenline.ablation.result import result
    from provenline.ablation.spread import Training
    from provenline.ablation.stand import Cell
    from tests.ablation.test_effects import measured

    given = measured()
    found = {"split_sha256": "5" * 64, **result(given)}
    report = {"history": [{"epoch": 1, "mAP50": 0.25}, {"epoch": 2, "mAP50": 0.5}]}
    cells = {
        cell: Cell(Training(cell[1], report, scores), "mark", "rev") for cell, scores in given.scores.items()
    }
    for _ in range(2):  # the second time nothing is new
        log_ablation("small", found, given.design.settings, cells, {"some": "parameters"})
        assert send(project) == ""
    client = MlflowClient()
    experiment = client.get_experiment_by_name("provenline ablation small")
    runs = {one.info.run_name: one for one in client.search_runs([experiment.experiment_id])}
    whole = runs.pop("ablation small")
    assert found["sentences"][0][1:] in whole.data.tags["mlflow.note.content"]
    effect = found["effects"][0]
    name = f"{effect['set']}/{effect['metric']} {effect['level']} - {effect['against']}"
    assert whole.data.metrics[f"{name}.estimate"] == effect["estimate"]
    assert set(runs) == {f"{setting.replace('flip-on', 'flip=on')} s{seed}" for setting, seed in given.scores}
    for (setting, seed), scores in given.scores.items():
        run = runs[f"{setting.replace('flip-on', 'flip=on')} s{seed}"]
        assert run.data.tags["mlflow.parentRunId"] == whole.info.run_id
        assert run.data.params["seed"] == str(seed) and run.data.params["setting"] == setting
        assert run.data.params["flip"] == ("on" if setting == "flip-on" else "off")
        for part, row in scores.items():
            for metric, number in row.items():
                assert run.data.metrics[f"{part}/{metric}"] == number.estimate
        assert points(os.environ["MLFLOW_TRACKING_URI"], run, "epoch/mAP50") == [(1, 0.25), (2, 0.5)]
