"""The base package alone, in an environment of its own: no torch, no ultralytics, and an engine runs."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from provenline.detectors.open import open_engine
from tests.device import world

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]
ROOT = Path(__file__).parents[2]
UV = shutil.which("uv", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
TRAINERS = {"torch", "torchvision", "ultralytics", "mlflow", "onnx", "onnxslim", "scipy", "scikit-learn"}


def tell(*words: str | Path, **environment: str) -> str:
    command = [str(word) for word in words]
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "VIRTUAL_ENV"))}
    done = subprocess.run(
        command, env=clean | environment, capture_output=True, text=True, check=False, cwd="/"
    )
    assert done.returncode == 0, f"{command}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
    return done.stdout


def run_an_engine(venv: Path, tmp_path: Path) -> None:
    """Everything that a device does, by the commands that the guide names."""
    python, command = venv / "bin/python", venv / "bin/provenline"
    listed = json.loads(tell(UV or "", "pip", "list", "--python", python, "--format", "json"))
    names = {one["name"].lower() for one in listed}
    assert {"numpy", "pydantic", "cryptography", "dvc-s3", "provenline"} <= names
    assert not names & TRAINERS
    bundle, engine, home = world.bundle(tmp_path / "bundle"), tmp_path / "engine", tmp_path / "home"
    state = {"PROVENLINE_STATE": str(tmp_path / "state")}
    entry = tell(command, "device", "init", "--name", "cell 3", **state).strip().splitlines()[-1]
    (tmp_path / "devices.json").write_text(f'{{"format": 1, "devices": [{entry}]}}')
    tell(command, "engine", "build", bundle, "--out", engine)
    proof = tmp_path / "proof.json"
    assert "p99" in tell(command, "engine", "verify", engine, "--repeats", "5", "--proof", proof, **state)
    words = (command, "engine", "check-proof", proof, bundle, "--devices", tmp_path / "devices.json")
    assert "signed by cell 3" in tell(*words)
    tell(command, "engine", "install", engine, "--home", home)
    tell(command, "engine", "install", world.bundle(tmp_path / "next", 1), "--home", home)
    tell(command, "engine", "rollback", "--home", home)
    assert "onnxruntime_cpu@00000000 runs" in tell(command, "engine", "status", "--home", home)
    code = (
        "import sys, numpy as np; from provenline.detectors.open import open_engine\n"
        f"engine = open_engine({str(home / 'current')!r}, 'cpu')\n"
        "print(engine.predict([np.full((9, 9, 3), 90, np.uint8)])[0].scores.round(4).tolist())\n"
        "print(sorted(set(sys.modules) & {'torch', 'ultralytics', 'mlflow', 'hydra'}))"
    )
    here = open_engine(bundle, "cpu").predict([np.full((9, 9, 3), 90, np.uint8)])[0]
    assert len(here) > 1
    assert tell(python, "-c", code).splitlines() == [str(here.scores.round(4).tolist()), "[]"]


def test_the_base_install_of_the_lock_runs_an_engine_without_torch(tmp_path: Path) -> None:
    assert UV
    tell(UV, "venv", "--python", sys.executable, tmp_path / "venv")
    python = tmp_path / "venv/bin/python"
    # The lock says which versions; the package says which of them the base needs.
    tell(UV, "pip", "install", "--python", python, "-c", ROOT / "requirements.lock", ROOT)
    locked = (ROOT / "requirements.lock").read_text()
    for one in json.loads(tell(UV, "pip", "list", "--python", python, "--format", "json")):
        if one["name"] != "provenline":
            assert re.search(rf"(?m)^{re.escape(one['name'])}==", locked), one
    run_an_engine(tmp_path / "venv", tmp_path)


def test_python_3_10_runs_an_engine_too(tmp_path: Path) -> None:
    assert UV
    found = subprocess.run([UV, "python", "find", "3.10"], capture_output=True, text=True, check=False)
    if found.returncode:
        pytest.skip("no Python 3.10 on this machine")
    tell(UV, "venv", "--python", found.stdout.strip(), tmp_path / "venv")
    # The lock is made for Python 3.11 and newer: some of its versions have nothing for 3.10.
    tell(UV, "pip", "install", "--python", tmp_path / "venv/bin/python", ROOT)
    run_an_engine(tmp_path / "venv", tmp_path)
