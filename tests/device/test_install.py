from __future__ import annotations

import fcntl
import json
import shutil
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from typer.testing import CliRunner

from provenline.cli import app
from provenline.detectors.open import open_engine
from provenline.device import attest
from provenline.device.install import install, rollback, running
from provenline.device.production import read_production
from provenline.engines import manifest
from provenline.errors import InputError
from provenline.files import sha256_file
from tests.device import world
from tests.engines import world as engines

run = CliRunner().invoke


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("bundles")
    return [world.bundle(folder / str(number), number) for number in range(3)]


def identity(folder: Path) -> str:
    return manifest.identity(manifest.verify(folder).to_dict())


def names(place: Path) -> list[str]:
    return sorted(path.name for path in place.iterdir())


def test_what_was_installed_runs_and_says_so(bundles: list[Path], tmp_path: Path) -> None:
    home = tmp_path / "home"
    said = install(bundles[0], home, "")
    folder, again = running(home)
    assert said == again == read_production(home)
    assert said.bundle_sha256 == identity(bundles[0]) == identity(home / "current")
    assert said.engine_sha256 == folder.name == sha256_file(bundles[0] / "manifest.json")
    assert said.model_version == "onnxruntime_cpu@00000000" == open_engine(home / "current", "cpu").name
    assert (said.by, said.previous, said.plan_sha256, said.checkpoint_sha256) == (
        "install",
        None,
        None,
        "0" * 64,
    )
    assert abs(datetime.now(timezone.utc) - said.since) < timedelta(minutes=1)
    for name in ("manifest.json", *manifest.read(bundles[0]).files):
        assert (home / "current" / name).read_bytes() == (bundles[0] / name).read_bytes()


def test_the_one_before_is_kept_and_comes_back(bundles: list[Path], tmp_path: Path) -> None:
    home = tmp_path / "home"
    for bundle in bundles:
        install(bundle, home, "")
    assert len(names(home / "versions")) == 2 and len(names(home / "states")) == 1
    assert identity(running(home)[0]) == identity(bundles[2])
    back = rollback(home)
    assert identity(running(home)[0]) == identity(bundles[1]) == back.bundle_sha256
    assert (back.by, back.previous) == ("rollback", "onnxruntime_cpu@00000000")
    assert identity(rollback(home) and running(home)[0]) == identity(bundles[2])
    assert names(home) == [".lock", "active", "current", "production.json", "states", "versions"]


def test_installing_what_runs_changes_nothing(bundles: list[Path], tmp_path: Path) -> None:
    home = tmp_path / "home"
    first = install(bundles[0], home, "")
    install(bundles[1], home, "")
    before = ((home / "active").readlink(), (home / "production.json").read_bytes())
    assert install(bundles[1], home, "").previous == first.model_version
    assert ((home / "active").readlink(), (home / "production.json").read_bytes()) == before


def test_no_engine_that_is_damaged_foreign_or_wrong_gets_in(
    bundles: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, bad = tmp_path / "home", tmp_path / "bad"
    install(bundles[0], home, "")
    before = (home / "production.json").read_bytes()

    def refused(says: str, wanted: str = "") -> None:
        with pytest.raises(InputError, match=says):
            install(bad, home, wanted)
        assert (home / "production.json").read_bytes() == before
        assert len(names(home / "versions")) == 1
        shutil.rmtree(bad, ignore_errors=True)

    shutil.copytree(bundles[1], bad)
    world.flip(bad / "golden/01.npy")
    refused(r"01\.npy: SHA-256")
    shutil.copytree(bundles[1], bad)
    refused("was asked for", identity(bundles[2]))
    shutil.copytree(bundles[1], bad)
    shutil.copyfile(bundles[2] / "model.onnx", bad / "model.onnx")
    world.change(bad / "manifest.json", "onnx_sha256", value=sha256_file(bad / "model.onnx"))
    refused("does not say what its ONNX file says")
    shutil.copytree(bundles[1], bad)
    world.change(bad / "manifest.json", "builder", value={"onnxruntime": "7.0"})
    refused("made with ONNX Runtime 7.0")
    refused("file is missing")


def test_a_rollback_to_a_damaged_engine_is_refused_and_what_runs_stays(
    bundles: list[Path], tmp_path: Path
) -> None:
    home = tmp_path / "home"
    install(bundles[0], home, "")
    with pytest.raises(InputError, match="no engine before"):
        rollback(home)
    install(bundles[1], home, "")
    world.flip(home / "active/previous/model.onnx")
    with pytest.raises(InputError, match=r"model\.onnx: SHA-256"):
        rollback(home)
    assert identity(running(home)[0]) == identity(bundles[1])


def test_a_rollback_to_an_engine_of_another_machine_is_refused(
    bundles: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, old = tmp_path / "home", Path(shutil.copytree(bundles[0], tmp_path / "old"))
    world.change(old / "manifest.json", "builder", value={"onnxruntime": "1.20"})
    install(old, home, "")
    install(bundles[1], home, "")
    monkeypatch.setattr(attest, "onnxruntime_version", lambda: "2.0")
    with pytest.raises(InputError, match=r"made with ONNX Runtime 1\.20"):
        rollback(home)
    assert identity(running(home)[0]) == identity(bundles[1])


def test_a_damaged_engine_that_runs_is_mended_and_never_becomes_the_one_before(
    bundles: list[Path], tmp_path: Path
) -> None:
    home = tmp_path / "home"
    install(bundles[0], home, "")
    install(bundles[1], home, "")
    world.flip(home / "current/model.onnx")
    assert isinstance(run(app, ["engine", "status", "--home", str(home)]).exception, InputError)
    install(bundles[1], home, "")
    assert identity(home / "current") == identity(bundles[1])
    assert rollback(home).bundle_sha256 == identity(bundles[0])


def test_two_commands_do_not_work_at_once(bundles: list[Path], tmp_path: Path) -> None:
    home = tmp_path / "home"
    install(bundles[0], home, "")
    install(bundles[1], home, "")
    with (home / ".lock").open() as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        for command in (lambda: install(bundles[2], home, ""), lambda: rollback(home)):
            with pytest.raises(InputError, match="another command is at work"):
                command()
    assert identity(running(home)[0]) == identity(bundles[1])


def test_a_place_that_cannot_be_written_is_one_line(bundles: list[Path], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        install(bundles[0], tmp_path / "file/home", "")
    with pytest.raises(InputError, match="nothing is installed"):
        rollback(tmp_path / "nowhere")
    assert not (tmp_path / "nowhere").exists()
    with pytest.raises(InputError, match="nothing is installed"):
        running(tmp_path / "nowhere")


def test_a_full_disk_leaves_what_runs(
    bundles: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    install(bundles[0], home, "")
    copy = shutil.copyfile

    def full(source: Path, target: Path) -> None:
        copy(source, target)
        if target.suffix == ".npy":
            raise OSError(28, "No space left on device", str(target))

    monkeypatch.setattr(shutil, "copyfile", full)
    with pytest.raises(InputError, match="No space left on device"):
        install(bundles[1], home, "")
    monkeypatch.undo()
    assert identity(running(home)[0]) == identity(bundles[0])
    install(bundles[1], home, "")
    assert len(names(home / "versions")) == 2


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("format", 2), ("since", "yesterday"), ("since", "2026-01-01T00:00:00"), ("by", "hand"),
        ("bundle_sha256", "abc"), ("bundle_sha256", None), ("model_version", 7), ("another", 1),
    ],
)  # fmt: skip
def test_an_ill_formed_production_file_is_refused(
    bundles: list[Path], tmp_path: Path, key: str, value: object
) -> None:
    install(bundles[0], tmp_path, "")
    world.change(tmp_path / "production.json", key, value=value)
    with pytest.raises(InputError, match=r"production\.json"):
        read_production(tmp_path)


def test_the_commands_say_what_runs(bundles: list[Path], tmp_path: Path) -> None:
    home = ["--home", str(tmp_path / "home")]
    assert isinstance(run(app, ["engine", "status", *home]).exception, InputError)
    for number in (0, 1):
        assert run(app, ["engine", "install", str(bundles[number]), *home]).exit_code == 0
    done = run(app, ["engine", "rollback", *home])
    assert done.exit_code == 0 and identity(bundles[0]) in done.output
    assert run(app, ["engine", "status", *home]).output == done.output
    content = json.loads((tmp_path / "home/production.json").read_text())
    assert content["by"] == "rollback"


def test_an_engine_of_the_former_format_goes_on_and_comes_back(tmp_path: Path) -> None:
    """What was installed before engines carried thresholds is the same bundle still."""
    home = tmp_path / "home"
    old = engines.bundle(tmp_path / "old", format=manifest.FORMER, checkpoint_sha256="b" * 64)
    content = json.loads((old / "manifest.json").read_text())
    assert "thresholds" not in content and manifest.read(old).thresholds == {}
    assert manifest.identity(manifest.read(old).to_dict()) == manifest.identity(content)
    install(old, home, "")
    install(engines.bundle(tmp_path / "new", thresholds={"person": 0.31}), home, "")
    assert rollback(home).bundle_sha256 == manifest.identity(content)
    world.change(old / "manifest.json", "thresholds", value={"person": 0.9})
    with pytest.raises(InputError, match="unknown: \\['thresholds'\\]"):
        manifest.read(old)


def test_status_says_from_where_finds_count(tmp_path: Path) -> None:
    made = engines.bundle(tmp_path / "bundle", thresholds={"person": 0.31})
    home = ["--home", str(tmp_path / "home")]
    assert run(app, ["engine", "install", str(made), *home]).exit_code == 0
    assert "person counts from confidence 0.3100" in run(app, ["engine", "status", *home]).output


def test_the_command_starts_without_what_a_rollback_does_not_use() -> None:
    heavy = ("numpy", "pandas", "pydantic", "cv2", "cryptography", "yaml")
    code = (
        "import sys; from provenline.cli import app; from provenline.device.install import rollback\n"
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
