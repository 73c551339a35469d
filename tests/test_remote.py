"""The S3 remote, against a real S3 server on loopback; never a mock."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.s3 import Server, dvc, serving

pytestmark = pytest.mark.slow


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with serving(tmp_path) as served:
        yield served


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
    policy = f"anonymise: none, people: [], golden: synthetic, residency: {{regions: [], remotes: [{place}]}}"
    (here / "params.yaml").write_text(f"footage: {{{policy}}}\n")
    keys = {"AWS_ACCESS_KEY_ID": server.key, "AWS_SECRET_ACCESS_KEY": server.secret}
    environment = {**os.environ, **keys, "AWS_REQUEST_CHECKSUM_CALCULATION": "WHEN_REQUIRED"}
    command = [sys.executable, "-c", "from provenline.cli import main; main()", "push"]
    done = subprocess.run(command, cwd=here, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert sum(1 for path in server.folder.rglob("*") if path.is_file()) == 4
