"""`dvc pull` of an engine from a real S3 server, over a network that breaks; then installed."""

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
ENGINE = f"{TARGET}/candidate"
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
    engine, wanted = device / ENGINE, tmp_path / "here" / ENGINE
    whole, seen = size(wanted), []
    for cut in (2_000, 300_000, whole // 2, whole - 100_000):
        proxy.reset(cut)
        with pytest.raises(AssertionError) as failed:
            dvc(device, proxy.server, "pull", ENGINE)
        assert proxy.cuts, failed.value
        seen.append(proxy.received)
        for path in engine.rglob("*"):  # whatever is there already is whole
            if path.is_file():
                assert path.read_bytes() == (wanted / path.relative_to(engine)).read_bytes()
    proxy.reset(None)
    dvc(device, proxy.server, "pull", ENGINE)
    assert sha256_tree(engine) == sha256_tree(wanted)
    print("cut after", seen, "bytes; then", proxy.received, "of", whole)

    # Once more in one piece: the bytes that cross the network are those of the engine, and little more.
    shutil.rmtree(engine)
    shutil.rmtree(device / ".dvc/cache")
    proxy.reset(None)
    dvc(device, proxy.server, "pull", ENGINE)
    assert whole < proxy.received < whole * 1.05 + 50_000
    assert sha256_tree(engine) == sha256_tree(wanted)
    fetched = {path.relative_to(device).as_posix() for path in device.glob("[md]*/**/*") if path.is_file()}
    assert {name for name in fetched if not name.endswith(".gitignore")} == {
        f"{ENGINE}/{path.relative_to(wanted).as_posix()}" for path in wanted.rglob("*") if path.is_file()
    }
    print("in one piece", proxy.received, "bytes for", whole)

    # What was pulled proves itself, runs, and can be taken back.
    home, old = tmp_path / "home", world.bundle(tmp_path / "old", 2)
    install(old, home, "")
    attest.attest(engine, world.LATENCY, "")
    assert install(engine, home, "").bundle_sha256 == manifest.identity(manifest.read(wanted).to_dict())
    assert rollback(home).bundle_sha256 == manifest.identity(manifest.read(old).to_dict())
    assert manifest.verify(running(home)[0]).to_dict() == manifest.read(old).to_dict()
