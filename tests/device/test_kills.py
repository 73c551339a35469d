"""Install and rollback, killed: at random instants from outside, and before every single step from inside."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from provenline.device.install import running
from provenline.engines import manifest
from provenline.files import sha256_file
from tests.device import world

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]
ROOT = Path(__file__).parents[2]
KILLS = 100


class Worker:
    """Runs commands in children of its own process, and may kill them."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "tests.device.kill_worker"]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "cwd": ROOT}
        self._process = subprocess.Popen(command, **pipes)  # type: ignore[call-overload]
        assert self._read() == "ready"

    def run(self, command: str, home: Path, folder: Path | str = "", at: int = 0, after: float = -1.0) -> int:
        """Return the exit status, -9 where it was killed: before step ``at``, or ``after`` seconds."""
        self._ask({"command": command, "folder": str(folder), "home": str(home), "at": at})
        pid = int(self._read())
        if after >= 0:
            time.sleep(after)
            os.kill(pid, signal.SIGKILL)  # not collected yet, so the number is still its own
        self._ask({"pid": pid})
        return int(self._read())

    def close(self) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait()

    def _ask(self, what: dict[str, object]) -> None:
        assert self._process.stdin
        self._process.stdin.write(json.dumps(what) + "\n")
        self._process.stdin.flush()

    def _read(self) -> str:
        assert self._process.stdout
        return str(self._process.stdout.readline()).strip()


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    one = Worker()
    yield one
    one.close()


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("bundles")
    return [world.bundle(folder / str(number), number, padding=20_000_000) for number in range(3)]


def name(bundle: Path) -> str:
    return sha256_file(bundle / "manifest.json")


def runs(home: Path) -> str:
    """Return which engine runs, all of its bytes and all that is said of it checked."""
    folder, said = running(home)
    made = manifest.verify(folder)
    assert said.engine_sha256 == sha256_file(folder / "manifest.json")
    assert said.bundle_sha256 == manifest.identity(made.to_dict())
    assert manifest.verify(home / "current") == made
    assert (home / "production.json").read_bytes() == (home / "active/production.json").read_bytes()
    return said.engine_sha256


def is_tidy(home: Path) -> bool:
    links = {path.name for path in home.iterdir()}
    return (
        links == {".lock", "active", "current", "production.json", "states", "versions"}
        and len(list((home / "states").iterdir())) == 1
        and len(list((home / "versions").iterdir())) == 2
    )


def test_a_hundred_kills_at_random_instants(worker: Worker, bundles: list[Path], tmp_path: Path) -> None:
    home = tmp_path / "home"
    for bundle in bundles[:2]:
        assert worker.run("install", home, bundle) == 0
    took = {}
    for command in ("install", "rollback"):
        started = time.monotonic()
        assert worker.run(command, home, bundles[2]) == 0
        took[command] = time.monotonic() - started
    generator, outcomes = np.random.default_rng(0), Counter[tuple[str, str]]()
    killed = 0
    while killed < KILLS:
        old = runs(home)
        command = ("install", "rollback")[killed % 2]
        bundle = next(
            one for one in generator.permutation(np.array(bundles, dtype=object)) if name(one) != old
        )
        before = sha256_file(home / "active/previous/manifest.json")
        new = name(bundle) if command == "install" else before
        status = worker.run(command, home, bundle, after=float(generator.uniform(0, took[command])))
        found = runs(home)
        assert found in (old, new), (killed, command)
        if status == -9:
            killed += 1
            outcomes[command, "old" if found == old else "new"] += 1
        else:
            assert status == 0 and found == new
        # A further command works, whatever the kill left, and clears it away.
        assert worker.run("rollback", home) == 0
        assert runs(home) != found and is_tidy(home)
    print(dict(outcomes), {command: f"{seconds:.3f} s" for command, seconds in took.items()})
    assert sum(outcomes.values()) == KILLS


@pytest.mark.parametrize("command", ["first", "install", "rollback"])
def test_a_kill_before_every_single_step(
    worker: Worker, bundles: list[Path], tmp_path: Path, command: str
) -> None:
    small = [world.bundle(tmp_path / str(number), number) for number in range(3)]
    prepared = tmp_path / "prepared"
    prepared.mkdir()
    if command != "first":
        for bundle in small[:2]:
            assert worker.run("install", prepared, bundle) == 0
    old = None if command == "first" else name(small[1])
    new = name(small[0]) if command == "rollback" else name(small[2])
    outcomes, step = Counter[str](), 0
    while True:
        step += 1
        home = Path(shutil.copytree(prepared, tmp_path / f"home{step}", symlinks=True))
        status = worker.run("rollback" if command == "rollback" else "install", home, small[2], at=step)
        if status == 0:  # there is no such step any more
            break
        assert status == -9
        there = (home / "active").is_symlink()
        found = runs(home) if there else None
        assert found in (old, new), step
        outcomes["new" if found == new else "old"] += 1
        # The same again works out, and so does a rollback of it.
        if not (command == "rollback" and found == new):
            assert worker.run("rollback" if command == "rollback" else "install", home, small[2]) == 0
        assert runs(home) == new
        if command != "first":
            assert worker.run("rollback", home) == 0
            assert runs(home) == old and is_tidy(home)
        shutil.rmtree(home)
    print(command, dict(outcomes))
    assert outcomes["old"] > 5
    assert outcomes["new"] > 0


def test_rollback_is_one_command_that_waits_for_nothing_heavy(bundles: list[Path], tmp_path: Path) -> None:
    """Under a second is for a quiet machine to print; held here is what would make it slow everywhere.

    ONNX Runtime it does import, to hold its version against the proof.
    """
    words = [str(Path(sys.executable).parent / "provenline"), "engine"]
    home = ["--home", str(tmp_path / "home")]
    for bundle in bundles[:2]:
        subprocess.run([*words, "install", str(bundle), *home], check=True, capture_output=True)
    wall, busy = [], []
    for _ in range(5):
        before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        subprocess.run([*words, "rollback", *home], check=True, capture_output=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        wall.append(time.monotonic() - started)
        busy.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    print(f"rollback with the start of Python: {min(wall):.2f} s at best, of which busy {min(busy):.2f} s")
    told = os.environ | {"PYTHONPROFILEIMPORTTIME": "1"}
    done = subprocess.run([*words, "rollback", *home], check=True, capture_output=True, text=True, env=told)
    imported = {
        line.rsplit("|", 1)[1].strip().partition(".")[0] for line in done.stderr.splitlines() if "|" in line
    }
    assert "provenline" in imported
    heavy = imported & {"torch", "cv2", "pandas", "pyarrow", "scipy", "mlflow", "av"}
    assert not heavy
