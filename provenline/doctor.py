"""What this machine can do for the line, and what is missing."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import yaml

from provenline.residency import PLACEHOLDER, no_address

State = Literal["ok", "missing", "note"]
BASE = (
    "numpy", "pandas", "pyarrow", "opencv-python", "av", "onnxruntime", "pydantic", "cryptography",
    "dvc", "dvc-s3",
)  # fmt: skip
TRAIN = ("torch", "torchvision", "ultralytics", "mlflow", "hydra-core", "faster-coco-eval", "onnx")


@dataclass(frozen=True)
class Finding:
    """One line of the doctor's report: what was looked at, how it stands, and the mend if it is missing."""

    about: str
    state: State
    text: str


def examine(root: Path = Path()) -> list[Finding]:
    """Look at the interpreter, the packages, the accelerator, the disk and the project at ``root``.

    Imports no heavy package and touches no network.
    """
    gpus = _gpus()
    return [
        _python(),
        *[_package(name, "pip install -e .") for name in BASE],
        *[_package(name, "make setup", needed=(root / "dvc.yaml").exists()) for name in TRAIN],
        _one_opencv(),
        _opencv_opens(),
        _gpu(*gpus),
        *_devices(root, len(gpus[0])),
        _tensorrt(),
        _resources(root),
        _browser(),
        *_project(root),
    ]


def healthy(findings: list[Finding]) -> bool:
    """Return whether nothing is missing."""
    return all(finding.state != "missing" for finding in findings)


def _python() -> Finding:
    text = f"{platform.python_version()} ({platform.machine()})"
    return Finding("python", "ok" if sys.version_info >= (3, 11) else "note", text)


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _package(name: str, mend: str, *, needed: bool = True) -> Finding:
    # The GPU build carries the CPU provider and is the one that is installed on Linux x86-64.
    version = _version(name) or (_version("onnxruntime-gpu") if name == "onnxruntime" else None)
    if version:
        return Finding(name, "ok", version)
    return Finding(name, "missing" if needed else "note", f"not installed: {mend}")


def _one_opencv() -> Finding:
    others = ("opencv-python-headless", "opencv-contrib-python", "opencv-contrib-python-headless")
    second = [name for name in others if _version(name)]
    if second:
        return Finding(
            "one OpenCV", "missing", f"{', '.join(second)} stands beside opencv-python: uninstall it"
        )
    return Finding("one OpenCV", "ok", "opencv-python alone")


def _opencv_opens() -> Finding:
    command = [sys.executable, "-c", "import cv2"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    if done.returncode:
        why = (done.stderr.strip() or "no message").splitlines()[-1]
        return Finding("OpenCV opens", "missing", f"{why}: apt-get install libgl1 libglib2.0-0 libxcb1")
    return Finding("OpenCV opens", "ok", "its system libraries are here")


def _gpus() -> tuple[list[str], str]:
    """Return a line for each GPU, and why there is none."""
    if shutil.which("nvidia-smi") is None:
        return [], "none: use profile=cpu (the default)"
    command = ["nvidia-smi", "--query-gpu=name,driver_version,memory.total", "--format=csv,noheader"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)
    except (OSError, subprocess.TimeoutExpired) as error:
        return [], f"nvidia-smi failed: {error}"
    if done.returncode:
        return [], f"nvidia-smi failed: {done.stderr.strip() or done.stdout.strip()}"
    return done.stdout.strip().splitlines(), "none"


def _gpu(found: list[str], why: str) -> Finding:
    if not found:
        return Finding("GPU", "note", why)
    profile = "profile=gpu" if len(found) == 1 else "profile=gpu, or profile=multi_gpu for several"
    return Finding("GPU", "ok", f"{'; '.join(found)}: use {profile}")


def _devices(root: Path, here: int) -> list[Finding]:
    """Hold the GPUs that the composed parameters ask for against how many are here."""
    try:
        wanted = str(yaml.safe_load((root / "params.yaml").read_text(encoding="utf-8"))["profile"]["device"])
    except (OSError, yaml.YAMLError, KeyError, TypeError):
        return []  # no project, or one that `make params` will complain about
    asked = [one.strip().removeprefix("cuda:") for one in wanted.split(",")]
    if set(asked) == {"cpu"}:
        return []
    text = f"params.yaml asks for {len(asked)} (profile.device: {wanted}), {here} here"
    if all(one.isdigit() and int(one) < here for one in asked):
        return [Finding("GPUs asked for", "ok", text)]
    mend = 'make params ARGS="profile=cpu", or name in profile.device those that are here'
    return [Finding("GPUs asked for", "missing", f"{text}: {mend}")]


def _tensorrt() -> Finding:
    if importlib.util.find_spec("tensorrt") is None:
        return Finding("TensorRT", "note", "none: TensorRT targets are refused, ONNX Runtime targets work")
    return Finding("TensorRT", "ok", _version("tensorrt") or "found")


def _resources(root: Path) -> Finding:
    free = shutil.disk_usage(root.resolve()).free / 1e9
    text = f"{os.cpu_count()} cores, {free:.0f} GB of disk free"
    return Finding(
        "machine", "ok" if free > 10 else "missing", text if free > 10 else f"{text}: 10 GB are needed"
    )


def _browser() -> Finding:
    found = next((p for p in ("chromium", "chromium-browser", "google-chrome") if shutil.which(p)), None)
    return Finding("browser", "ok" if found else "note", found or "none: only the browser tests need one")


def _project(root: Path) -> list[Finding]:
    if not (root / "dvc.yaml").exists():
        return [Finding("project", "note", "no dvc.yaml here: engines run, the line does not")]
    params = root / "params.yaml"
    return [
        Finding("params.yaml", "ok", "found")
        if params.exists()
        else Finding("params.yaml", "missing", "make params"),
        Finding("git", "ok", "found") if shutil.which("git") else Finding("git", "missing", "install git"),
        _remote(root / ".dvc"),
    ]


def _remote(folder: Path) -> Finding:
    files = (folder / "config", folder / "config.local")
    text = "\n".join(path.read_text(encoding="utf-8") for path in files if path.exists())
    urls = re.findall(r"^\s*url\s*=\s*(\S+)", text, re.MULTILINE)
    if all(url.startswith(PLACEHOLDER) for url in urls):
        return Finding("S3 remote", "note", str(no_address("storage")))
    return Finding("S3 remote", "ok", "named; `provenline push --check` says whether data may go there")
