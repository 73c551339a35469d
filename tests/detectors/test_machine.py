"""What a machine says of itself: programs and files in the form that their makers document."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from provenline.detectors import machine as machines
from provenline.detectors.bundle import PLAN
from provenline.detectors.machine import Machine, differences, gpu_and_driver, l4t, machine
from provenline.detectors.manifest import Hardware
from provenline.detectors.tensorrt_model import _check_machine
from provenline.engines.power import power
from provenline.errors import InputError

RELEASE = (
    "# R36 (release), REVISION: 4.3, GCID: 38968081, BOARD: generic, EABI: aarch64, DATE: Wed Jan  8 "
    "01:49:37 UTC 2025\n# KERNEL_VARIANT: oot\n"
)
HARDWARE = {
    "gpu": "Orin",
    "driver": "540.4.0",
    "l4t": "R36.4.3",
    "tensorrt": "10.3.0",
    "precision": "fp16",
    "plan_sha256": "0" * 64,
}
HERE = Machine(gpu="Orin", driver="540.4.0", l4t="R36.4.3", tensorrt="10.3.0", onnxruntime="1.20.0")


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of its own in front of the path."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return folder


def program(folder: Path, name: str, prints: str, status: int = 0) -> None:
    (folder / name).write_text(f"#!/bin/sh\ncat <<'END'\n{prints}\nEND\nexit {status}\n")
    (folder / name).chmod(0o755)


def test_a_gpu_is_named_by_its_driver(programs: Path) -> None:
    program(programs, "nvidia-smi", "NVIDIA H100 80GB HBM3, 550.54.15\nNVIDIA H100 80GB HBM3, 550.54.15")
    assert gpu_and_driver() == ("NVIDIA H100 80GB HBM3", "550.54.15")
    program(programs, "nvidia-smi", "NVIDIA-SMI has failed", status=9)
    assert gpu_and_driver() == (None, None)


def test_a_jetson_is_named_by_its_board_and_its_release(tmp_path: Path, programs: Path) -> None:
    program(programs, "nvidia-smi", "Orin (nvgpu), 540.4.0")
    root = tmp_path / "root"
    write(root / "etc/nv_tegra_release", RELEASE)
    write(root / "proc/device-tree/model", "NVIDIA Jetson Orin Nano Developer Kit\0")
    found = machine(root)
    assert (found.gpu, found.driver) == ("NVIDIA Jetson Orin Nano Developer Kit", "540.4.0")
    assert found.l4t == "R36.4.3" and found.onnxruntime
    assert l4t(tmp_path / "elsewhere") is None
    # A board of another kind has a device tree as well: only a Jetson's is its GPU.
    write(tmp_path / "board/proc/device-tree/model", "Raspberry Pi 5\0")
    assert machine(tmp_path / "board").gpu == "Orin (nvgpu)"


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("gpu", "Xavier", "built for GPU Orin, this machine has Xavier"),
        ("driver", "535", "built for driver 540.4.0, this machine has 535"),
        ("l4t", "R36.3.0", r"built for JetPack \(L4T\) R36.4.3, this machine has R36.3.0"),
        ("tensorrt", None, "built for TensorRT 10.3.0, this machine has none"),
    ],
)
def test_each_difference_is_refused_by_name(
    key: str, value: str | None, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hardware = Hardware.model_validate(HARDWARE)
    monkeypatch.setattr("provenline.detectors.tensorrt_model.machine", lambda: HERE)
    _check_machine(hardware, Path(PLAN))
    other = Machine(**{**HERE.to_dict(), key: value})
    monkeypatch.setattr("provenline.detectors.tensorrt_model.machine", lambda: other)
    with pytest.raises(InputError, match=says) as caught:
        _check_machine(hardware, Path(PLAN))
    assert str(caught.value).count("built for") == 1


def test_all_differences_are_named_at_once() -> None:
    found = differences(HARDWARE, Machine(None, None, None, None, None))
    assert [text.split(",")[0].split()[2] for text in found] == ["GPU", "driver", "JetPack", "TensorRT"]


def test_a_module_without_metadata_is_asked_for_its_version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorrt", SimpleNamespace(__version__="10.3.0", __spec__=object()))
    monkeypatch.setattr(machines, "installed", lambda package: None)
    assert machine().tensorrt == "10.3.0"


def test_the_runtime_that_runs_is_named_whatever_packages_are_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    import onnxruntime

    monkeypatch.setattr(machines, "installed", lambda package: "0.0.1")  # of a package that was overwritten
    assert machine().onnxruntime == onnxruntime.__version__
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    assert machine().onnxruntime is None


def test_clocks_and_power_mode_are_what_the_system_tells(tmp_path: Path, programs: Path) -> None:
    root = tmp_path / "root"
    for core, now in ((0, 729600), (4, 1510400)):
        folder = root / f"sys/devices/system/cpu/cpufreq/policy{core}"
        write(folder / "scaling_governor", "schedutil\n")
        write(folder / "scaling_cur_freq", f"{now}\n")
        write(folder / "scaling_max_freq", "1510400\n")
    gpu = root / "sys/class/devfreq/17000000.gpu"
    write(gpu / "min_freq", "306000000\n")
    write(gpu / "max_freq", "624750000\n")
    program(programs, "nvpmodel", "NV Power Mode: 15W\n0")
    program(programs, "nvidia-smi", "1980, 1980, 2619, 121.50, [N/A]")
    assert power(root) == {
        "governor": "schedutil",
        "cpu_mhz": 1510,
        "cpu_max_mhz": 1510,
        "nvpmodel": "15W",
        "gpu_pinned": False,
        "gpu": {"clocks.sm": 1980.0, "clocks.max.sm": 1980.0, "clocks.mem": 2619.0, "power.draw": 121.5},
    }
    write(gpu / "min_freq", "624750000\n")
    assert power(root)["gpu_pinned"] is True


def test_a_system_that_tells_nothing_is_not_guessed_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert power(tmp_path) == {}
