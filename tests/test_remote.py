"""The S3 remote, against a real S3 server on loopback; never a mock."""

from __future__ import annotations

import json
import os
import re
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
    policy = "anonymise: none, people: [], golden: synthetic, share: [data, engine]"
    policy += f", residency: {{regions: [], remotes: [{place}]}}"
    (here / "params.yaml").write_text(f"footage: {{{policy}}}\n")
    keys = {"AWS_ACCESS_KEY_ID": server.key, "AWS_SECRET_ACCESS_KEY": server.secret}
    environment = {**os.environ, **keys, "AWS_REQUEST_CHECKSUM_CALCULATION": "WHEN_REQUIRED"}
    command = [sys.executable, "-c", "from provenline.cli import main; main()", "push"]
    done = subprocess.run(command, cwd=here, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert sum(1 for path in server.folder.rglob("*") if path.is_file()) == 4


def provenline(cwd: Path, server: Server, *words: str) -> subprocess.CompletedProcess[str]:
    keys = {"AWS_ACCESS_KEY_ID": server.key, "AWS_SECRET_ACCESS_KEY": server.secret, "COLUMNS": "250"}
    environment = {**os.environ, **keys, "AWS_REQUEST_CHECKSUM_CALCULATION": "WHEN_REQUIRED"}
    command = [sys.executable, "-c", "from provenline.cli import main; main()", *words]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)


def test_a_preflight_tries_out_what_push_and_pull_need(tmp_path: Path, server: Server) -> None:
    test_push_and_pull_through_a_real_server(tmp_path, server)
    before = sorted(server.folder.rglob("*"))
    done = provenline(tmp_path / "here", server, "remote", "check")
    said = {line.split()[1]: line.split()[0] for line in done.stdout.splitlines() if ":" in line}
    assert done.returncode == 0, done.stdout + done.stderr
    for permission in ("s3:ListBucket", "s3:PutObject", "s3:GetObject", "s3:DeleteObject"):
        assert said[permission] == "ok", done.stdout
    assert "who has no credentials gets nothing" in done.stdout
    assert sorted(server.folder.rglob("*")) == before  # nothing stays behind
    done = provenline(tmp_path / "there", server, "remote", "check", "--read-only")
    assert done.returncode == 0 and "s3:PutObject" not in done.stdout


def test_a_preflight_says_in_one_line_what_is_wrong(tmp_path: Path, server: Server) -> None:
    test_push_and_pull_through_a_real_server(tmp_path, server)
    here = tmp_path / "here"
    wrong = Server(server.url, server.key, "wrong", server.folder)
    for given, change, says in (
        (wrong, (), r"credentials are refused|s3:\w+ is missing"),
        (server, ("url", "s3://nowhere/dvc"), "no such bucket"),
        (server, ("endpointurl", "http://127.0.0.1:9"), "cannot be reached .* docs/guide-remote.md"),
    ):
        if change:
            dvc(here, server, "remote", "modify", "--local", "storage", *change)
        done = provenline(here, given, "remote", "check")
        assert done.returncode == 2
        assert re.search(says, " ".join((done.stdout + done.stderr).split())), done.stdout + done.stderr
        assert "Traceback" not in done.stderr


def test_one_version_is_shared_by_addresses_that_expire(tmp_path: Path, server: Server) -> None:
    test_an_allowed_push_goes_through(tmp_path, server)
    here, partner = tmp_path / "here", tmp_path / "partner"
    partner.mkdir()
    done = provenline(here, server, "remote", "share", "more.bin")
    assert done.returncode == 2 and "footage.share does not allow it" in done.stderr
    done = provenline(here, server, "remote", "share", "engine", "--hours", "1")
    assert done.returncode == 0, done.stdout + done.stderr
    listed = here / "share.json"
    assert listed.stat().st_mode & 0o077 == 0 and server.secret not in listed.read_text()
    shutil.copyfile(listed, partner / "share.json")
    nobody = Server(server.url, "", "", server.folder)
    done = provenline(partner, nobody, "remote", "fetch", "share.json", "--out", "engine")
    assert done.returncode == 0, done.stdout + done.stderr
    found = (partner / "engine" / "model.onnx").read_bytes()
    assert found == (here / "engine" / "model.onnx").read_bytes()
    # What was changed on the way is noticed, and what expired says so.
    content = json.loads(listed.read_text())
    content["files"][0]["md5"] = "0" * 32
    (partner / "other.json").write_text(json.dumps(content))
    done = provenline(partner, nobody, "remote", "fetch", "other.json", "--out", "other")
    assert done.returncode == 2 and "other than promised" in " ".join(done.stderr.split()).replace(
        "others", "other"
    )
    assert not (partner / "other" / "model.onnx").exists()
    content["expires"] = "2020-01-01T00:00:00+00:00"
    (partner / "old.json").write_text(json.dumps(content))
    done = provenline(partner, nobody, "remote", "fetch", "old.json", "--out", "old")
    assert done.returncode == 2 and "expired" in done.stderr


def test_credentials_are_in_no_file_and_no_output(tmp_path: Path, server: Server) -> None:
    test_an_allowed_push_goes_through(tmp_path, server)
    here, said = tmp_path / "here", ""
    for words in (("remote", "check"), ("push",), ("remote", "share", "engine"), ("doctor",)):
        done = provenline(here, server, *words)
        said += done.stdout + done.stderr
    assert "provenline" in said and server.secret not in said
    files = [path for path in here.rglob("*") if path.is_file() and not path.is_symlink()]
    holding = [path for path in files if server.secret.encode() in path.read_bytes()]
    assert len(files) > 20 and not holding
