"""DVC's own queue, on a project of one small stage: kills of every kind, seen, named and made up for."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from glue.experiments.command import reason
from glue.experiments.commits import composed, fetch
from glue.experiments.queue import DvcQueue
from provenline.ablation.running import run
from provenline.errors import InputError

VENV = Path(sys.executable).parent
STAGE = """
import json, os, pathlib, sys, time, yaml
train = yaml.safe_load(open("params.yaml"))["train"]
if train["does"] == "fail":
    sys.exit("error: out of memory with batch 16. Lower it.")
marks = pathlib.Path(os.environ["MARKS"])
if train["does"] == "wait" and not (marks / "go").exists():
    (marks / "stage.pid.tmp").write_text(str(os.getpid()))
    (marks / "stage.pid.tmp").rename(marks / "stage.pid")
    time.sleep(300)
pathlib.Path("out.json").write_text(json.dumps({"x": train["x"]}))
"""
LINE = """
stages:
  train:
    cmd: python train.py
    deps: [train.py]
    params: [train]
    outs: [out.json]
  later:
    cmd: python -c "open('later.txt', 'w')"
    deps: [out.json, later.py]
    params: [report]
    outs: [later.txt]
"""


def test_the_reason_is_the_stages_own_line() -> None:
    said = "\x1b[1;31merror: out of memory with batch 16. Lower it.\x1b[0m"
    assert (
        reason(f"Running stage 'train':\n{said}\nERROR: failed to reproduce 'train': x")
        == "out of memory with batch 16. Lower it."
    )
    killed = "ERROR: failed to reproduce 'train': failed to run: stages/run train, exited with -9"
    assert reason(killed).endswith("exited with -9 (killed)")
    assert reason("") == "it was killed, or never began"


def dvc(*words: str) -> None:
    subprocess.run([sys.executable, "-m", "dvc", *words], check=True, capture_output=True)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    there, marks = tmp_path / "project", tmp_path / "marks"
    (there / "conf").mkdir(parents=True)
    marks.mkdir()
    for name in [key for key in os.environ if key.startswith("DVC")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("MARKS", str(marks))
    monkeypatch.setenv("PATH", f"{VENV}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("GIT_CONFIG_COUNT", "2")
    for place, (key, value) in enumerate({"user.name": "t", "user.email": "t@example.org"}.items()):
        monkeypatch.setenv(f"GIT_CONFIG_KEY_{place}", key)
        monkeypatch.setenv(f"GIT_CONFIG_VALUE_{place}", value)
    monkeypatch.chdir(there)
    composed.cache_clear()
    (there / "train.py").write_text(STAGE)
    (there / "later.py").write_text("")
    (there / "dvc.yaml").write_text(LINE)
    (there / "conf" / "config.yaml").write_text("train: {does: work, x: 1}\nreport: {pictures: 4}\n")
    (there / "params.yaml").write_text("train: {does: work, x: 1}\nreport: {pictures: 4}\n")
    subprocess.run(["git", "init", "-q"], check=True)
    dvc("init", "-q")
    dvc("config", "hydra.enabled", "true")
    dvc("config", "core.analytics", "false")
    (there / ".gitignore").write_text("/out.json\n/later.txt\n")
    subprocess.run(["git", "add", "-A"], check=True)
    subprocess.run(["git", "commit", "-qm", "project"], check=True)
    yield tmp_path
    composed.cache_clear()
    end_what_still_runs(there)


def end_what_still_runs(there: Path) -> None:
    """End the workers of this project, if a test failed before they went by themselves."""
    for place in (there / ".dvc" / "tmp" / "exps").rglob("*.json"):
        pid = json.loads(place.read_text()).get("pid") if place.parent.name != "cache" else None
        with suppress(psutil.Error, TypeError):
            process = psutil.Process(pid) if pid else None
            if process and str(there) in " ".join([*process.cmdline(), process.cwd()]):
                for one in (*process.children(recursive=True), process):
                    one.kill()


@contextmanager
def killing(marks: Path, worker_too: Path | None = None) -> Iterator[None]:
    """SIGKILL the waiting stage once it has said its number; the worker above it first, if asked to."""
    over = threading.Event()

    def wait() -> None:
        while not (marks / "stage.pid").exists():
            if over.wait(0.1):
                return
        if worker_too is not None:
            os.kill(json.loads(worker_too.read_text())["pid"], signal.SIGKILL)
        os.kill(int((marks / "stage.pid").read_text()), signal.SIGKILL)

    thread = threading.Thread(target=wait)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def go(cells: dict[str, list[str]]):
    return run(cells, ["train"], DvcQueue(), pause=0.5)


def contents(outcome, folder: Path) -> dict[str, int]:
    return {
        name: json.loads(fetch(rev, "out.json", folder / name).read_text())["x"]
        for name, rev in outcome.done.items()
    }


@pytest.mark.slow
def test_a_killed_and_a_failing_experiment_are_named_and_made_up_for(project: Path) -> None:
    marks = project / "marks"
    cells = {
        "killed": ["train.does=wait", "train.x=1"],
        "failing": ["train.does=fail", "train.x=2"],
        "good": ["train.x=3"],
    }
    with killing(marks):
        first = go(cells)
    assert list(first.done) == ["good"] and contents(first, project) == {"good": 3}
    assert first.failed["killed"].endswith("(killed)")
    assert first.failed["failing"] == "out of memory with batch 16. Lower it."
    (marks / "go").touch()
    cells["failing"] = ["train.x=4"]  # mended
    second = go(cells)
    assert not second.failed and second.kept == {"good"} and second.done["good"] == first.done["good"]
    assert contents(second, project) == {"killed": 1, "failing": 4, "good": 3}
    third = go(cells)
    assert third.kept == set(cells) and dict(third.done) == dict(second.done)

    # What the stages up to the target do not depend on changes nothing; what they do depend on does.
    Path("later.py").write_text("# edited")
    assert DvcQueue().same(third.done["good"], cells["good"], ["train"])
    assert not DvcQueue().same(third.done["good"], cells["good"], ["later"])
    assert DvcQueue().same(third.done["good"], [*cells["good"], "report.pictures=9"], ["train"])
    assert not DvcQueue().same(third.done["good"], ["train.x=5"], ["train"])
    Path("train.py").write_text(f"{STAGE}\n# edited")
    assert not DvcQueue().same(third.done["good"], cells["good"], ["train"])

    with pytest.raises(InputError, match=r"nothing\.txt"):
        fetch(third.done["good"], "nothing.txt", project)


@pytest.mark.slow
def test_a_killed_worker_leaves_nothing_running_for_ever(project: Path) -> None:
    marks = project / "marks"
    cells = {"orphan": ["train.does=wait", "train.x=1"], "next": ["train.x=2"]}
    with killing(marks, Path(".dvc/tmp/exps/celery/dvc-exp-worker-1.json").resolve()):
        first = go(cells)
    assert list(first.done) == ["next"] and list(first.failed) == ["orphan"]
    assert not [one for one in Path(".dvc/tmp/exps").glob("tmp*") if one.is_dir()]  # the dead one's folder
    (marks / "go").touch()
    second = go(cells)
    assert second.kept == {"next"} and contents(second, project) == {"orphan": 1, "next": 2}
