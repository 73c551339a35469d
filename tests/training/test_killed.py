"""The stage itself, killed in a process of its own at seeded random instants, and started again."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from provenline.files import read_json, sha256_file, write_json
from provenline.training.keeping import _sound
from tests.training.conftest import params

ROOT = Path(__file__).parents[2]
EPOCHS = 8  # so many that the kills come before the end
# Says what it is about to do, so that the kill can fall into it; the tracker has its own tests.
CHILD = """
import contextlib
from glue import runtime
from glue.tracking import track
from stages import train as stage
from provenline.training import keeping, publishing, train
for name in ("log", "data", "curve", "on_epoch"):
    assert hasattr(track, name)
    setattr(track, name, lambda *_, **__: None)
track.live = contextlib.nullcontext
def telling(place, name):
    real = getattr(place, name)
    def told(*args, **kwargs):
        print(name, flush=True)
        return real(*args, **kwargs)
    setattr(place, name, told)
telling(train, "build_view")
telling(keeping.Keeper, "keep")
telling(publishing, "strip_checkpoint")
telling(stage, "write_json")
telling(stage, "forget")
runtime.run(stage.main)
"""
# What it was about to do, how often it must have said so in this process, and up to how many seconds later.
MOMENTS = [
    ("build_view", 1, 0.01),
    ("build_view", 1, 8.0),  # anywhere
    ("keep", 1, 0.03),
    ("keep", 2, 0.3),
    ("keep", 1, 0.03),
    ("build_view", 1, 8.0),
    ("strip_checkpoint", 1, 0.2),
    ("strip_checkpoint", 2, 0.2),
    ("write_json", 1, 0.005),
    ("forget", 1, 0.0),
]


@pytest.fixture
def place(tmp_path: Path, dataset: Path, base: tuple[Path, str]) -> Path:
    """A folder in which the stage runs, with what the stages before it left."""
    there = tmp_path / "line"
    (there / "data").mkdir(parents=True)
    shutil.copytree(dataset.parent, there / "data" / "dataset")
    (there / "data" / "dataset" / "toy.yaml").rename(there / "data" / "dataset" / "toy_v0.yaml")
    write_json(there / "data" / "stage_a_decision.json", {"decision": "fine_tune"})
    (there / "data" / "dataset_split_v0.csv").write_text("group,split\n")
    values = yaml.safe_load((ROOT / "params.yaml").read_text())
    values["train"] = params(EPOCHS, warmup_epochs=2.0).model_dump(mode="json")
    values["model"] |= {"name": "untrained", "weights": str(base[0]), "sha256": base[1], "imgsz": 64}
    values |= {"usecase": {"name": "toy", "classes": ["person"], "score": 0.25}, "round": "v0"}
    (there / "params.yaml").write_text(yaml.safe_dump(values))
    return there


@pytest.fixture
def unbroken(place: Path) -> Path:
    """The same, for a stage that nothing happens to."""
    return Path(shutil.copytree(place, place.with_name("unbroken")))


def start(place: Path) -> subprocess.Popen[str]:
    for name in ("models", "metrics", "plots"):  # DVC removes a stage's outputs before it runs it
        shutil.rmtree(place / name, ignore_errors=True)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PROVENLINE_HOME": str(place)}
    command = [sys.executable, "-c", CHILD]
    return subprocess.Popen(
        command, cwd=place, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def killed(place: Path, moment: tuple[str, int, float], rng: random.Random) -> tuple[bool, str]:
    """Start the stage and kill it; return whether it had ended before, and what it said."""
    what, times, within = moment
    process = start(place)
    assert process.stdout is not None
    for line in process.stdout:
        times -= line.strip() == what
        if times == 0:
            time.sleep(rng.uniform(0, within))
            break
    os.kill(process.pid, signal.SIGKILL)
    _, said = process.communicate()
    assert process.returncode in {0, -signal.SIGKILL}, said
    return process.returncode == 0, said


def whole_or_absent(place: Path) -> None:
    """Hold every output under its final name, and every epoch that is gone on from."""
    for path in [*place.glob("models/*.pt"), *place.glob("models/peaks/*.pt")]:
        assert zipfile.ZipFile(path).testzip() is None
    if (place / "models" / "peaks").exists():
        for peak in read_json(place / "models" / "peaks" / "peaks.json"):
            assert sha256_file(place / "models" / "peaks" / peak["file"]) == peak["sha256"]
    if (place / "metrics" / "train.json").exists():
        told = read_json(place / "metrics" / "train.json")
        assert told["sha256"] == sha256_file(place / "models" / "toy_v0.pt")
        assert told["epochs"] == EPOCHS
    for folder in place.glob(".state/train/*/kept/epoch_*"):
        there = {path.name for path in folder.iterdir()} - {"sums.json"}
        assert {"last.pt", "notes.json"} <= _sound(folder) == there
        rows = read_json(folder / "notes.json")["history"]
        assert [row["epoch"] for row in rows] == list(range(1, int(folder.name[-5:]) + 1))


def kept(place: Path) -> dict[str, Any]:
    """The newest notes of the interrupted training."""
    found = sorted(place.glob(".state/train/*/kept/epoch_*"))
    return dict(read_json(found[-1] / "notes.json")) if found else {"history": [], "starts": []}


@pytest.mark.slow
@pytest.mark.timeout(3600)  # twelve starts; minutes on a quiet machine
def test_killed_at_any_moment_the_stage_ends_as_if_it_had_not_been(place, unbroken):
    rng, bytes_seen, progress, notes = random.Random(0), set(), 0, kept(place)
    ended, said = False, ""
    for moment in MOMENTS:
        ended, said = killed(place, moment, rng)
        if ended:
            break
        whole_or_absent(place)
        if not (place / ".state" / "train").exists():
            bytes_seen.clear()  # killed while it cleared up: all was written, and only DVC would not know
            continue
        notes = kept(place)
        assert len(notes["history"]) >= progress  # what was finished stays
        progress = len(notes["history"])
        bytes_seen |= {sha256_file(path) for path in place.glob("models/toy_v0.pt")}
    if not ended:
        process = start(place)
        _, said = process.communicate()
        assert process.returncode == 0, said
    whole_or_absent(place)
    told = read_json(place / "metrics" / "train.json")
    assert [row["epoch"] for row in told["history"]] == list(range(1, EPOCHS + 1))
    assert bytes_seen <= {told["sha256"]}  # published more than once, and the same each time
    process = start(unbroken)
    assert process.communicate() and process.returncode == 0
    other = read_json(unbroken / "metrics" / "train.json")
    assert all(told[name] == other[name] for name in ("sha256", "history", "peaks", "best_epoch"))
    rows = (place / "plots" / "train" / "epochs.csv").read_text().splitlines()
    assert len(rows) == EPOCHS + 1
    # Each start went on after what was finished, and none was counted twice.
    assert notes["starts"] == sorted(set(notes["starts"])) and len(notes["starts"]) >= 2
    assert ended or progress == EPOCHS
    assert "damaged" not in said
    assert not (place / ".state" / "train").exists()
    assert list((place / ".state").glob(".*.tmp*")) == []
