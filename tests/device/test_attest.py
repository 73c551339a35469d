from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from provenline.cli import app
from provenline.detectors.machine import Machine
from provenline.detectors.size import Size
from provenline.device import attest, build, keys
from provenline.engines import manifest
from provenline.engines.params import PlanParams
from provenline.errors import InputError
from provenline.files import sha256_file
from tests.device import world

PLAN = PlanParams(name="of this device", precision="fp16", workspace_mb=64)
FILES = ("model.onnx", "golden/00.png", "golden/00.npy", "golden/01.png", "golden/01.npy")
HERE = Machine(gpu="Orin", driver="540.4.0", l4t="R36.4.3", tensorrt="10.3.0", onnxruntime="1.23.0")


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return world.bundle(tmp_path_factory.mktemp("attest") / "bundle")


@pytest.fixture
def bundle(original: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(original, tmp_path / "bundle"))


@pytest.fixture
def never_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    def opened(*_: object) -> None:
        raise AssertionError("it was opened")

    monkeypatch.setattr("provenline.detectors.open.open_engine", opened)
    monkeypatch.setattr("provenline.engines.latency.measure", opened)


def test_a_whole_engine_is_compared_and_measured(bundle: Path) -> None:
    found = attest.attest(bundle, world.LATENCY, "")
    assert found.golden.holds and found.golden.strongest > 0.5
    assert found.latency["repeats"] == 3 and found.latency["frame_size"] == [96, 64]


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("how", ["flipped", "truncated", "missing"])
@pytest.mark.usefixtures("never_opened")
def test_any_file_that_is_not_as_it_was_is_refused_before_anything_is_opened(
    bundle: Path, name: str, how: str, tmp_path: Path
) -> None:
    path = bundle / name
    if how == "flipped":
        world.flip(path)
    elif how == "truncated":
        path.write_bytes(path.read_bytes()[:-1])
    else:
        path.unlink()
    for refuses in (
        lambda: attest.attest(bundle, world.LATENCY, ""),
        lambda: build.build(bundle, tmp_path / "engine", None, PLAN, ""),
    ):
        with pytest.raises(InputError, match=Path(name).name.replace(".", r"\.")):
            refuses()
    assert [one.name for one in tmp_path.iterdir()] == ["bundle"]


@pytest.mark.usefixtures("never_opened")
def test_a_manifest_that_was_changed_is_another_bundle(bundle: Path, original: Path) -> None:
    wanted = manifest.identity(manifest.read(original).to_dict())
    content = json.loads((bundle / "manifest.json").read_text())
    for key in sorted(set(content) - {"hardware"}):
        other = {"nms_iou": 0.6, "score_floor": 0.02, "max_detections": 1, "imgsz": 64, "opset": 18}
        plain = {
            "names": ["dog"],
            "labels": {},
            "builder": {"torch": "0"},
            "calibration": {},
            "layout": "end2end",
            "thresholds": {"person": 0.9},
        }
        hashes = {name: "1" * 64 for name in content if name.endswith("sha256")}
        held = {**content["golden"], "inputs": "frames"}
        where = {**content["target"], "name": "another"}
        words = {"precision": "fp16", "preprocessing": "none", "golden": held, "target": where}
        words["format"] = manifest.FORMAT + 1
        value = {**other, **plain, **hashes, **words}[key]
        (bundle / "manifest.json").write_text(json.dumps({**content, key: value}))
        with pytest.raises(InputError, match=r"manifest\.json"):
            attest.attest(bundle, world.LATENCY, wanted)


@pytest.mark.usefixtures("never_opened")
def test_a_truncated_manifest_is_refused_wherever_it_ends(bundle: Path) -> None:
    data = (bundle / "manifest.json").read_bytes()
    for length in range(0, len(data) - 2, 61):
        (bundle / "manifest.json").write_bytes(data[:length])
        with pytest.raises(InputError, match=r"manifest\.json"):
            attest.attest(bundle, world.LATENCY, "")


@pytest.mark.usefixtures("never_opened")
def test_another_major_version_of_onnx_runtime_is_refused(
    bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.change(bundle / "manifest.json", "builder", value={"onnxruntime": "1.20.1"})
    monkeypatch.setattr(attest, "onnxruntime_version", lambda: "2.0.0")
    with pytest.raises(InputError, match=r"made with ONNX Runtime 1\.20\.1, this machine has 2\.0\.0"):
        attest.attest(bundle, world.LATENCY, "")
    monkeypatch.setattr(attest, "onnxruntime_version", lambda: None)
    with pytest.raises(InputError, match="this machine has none"):
        attest.attest(bundle, world.LATENCY, "")
    monkeypatch.setattr(attest, "onnxruntime_version", lambda: "1.99.0")
    attest.fits(manifest.read(bundle), bundle)


@pytest.fixture
def planned(bundle: Path) -> Path:
    """An engine with a plan that was built on ``HERE``."""
    (bundle / "model.plan").write_bytes(b"a plan")
    hardware = {
        **{key: getattr(HERE, key) for key in ("gpu", "driver", "l4t", "tensorrt")},
        "precision": "fp16",
        "plan_sha256": sha256_file(bundle / "model.plan"),
    }
    world.change(bundle / "manifest.json", "hardware", value=hardware)
    return bundle


@pytest.mark.parametrize("key", ["gpu", "driver", "l4t", "tensorrt"])
@pytest.mark.usefixtures("never_opened")
def test_a_plan_of_another_machine_is_refused_by_what_differs(
    planned: Path, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attest, "machine", lambda: HERE)
    attest.fits(manifest.verify(planned), planned)
    other = Machine(**{**HERE.to_dict(), key: "another"})
    monkeypatch.setattr(attest, "machine", lambda: other)
    with pytest.raises(InputError, match=rf"built for .* {getattr(HERE, key)}, this machine has another"):
        attest.attest(planned, world.LATENCY, "")


@pytest.mark.usefixtures("never_opened")
def test_a_changed_plan_is_refused(planned: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attest, "machine", lambda: HERE)
    world.flip(planned / "model.plan")
    with pytest.raises(InputError, match=r"model\.plan: SHA-256"):
        attest.attest(planned, world.LATENCY, "")


def test_outputs_beyond_the_tolerance_are_refused_with_the_figures(bundle: Path, tmp_path: Path) -> None:
    other = world.bundle(tmp_path / "other", 4)  # its boxes lie one pixel beside
    shutil.copyfile(other / "model.onnx", bundle / "model.onnx")
    world.change(bundle / "manifest.json", "onnx_sha256", value=sha256_file(bundle / "model.onnx"))
    with pytest.raises(InputError, match=r"a box by 1 px \(0\.1 is allowed\), at fp32"):
        attest.attest(bundle, world.LATENCY, "")
    with pytest.raises(InputError, match="does not say what its ONNX file says"):
        build.build(bundle, tmp_path / "engine", None, PLAN, "")
    assert not (tmp_path / "engine").exists()


def test_no_proof_is_written_of_what_does_not_hold(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(keys.VARIABLE, str(tmp_path / "state"))
    keys.create(tmp_path / "state")
    world.flip(bundle / "model.onnx")
    done = CliRunner().invoke(app, ["engine", "verify", str(bundle), "--proof", str(tmp_path / "proof.json")])
    assert isinstance(done.exception, InputError)
    assert not (tmp_path / "proof.json").exists()


# --- building -----------------------------------------------------------------------------------


def test_an_onnx_runtime_engine_is_the_bundle_checked_and_copied(bundle: Path, tmp_path: Path) -> None:
    (bundle / "stray.txt").write_text("not in the manifest")
    done = CliRunner().invoke(app, ["engine", "build", str(bundle), "--out", str(tmp_path / "engine")])
    assert done.exit_code == 0, done.exception
    engine = tmp_path / "engine"
    assert sorted(
        path.relative_to(engine).as_posix() for path in engine.rglob("*") if path.is_file()
    ) == sorted([*FILES, "manifest.json"])
    assert all(sha256_file(engine / name) == sha256_file(bundle / name) for name in (*FILES, "manifest.json"))
    with pytest.raises(InputError, match="is there already"):
        build.build(bundle, engine, None, PLAN, "")


def test_tensorrt_is_refused_cleanly_where_it_is_missing(bundle: Path, tmp_path: Path) -> None:
    words = ["engine", "build", str(bundle), "--target", "tensorrt", "--out", str(tmp_path / "engine")]
    with pytest.raises(InputError, match="TensorRT is not installed"):
        raise CliRunner().invoke(app, words).exception or AssertionError
    assert not (tmp_path / "engine").exists()


def test_a_plan_is_bound_to_this_machine_and_the_bundle_keeps_its_name(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All but TensorRT's own calls: what they would return is put in their place."""

    def planned(onnx: Path, imgsz: Size, target: PlanParams, plan: Path) -> dict[str, str]:
        assert onnx.is_file() and imgsz == (32, 32) and target.precision == "fp16"
        plan.write_bytes(b"a plan")
        named = {key: str(getattr(HERE, key)) for key in ("gpu", "driver", "l4t", "tensorrt")}
        return {**named, "precision": target.precision, "plan_sha256": sha256_file(plan)}

    held: list[tuple[str, str]] = []
    monkeypatch.setattr("provenline.engines.tensorrt_build.require", lambda target: None)
    monkeypatch.setattr("provenline.engines.tensorrt_build.build_plan", planned)
    monkeypatch.setattr(attest, "machine", lambda: HERE)
    monkeypatch.setattr(attest, "compare", lambda folder, made, device: held.append((made.runs_at, device)))
    made = build.build(bundle, tmp_path / "engine", "tensorrt", PLAN, "")
    assert held == [("fp16", "cuda")]
    assert manifest.verify(tmp_path / "engine") == made and made.runtime == "tensorrt"
    before = manifest.read(bundle).to_dict()
    assert manifest.identity(made.to_dict()) == manifest.identity(before)
    assert {**made.to_dict(), "hardware": None} == before
    # Built again from that engine for ONNX Runtime, it is the bundle again.
    monkeypatch.undo()
    again = build.build(tmp_path / "engine", tmp_path / "again", "onnxruntime", PLAN, "")
    assert again.to_dict() == before and not (tmp_path / "again/model.plan").exists()


def test_a_tensorrt_bundle_without_a_plan_does_not_fall_back_in_silence(
    bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = {"kind": "tensorrt", "name": "tensorrt-fp16", "device": "cuda"}
    world.change(bundle / "manifest.json", "target", value=target)
    with pytest.raises(InputError, match="holds no TensorRT plan"):
        attest.attest(bundle, world.LATENCY, "")
