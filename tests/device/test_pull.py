"""`dvc pull` of one target's engines from a real S3 server, over a network that breaks; then installed."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from provenline.device import attest
from provenline.device.install import install, rollback, running
from provenline.engines import manifest
from provenline.files import sha256_tree
from tests.device import world
from tests.s3 import Proxy, dvc, serving

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
TARGET = "models/engines/onnxruntime-cpu"
# As in the project: the roles are outputs of their own, and beside them lies what no device needs.
PIPELINE = f"""stages:
  trt-build:
    cmd: "true"
    outs:
      - {TARGET}/base
      - {TARGET}/candidate
  others:
    cmd: "true"
    outs:
      - models/engines/tensorrt-fp16/candidate
      - data/frames
"""


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[Proxy]:
    with serving(tmp_path) as server:
        passing = Proxy(server)
        yield passing
        passing.close()


@pytest.fixture
def device(tmp_path: Path, proxy: Proxy) -> Path:
    """A checkout without data, whose remote holds two engines among much else."""
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    subprocess.run(["git", "init", "-q"], cwd=here, check=True)
    dvc(here, proxy.server, "init", "-q")
    (here / ".dvc/config").write_text((ROOT / ".dvc/config").read_text())
    dvc(here, proxy.server, "remote", "modify", "--local", "storage", "url", "s3://provenline/dvc")
    dvc(here, proxy.server, "remote", "modify", "--local", "storage", "endpointurl", proxy.server.url)
    for number, role in enumerate(("base", "candidate")):
        world.bundle(here / TARGET / role, number, padding=2_000_000)
    for folder in ("models/engines/tensorrt-fp16/candidate", "data/frames"):
        (here / folder).mkdir(parents=True)
        (here / folder / "large.bin").write_bytes(np.random.default_rng(1).bytes(4_000_000))
    (here / "dvc.yaml").write_text(PIPELINE)
    dvc(here, proxy.server, "commit", "-q", "--force")
    dvc(here, proxy.server, "push", "-q")
    away = shutil.ignore_patterns("cache", "tmp", "engines", "data")
    shutil.copytree(here, there, ignore=away)
    return there


def size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def test_only_the_engine_is_fetched_and_a_broken_network_loses_nothing(
    device: Path, proxy: Proxy, tmp_path: Path
) -> None:
    wanted, whole = tmp_path / "here" / TARGET, size(tmp_path / "here" / TARGET)
    seen = []
    for cut in (2_000, 300_000, whole // 2, whole - 100_000):
        proxy.reset(cut)
        with pytest.raises(AssertionError):
            dvc(device, proxy.server, "pull", "-q", TARGET)
        assert proxy.cuts
        seen.append(proxy.received)
        for role in ("base", "candidate"):  # whatever is there already is whole
            for path in (device / TARGET / role).rglob("*"):
                if path.is_file():
                    original = wanted / role / path.relative_to(device / TARGET / role)
                    assert path.read_bytes() == original.read_bytes()
    proxy.reset(None)
    dvc(device, proxy.server, "pull", "-q", TARGET)
    assert sha256_tree(device / TARGET) == sha256_tree(wanted)
    assert not (device / "data").exists() and not (device / "models/engines/tensorrt-fp16").exists()
    print("cut after", seen, "bytes; then", proxy.received, "of", whole)

    # Once more in one piece: the bytes that cross the network are those of the engine, and little more.
    shutil.rmtree(device / TARGET)
    shutil.rmtree(device / ".dvc/cache")
    proxy.reset(None)
    dvc(device, proxy.server, "pull", "-q", TARGET)
    assert whole < proxy.received < whole * 1.05 + 50_000
    print("in one piece", proxy.received, "bytes for", whole)

    # What was pulled proves itself, runs, and can be taken back.
    for role in ("base", "candidate"):
        attest.attest(device / TARGET / role, world.LATENCY, "")
        install(device / TARGET / role, tmp_path / "home", "")
    before = manifest.read(device / TARGET / "base").to_dict()
    assert rollback(tmp_path / "home").bundle_sha256 == manifest.identity(before)
    assert manifest.verify(running(tmp_path / "home")[0]).to_dict() == before
